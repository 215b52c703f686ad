// Chinese: what a token costs, and how FLOPs are reckoned.

import type { Translation } from './messages.js';

const formula = 'FLOPs：一次乘法加一次加法算两次运算，所以一个 m × n 的矩阵要 2mn 次。设模型宽度为 D，查询头 H 个、键头 G 个，头宽 h，上下文有 c 个位置，专家 E 个、隐藏宽度 F、其中 n 个起作用，词表大小为 V；则每层的注意力为 2D(2Hh + 2Gh) + 4Hhc，路由器为 2DE，专家为 6DFn，输出头为 2DV。归一化和激活函数不计。这是模型所需的运算量，不是某个引擎实际执行的运算量。';

export const chineseWork: Pick<Translation, 'work'> = {
  work: {
    caption: { token: '每个词元的计算量', patch: '每个图像块的计算量' },
    now: '现在', trained: '训练时', change: '变化',
    experts: '专家', flops: 'FLOPs', agreement: '专家相同',
    parts: 'FLOPs 的算法',
    formula: { token: formula, patch: `${formula}对图像块来说，c 是图像块数；不随路由变化的输入层和分类层不计。` },
    part: { attention: '注意力', router: '路由器', experts: '专家', shared: '共享专家', dense: '稠密层', head: '输出头' },
  },
};
