// The words of the views, in one place; a view takes them as an argument, so that another language is another value.
// Verbs that a student knows, with the field's term beside them.

import type { Select, Verdict } from '../generated/routing.js';

/** What a sentence about one expert may speak of. */
export interface VerdictFacts {
  readonly expert: number;
  /** A code where it has no name. */
  readonly verdict: Verdict | number;
  readonly score: string;
  readonly weight: string | undefined;
  /** 1 for the best score. */
  readonly rank: number;
  readonly nExperts: number;
  /** Experts that the rule chose: those that acted, best first, then those that were lost after it. */
  readonly chosen: readonly number[];
  /** The rule that chose. */
  readonly method: Select['method'];
  /** As in top-k, where the rule has one. */
  readonly topK: number | undefined;
}

/** The stages of a router, in the order in which they act. */
export type Stage = 'adjust' | 'score' | 'restrict' | 'select' | 'prune' | 'limit' | 'weigh';

export interface ViewWords {
  readonly expert: (expert: number) => string;
  readonly token: (facts: { position: number; text: string; generated: boolean; layer: number; experts: string }) => string;
  /** The name of a special token, whose text may be empty. */
  readonly marker: (token: { id: number; text: string }) => string;
  readonly expertWithWeight: (expert: number, weight: string) => string;
  readonly noExperts: string;
  readonly list: (items: readonly string[]) => string;
  readonly verdict: (facts: VerdictFacts) => string;
  readonly routingChange: string;
  readonly columns: {
    readonly expert: string; readonly logit: string; readonly score: string; readonly weight: string; readonly why: string;
  };
  readonly stages: Readonly<Record<Stage, string>>;
  /** Short remarks beside the formulas of the stages. */
  readonly notes: {
    readonly overAll: (experts: number) => string; readonly allAllowed: string; readonly took: (experts: string) => string;
    readonly banned: (experts: string) => string; readonly forced: (experts: string) => string;
    readonly allowedOnly: string; readonly dropWeakest: string; readonly atMost: string; readonly topOf: (topK: number) => string;
    readonly weights: (source: string) => string; readonly sharedWeights: (source: string) => string;
  };
  readonly gauge: {
    readonly now: string; readonly trained: string; readonly nats: string; readonly bits: string;
    readonly same: string; readonly worse: string; readonly better: string; readonly label: string;
  };
  readonly grid: (tokens: number, layers: number) => string;
  readonly load: (layers: number, experts: number) => string;
  readonly loadOf: (expert: number, layer: number, share: string, even: string) => string;
  readonly patches: (count: number, layer: number) => string;
  readonly patch: (facts: { row: number; column: number; layer: number; experts: string; dropped: number; entropy: string | undefined }) => string;
  readonly classes: string;
  readonly rightClass: string;
  readonly classTrained: (share: string) => string;
  readonly alone: {
    readonly predictions: string; readonly token: string; readonly mixture: string; readonly only: string;
    readonly units: string; readonly unit: string; readonly activation: string; readonly up: string; readonly down: string;
  };
  readonly paths: (tokens: number, layers: number, experts: number) => string;
}

const ORDINALS = [
  '', 'first', 'second', 'third', 'fourth', 'fifth', 'sixth', 'seventh', 'eighth', 'ninth', 'tenth', 'eleventh', 'twelfth',
];
const NUMBERS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'];

export const ENGLISH: ViewWords = {
  expert: (expert) => `Expert ${expert}`,
  token: ({ position, text, generated, layer, experts }) =>
    `Token ${position} ${JSON.stringify(text)}, ${generated ? 'written' : 'given'}, layer ${layer}: ${experts}`,
  marker: ({ id, text }) => (text === '' ? `Marker, token id ${id}` : `Marker ${text}`),
  expertWithWeight: (expert, weight) => `expert ${expert} ${weight}`,
  noExperts: 'no experts',
  list: (items) => joined(items),
  verdict: sentence,
  routingChange: 'From here on',
  columns: { expert: 'Expert', logit: 'logit', score: 'score', weight: 'weight', why: 'Why' },
  stages: {
    adjust: 'adjust', score: 'score', restrict: 'restrict', select: 'select', prune: 'prune', limit: 'limit', weigh: 'weigh',
  },
  notes: {
    overAll: (experts) => `over all ${experts} experts`, allAllowed: 'all allowed', took: (experts) => `took ${experts || 'none'}`,
    banned: (experts) => `banned ${experts}: s = −∞`, forced: (experts) => `forced ${experts}`,
    allowedOnly: 's = p where allowed', dropWeakest: 'drop the weakest', atMost: 'at most so many', topOf: (topK) => `top-${topK} of s`,
    weights: (source) => `w = ${source} of the chosen`, sharedWeights: (source) => `w = ${source} / Σ of the chosen`,
  },
  gauge: {
    now: 'now', trained: 'as trained', nats: 'nats/token', bits: 'bits/byte',
    same: 'same as trained', worse: 'worse than trained', better: 'better than trained',
    label: 'Loss of the shown text',
  },
  grid: (tokens, layers) => `First expert of ${tokens} tokens at ${layers} layers. Arrow keys walk, Enter chooses.`,
  load: (layers, experts) => `Load of ${experts} experts at each of ${layers} layers, against the even share`,
  loadOf: (expert, layer, share, even) => `Expert ${expert}, L${layer}: ${share} of the tokens, even share ${even}`,
  patches: (count, layer) => `${count} patches, layer ${layer}`,
  patch: ({ row, column, layer, experts, dropped, entropy }) =>
    `Patch row ${row}, column ${column}, layer ${layer}: ${experts}${dropped === 0 ? '' : `, ${dropped} full`}${entropy === undefined ? '' : `, entropy ${entropy} %`}`,
  classes: 'Probability of each class',
  rightClass: 'the right class',
  classTrained: (share) => `as trained ${share}`,
  alone: {
    predictions: 'What would come next', token: 'Next token', mixture: 'As routed', only: 'Expert alone',
    units: 'Its strongest hidden units', unit: 'Unit', activation: 'Activation', up: 'makes likelier', down: 'makes less likely',
  },
  paths: (tokens, layers, experts) => `Paths of ${tokens} tokens through ${experts} experts at each of ${layers} layers`,
};

function sentence(facts: VerdictFacts): string {
  const { expert, score, weight, verdict } = facts;
  const took = joined(facts.chosen.map(String));
  const rule = ruleName(facts);
  const also = weight === undefined ? '' : ` with weight ${weight}`;
  switch (verdict) {
    case 'selected':
      return `Expert ${expert} scored ${score}, ${place(facts)}; ${rule} took it with weight ${weight ?? '0'}.`;
    case 'forced':
      return `Expert ${expert} is forced; it scored ${score} and acts with weight ${weight ?? '0'}.`;
    case 'outside_top_k':
      return `Expert ${expert} scored ${score}, ${place(facts)}; ${rule} took ${took}.`;
    case 'disabled':
      return `Expert ${expert} is banned; it scored ${score}, ${place(facts)}.`;
    case 'masked_by_gate':
      return `Expert ${expert} is ruled out by the gate itself: its logit is minus infinity.`;
    default:
      return `Expert ${expert} scored ${score}, ${place(facts)}; ${reason(verdict)}${also}.`;
  }
}

function reason(verdict: Verdict | number): string {
  if (typeof verdict === 'number') return `verdict code ${verdict}, unknown to this page`;
  return REASONS[verdict] ?? verdict.replaceAll('_', ' ');
}

/** Who or what took the experts; a rule that is newer than these words goes by its own name. */
function ruleName({ method, topK }: VerdictFacts): string {
  if (method === 'top_k') return `top-${topK ?? '?'}`;
  return RULES[method] ?? `the rule ${method.replaceAll('_', ' ')}`;
}

const RULES: Partial<Record<Select['method'], string>> = {
  top_p: 'top-p',
  threshold: 'the threshold',
  min_p: 'min-p',
  gap: 'the cut at the largest gap',
  random: 'the draw',
  rank: 'the choice by rank',
  dense: 'the dense rule',
  expert_choice: 'the choice of the experts',
  hash: 'the hash of the token id',
  round_robin: 'the next turn',
  replay: 'the recorded run',
  previous_layer: 'the layer before',
  sticky: 'top-k with an advantage for those in place',
  external: 'the router from outside',
  soft: 'the mixture of all',
};

/** Reasons that need no numbers but the score; a verdict that is newer than these words is said by its name. */
const REASONS: Partial<Record<Verdict, string>> = {
  outside_groups: 'its group of experts stayed closed',
  outside_top_p: 'those before it fill what top-p asks for',
  below_threshold: 'that is below the threshold',
  after_gap: 'it comes after the largest gap between scores',
  not_picked: 'the strategy picked others without looking for the best score',
  not_taken_by_expert: 'it took other tokens, which score higher with it',
  beaten_by_null: 'null experts, which do nothing, took the places that were left',
  pruned: 'it was chosen but weighs too little beside the others, and is skipped',
  below_layer_threshold: 'it was chosen but has less weight than this layer asks for, and is skipped',
  token_sacrificed: 'it was chosen, but this token is given up to save work',
  over_token_limit: 'the token already has as many experts as it may have',
  over_capacity: 'it was chosen but is full, and turned the token away',
  overflow_to_shared: 'it was chosen but is full, and the shared expert took the token',
  took_overflow: 'it took the token over from a full expert',
};

/** Spelt out where both numbers can be, so that rows of a table do not mix words with figures. */
function place({ rank, nExperts }: VerdictFacts): string {
  const [ordinal, number] = [ORDINALS[rank], NUMBERS[nExperts]];
  return ordinal !== undefined && number !== undefined ? `${ordinal} of ${number}` : `${rank}${suffix(rank)} of ${nExperts}`;
}

function suffix(n: number): string {
  if (n % 100 >= 11 && n % 100 <= 13) return 'th';
  return ['th', 'st', 'nd', 'rd'][n % 10] ?? 'th';
}

function joined(items: readonly string[]): string {
  if (items.length <= 1) return items[0] ?? 'none';
  return `${items.slice(0, -1).join(', ')} and ${items[items.length - 1] ?? ''}`;
}
