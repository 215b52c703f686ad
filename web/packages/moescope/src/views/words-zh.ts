// The words of the views in Chinese.

import type { Select, Verdict } from '../generated/routing.js';
import type { VerdictFacts, ViewWords } from './words.js';

export const CHINESE: ViewWords = {
  expert: (expert) => `专家 ${expert}`,
  token: ({ position, text, generated, layer, experts }) => `词元 ${position} ${JSON.stringify(text)}，${generated ? '模型写出' : '给定'}，第 ${layer} 层：${experts}`,
  marker: ({ id, text }) => (text === '' ? `标记，词元编号 ${id}` : `标记 ${text}`),
  expertWithWeight: (expert, weight) => `专家 ${expert} 权重 ${weight}`,
  noExperts: '没有专家',
  list: (items) => (items.length === 0 ? '无' : items.join('、')),
  verdict: sentence,
  routingChange: '从这里起',
  columns: { expert: '专家', logit: '对数几率', score: '得分', weight: '权重', why: '原因' },
  stages: { adjust: '调整', score: '打分', restrict: '限制', select: '选择', prune: '剪除', limit: '上限', weigh: '加权' },
  notes: {
    overAll: (experts) => `在全部 ${experts} 个专家上`, allAllowed: '全部允许', took: (experts) => `选了 ${experts === '' ? '无' : experts}`,
    banned: (experts) => `禁用 ${experts}：s = −∞`, forced: (experts) => `强制 ${experts}`,
    allowedOnly: 's = p（允许者）', dropWeakest: '去掉最弱的', atMost: '至多这么多',
  },
  gauge: {
    now: '现在', trained: '训练时', nats: '奈特/词元', bits: '比特/字节',
    same: '与训练时相同', worse: '比训练时差', better: '比训练时好', label: '所示文本的损失',
  },
  grid: (tokens, layers) => `${tokens} 个词元在 ${layers} 层上的第一专家。方向键移动，回车选定。`,
  load: (layers, experts) => `${layers} 层中每层 ${experts} 个专家的负载，与平均份额对照`,
  loadOf: (expert, layer, share, even) => `专家 ${expert}，第 ${layer} 层：占词元的 ${share}，平均份额 ${even}`,
  patches: (count, layer) => `${count} 个图像块，第 ${layer} 层`,
  patch: ({ row, column, layer, experts, dropped, entropy }) =>
    `图像块 第 ${row} 行第 ${column} 列，第 ${layer} 层：${experts}${dropped === 0 ? '' : `，${dropped} 个专家已满`}${entropy === undefined ? '' : `，熵 ${entropy} %`}`,
  alone: {
    predictions: '接下来会是什么', token: '下一个词元', mixture: '按路由', only: '只有该专家',
    units: '它最强的隐藏单元', unit: '单元', activation: '激活', up: '使之更可能', down: '使之更不可能',
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
  const place = `在 ${nExperts} 个中排第 ${rank}`;
  switch (verdict) {
    case 'selected':
      return `专家 ${expert} 得分 ${score}，${place}；${ruleName(facts)}选中了它，权重 ${weight}。`;
    case 'forced':
      return `专家 ${expert} 被强制使用；得分 ${score}，权重 ${weight}。`;
    case 'outside_top_k':
      return `专家 ${expert} 得分 ${score}，${place}；${ruleName(facts)}选了 ${took}。`;
    case 'disabled':
      return `专家 ${expert} 已禁用；得分 ${score}，${place}。`;
    case 'masked_by_gate':
      return `专家 ${expert} 被门控本身排除：它的对数几率是负无穷。`;
    default:
      return `专家 ${expert} 得分 ${score}，${place}；${reason(verdict)}${facts.weight === undefined ? '' : `，权重 ${weight}`}。`;
  }
}

function reason(verdict: Verdict | number): string {
  if (typeof verdict === 'number') return `裁决代码 ${verdict}，本页不认识`;
  return REASONS[verdict] ?? verdict.replaceAll('_', ' ');
}

function ruleName({ method, topK }: VerdictFacts): string {
  return method === 'top_k' ? ` top-${topK ?? '?'} ` : RULES[method] ?? ` ${method.replaceAll('_', ' ')} 规则`;
}

const RULES: Partial<Record<Select['method'], string>> = {
  top_p: ' top-p ', threshold: '阈值', min_p: ' min-p ', gap: '最大间隔处的截断', random: '随机抽取', rank: '按名次的选择', dense: '全选规则',
  expert_choice: '专家的选择', hash: '词元编号的散列', round_robin: '轮流规则', replay: '录制的运行', previous_layer: '前一层',
  sticky: '照顾在位者的 top-k ', external: '外部路由器', soft: '全体混合',
};

const REASONS: Partial<Record<Verdict, string>> = {
  outside_groups: '它所在的专家组没有开放',
  outside_top_p: '排在前面的已经够了 top-p 的份额',
  below_threshold: '低于阈值',
  after_gap: '排在得分的最大间隔之后',
  not_picked: '策略选了别的专家，并不看最高分',
  not_taken_by_expert: '它收下了得分更高的其他词元',
  beaten_by_null: '什么也不做的空专家占了剩下的位置',
  pruned: '被选中，但与其他相比太轻，被跳过',
  below_layer_threshold: '被选中，但权重低于这一层的要求，被跳过',
  token_sacrificed: '被选中，但为了节省计算放弃了这个词元',
  over_token_limit: '这个词元的专家数已到上限',
  over_capacity: '被选中，但它已满，拒收了词元',
  overflow_to_shared: '被选中，但它已满，由共享专家接手',
  took_overflow: '它从已满的专家那里接过了词元',
};
