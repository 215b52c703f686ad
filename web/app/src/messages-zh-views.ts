// Chinese: tints, loads, copying, comparing, the fixed sample, single experts, and what sits above the router.

import type { Translation } from './messages.js';

export const chineseViews: Pick<Translation, 'tint' | 'side' | 'keep' | 'compare' | 'sample' | 'expert' | 'decoding'> = {
  tint: {
    label: '着色依据',
    by: { expert: '第一专家', entropy: '熵', count: '专家数', loss: '损失', margin: '差距', difference: '与训练时的差异' },
    help: {
      entropy: '比特；路由器犹豫时高', count: '作用于该词元的专家数', loss: '奈特；模型感到意外时高', margin: '最后选中者高出第一个落选者的得分',
      difference: '只被两种路由之一选中的专家所占的份额',
    },
    legend: '图例与筛选', only: (from, to) => `只看 ${from} 到 ${to}`, unknown: '尚不知道：需要实时模型读这段文本',
  },
  side: { label: '文本旁', yard: '站场', load: '负载', loadHelp: '每个专家作用的词元份额；线是平均份额。点击打开该专家。' },
  keep: {
    label: (name) => `复制或保存：${name}`, short: '⋯', csv: '复制 CSV', json: '复制 JSON', svg: '保存 SVG', png: '保存 PNG',
    copied: (rows) => `已复制 ${rows} 行`, saved: (file) => `已保存 ${file}`, failed: (message) => `未完成：${message}`, nothing: '这里没有可画的内容',
    text: '文本', layers: '各层', router: '路由器',
  },
  compare: {
    heading: '比较 A 和 B', start: '从这里比较', startHelp: '把现在的路由作为 A；此后的更改是 B。A 还可以有自己的模型和输入。', a: 'A', b: 'B', swap: '交换 A 和 B',
    noSwap: '页面的文本由它自己写成，所以 A 自己的文本不能变成 B 的。', end: '结束比较',
    model: 'A 的模型', asB: (model) => `同 B：${model}`, opening: (model, percent) => `正在为 A 载入 ${model}${percent === undefined ? '……' : `：${percent} %`}`,
    notOpened: (message) => `A 的模型未能打开。${message}`,
    input: {
      text: { label: 'A 的文本', as: '同 B', hold: '保留 B 的文本', same: '与 B 相同的文本' },
      picture: { label: 'A 的图片', as: '同 B', hold: '保留这张图片', same: '与 B 相同的图片' },
    },
    inputHelp: { text: 'A 保留它，B 换成另一段。', picture: 'A 保留它；然后为 B 另选一张。' },
    notInLink: (most) => `太长，链接只能带 ${most} 个字符。`,
    help: {
      text: '两边是同一段文本。词元上方的横条：所示层的专家不同。', picture: '所示层的两边。图像块的白框：与另一边同一位置的专家不同。',
      apart: '每一边按自己的专家着色。没有标出变化，因为另一边没有与之对应的。',
    },
    waiting: { text: '有了文本和实时模型，就会读取两边。', picture: '有了图片和模型，就会查看两边。' },
    against: (difference) => `与另一边相差 ${difference}`, bytes: (bits) => `每字节 ${bits} 比特`, otherSide: (share) => `另一边 ${share}`,
    classes: (side) => `各类别的概率，${side} 边`, mark: '竖线是另一边的概率。',
    layer: '层', loadOf: (side) => `负载，${side}`, worth: (experts, of) => `${experts} / ${of}`, busiest: (expert, share) => `专家 ${expert} 最多，${share}`,
    load: '负载的散度', divergence: '路由器的散度',
    measure: 'Jensen-Shannon 散度：0 比特为相同，1 比特为毫无共同。负载是全部选择中的份额，其上的数是它相当于几个专家（e 的熵次方）；路由器逐一比较。', changed: { text: '换了专家的词元', picture: '换了专家的图像块' },
    bits: (bits) => `${bits} 比特`,
    notes: {
      label: '请注意',
      inputs: {
        text: '两段文本不同，词元没有对应者：只比较各层负载，不比较变化的词元和路由器；损失各属于自己的文本。',
        picture: '两张图片不同：图像块按位置比较，尽管内容不同。',
      },
      cut: { text: '两个模型把文本切成不同的词元，词元没有对应者；损失请看每字节比特数。', picture: '两个模型把图片切成不同的图像块，图像块没有对应者。' },
      models: (a, b) => `两个模型的专家各有自己的编号：${a} 的专家 3 不一定做 ${b} 的专家 3 所做的事。应比较负载有多平均，而不是由谁承担。`,
      layers: (a, b) => `A 在第 ${a.join('、')} 层有专家，B 在第 ${b.join('、')} 层：只有两边都有的层才有散度。`,
      experts: (layers, a, b) => `第 ${layers.join('、')} 层 A 有 ${a} 个专家，B 有 ${b} 个，所以负载和路由器没有散度。`,
      dense: (model) => `${model} 没有专家，所以只能比较损失。`,
      own: '你自己的路由器只在页面的模型中起作用；另一个模型按训练时的方式路由。',
    },
  },
  sample: {
    heading: '固定样本上', help: '模型读过的每个领域各一小段文本上的损失，对每种路由都相同。', line: (now, trained) => `现在 ${now}，训练时 ${trained}`,
    reading: (left) => `还剩 ${left} 段`, failed: (message) => `未读：${message}`, none: '需要实时模型',
  },
  expert: {
    heading: (expert, layer) => `第 ${layer} 层的专家 ${expert}`, open: (expert) => `关于专家 ${expert}`, close: '关闭', act: '对它做什么',
    ban: '禁用', banTerm: '它从不作用（restrict.disabled）', force: '强制', forceTerm: '它作用于每个词元（restrict.forced）', up: '上推', down: '下推',
    nudgeTerm: '加到它的对数几率上（adjust.offsets）', nudged: (by) => `它的对数几率移动了 ${by}，`, where: { all: '作用于所有层。', layer: '作用于这一层。' },
    load: (load, even, tokens) => `作用于 ${tokens} 个词元中的 ${load}；平均份额是 ${even}。`, favourites: '偏爱的词元',
    favouritesHelp: '至少出现三次；其中选它的份额。', seen: (seen, share) => `出现 ${seen} 次，${share} 选了这个专家`, domains: '领域',
    domainsHelp: (even) => `各领域词元的份额；线是平均份额 ${even}。`, neighbours: '同事', neighboursHelp: '它的词元中另一个也作用的份额；线是另一个总体上的频率。',
    thisText: '这段文本', none: '还没有。',
  },
  decoding: {
    contrast: {
      heading: '自对比', toggle: '远离弱路由', help: '弱路由也期待的东西会被压低。每个词元要算两遍，从下一段文本起生效。', weak: '弱路由',
      rank: (rank) => `只用第 ${rank + 1} 名专家`, alpha: '可信门槛', alphaHelp: '词元至少要有最高概率的这个份额（alpha）', beta: '推力',
      betaHelp: '得分离开弱路由多远（beta）', table: '自对比做了什么', token: '词元', strong: '强', weakColumn: '弱', score: '得分', valid: '留下',
      invalid: '对强路由来说太不可信，不能获胜', taken: '已抽取', instead: '只用强路由会抽取的', differs: (text) => `没有对比时同一次抽取会取“${text}”。`,
      agrees: '没有对比时同一次抽取也会取它。', divergence: (nats) => `弱路由相距 ${nats} 奈特（KL）。`,
    },
    adapt: {
      heading: '适应这段文本', help: '寻找能更好预测所示文本的路由偏移。这里损失更低，不等于后面写得更好。', start: '适应路由', again: '继续适应', cancel: '停止适应',
      remove: '去掉偏移', running: (before, now, step, steps) => `损失 ${before} → ${now}，第 ${step}/${steps} 步`,
      method: { gradient: '沿梯度', search: '随机试探' }, done: (how, before, after, percent) => `损失 ${before} → ${after}（${how}）；${percent} 的词元换了专家。`,
      noGain: (loss) => `没有找到更好的；损失仍是 ${loss}。`, failed: (message) => `未适应：${message}`, needs: '需要实时模型和文本。', edit: '已适应', removed: '未适应',
    },
  },
};
