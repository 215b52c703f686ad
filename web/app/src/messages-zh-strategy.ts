// Chinese: the menu of strategies. Names of presets, and the papers they come from, stay as they are.

import type { GroupScore, Need, ScoreFunction, Select, WeightSource } from 'moescope';

import type { Translation } from './messages.js';
import type { MethodFacts, SettingWords } from './messages-strategy.js';

type Method = Select['method'];

const methods: Partial<Record<Method, (facts: MethodFacts) => string>> = {
  top_k: ({ by, topK, nExperts, inside, filled, nulls }) => {
    if (nulls > 0) return `每个词元的 ${topK} 个位置按${by}由专家和 ${nulls} 个什么也不做的空专家来填`;
    if (topK >= inside && !filled) return `每个词元用${inside < nExperts ? '其中' : ''}全部 ${inside} 个专家`;
    return `每个词元用${by}最高的 ${topK} 个专家${topK > inside ? '（未开放的组里的没有权重）' : ''}`;
  },
  top_p: ({ by, number }) => `每个词元按${by}从高到低取专家，直到超过总分的 ${number}`,
  threshold: ({ by, number }) => `每个词元取${by}高于 ${number} 的所有专家`,
  min_p: ({ by, number }) => `每个词元取至少达到最高${by} ${number} 的所有专家`,
  n_sigma: ({ by, number }) => `每个词元取${by}距最高不超过 ${number} 个标准差的专家`,
  gap: ({ by }) => `每个词元取最好的专家，直到两个${by}之间的最大间隔`,
  random: ({ topK }) => `每个词元随机用 ${topK} 个专家`,
  rank: ({ by }) => `每个词元用按${by}排在指定名次的专家，而不是最好的`,
  dense: () => '每个词元用全部专家',
  expert_choice: ({ by, capacity }) => `每个专家收下${by}最高的词元${capacity === undefined ? '' : `，至多为平均份额的 ${capacity} 倍`}`,
  hash: ({ topK }) => `每个词元用按词元编号一次抽定的 ${topK} 个专家，不看得分`,
  round_robin: ({ topK }) => `词元轮流用接下来的 ${topK} 个专家，不看得分`,
  external: () => '由你自己的路由器为每个词元决定',
  replay: () => '每个词元去录制的运行中去过的地方',
  previous_layer: () => '每个词元用前一层选的专家',
  sticky: ({ by, topK }) => `每个词元用${by}最高的 ${topK} 个专家，前一个词元的专家有优势`,
  soft: () => '每个专家处理所有词元的混合',
};

const needs: Partial<Record<Need, string>> = {
  learned_nulls: '需要带有训练过的空专家的门控', token_importance: '需要每个词元的重要性，而这个模型没有', external_router: '需要你自己的路由器，而现在没有运行的',
};

const settings: Readonly<Record<string, SettingWords>> = {
  top_p: { label: 'p', help: '选中的专家要超过的总分份额' },
  min_p: { label: 'min-p', help: '专家要达到的最高分份额' },
  threshold: { label: '阈值', help: '专家要超过的得分' },
  margin: { label: '余量', help: '新来者要比在位者高出的得分' },
  'adjust.null_experts': { label: '空专家', help: '什么也不做的专家数' },
  'adjust.null_logit': { label: '空专家的对数几率', help: '空专家在 softmax 之前的得分' },
  'restrict.topk_groups': { label: '开放的组', help: '对一个词元开放的专家组数' },
  'prune.ratio': { label: '低于则跳过', help: '专家要达到的最重权重的份额' },
  'limit.capacity_factor': { label: '容量', help: '一个专家收下的词元，以平均份额的倍数计' },
  'weigh.scale': { label: '倍数', help: '权重乘以此数' },
  min_experts: { label: '至少', help: '每个词元的专家数' },
  max_experts: { label: '至多', help: '每个词元的专家数；0 表示不限' },
};

const scores: Readonly<Record<ScoreFunction, string>> = {
  softmax: ' softmax 得分', sigmoid: ' sigmoid 得分', relu: ' ReLU 得分', identity: '对数几率', sinkhorn: ' Sinkhorn 得分（在所有词元间摊平）',
};

const weights: Readonly<Record<Exclude<WeightSource, 'scores'>, string>> = {
  softmax_selected: '权重为只在选中者之间的 softmax', sigmoid: '权重为对数几率的 sigmoid', equal: '权重相等', sparse_mixer: '权重为与它接近的专家之间的 softmax',
};

const groupScores: Readonly<Record<GroupScore, string>> = { max: '最好的专家', top2_sum: '最好的两个专家之和' };

export const chineseStrategy: Pick<Translation, 'strategy'> = {
  strategy: {
    label: '策略', trainedSource: '这个模型训练时的路由。', change: (name) => `策略 ${name}`, yourTopK: '用你的 top-k', option: (name, remark) => `${name}（${remark}）`,
    whole: '对整个提示一起决定；逐个词元则不同', wholeNote: '它对整个提示一起决定；逐个词元则不同。',
    notHere: (name, reason) => `这个模型不能运行 ${name}：${reason}。保持训练时的策略。`,
    refused: (message) => `未采用，保持原来的路由：${message}`,
    noTopK: (method) => `方法 ${method.replaceAll('_', ' ')} 没有 top-k：专家数由它自己决定。`,
    setting: (name) => settings[name] ?? { label: name.replaceAll('_', ' '), help: '' },
    cannot: {
      needs, soft: '把所有词元混入槽位，无法在这里逐个词元运行', shared: '需要共享专家',
      groups: (groups, nExperts) => `需要 ${groups} 个相等的组，而 ${nExperts} 个专家分不成`, openGroups: (open, groups) => `要开放 ${open} 个组，而只有 ${groups} 个`,
    },
    says: {
      score: (name) => scores[name] ?? name,
      method: (method, facts) => methods[method]?.(facts) ?? `${method.replaceAll('_', ' ')} 按${facts.by}选择`,
      groups: (groups, open, by) => `${groups} 个专家组中按${groupScores[by] ?? by}开放 ${open} 个，`,
      sumTo: (sum) => `权重之和为 ${sum}`, given: '权重由它给出', asItIs: '权重就是得分', scoreTimes: (scale) => `权重为得分乘以 ${scale}`,
      weight: (from) => weights[from] ?? from, times: (scale) => `，再乘以 ${scale}`,
      lessThanHeaviest: (share) => `权重低于最重者 ${share} 的专家被跳过`, lessThanShare: (share) => `权重份额低于 ${share} 的专家被跳过`,
      notMadeUp: '，其他专家并不补上', capacity: (factor) => `一个专家至多收下平均份额的 ${factor} 倍`, places: (count) => `一个专家至多收下 ${count} 个词元`,
    },
  },
};
