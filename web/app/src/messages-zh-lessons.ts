// Chinese: the ten lessons.

import type { Translation } from './messages.js';

const cost = ['每词元不到 0.1 奈特', '0.1 到 0.5 奈特', '超过 0.5 奈特'];

export const chineseLessons: Required<Pick<Translation, 'lessons'>> = {
  lessons: {
    heading: '十课', help: '每课先请你预测，再让你转一个旋钮，然后用引擎在你的文本上测得的结果回答。',
    each: {
      expert: {
        title: '什么是专家', about: '一层里有许多小网络，路由器为每个词元挑几个。',
        look: ['这个模型的一层有许多小网络，叫专家，还有一个路由器。路由器为每个词元给每个专家打分，只有最好的几个工作。',
          '这里每个词元的颜色是它的第一专家。移动“层”滑块：同样的词在每一层分配不同。用行尾的箭头打开一个专家，看它喜欢哪些词元。'],
        ask: '“专家”下的横条是这一层的负载。最忙的专家作用于多少词元？', options: ['不到四分之一', '四分之一到一半', '一半以上'],
        task: '关掉最忙的专家，即横条最长的那个。它的词元只好去别处。',
        found: ([expert, share, loss]) => `专家 ${expert} 作用于 ${share} 的词元。去掉它后损失变化 ${loss} 奈特/词元。`,
      },
      topk: {
        title: '旋钮 k', about: '一个词元用几个专家是一个数，运行时就能转动。',
        look: ['Top-k 是作用于每个词元的专家数。专家加倍，这些层的计算也加倍，不必重新训练。', '小三角标出训练时的数。损失说明模型对文本有多惊讶：越低越好。'],
        ask: '模型从没只用过一个专家。只留一个会损失多少？', options: cost, task: '把 Top-k 转到 1，等“代价”下的两个数。',
        found: ([before, after, difference]) => `从 ${before} 到 ${after}：在这段文本上 ${difference} 奈特/词元。`,
      },
      balance: {
        title: '平衡与坍缩', about: '没有平衡的推力，路由器可能把一切都交给少数专家。',
        look: ['路由器觉得某个专家有用，就多给它词元，它学得更多，也就更有用。训练通常加一项小损失，推向平均负载。', 'nine 用了这项损失，nine-collapsed 没有，其余相同。负载的熵说明有多少专家在用。'],
        ask: '没有平衡损失的模型还在用多大一部分专家？', options: ['不到 30 %', '30 到 60 %', '超过 60 %'], task: '用“模型”按钮打开 nine-collapsed，让它写。',
        found: ([used, all]) => `在这段文本上它的各层用了 ${all} 个中的 ${used} 个专家（负载熵的指数，各层平均）。`,
      },
      shared: {
        title: '共享与细粒度专家', about: '许多小专家，外加一个总在工作的。',
        look: ['nine-shared 的专家数加倍、每个不到一半大，取四个，另有一个作用于每个词元，不管路由器怎么说。', '所有词元都需要的可以放在共享专家里，小专家就能各有所长。'],
        ask: '它训练时每个词元用四个小专家。只用一个会损失多少？', options: cost, task: '把 Top-k 转到 1。共享专家继续工作。',
        found: ([before, after, difference]) => `从 ${before} 到 ${after}：${difference} 奈特/词元，共享专家还在。`,
      },
      hard: {
        title: '难的词元用更多专家', about: 'Top-p 取专家直到凑够总分的一个份额，所以个数会变。',
        look: ['Top-p 不固定专家个数。它取最好的，直到合起来占到给定的份额：有把握的路由器取得少，犹豫的取得多。', '提出它的论文发现，在这样训练的模型里，更难的任务用更多专家。这个模型不是这样训练的。颜色表示每个词元用几个专家。'],
        ask: '在这里，损失最高的四分之一词元比最低的四分之一用更多专家吗？', options: ['更少', '差不多，相差 0.1 以内', '更多'], task: '选择策略 top_p。',
        found: ([hard, easy, difference]) => `最难的四分之一每词元每层用 ${hard} 个专家，最易的用 ${easy} 个：相差 ${difference}。`,
      },
      patches: {
        title: '图像块去哪里', about: '图像被切成小块，每块像词元一样被路由。',
        look: ['视觉模型把图像切成小块并逐块路由。决定去向的常是位置和纹理，而不是所画的东西。', '打开“视觉”页，选一个样本，看第一个和最后一个专家层。'],
        ask: '', options: [], task: '', found: () => '',
      },
      ablation: {
        title: '关掉一个，并设对照', about: '一个专家是否重要，只有与同样忙的相比才知道。',
        look: ['关掉一个专家会让文本更不可能。单凭这一点说明不了什么：任何同样忙的专家都会这样。', '所以要有对照。你关掉最忙的专家时，页面也测量改为关掉负载最接近的那个会怎样。'],
        ask: '与对照相比，失去最忙的专家……', options: ['损害更小', '一样，相差 0.02 奈特以内', '损害更大'], task: '关掉横条最长的专家。',
        found: ([expert, mine, control]) => `没有专家 ${expert}，损失变化 ${mine}；对照为 ${control} 奈特/词元。`,
      },
      nulls: {
        title: '空专家与跳过', about: '什么也不做的专家让词元省掉计算。',
        look: ['AdaMoE 加入空专家，它们什么也不做，也不花代价。把一个位置交给它的词元就少用真专家。', '这里它们的对数几率是常数，因为模型训练时没有它们。颜色表示每个词元用几个真专家。'],
        ask: '在这段文本上省下多少计算？', options: ['不到 20 %', '20 到 50 %', '超过 50 %'], task: '选择策略 adamoe。',
        found: ([before, after, saved, loss]) => `每词元每层从 ${before} 到 ${after} 个专家：省 ${saved}，代价 ${loss} 奈特/词元。`,
      },
      cache: {
        title: '专家缓存', about: '放不下全部专家的设备希望词元留在已有的专家上。',
        look: ['小设备上多数专家在磁盘里，缓存保留最近用过的。若词元想要的正是前面词元用过的专家，缓存就划算：这就是路由的局部一致性。',
          '页面统计：每层的缓存能放四分之一的专家，淘汰最久没用的，想要的专家有多少次在其中。'],
        ask: '每个词元用一个而不是两个专家时，缓存命中……', options: ['更少', '一样，相差 3 个百分点以内', '更多'], task: '把 Top-k 转到 1。',
        found: ([size, before, after]) => `每层 ${size} 个专家的缓存，训练时的路由命中 ${before} 的选择，只用一个专家时命中 ${after}。`,
      },
      dense: {
        title: '稀疏何时胜过稠密', about: '每个词元同样的计算，有专家可选和没有。',
        look: ['nine-dense 没有专家。它对每个词元做与 nine 同样多的计算，读过同样的文本，参数少得多。', '页面比较它们在固定样本上的损失，这些文本两个模型都没读过。'],
        ask: '与稠密模型相比，nine 的损失……', options: ['更高', '相同，相差 0.02 奈特以内', '更低'], task: '打开 nine，等固定样本读完，再打开 nine-dense，再等一次。',
        found: ([sparse, dense, difference]) => `nine ${sparse}，nine-dense ${dense}：相差 ${difference} 奈特/词元。`,
      },
    },
    number: (n) => `第 ${n} 课`, start: (title) => `开始：${title}`, all: '全部课程', steps: ['看', '预测', '转动并观察'], next: '下一步', back: '上一步', nextLesson: '下一课',
    choose: '先选一个再继续。', waiting: '等待测量。转动旋钮并读完文本后就有结果。', needsModel: '要有实时模型才能测量：它正在路上，或用“模型”按钮选一个。',
    right: '你的预测正确。', wrong: (mine, right) => `你说“${mine}”，实际是“${right}”。`, noGuess: (right) => `答案是“${right}”。`,
    missing: (models) => `这一课需要${models.map((name) => (name === 'vision' ? '一个视觉模型' : `模型 ${name}`)).join('和')}，本站还没有。文件夹放到 models/ 下后即可使用。`,
    missingShort: '需要另一个模型', openVision: '打开视觉页', reset: '撤销我的更改',
  },
};
