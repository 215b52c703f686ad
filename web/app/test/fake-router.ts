// Routing for the stand-in engine: enough of each stage that a spec of any preset gives a plan, verdicts and weights
// that fit together. It is for looking and for tests of the page; what a strategy really does is the engine's business.

import { VERDICTS } from 'moescope';
import type { LayerTrace, RouterSpec, Token, Verdict } from 'moescope';

import { settingsOf, topKOf } from '../src/spec.js';

interface Row {
  readonly scores: number[];
  readonly selection: number[];
  readonly verdicts: Verdict[];
  /** Acting experts, best first, with their weights. */
  readonly acting: [number, number][];
}

export function fakeLayer(tokens: readonly Token[], layer: number, nExperts: number, spec: RouterSpec, first: number): LayerTrace {
  const logits = tokens.map((token, row) => Array.from({ length: nExperts }, (_, e) =>
    3.2 * noise(token.id, layer, e) + 0.8 * noise(first + row, layer * 7, e) - 1.5));
  const rows = logits.map((z) => route(z, spec));
  const flat = (part: (row: Row) => number[]): number[] => rows.flatMap(part);
  return {
    layer,
    n_experts: nExperts,
    logits: Float32Array.from(logits.flat()),
    scores: Float32Array.from(flat((row) => row.scores)),
    selection_scores: Float32Array.from(flat((row) => row.selection)),
    verdicts: Uint8Array.from(flat((row) => row.verdicts.map((verdict) => VERDICTS.indexOf(verdict)))),
    offsets: Uint32Array.from([0, ...rows.map((_, t) => rows.slice(0, t + 1).reduce((sum, row) => sum + row.acting.length, 0))]),
    experts: Uint16Array.from(flat((row) => row.acting.map(([expert]) => expert))),
    weights: Float32Array.from(flat((row) => row.acting.map(([, weight]) => weight))),
  };
}

function route(logits: readonly number[], spec: RouterSpec): Row {
  const scores = score(logits.map((z) => z / spec.adjust.temperature), spec);
  const selection = scores.map((p, e) => (spec.restrict.disabled.includes(e) ? -Infinity : p));
  const order = [...selection.keys()].filter((e) => at(selection, e) > -Infinity).sort((a, b) => at(selection, b) - at(selection, a) || a - b);
  const chosen = order.slice(0, count(order.map((e) => at(scores, e)), spec));
  const heaviest = Math.max(...chosen.map((e) => at(scores, e)));
  const kept = chosen.filter((e) => at(scores, e) >= spec.prune.ratio * heaviest || spec.prune.ratio === 0);
  const sum = spec.weigh.renormalize ? kept.reduce((total, e) => total + at(scores, e), 0) : 1;
  const refusal = REFUSALS[spec.select.method] ?? 'not_picked';
  return {
    scores,
    selection,
    acting: kept.map((e) => [e, (at(scores, e) / sum) * spec.weigh.scale]),
    verdicts: scores.map((_, e) => {
      if (spec.restrict.disabled.includes(e)) return 'disabled';
      if (kept.includes(e)) return 'selected';
      return chosen.includes(e) ? 'pruned' : refusal;
    }),
  };
}

const REFUSALS: Partial<Record<RouterSpec['select']['method'], Verdict>> = {
  top_k: 'outside_top_k', top_p: 'outside_top_p', threshold: 'below_threshold', min_p: 'below_threshold',
  gap: 'after_gap', expert_choice: 'not_taken_by_expert',
};

function score(logits: readonly number[], spec: RouterSpec): number[] {
  if (spec.score.function === 'identity') return [...logits];
  if (spec.score.function === 'sigmoid') return logits.map((z) => 1 / (1 + Math.exp(-z)));
  const exps = logits.map((z) => Math.exp(z));
  return exps.map((v) => v / exps.reduce((a, b) => a + b, 0));
}

/** How many of the ranked scores are taken. */
function count(ranked: readonly number[], spec: RouterSpec): number {
  const topK = topKOf(spec);
  if (topK !== undefined) return topK;
  const { top_p: share, threshold } = settingsOf(spec.select);
  if (threshold !== undefined) return ranked.filter((p) => p > threshold).length;
  if (share === undefined) return 2;
  const whole = ranked.reduce((a, b) => a + b, 0);
  return 1 + ranked.findIndex((_, i) => ranked.slice(0, i + 1).reduce((a, b) => a + b, 0) > share * whole || i === ranked.length - 1);
}

function at(values: readonly number[], index: number): number {
  return values[index] ?? 0;
}

export function hash(text: string): number {
  let h = 2166136261;
  for (const char of text) h = Math.imul(h ^ (char.codePointAt(0) ?? 0), 16777619) >>> 0;
  return h;
}

export function noise(a: number, b: number, c: number): number {
  return (hash(`${a} ${b} ${c}`) % 10007) / 10007;
}
