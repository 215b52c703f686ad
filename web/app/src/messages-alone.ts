// The words of what one expert does to one token, in both languages.

export const aloneMessages = {
  alone: {
    heading: 'Alone at this token',
    headingAt: (token: string, position: number) => `Alone at token ${position}, “${token}”`,
    help: (change: string) =>
      `The model reads up to this token twice: routed ${change === '' ? 'as it was trained' : `as it is set now (${change})`}, and with this expert in the place of all others at this token and layer, with their whole weight.`,
    asking: 'Asking the expert …',
    waits: 'Asked as soon as the text is written.',
    needsModel: 'Needs the live model.',
    needsText: 'Needs a text.',
    chosen: (weight: string, share: string, cosine: string) =>
      `The router chose it here with weight ${weight}: it makes ${share} of what the chosen experts add together, and points their way with a cosine of ${cosine} (1 the same way, 0 unrelated).`,
    idle: (cosine: string, length: string) =>
      `The router did not choose it here: what it would add has a cosine of ${cosine} with what the chosen experts add (1 the same way, 0 unrelated) and is ${length} times as long.`,
    divergence: (bits: string) => `Alone it would move the prediction by ${bits} bits (Jensen-Shannon: 0 the same, 1 nothing in common).`,
    shared: 'The shared expert of this layer acts in both cases.',
    unitsHelp: (units: number) =>
      `Of its ${units} hidden units those that add most to its output here; a bar to the left is an activation below zero. The tokens are read off what a unit writes, through the output embedding, after`,
    otherText: 'This text was written by another model, which has other tokens: write a new one.',
    planCannotTell: 'The fast plan on WebGPU keeps nothing of what happens inside an expert; the engine on the CPU can tell.',
    failed: (message: string) => `Not asked: ${message}.`,
  },
};

export const chineseAlone: typeof aloneMessages = {
  alone: {
    heading: '在这个词元上单独作用',
    headingAt: (token, position) => `在第 ${position} 个词元“${token}”上单独作用`,
    help: (change) => `模型把文本读到这个词元为止，共读两遍：一遍按${change === '' ? '训练时的路由' : `现在设定的路由（${change}）`}；另一遍在这一层、这个词元上只用该专家，由它取代其他所有专家并承担全部权重。`,
    asking: '正在计算该专家的作用……',
    waits: '文本写完后开始计算。',
    needsModel: '需要实时模型。',
    needsText: '需要一段文本。',
    chosen: (weight, share, cosine) => `路由器在这里选中了它，权重为 ${weight}：各入选专家的输出之和中有 ${share} 来自它，它的输出与总和的余弦相似度为 ${cosine}（1 为同向，0 为无关）。`,
    idle: (cosine, length) => `路由器在这里没有选它：它若参与，其输出与各入选专家输出之和的余弦相似度为 ${cosine}（1 为同向，0 为无关），长度是后者的 ${length} 倍。`,
    divergence: (bits) => `只用它时，预测分布会变化 ${bits} 比特（Jensen-Shannon 散度：0 为相同，1 为毫无重合）。`,
    shared: '这一层的共享专家在两种情况下都起作用。',
    unitsHelp: (units) => `它的 ${units} 个隐藏单元中，在此处对其输出贡献最大的几个；向左的横条表示激活值为负。词元是把单元写入的向量经输出嵌入读出的，方法见`,
    otherText: '这段文本由另一个模型生成，两者的词元不同：请重新生成。',
    planCannotTell: 'WebGPU 上的快速计划不保留专家内部的计算结果；请改用 CPU 引擎。',
    failed: (message) => `未能计算：${message}。`,
  },
};
