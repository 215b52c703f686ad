// Chinese: what a token costs, and how FLOPs are reckoned.

import type { Translation } from './messages.js';

const formula = 'FLOPs：一次乘法加一次加法算两次运算，所以 m × n 的矩阵要 2mn 次。设宽度为 D，H 个查询头、G 个键头，头宽 h，上下文 c 个位置，E 个专家、隐藏宽度 F、其中 n 个起作用，词表为 V：每层注意力 2D(2Hh + 2Gh) + 4Hhc，路由器 2DE，专家 6DFn，输出头 2DV。归一化和激活不计。这是模型需要的运算，而不是某个引擎实际做的。';

export const chineseWork: Pick<Translation, 'work'> = {
  work: {
    caption: { token: '每个词元的计算', patch: '每个图块的计算' },
    now: '现在', trained: '训练时', change: '变化',
    experts: '专家', flops: 'FLOPs', agreement: '相同的专家',
    parts: 'FLOPs 怎样计算',
    formula: { token: formula, patch: `${formula}对图块来说 c 是图块数；不随路由变化的入口卷积和分类不计。` },
    part: { attention: '注意力', router: '路由器', experts: '专家', shared: '共享专家', dense: '稠密层', head: '输出头' },
  },
};
