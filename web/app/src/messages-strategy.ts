// The words of the strategy menu: why a preset cannot run here, what its numbers are called, and the parts of the
// one sentence that explains it. A method, need or setting that is newer than these words goes by its own name.

import type { GroupScore, Need, ScoreFunction, Select, WeightSource } from 'moescope';

type Method = Select['method'];

/** What the clause about a method may speak of. */
export interface MethodFacts {
  /** What experts are compared by, such as "softmax score". */
  readonly by: string;
  readonly topK: number;
  readonly nExperts: number;
  /** Experts in the groups that stay open; all of them where there are no groups. */
  readonly inside: number;
  /** Whether experts of closed groups may fill places that would stay empty. */
  readonly filled: boolean;
  readonly nulls: number;
  /** The method's own number: a share as a percentage, a threshold as it is. */
  readonly number: string;
  readonly capacity: string | undefined;
}

export interface SettingWords {
  readonly label: string;
  readonly help: string;
}

const experts = (count: number): string => (count === 1 ? 'one expert' : `${count} experts`);
const best = (count: number): string => (count === 1 ? 'best expert' : `best ${count} experts`);

const methods: Partial<Record<Method, (facts: MethodFacts) => string>> = {
  top_k: ({ by, topK, nExperts, inside, filled, nulls }) => {
    if (nulls > 0) return `the ${by} fills ${topK} places of each token from the experts and ${nulls} null experts, which do nothing`;
    if (topK >= inside && !filled) return `each token goes to all ${experts(inside)}${inside < nExperts ? ' in them' : ''}`;
    return `each token goes to its ${best(topK)} by ${by}${topK > inside ? ' (those in closed groups weigh nothing)' : ''}`;
  },
  top_p: ({ by, number }) => `each token takes its best experts by ${by} until they hold more than ${number} of the whole`,
  threshold: ({ by, number }) => `each token takes every expert whose ${by} is above ${number}`,
  min_p: ({ by, number }) => `each token takes every expert with at least ${number} of its best ${by}`,
  gap: ({ by }) => `each token takes its best experts, down to the largest gap between two ${by}s`,
  random: ({ topK }) => `each token goes to ${experts(topK)} drawn at random`,
  rank: ({ by }) => `each token goes to the experts at certain places by ${by}, not to the best ones`,
  dense: () => 'each token goes to all experts',
  expert_choice: ({ by, capacity }) =>
    `each expert takes the tokens with its highest ${by}${capacity === undefined ? '' : `, up to ${capacity} times an even share`}`,
  hash: ({ topK }) => `each token goes to ${experts(topK)} drawn once for its token id, whatever the scores say`,
  round_robin: ({ topK }) => `tokens go to the next ${experts(topK)} in turn, whatever the scores say`,
  external: () => 'your own router decides for each token',
  replay: () => 'each token goes where it went in a recorded run',
  previous_layer: () => 'each token goes to the experts that the layer before chose',
  sticky: ({ by, topK }) => `each token goes to its ${best(topK)} by ${by}, with an advantage for those of the token before`,
  soft: () => 'every expert works on mixtures of all tokens',
};

const needs: Partial<Record<Need, string>> = {
  learned_nulls: 'needs a gate with trained null experts',
  token_importance: 'needs an importance for every token, which this model does not give',
  external_router: 'needs your own router, and none runs',
};

const settings: Readonly<Record<string, SettingWords>> = {
  top_p: { label: 'p', help: 'share of the whole score that the chosen experts must exceed' },
  min_p: { label: 'min-p', help: 'share of the best score that an expert must reach' },
  threshold: { label: 'Threshold', help: 'score that an expert must exceed' },
  margin: { label: 'Margin', help: 'what a newcomer must score above an expert in place' },
  'adjust.null_experts': { label: 'Null experts', help: 'how many experts do nothing' },
  'adjust.null_logit': { label: 'Null logit', help: 'what a null expert scores before the softmax' },
  'restrict.topk_groups': { label: 'Open groups', help: 'groups of experts that stay open for a token' },
  'prune.ratio': { label: 'Skip below', help: 'share of the heaviest weight that an expert must reach' },
  'limit.capacity_factor': { label: 'Capacity', help: 'tokens that an expert takes, as a multiple of its even share' },
  'weigh.scale': { label: 'Scale', help: 'weights are multiplied by this' },
  min_experts: { label: 'At least', help: 'experts per token' },
  max_experts: { label: 'At most', help: 'experts per token; 0 is no maximum' },
};

const scores: Readonly<Record<ScoreFunction, string>> = {
  softmax: 'softmax score', sigmoid: 'sigmoid score', relu: 'ReLU score', identity: 'logit',
  sinkhorn: 'Sinkhorn score, which is evened out over all tokens',
};

const weights: Readonly<Record<Exclude<WeightSource, 'scores'>, string>> = {
  softmax_selected: 'weighed by a softmax over the chosen alone',
  sigmoid: 'weighed by the sigmoid of its logit',
  equal: 'with equal weights',
  sparse_mixer: 'weighed by a softmax over the experts that come close to it',
};

const groupScores: Readonly<Record<GroupScore, string>> = {
  max: 'best expert', top2_sum: 'best two experts together',
};

export const strategyMessages = {
  label: 'Strategy',
  trainedSource: 'The routing that this model was trained with.',
  trainedChanged: 'The routing that this model was trained with, and your changes.',
  /** In the text over a token from which on it acts. */
  change: (name: string) => `strategy ${name}`,
  yourTopK: 'with your top-k',
  option: (name: string, remark: string) => `${name} (${remark})`,
  whole: 'decides over the whole prompt; one token at a time differs',
  wholeNote: 'It decides over the whole prompt; one token at a time differs.',
  notHere: (name: string, reason: string) => `This model cannot run ${name}: it ${reason}. The trained strategy stays.`,
  refused: (message: string) => `Not taken, the former routing stays: ${message}`,
  noTopK: (method: string) => `The method ${method.replaceAll('_', ' ')} has no top-k: it finds the number of experts itself.`,
  setting: (name: string): SettingWords => settings[name] ?? { label: name.replaceAll('_', ' '), help: '' },
  cannot: {
    needs,
    soft: 'mixes all tokens into slots and cannot run token by token here',
    shared: 'needs a shared expert',
    groups: (groups: number, nExperts: number) => `needs ${groups} equal groups, which ${nExperts} experts cannot form`,
    openGroups: (open: number, groups: number) => `keeps ${open} groups open and has only ${groups}`,
  },
  says: {
    sentence: (chooses: string, weighs: string, others: readonly string[]): string => {
      const text = [`${chooses}, ${weighs}`, ...others].join('; ');
      return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
    },
    score: (name: ScoreFunction): string => scores[name] ?? name,
    method: (method: Method, facts: MethodFacts): string => methods[method]?.(facts) ?? `${method.replaceAll('_', ' ')} chooses by ${facts.by}`,
    groups: (groups: number, open: number, by: GroupScore) =>
      `of ${groups} groups of experts the ${open === 1 ? 'one' : open} with the ${groupScores[by] ?? by} ${open === 1 ? 'stays' : 'stay'} open, and `,
    sumTo: (sum: string) => `with weights that sum to ${sum}`,
    given: 'weighed as it says',
    asItIs: 'weighed by the score as it is',
    scoreTimes: (scale: string) => `weighed by the score times ${scale}`,
    weight: (from: Exclude<WeightSource, 'scores'>): string => weights[from] ?? from,
    times: (scale: string) => ` times ${scale}`,
    lessThanHeaviest: (share: string) => `an expert that weighs less than ${share} of the heaviest is skipped`,
    lessThanShare: (share: string) => `an expert with less than ${share} of the weight is skipped`,
    notMadeUp: ', and the others do not make up for it',
    capacity: (factor: string) => `an expert takes at most ${factor} times its even share of the tokens`,
    places: (count: number) => `an expert takes at most ${count} tokens`,
  },
};
