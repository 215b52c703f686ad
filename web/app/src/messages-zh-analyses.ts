// Chinese: the tab Analyses. Names of papers, formulas and formats stay.

import { analysesMessages } from './messages-analyses.js';
import type { AnalysisWords } from './messages-analyses.js';
import type { Translation } from './messages.js';

/** Formula and source are the same in every language. */
function told(id: keyof typeof analysesMessages.analysis, name: string, question: string): AnalysisWords {
  return { ...analysesMessages.analysis[id], name, question };
}

/** Of so many intervals of 95 %, how many leave out the truth. */
const byChance = (all: number): string => `，仅凭随机约有 ${Math.round(all / 20)} 个`;
const layer = (at: number): string => `第 ${at} 层：`;

const found: NonNullable<Translation['analyses']>['found'] = {
  legends: {
    bars: '须线：95 % 区间。虚线：随机的结果。', difference: '颜色：与随机的差，蓝色高于，橙色低于。圆点：95 % 区间不含随机值。',
    lines: '色带：95 % 区间。点线：随机的结果。', shuffled: '随机是指同样的词元打乱顺序。',
  },
  load: {
    title: '各层各专家的词元份额',
    found: (at, expert, share, even, variation, random, differ, all) =>
      `${layer(at)}专家 ${expert} 最忙，占 ${share} 的词元，平均份额是 ${even}。负载的变异系数为 ${variation}，随机选择为 ${random}。全部各层中 ${all} 个专家有 ${differ} 个偏离平均份额${byChance(all)}。`,
  },
  balance: {
    losses: ['均衡损失', '首选损失', '重要性损失', 'z 损失'], evenness: ['变异系数', '最忙与平均之比', '有效专家数', '闲置专家'],
    titles: { losses: '各层的损失', evenness: '各层负载的均匀程度' },
    foundLosses: (at, loss) => `${layer(at)}均衡损失为 ${loss}；选择与得分无关时为 1，训练把它压向 1。`,
    foundEvenness: (at, effective, random, idle) => `${layer(at)}负载相当于 ${effective} 个专家，随机选择相当于 ${random} 个；${idle} 的专家从不作用。`,
  },
  repetition: {
    title: '与前一个词元选择相同的词元', axis: '词元份额', choices: { first: '首选', any: '任一选择' },
    found: (at, share, low, high, chance) => `${layer(at)}${share} 的词元与前一个词元首选相同（95 %：${low} 到 ${high}）；随机为 ${chance}。`,
  },
  labels: {
    domains: (at) => `领域与专家，第 ${at} 层`, tokens: (at) => `词元与专家，第 ${at} 层`,
    strongest: (name, expert, share, chance, differ, all) => `${name} 有 ${share} 的词元交给专家 ${expert}，随机为 ${chance}。${all} 个份额中有 ${differ} 个与随机不同${byChance(all)}。`,
    none: '这些文本中没有出现 10 次的词元；请选择更多文本。',
    vocabulary: (at, ids, share, even) => `${layer(at)}${ids} 个词元编号出现了 10 次以上；平均 ${share} 的出现交给该词元最偏爱的专家，平均份额是 ${even}。`,
    distance: '各领域的选择与总体的距离', distanceLegend: '份额之差绝对值之和的一半：0 相同，1 毫无重合。虚线：同样多的随机词元的平均。', largest: '39 次随机中最大',
    farthest: (at, name, distance, chance, far, all) => `${layer(at)}${name} 的路由与其余差别最大，距离 ${distance}，同样多的随机词元为 ${chance}。${all} 个中有 ${far} 个超过 39 次随机。`,
  },
  pairs: {
    together: (at) => `共同作用的专家，第 ${at} 层`, alone: (at) => `${layer(at)}没有两个专家作用于同一词元。`,
    conditional: (at, expert, share, other, chance) => `${layer(at)}专家 ${expert} 的词元中有 ${share} 也有专家 ${other}，随机为 ${chance}`,
    jaccard: (at, expert, share, other, chance) => `${layer(at)}专家 ${expert} 和 ${other} 的词元合起来，${share} 两者都有，随机为 ${chance}`,
    partners: (count) => `；一个专家平均有 ${count} 个伙伴，与它共同作用的次数超过随机的两倍。`,
    flow: (at, next) => `从第 ${at} 层到第 ${next} 层`, layer: (at) => `第 ${at} 层`, flowLegend: '词元的专家两两都算，不只是名次相同的。',
    flowFound: (at, next, expert, share, to, chance, differ, all) => `从第 ${at} 层到第 ${next} 层：专家 ${expert} 的词元有 ${share} 接着去专家 ${to}，两层互不相关时为 ${chance}；${all} 对中有 ${differ} 对与此不同${byChance(all)}。`,
  },
  tokens: {
    titles: { entropy: '得分的熵（奈特），按层和位置', top_share: '最高得分的份额，按层和位置', margin: '最后选中者与下一个的得分差，按层和位置' },
    position: (bin) => (bin === 1 ? '位置' : `位置，每列 ${bin} 个`), equal: (chance) => `得分全部相等时为 ${chance}。`,
    found: (at, mean, low, high, chance) => `${layer(at)}平均 ${mean}（95 %：${low} 到 ${high}）；得分全部相等时为 ${chance}。`,
  },
  segments: {
    title: (at) => `片段路由最佳表现，第 ${at} 层`, axis: '窗口中的词元', short: '文本不足 4 个词元；请选择更长的。',
    found: (at, length, f1, chance) => `${layer(at)}每 ${length} 个词元固定一组专家，F1 为 ${f1}；同样的词元打乱顺序为 ${chance}。`,
  },
  caches: {
    title: (at) => `专家缓存的命中率，第 ${at} 层`, axes: ['缓存中的专家', '命中'],
    policies: { belady: '最佳可能', fixed: '每 16 个的最佳组', segment: '预看 16 个', lru: 'LRU', lfu: 'LFU' }, none: '专家这么少的层不需要缓存。',
    found: (at, size, lru, chance, best) => `${layer(at)}${size} 个专家的 LRU 缓存命中 ${lru}；同样的词元打乱顺序为 ${chance}，这种大小的按需缓存最多 ${best}。`,
  },
  drops: {
    title: (what, at) => `${what}与容量，第 ${at} 层`, axes: { factor: '容量（平均份额的倍数）', choices: '失去的选择', stranded: '没有专家的词元' }, orders: { order: '按顺序', batch_priority: '高分优先' },
    choices: (at, inOrder, best, random) => `${layer(at)}容量等于平均份额时，按顺序有 ${inOrder} 的选择遇到专家已满，高分优先时为 ${best}；随机选择失去 ${random}。`,
    stranded: (at, inOrder, best, random) => `${layer(at)}容量等于平均份额时，按顺序有 ${inOrder} 的词元失去全部专家，高分优先时为 ${best}；随机选择时为 ${random}。`,
  },
  agreement: {
    titles: { overlap: '两种路由的专家重合', divergence: '得分的 Jensen-Shannon 散度（奈特）' },
    found: (at, share, low, high, chance) => `${layer(at)}两种路由在一个词元上共有 ${share} 的专家（95 %：${low} 到 ${high}）；随机为 ${chance}。`,
  },
  ablation: {
    title: (at) => `关掉一个专家的代价，第 ${at} 层`, legend: '每词元奈特。须线：各词元的 95 % 区间。虚线：禁用负载最接近的三个专家的平均代价。',
    found: (at, expert, loss, cost, low, high, control) => `${layer(at)}没有专家 ${expert} 时，${loss} 奈特的损失变化 ${cost}（95 %：${low} 到 ${high}）；禁用负载相近的三个专家之一平均为 ${control}。`,
  },
};

export const chineseAnalyses: Pick<Translation, 'analyses'> = {
  analyses: {
    ...analysesMessages,
    found,
    analysis: {
      load: told('load', '专家负载', '哪些专家得到多少词元，离平均份额多远？'),
      balance: told('balance', '均衡', '负载有多均匀，训练会怎么评价？'),
      domains: told('domains', '领域与专家', '专家是否偏爱某些种类的文本？'),
      vocabulary: told('vocabulary', '词汇与专家', '同一个词元无论在哪里都去同一个专家吗？'),
      co_activation: told('co_activation', '共同激活', '哪些专家一起作用于一个词元？'),
      tokens: told('tokens', '路由器的把握', '路由器在各层、各位置有多大把握？'),
      flow: told('flow', '层到层', '一层的专家能预示下一层的专家吗？'),
      repetition: told('repetition', '重复', '词元的选择和前一个词元相同吗？'),
      segments: told('segments', '局部性（SRP）', '一段文本能共用少数专家吗？'),
      caches: told('caches', '专家缓存（SCH）', '专家有多常已在小缓存中？'),
      drops: told('drops', '容量', '如果每个专家只收这么多，哪些词元会失去专家？'),
      agreement: told('agreement', '两种路由', '同一文本的两种路由选择有多相似？'),
      ablation: told('ablation', '关掉一个', '禁用一个专家的代价，与禁用同样忙的专家相比？'),
    },
    missing: {
      layers: '至少一个专家层和一些词元；这份轨迹没有', layer_pairs: '两个专家层；这份轨迹只有一个', scores: '路由器的得分；这份轨迹只有选择。本页保存的文件和 “moescope trace” 的文件有得分',
      logits: '路由器的对数几率；这份轨迹没有。本页保存的文件和 “moescope trace” 的文件有', ids: '词元编号；这份轨迹没有说明是哪些词元', predicted: '模型预期的下一个词元；只有 “moescope trace” 的文件有',
      label_pairs: '至少两种文本：各领域的示例、几个文件，或含几段文本的轨迹', second: '同样词元的第二次运行：选择另一种策略，或打开第二份轨迹',
      same_tokens: '同样词元的两次运行；这两次不同', same_layers: '层和专家数相同的两次运行；这两次不同',
    },
    variants: {
      losses: '损失', evenness: '均匀程度', shares: '份额', distance: '与总体的距离', input: '按词元本身', next: '按下一个词元', predicted: '按预期的词元', conditional: '占行专家的词元', jaccard: 'Jaccard',
      entropy: '熵', top_share: '最高者的份额', margin: '差距', choices: '失去的选择', stranded: '失去全部专家的词元', overlap: '专家的重合', divergence: '得分的散度',
    },
    sources: { current: '显示的文本', domains: '各领域的示例', own: '你的文本', import: '文件中的轨迹' },
    menu: '分析', texts: '文本', variant: '查看', against: '第二种路由', asTrained: '训练时', layer: '层', layerValue: (at, last) => `第 ${at} 层，最后 ${last} 层`,
    run: '运行', again: '再次运行', cancel: '取消', result: '结果', progress: '正在分析',
    running: { texts: (done) => `正在读文本，${done}`, layers: (done, total) => `${total} 层中的第 ${done} 层`, bans: (done, total) => `${total} 次中的第 ${done} 次`, file: '正在读文件' },
    facts: (model, tokens, layers, experts) => `${model}：${tokens} 个词元，${layers} 个专家层，每层 ${experts} 个专家`,
    stale: '这些数字属于别的文本、层或路由，不是现在选择的。', empty: '还没有运行。', needs: (what) => `需要${what}。`,
    needsText: '还没有文本：在“语言”页写一段，或在这里选择别的文本。', needsModel: '这些文本要由模型来读，而模型还没到。显示的文本和文件中的轨迹不需要模型。',
    needsOwn: '粘贴一段文本，或打开文本文件。', needsDomain: '至少选择一个领域。', needsFile: '打开一份轨迹文件。', needsModelForBans: '关掉专家需要实时模型和文本；文件中的轨迹不够。',
    sameRouting: '两种路由相同：在“语言”页改变路由，或在这里选择第二种策略。', failed: (message) => `未运行：${message}`,
    own: { label: '你的文本', placeholder: '粘贴一段文本 …', files: '打开文本文件', cut: (letters) => `只读前 ${letters} 个字符。` },
    domains: '领域',
    import: {
      open: '打开轨迹', second: '打开第二份轨迹', experts: '每层专家数', expertsHelp: '文件没有说明时',
      help: 'moe-routing-atlas 的 JSON 或 JSON 行、vLLM 的 routed experts（JSON 或 .npy）、llama.cpp 的 moe-trace CSV、“moescope trace”，或在此保存的轨迹。什么都不会发送出去。',
      opened: (name) => `已打开：${name}`, drop: '或把文件拖到这里',
    },
    columns: {
      layer: '层', next: '下一层', expert: '专家', with: '与', to: '到', domain: '领域', token: '词元', seen: '出现', measure: '度量', choice: '选择', window: '窗口', size: '缓存', policy: '策略', factor: '容量',
      order: '顺序', figure: '数值', low: '从', high: '到（95 %）', chance: '随机', standing: '与随机相比',
    },
    standing: { above: '高于', below: '低于', same: '与随机相当' },
    table: '数值', more: (shown, all) => `${all} 行中的前 ${shown} 行；复制包含全部。`, saveTrace: '保存轨迹', traceFormat: '轨迹格式', notes: '关于这份轨迹',
  },
};
