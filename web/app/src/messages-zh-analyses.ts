// Chinese: the tab Analyses. Names of papers, formulas and formats stay.

import type { AnalysesMessages, AnalysisWords } from './messages-analyses.js';
import type { Translation } from './messages.js';

/** Of so many intervals of 95 %, how many leave out the truth. */
const byChance = (all: number): string => `（仅凭偶然约有 ${Math.round(all / 20)} 个）`;
const layer = (at: number): string => `第 ${at} 层：`;

const found: AnalysesMessages['found'] = {
  legends: {
    bars: '误差线：95 % 置信区间。虚线：随机水平。', difference: '颜色：与随机水平之差，蓝色为高于，橙色为低于。', dots: '圆点：95 % 置信区间不含随机水平。',
    lines: '色带：95 % 置信区间。点线：随机水平。', shuffled: '随机水平由同样的词元打乱顺序得出。',
  },
  load: {
    title: '各层各专家的词元占比',
    found: (at, expert, share, even, variation, random, differ, all) =>
      `${layer(at)}专家 ${expert} 最忙，处理 ${share} 的词元，平均份额为 ${even}。负载的变异系数为 ${variation}，随机选择时为 ${random}。各层共 ${all} 个专家，其中 ${differ} 个偏离平均份额${byChance(all)}。`,
  },
  balance: {
    losses: ['负载均衡损失', '首选损失', '重要性损失', 'z 损失'], evenness: ['变异系数', '最忙者与平均之比', '有效专家数', '闲置专家'],
    titles: { losses: '各层的损失', evenness: '各层负载的均匀程度' },
    foundLosses: (at, loss) => `${layer(at)}负载均衡损失为 ${loss}；选择与得分无关时为 1，训练会把它压向 1。`,
    foundEvenness: (at, effective, random, idle) => `${layer(at)}负载相当于 ${effective} 个专家，随机选择时相当于 ${random} 个；${idle} 的专家从未被用到。`,
  },
  repetition: {
    title: '与前一个词元选择相同的词元', axis: '词元占比', choices: { first: '首选', any: '任一选择' },
    found: (at, share, low, high, chance) => `${layer(at)}${share} 的词元与前一个词元首选专家相同（95 %：${low} 到 ${high}）；随机水平为 ${chance}。`,
  },
  labels: {
    domains: (at) => `领域与专家，第 ${at} 层`, tokens: (at) => `词元与专家，第 ${at} 层`,
    strongest: (name, expert, share, chance, differ, all) => `${name}有 ${share} 的词元交给专家 ${expert}，随机水平为 ${chance}。${all} 个占比中有 ${differ} 个不同于随机水平${byChance(all)}。`,
    none: '这些文本中没有出现 10 次的词元；请选择更多文本。',
    vocabulary: (at, ids, share, even) => `${layer(at)}${ids} 种词元至少出现了 10 次；一种词元的各次出现中，平均有 ${share} 交给它最常用的专家，平均份额为 ${even}。`,
    distance: '各领域的选择与总体的距离', distanceLegend: '占比之差的绝对值之和的一半：0 为相同，1 为毫无重合。虚线：随机抽取同样多词元时的平均值。', largest: '39 次随机抽取中的最大值',
    farthest: (at, name, distance, chance, far, all) => `${layer(at)}${name}的路由与其余领域差别最大，距离为 ${distance}，随机抽取同样多词元时为 ${chance}。${all} 个领域中有 ${far} 个超过全部 39 次随机抽取。`,
  },
  pairs: {
    together: (at) => `共激活的专家，第 ${at} 层`, alone: (at) => `${layer(at)}没有哪两个专家处理同一个词元。`,
    conditional: (at, expert, share, other, chance) => `${layer(at)}专家 ${expert} 的词元中有 ${share} 也由专家 ${other} 处理，随机水平为 ${chance}`,
    jaccard: (at, expert, share, other, chance) => `${layer(at)}专家 ${expert} 和 ${other} 的词元合在一起，其中 ${share} 由两者共同处理，随机水平为 ${chance}`,
    partners: (count) => `；每个专家平均有 ${count} 个伙伴，与它共激活的次数超过随机水平的两倍。`,
    flow: (at, next) => `从第 ${at} 层到第 ${next} 层`, layer: (at) => `第 ${at} 层`, flowLegend: '一个词元在两层的专家两两配对都计入，不只是名次相同的。',
    flowFound: (at, next, expert, share, to, chance, differ, all) => `从第 ${at} 层到第 ${next} 层：专家 ${expert} 的词元有 ${share} 接着走向专家 ${to}，若两层互不相关则为 ${chance}；${all} 对中有 ${differ} 对与此不同${byChance(all)}。`,
  },
  tokens: {
    titles: { entropy: '得分的熵（奈特），按层和位置', top_share: '最高得分所占份额，按层和位置', margin: '最后一个入选者与下一个的分差，按层和位置' },
    position: (bin) => (bin === 1 ? '位置' : `位置，每列 ${bin} 个`), equal: (chance) => `得分全部相等时为 ${chance}。`,
    measures: { entropy: '得分的熵（奈特）', top_share: '最高得分所占份额', margin: '最后一个入选者的分差' },
    found: (at, measure, mean, low, high, chance) => `${layer(at)}${measure}平均为 ${mean}（95 %：${low} 到 ${high}）；得分全部相等时为 ${chance}。`,
  },
  segments: {
    title: (at) => `片段路由最佳性能（SRP），第 ${at} 层`, axis: '窗口长度（词元）', short: '文本不足 4 个词元；请选择更长的文本。',
    found: (at, length, f1, chance) => `${layer(at)}每 ${length} 个词元固定用一组专家，F1 为 ${f1}；把同样的词元打乱顺序则为 ${chance}。`,
  },
  caches: {
    title: (at) => `专家缓存的命中率，第 ${at} 层`, axes: ['缓存的专家数', '命中率'],
    policies: { belady: '按需最优', fixed: '每 16 个词元的最佳组', segment: '预看 16 个词元', lru: 'LRU', lfu: 'LFU' }, none: '这一层专家太少，不需要缓存。',
    found: (at, size, lru, chance, best) => `${layer(at)}容纳 ${size} 个专家的 LRU 缓存命中率为 ${lru}；把同样的词元打乱顺序则为 ${chance}；这种大小的按需缓存最多能达到 ${best}。`,
  },
  drops: {
    title: (what, at) => `${what}与容量，第 ${at} 层`, axes: { factor: '容量（平均份额的倍数）', choices: '丢失的选择', stranded: '没有专家的词元' }, orders: { order: '按顺序', batch_priority: '高分优先' },
    choices: (at, inOrder, best, random) => `${layer(at)}容量等于平均份额时，按顺序时有 ${inOrder} 的选择遇到专家已满，高分优先时为 ${best}；随机选择时为 ${random}。`,
    stranded: (at, inOrder, best, random) => `${layer(at)}容量等于平均份额时，按顺序时有 ${inOrder} 的词元失去全部专家，高分优先时为 ${best}；随机选择时为 ${random}。`,
  },
  agreement: {
    titles: { overlap: '两种路由的专家重合度', divergence: '得分的 Jensen-Shannon 散度（奈特）' },
    found: (at, share, low, high, chance) => `${layer(at)}两种路由为同一个词元选的专家有 ${share} 相同（95 %：${low} 到 ${high}）；随机水平为 ${chance}。`,
  },
  ablation: {
    title: (at) => `关掉一个专家的代价，第 ${at} 层`, legend: '单位：奈特/词元。误差线：对各词元的 95 % 置信区间。虚线：分别禁用负载最接近的三个专家时的平均代价。',
    found: (at, expert, loss, cost, low, high, control) => `${layer(at)}没有专家 ${expert} 时，损失（${loss} 奈特）变化 ${cost}（95 %：${low} 到 ${high}）；改为禁用负载相近的三个专家之一，平均变化 ${control}。`,
  },
};

function analysis(english: AnalysesMessages['analysis']): AnalysesMessages['analysis'] {
  /** What is not said here, such as the paper and a formula without words, is the same in every language. */
  const told = (id: keyof typeof english, name: string, question: string, more: Partial<AnalysisWords> = {}): AnalysisWords =>
    ({ ...english[id], name, question, ...more });
  return {
    load: told('load', '专家负载', '每个专家分到多少词元，与平均份额差多少？', { formula: 'N_i / N；平均份额 k / E' }),
    balance: told('balance', '负载均衡', '负载有多均匀？训练用的损失会怎样评价？', { formula: 'E · Σ f_i P_i；(log Σ e^z)²；N_i 的标准差 / 平均值' }),
    domains: told('domains', '领域与专家', '专家是否偏爱某些领域的文本？', { formula: '一个领域的词元中选用专家 i 的占比，对照 k / E' }),
    vocabulary: told('vocabulary', '词汇与专家', '同一个词元无论出现在哪里，都交给同一个专家吗？', { formula: '编号为 x 的词元中选用专家 i 的占比；只计至少出现 10 次的编号' }),
    co_activation: told('co_activation', '共激活', '哪些专家会一起处理同一个词元？'),
    tokens: told('tokens', '路由器的确定性', '路由器在各层、各位置上有多确定？', { source: '通用' }),
    flow: told('flow', '层间流向', '知道一层的专家，能预知下一层的专家吗？', { formula: '专家 i 的词元在下一层选用 j 的占比；k · k 对全部计入' }),
    repetition: told('repetition', '重复', '词元的选择与前一个词元相同吗？', { formula: '首选（或任一选择）与前一个词元相同的词元占比；1 / E' }),
    segments: told('segments', '局部性（SRP）', '一段连续的文本能共用少数几个专家吗？', { formula: '对 a 取最大值：2 Σ_{f ≥ a} f / (m · #{f ≥ a} + Σ f)' }),
    caches: told('caches', '专家缓存（SCH）', '要用的专家有多大比例已在一个小缓存里？', { formula: '命中次数 / 使用次数，缓存容纳 ρ · k 个专家' }),
    drops: told('drops', '容量', '如果每个专家只收限定数量的词元，哪些词元会失去专家？', { formula: '容量 C · N k / E，按顺序或高分优先' }),
    agreement: told('agreement', '两种路由', '对同一段文本，两种路由的选择有多相似？', { formula: '|S ∩ S′| / k 的平均值；p 的 Jensen-Shannon 散度', source: 'OLMoE（路由器饱和度）' }),
    ablation: told('ablation', '关掉一个专家', '禁用一个专家的代价有多大？与禁用同样忙的专家相比呢？', { formula: '去掉 i 之后的损失 − 原损失，取平均；对负载相近的 3 个专家同样计算', source: '通用；对照为本项目所加' }),
  };
}

/** The tab comes with its English words when it is wanted, and these are put over them. */
export const chineseAnalyses: Pick<Translation, 'analyses'> = {
  analyses: (english) => ({
    ...english,
    found,
    analysis: analysis(english.analysis),
    missing: {
      layers: '至少一个 MoE 层和一些词元；这份轨迹里没有', layer_pairs: '两个 MoE 层；这份轨迹只有一个', scores: '路由器的得分；这份轨迹只有选择结果。本页保存的文件和“moescope trace”的文件含有得分',
      logits: '路由器的 logit；这份轨迹里没有。本页保存的文件和“moescope trace”的文件含有', ids: '词元编号；这份轨迹没有说明是哪些词元', predicted: '模型预测的下一个词元；只有“moescope trace”的文件含有',
      label_pairs: '至少两类文本：各领域的示例、多个文件，或含多段文本的轨迹', second: '同样词元的第二次运行：请选择另一种策略，或打开第二份轨迹',
      same_tokens: '同样词元的两次运行；这两次不同', same_layers: '层数和专家数都相同的两次运行；这两次不同',
    },
    variants: {
      losses: '损失', evenness: '均匀程度', shares: '占比', distance: '与总体的距离', input: '按词元本身', next: '按下一个词元', predicted: '按预测的词元', conditional: '占该行专家的词元', jaccard: 'Jaccard',
      entropy: '熵', top_share: '最高得分的份额', margin: '分差', choices: '丢失的选择', stranded: '失去全部专家的词元', overlap: '专家的重合度', divergence: '得分的散度',
    },
    sources: { current: '当前显示的文本', domains: '各领域的示例', own: '你自己的文本', import: '文件中的轨迹' },
    menu: '分析', texts: '文本', variant: '查看', against: '第二种路由', asTrained: '训练时', layer: '层', layerValue: (at, last) => `第 ${at} 层，最后一层是第 ${last} 层`,
    run: '运行', again: '再次运行', cancel: '取消', result: '结果', progress: '正在分析',
    running: { texts: (done) => `正在读取文本，${done}`, layers: (done, total) => `第 ${done} 层，共 ${total} 层`, bans: (done, total) => `第 ${done} 次运行，共 ${total} 次`, file: '正在读取文件' },
    facts: (model, tokens, layers, experts) => `${model}：${tokens.toLocaleString('en')} 个词元，${layers} 个 MoE 层，每层 ${experts} 个专家`,
    stale: '这些数字来自别的文本、层或路由，与现在的选择不一致。', empty: '还没有运行过分析。', writing: '文本正在生成，写完后显示分析结果。', needs: (what) => `需要${what}。`,
    needsText: '还没有文本：请在“语言”页写一段，或在这里选择别的文本。', needsModel: '这些文本要先由模型读一遍，而模型尚未载入。当前显示的文本和文件中的轨迹不需要模型。',
    needsOwn: '粘贴一段文本，或打开文本文件。', needsDomain: '至少选择一个领域。', needsFile: '打开一份轨迹文件。', needsModelForBans: '关掉专家需要实时模型和一段文本；只有文件中的轨迹还不够。',
    sameRouting: '两种路由相同：请在“语言”页更改路由，或在这里选择第二种策略。', failed: (message) => `未能运行：${message}`,
    own: { label: '你的文本', placeholder: '粘贴一段文本……', files: '打开文本文件', cut: (letters) => `只读取前 ${letters.toLocaleString('en')} 个字符。` },
    domains: '领域',
    import: {
      open: '打开轨迹', second: '打开第二份轨迹', experts: '每层专家数', expertsHelp: '文件中没有注明时填写',
      help: 'moe-routing-atlas 的 JSON 或 JSON Lines、vLLM 的 routed experts（JSON 或 .npy）、llama.cpp 的 moe-trace CSV、“moescope trace”，或在本页保存的轨迹。不会上传任何内容。',
      opened: (name) => `已打开：${name}`, drop: '或把文件拖到这里',
    },
    columns: {
      layer: '层', next: '下一层', expert: '专家', with: '共同专家', to: '去向', domain: '领域', token: '词元', seen: '出现次数', measure: '度量', choice: '选择', window: '窗口', size: '缓存', policy: '缓存策略', factor: '容量',
      order: '顺序', figure: '数值', low: '下限', high: '上限（95 %）', chance: '随机水平', standing: '与随机相比',
    },
    standing: { above: '高于', below: '低于', same: '相当' },
    table: '数值', more: (shown, all) => `显示前 ${shown} 行，共 ${all.toLocaleString('en')} 行；复制时包含全部。`, saveTrace: '保存轨迹', traceFormat: '轨迹格式', notes: '关于这份轨迹',
  }),
};
