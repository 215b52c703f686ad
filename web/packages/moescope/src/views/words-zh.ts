// The words of the views in Chinese.

import type { Select, Verdict } from '../generated/routing.js';
import type { VerdictFacts, ViewWords } from './words.js';

export const CHINESE: ViewWords = {
  expert: (expert) => `专家 ${expert}`,
  token: ({ position, text, generated, layer, experts }) => `词元 ${position} ${JSON.stringify(text)}，${generated ? '生成' : '提示词'}，第 ${layer} 层：${experts}`,
  marker: ({ id, text }) => (text === '' ? `标记，词元编号 ${id}` : `标记 ${text}`),
  expertWithWeight: (expert, weight) => `专家 ${expert} 权重 ${weight}`,
  noExperts: '没有专家',
  list: (items) => (items.length === 0 ? '无' : items.join('、')),
  verdict: sentence,
  routingChange: '从这里起',
  columns: { expert: '专家', logit: 'logit', score: '得分', weight: '权重', why: '原因' },
  stages: { adjust: '调整', score: '打分', restrict: '限制', select: '选择', prune: '剪枝', limit: '限量', weigh: '加权' },
  notes: {
    overAll: (experts) => `对全部 ${experts} 个专家`, allAllowed: '全部允许', took: (experts) => (experts === '' ? '无入选' : `选中 ${experts.replaceAll(', ', '、')}`),
    banned: (experts) => `禁用 ${experts.replaceAll(', ', '、')}：s = −∞`, forced: (experts) => `强制 ${experts.replaceAll(', ', '、')}`,
    allowedOnly: 's = p（仅限允许的）', dropWeakest: '去掉权重最低的', atMost: '限制个数', topOf: (topK) => `s 的 top-${topK}`,
    weights: (source) => `w = ${source}（入选者）`, sharedWeights: (source) => `w = ${source} / Σ 入选者`,
  },
  gauge: {
    now: '现在', trained: '训练时', nats: '奈特/词元', bits: '比特/字节',
    same: '与训练时相同', worse: '比训练时差', better: '比训练时好', label: '所示文本的损失',
  },
  grid: (tokens, layers) => `${tokens} 个词元在 ${layers} 层上的首选专家。方向键移动，回车键选定。`,
  load: (layers, experts) => `${layers} 层中每层 ${experts} 个专家的负载，与平均份额对照`,
  loadOf: (expert, layer, share, even) => `专家 ${expert}，第 ${layer} 层：处理 ${share} 的词元，平均份额为 ${even}`,
  patches: (count, layer) => `${count} 个图像块，第 ${layer} 层`,
  patch: ({ row, column, layer, experts, dropped, entropy }) =>
    `图像块 第 ${row} 行第 ${column} 列，第 ${layer} 层：${experts}${dropped === 0 ? '' : `，${dropped} 个专家已满`}${entropy === undefined ? '' : `，熵 ${entropy} %`}`,
  alone: {
    predictions: '对下一个词元的预测', token: '下一个词元', mixture: '按路由', only: '只用该专家',
    units: '它最强的隐藏单元', unit: '单元', activation: '激活值', up: '提高其概率', down: '降低其概率',
  },
  classes: '各类别的概率',
  rightClass: '正确的类别',
  classTrained: (share) => `训练时 ${share}`,
  paths: (tokens, layers, experts) => `${tokens} 个词元穿过 ${layers} 层、每层 ${experts} 个专家的路径`,
};

function sentence(facts: VerdictFacts): string {
  const { expert, score, verdict, rank, nExperts } = facts;
  const weight = facts.weight ?? '0';
  const took = facts.chosen.length === 0 ? '没有专家' : facts.chosen.join('、');
  const place = `在 ${nExperts} 个专家中排第 ${rank}`;
  switch (verdict) {
    case 'selected':
      return `专家 ${expert} 得分 ${score}，${place}；${ruleName(facts)}选中了它，权重 ${weight}。`;
    case 'forced':
      return `专家 ${expert} 被强制启用；得分 ${score}，权重 ${weight}。`;
    case 'outside_top_k':
      return `专家 ${expert} 得分 ${score}，${place}；${ruleName(facts)}选中的是 ${took}。`;
    case 'disabled':
      return `专家 ${expert} 已被禁用；得分 ${score}，${place}。`;
    case 'masked_by_gate':
      return `专家 ${expert} 被门控本身排除：它的 logit 为负无穷。`;
    default:
      return `专家 ${expert} 得分 ${score}，${place}；${reason(verdict)}${facts.weight === undefined ? '' : `，权重 ${weight}`}。`;
  }
}

function reason(verdict: Verdict | number): string {
  if (typeof verdict === 'number') return `结果代码为 ${verdict}，本页无法解释`;
  return REASONS[verdict] ?? verdict.replaceAll('_', ' ');
}

function ruleName({ method, topK }: VerdictFacts): string {
  return method === 'top_k' ? `top-${topK ?? '?'} ` : RULES[method] ?? `${method.replaceAll('_', ' ')} 规则`;
}

const RULES: Partial<Record<Select['method'], string>> = {
  top_p: 'top-p ', threshold: '阈值', min_p: 'min-p ', gap: '最大间隔处的截断', random: '随机抽取', rank: '按名次的选择', dense: '全选规则',
  expert_choice: '专家选择', hash: '词元编号的哈希', round_robin: '轮转规则', replay: '预录的路由', previous_layer: '前一层',
  sticky: '偏向上一词元所用专家的 top-k ', external: '外部路由器', soft: '全体混合',
};

const REASONS: Partial<Record<Verdict, string>> = {
  outside_groups: '它所在的专家组没有开放',
  outside_top_p: '排在它前面的专家已达到 top-p 要求的份额',
  below_threshold: '低于阈值',
  after_gap: '排在得分的最大间隔之后',
  not_picked: '策略选了别的专家，不看得分高低',
  not_taken_by_expert: '它收下的是在它这里得分更高的其他词元',
  beaten_by_null: '剩下的位置被空专家占去，而空专家什么也不做',
  pruned: '已被选中，但与其他入选专家相比权重太低，被跳过',
  below_layer_threshold: '已被选中，但权重低于这一层的要求，被跳过',
  token_sacrificed: '已被选中，但为节省计算而放弃了这个词元',
  over_token_limit: '这个词元的专家数已到上限',
  over_capacity: '已被选中，但它已满，拒收了这个词元',
  overflow_to_shared: '已被选中，但它已满，由共享专家接手',
  took_overflow: '它从已满的专家那里接手了这个词元',
};
