// Chinese: tints, loads, copying, comparing, the fixed sample, single experts, and what sits above the router.

import type { Translation } from './messages.js';

export const chineseViews: Pick<Translation, 'tint' | 'side' | 'keep' | 'compare' | 'sample' | 'expert' | 'decoding'> = {
  tint: {
    label: '着色依据',
    by: { expert: '首选专家', entropy: '熵', count: '专家数', loss: '损失', margin: '分差', difference: '与训练时的差异' },
    help: {
      entropy: '比特；路由器越犹豫，值越高', count: '处理该词元的专家数', loss: '奈特；模型越感到意外，值越高', margin: '最后一个入选专家比第一个落选专家高出的得分',
      difference: '只被两种路由之一选中的专家所占比例',
    },
    legend: '图例与筛选', only: (from, to) => `只看 ${from} 到 ${to}`, unknown: '尚无数据：需要实时模型读过这段文本',
  },
  side: { label: '文本旁的视图', yard: '路径图', load: '负载', loadHelp: '每个专家处理的词元占比；横线为平均份额。点击可打开该专家。' },
  keep: {
    label: (name) => `复制或保存：${name}`, short: '⋯', csv: '复制 CSV', json: '复制 JSON', svg: '保存 SVG', png: '保存 PNG',
    copied: (rows) => `已复制 ${rows} 行`, saved: (file) => `已保存 ${file}`, failed: (message) => `未完成：${message}`, nothing: '这里没有可以画出的内容',
    text: '文本', layers: '各层', router: '路由器',
  },
  compare: {
    heading: '比较 A 和 B', start: '从这里开始比较', startHelp: '把现在的路由固定为 A，此后的更改算作 B。A 还可以换成另一个模型和输入。', a: 'A', b: 'B', swap: '交换 A 和 B',
    noSwap: 'B 的文本由页面自己生成，所以 A 的单独文本不能换到 B。', end: '结束比较',
    model: 'A 的模型', asB: (model) => `同 B：${model}`, opening: (model, percent) => `正在为 A 载入 ${model}${percent === undefined ? '……' : `：${percent} %`}`,
    notOpened: (message) => `A 的模型未能打开。${message}`,
    input: {
      text: { label: 'A 的文本', as: '同 B', hold: '固定 B 的文本', same: '与 B 相同的文本' },
      picture: { label: 'A 的图片', as: '同 B', hold: '固定这张图片', same: '与 B 相同的图片' },
    },
    inputHelp: { text: 'A 保留这段文本，B 可以换成另一段。', picture: 'A 保留这张图片，再为 B 另选一张。' },
    notInLink: (most) => `文本太长，链接只能带上其中的 ${most} 个字符。`,
    help: {
      text: '两边是同一段文本。词元上方有横条：在当前层，两边的专家不同。', picture: '当前层的两边。图像块带白框：与另一边同一位置的专家不同。',
      apart: '每一边按各自的专家着色。两边没有对应关系，所以不标出变化。',
    },
    waiting: { text: '有了文本和实时模型之后，两边都会计算。', picture: '有了图片和模型之后，两边都会计算。' },
    against: (difference) => `与另一边相差 ${difference}`, bytes: (bits) => `每字节 ${bits} 比特`, otherSide: (share) => `另一边为 ${share}`,
    classes: (side) => `各类别的概率，${side} 边`, mark: '竖线为另一边的概率。',
    layer: '层', loadOf: (side) => `负载，${side}`, worth: (experts, of) => `${experts} / ${of}`, busiest: (expert, share) => `专家 ${expert} 最多，占 ${share}`,
    load: '负载的散度', divergence: '路由器的散度',
    measure: 'Jensen-Shannon 散度：0 比特为完全相同，1 比特为毫无重合。负载是各专家在全部选择中的份额，上方的数字是它相当于几个专家（e 的熵次方）；路由器的得分按词元逐一比较。', changed: { text: '换了专家的词元', picture: '换了专家的图像块' },
    bits: (bits) => `${bits} 比特`,
    notes: {
      label: '请注意',
      inputs: {
        text: '两段文本不同，词元之间没有对应关系：只比较各层的负载，不比较路由器和变化的词元；两个损失各属于自己的文本。',
        picture: '两张图片不同：图像块仍按位置逐一比较，尽管内容不同。',
      },
      cut: { text: '两个模型把文本切成不同的词元，词元之间没有对应关系；损失请比较每字节比特数。', picture: '两个模型把图片切成不同的图像块，图像块之间没有对应关系。' },
      models: (a, b) => `两个模型的专家各自编号：${a} 的专家 3 与 ${b} 的专家 3 不一定做同样的事。请比较负载是否均匀，而不是由哪个专家承担。`,
      layers: (a, b) => `A 在第 ${a.join('、')} 层有专家，B 在第 ${b.join('、')} 层：只有两边都有的层才有散度。`,
      experts: (layers, a, b) => `第 ${layers.join('、')} 层 A 有 ${a} 个专家，B 有 ${b} 个，所以负载和路由器没有散度。`,
      dense: (model) => `${model} 没有专家，所以只能比较损失。`,
      own: '你自己的路由器只在本页的模型中起作用；另一个模型仍按训练时的方式路由。',
    },
  },
  sample: {
    heading: '固定样本', help: '在模型学过的每个领域各取一小段文本，计算其上的损失；每种路由用的都是同样的文本。', line: (now, trained) => `现在 ${now}，训练时 ${trained}`,
    reading: (left) => `还剩 ${left} 段`, failed: (message) => `未能读取：${message}`, none: '需要实时模型',
  },
  expert: {
    heading: (expert, layer) => `第 ${layer} 层的专家 ${expert}`, open: (expert) => `查看专家 ${expert}`, close: '关闭', act: '对它的操作',
    ban: '禁用', banTerm: '它不再处理任何词元（restrict.disabled）', force: '强制启用', forceTerm: '它处理每一个词元（restrict.forced）', up: '调高', down: '调低',
    nudgeTerm: '加到它的 logit 上（adjust.offsets）', nudged: (by) => `它的 logit 变动了 ${by}，`, where: { all: '作用于所有层。', layer: '作用于当前层。' },
    load: (load, even, tokens) => `处理 ${tokens} 个词元中的 ${load}；平均份额为 ${even}。`, favourites: '偏爱的词元',
    favouritesHelp: '至少出现三次的词元；百分数是其中选用该专家的比例。', seen: (seen, share) => `出现 ${seen} 次，其中 ${share} 选用了这个专家`, domains: '领域',
    domainsHelp: (even) => `它在各领域处理的词元占比；竖线为平均份额 ${even}。`, neighbours: '共激活的专家', neighboursHelp: '在它处理的词元中，对方也参与的比例；竖线为对方在全部词元中的比例。',
    thisText: '这段文本', none: '暂无。',
  },
  decoding: {
    contrast: {
      heading: '自对比', toggle: '远离弱路由', help: '弱路由同样看好的词元会被压低。每个词元要计算两遍，从下一段文本起生效。', weak: '弱路由',
      rank: (rank) => `只用第 ${rank + 1} 名专家`, alpha: '可信门槛', alphaHelp: '词元的概率至少要达到最高概率的这个比例（alpha）', beta: '推力',
      betaHelp: '把得分推离弱路由多远（beta）', table: '自对比的作用', token: '词元', strong: '强', weakColumn: '弱', score: '得分', valid: '保留',
      invalid: '在强路由看来太不可信，已排除', taken: '采样结果', instead: '只用强路由时的采样结果', differs: (text) => `不用自对比时，同一次采样会得到“${text}”。`,
      agrees: '不用自对比时，同一次采样也会得到它。', divergence: (nats) => `与弱路由相距 ${nats} 奈特（KL 散度）。`,
    },
    adapt: {
      heading: '适应这段文本', help: '为路由器寻找能更好预测所示文本的偏移。这里损失更低，不等于接下来写得更好。', start: '开始适应', again: '继续适应', cancel: '停止适应',
      remove: '去除偏移', running: (before, now, step, steps) => `损失 ${before} → ${now}，第 ${step}/${steps} 步`,
      method: { gradient: '沿梯度', search: '随机搜索' }, done: (how, before, after, percent) => `损失 ${before} → ${after}（${how}）；${percent} 的词元换了专家。`,
      noGain: (loss) => `没有找到更好的偏移；损失仍为 ${loss}。`, failed: (message) => `未能适应：${message}`, needs: '需要实时模型和一段文本。', edit: '已适应', removed: '未适应',
    },
  },
};
