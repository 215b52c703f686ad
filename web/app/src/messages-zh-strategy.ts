// Chinese: the menu of strategies. Names of presets, and the papers they come from, stay as they are.

import type { GroupScore, Need, ScoreFunction, Select, WeightSource } from 'moescope';

import type { Translation } from './messages.js';
import type { MethodFacts, SettingWords } from './messages-strategy.js';

type Method = Select['method'];

const methods: Partial<Record<Method, (facts: MethodFacts) => string>> = {
  top_k: ({ by, topK, nExperts, inside, filled, nulls }) => {
    if (nulls > 0) return `每个词元的 ${topK} 个位置按${by}由专家和 ${nulls} 个什么也不做的空专家来填`;
    if (topK >= inside && !filled) return `每个词元用${inside < nExperts ? '其中' : ''}全部 ${inside} 个专家`;
    return `每个词元用${by}最高的 ${topK} 个专家${topK > inside ? '（未开放组中的专家权重为零）' : ''}`;
  },
  top_p: ({ by, number }) => `每个词元按${by}从高到低取专家，直到超过总分的 ${number}`,
  threshold: ({ by, number }) => `每个词元取${by}高于 ${number} 的所有专家`,
  min_p: ({ by, number }) => `每个词元取${by}不低于最高者 ${number} 的所有专家`,
  n_sigma: ({ by, number }) => `每个词元取${by}距最高不超过 ${number} 个标准差的专家`,
  gap: ({ by }) => `每个词元按${by}从高到低取专家，到相邻两个之间的最大间隔为止`,
  random: ({ topK }) => `每个词元随机抽取 ${topK} 个专家`,
  rank: ({ by }) => `每个词元用${by}排在指定名次的专家，而不是最高的`,
  dense: () => '每个词元用全部专家',
  expert_choice: ({ by, capacity }) => `每个专家收下${by}最高的词元${capacity === undefined ? '' : `，数量至多为平均份额的 ${capacity} 倍`}`,
  hash: ({ topK }) => `每个词元用按其编号（哈希）固定下来的 ${topK} 个专家，不看得分`,
  round_robin: ({ topK }) => `各词元依次轮流用接下来的 ${topK} 个专家，不看得分`,
  external: () => '由你自己的路由器为每个词元决定',
  replay: () => '每个词元沿用预录结果中的专家',
  previous_layer: () => '每个词元用前一层选中的专家',
  sticky: ({ by, topK }) => `每个词元用${by}最高的 ${topK} 个专家，上一个词元用过的专家享有加分`,
  soft: () => '每个专家处理的是所有词元的混合',
};

const needs: Partial<Record<Need, string>> = {
  learned_nulls: '需要带有训练过的空专家的门控', token_importance: '需要每个词元的重要性，而这个模型没有', external_router: '需要你自己的路由器，而现在没有在运行的',
};

const settings: Readonly<Record<string, SettingWords>> = {
  top_p: { label: 'p', help: '入选专家的得分之和须超过总分的这个份额' },
  min_p: { label: 'min-p', help: '专家得分至少须达到最高分的这个比例' },
  threshold: { label: '阈值', help: '专家得分须超过此值' },
  margin: { label: '分差门槛', help: '新专家的得分须比现任专家高出多少' },
  'adjust.null_experts': { label: '空专家', help: '什么也不做的专家的个数' },
  'adjust.null_logit': { label: '空专家的 logit', help: '空专家在 softmax 之前的得分' },
  'restrict.topk_groups': { label: '开放组数', help: '对一个词元开放的专家组数' },
  'prune.ratio': { label: '低于则跳过', help: '专家权重至少须达到最大权重的这个比例' },
  'limit.capacity_factor': { label: '容量', help: '一个专家最多收下的词元数，以平均份额的倍数计' },
  'weigh.scale': { label: '倍数', help: '权重乘以此数' },
  min_experts: { label: '至少', help: '每个词元的专家数' },
  max_experts: { label: '至多', help: '每个词元的专家数；0 表示不限' },
};

const scores: Readonly<Record<ScoreFunction, string>> = {
  softmax: ' softmax 得分', sigmoid: ' sigmoid 得分', relu: ' ReLU 得分', identity: ' logit ', sinkhorn: ' Sinkhorn 得分（在所有词元之间均衡过）',
};

const weights: Readonly<Record<Exclude<WeightSource, 'scores'>, string>> = {
  softmax_selected: '权重为仅在入选专家之间的 softmax', sigmoid: '权重为 logit 的 sigmoid', equal: '权重相等', sparse_mixer: '权重为得分与它接近的专家之间的 softmax',
};

const groupScores: Readonly<Record<GroupScore, string>> = { max: '组内最高分', top2_sum: '组内前两名得分之和' };

export const chineseStrategy: Pick<Translation, 'strategy'> = {
  strategy: {
    label: '策略', trainedSource: '这个模型训练时采用的路由。', trainedChanged: '这个模型训练时采用的路由，加上你的更改。', change: (name) => `策略 ${name}`, yourTopK: '用你设的 top-k', option: (name, remark) => `${name}（${remark}）`,
    whole: '对整段提示词统一决定；逐个词元生成时结果不同', wholeNote: '它对整段提示词统一决定；逐个词元生成时结果不同。',
    notHere: (name, reason) => `这个模型无法运行 ${name}：${reason}。仍用训练时的策略。`,
    refused: (message) => `未采用，保持原来的路由：${message}`,
    noTopK: (method) => `方法 ${method.replaceAll('_', ' ')} 没有 top-k：专家数由它自己决定。`,
    setting: (name) => settings[name] ?? { label: name.replaceAll('_', ' '), help: '' },
    cannot: {
      needs, soft: '它把所有词元混入槽位，在这里无法逐个词元运行', shared: '需要共享专家',
      groups: (groups, nExperts) => `需要把专家等分为 ${groups} 组，而 ${nExperts} 个专家无法这样分`, openGroups: (open, groups) => `要开放 ${open} 个组，而一共只有 ${groups} 个`,
    },
    says: {
      sentence: (chooses, weighs, others) => `${[`${chooses}，${weighs}`, ...others].join('；')}。`,
      score: (name) => scores[name] ?? name,
      method: (method, facts) => methods[method]?.(facts) ?? `${method.replaceAll('_', ' ')} 按${facts.by}选择`,
      groups: (groups, open, by) => `${groups} 个专家组中，按${groupScores[by] ?? by}开放 ${open} 组，`,
      sumTo: (sum) => `权重之和为 ${sum}`, given: '权重由它给出', asItIs: '权重就是得分本身', scoreTimes: (scale) => `权重为得分乘以 ${scale}`,
      weight: (from) => weights[from] ?? from, times: (scale) => `，再乘以 ${scale}`,
      lessThanHeaviest: (share) => `权重低于最大权重 ${share} 的专家被跳过`, lessThanShare: (share) => `权重占比低于 ${share} 的专家被跳过`,
      notMadeUp: '，其余专家的权重不因此补足', capacity: (factor) => `每个专家收下的词元至多为平均份额的 ${factor} 倍`, places: (count) => `每个专家至多收下 ${count} 个词元`,
    },
  },
};
