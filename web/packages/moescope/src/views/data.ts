// What views are drawn from: tokens, each with the row of the trace that belongs to it.
// Reading only: the arrays of a trace are never copied or changed.

import type { ContrastReport, LayerTrace, Token, Trace } from '../generated/engine.js';
import { VERDICTS } from '../generated/routing.js';
import type { ModelRouting, RouterSpec, Verdict } from '../generated/routing.js';

export type Origin = 'prompt' | 'generated';

/** A token of the shown text. */
export interface TokenRecord {
  /** Position in the shown text. */
  readonly index: number;
  readonly token: Token;
  readonly origin: Origin;
  /** Natural logarithm of the probability with which it was drawn; prompt tokens have none. */
  readonly logProb: number | undefined;
  /** What self-contrast did to the draw, where it was on. */
  readonly contrast: ContrastReport | undefined;
  readonly trace: Trace;
  /** Row of `trace` that belongs to this token. */
  readonly row: number;
}

export interface Choice {
  readonly expert: number;
  readonly weight: number;
}

/** What the router of one layer did with one token. */
export interface Decision {
  readonly layer: number;
  readonly nExperts: number;
  readonly spec: RouterSpec;
  readonly logits: Float32Array;
  readonly scores: Float32Array;
  readonly selectionScores: Float32Array;
  /** One for each expert; a code that VERDICTS does not have, from a newer engine, stays a number. */
  readonly verdicts: readonly (Verdict | number)[];
  /** Acting experts, best first. */
  readonly choices: readonly Choice[];
}

/** How a generated token was drawn. */
export type Draw = Partial<Pick<TokenRecord, 'logProb' | 'contrast'>>;

/** The tokens of a trace, as the views want them. */
export function recordsOf(trace: Trace, origin: Origin, firstIndex = 0, { logProb, contrast }: Draw = {}): TokenRecord[] {
  return trace.tokens.map((token, row) => ({ index: firstIndex + row, token, origin, logProb, contrast, trace, row }));
}

/** The experts that act on a token at a layer, best first; empty where the layer has no experts. */
export function choicesAt(record: TokenRecord, layer: number): Choice[] {
  const trace = layerOf(record.trace, layer);
  if (trace === undefined) return [];
  const choices: Choice[] = [];
  for (let n = trace.offsets[record.row] ?? 0; n < (trace.offsets[record.row + 1] ?? 0); n += 1) {
    choices.push({ expert: trace.experts[n] ?? 0, weight: trace.weights[n] ?? 0 });
  }
  return choices;
}

/** The expert that a token chose first at a layer. */
export function firstExpert(record: TokenRecord, layer: number): number | undefined {
  const trace = layerOf(record.trace, layer);
  const start = trace?.offsets[record.row];
  if (trace === undefined || start === undefined || start === trace.offsets[record.row + 1]) return undefined;
  return trace.experts[start];
}

/** The weight of the expert that a token chose first at a layer. */
export function firstWeight(record: TokenRecord, layer: number): number {
  const trace = layerOf(record.trace, layer);
  return trace?.weights[trace.offsets[record.row] ?? 0] ?? 0;
}

/** Everything the router of a layer did with a token. */
export function decisionAt(record: TokenRecord, layer: number): Decision | undefined {
  const trace = layerOf(record.trace, layer);
  if (trace === undefined) return undefined;
  const [from, to] = [record.row * trace.n_experts, (record.row + 1) * trace.n_experts];
  return {
    layer,
    nExperts: trace.n_experts,
    spec: specFor(record.trace.routing, layer),
    logits: trace.logits.subarray(from, to),
    scores: trace.scores.subarray(from, to),
    selectionScores: trace.selection_scores.subarray(from, to),
    verdicts: Array.from(trace.verdicts.subarray(from, to), (code) => VERDICTS[code] ?? code),
    choices: choicesAt(record, layer),
  };
}

/** Place of each expert by score, 1 for the best; ties go to the lower index, as in the router. */
export function ranks(scores: Float32Array): number[] {
  const order = Array.from(scores.keys()).sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const places = new Array<number>(scores.length).fill(0);
  order.forEach((expert, place) => {
    places[expert] = place + 1;
  });
  return places;
}

/** Share of tokens on which each expert acts at a layer. */
export function loadAt(records: readonly TokenRecord[], layer: number, nExperts: number): number[] {
  const counts = new Array<number>(nExperts).fill(0);
  for (const record of records) {
    for (const { expert } of choicesAt(record, layer)) counts[expert] = (counts[expert] ?? 0) + 1;
  }
  return counts.map((count) => (records.length === 0 ? 0 : count / records.length));
}

/** The spec that a layer uses. */
export function specFor(routing: ModelRouting, layer: number): RouterSpec {
  return routing.layers[String(layer)] ?? routing.default;
}

/** Layers mostly follow one another, so the first look finds them; a view asks this for every cell. */
function layerOf({ layers }: Trace, layer: number): LayerTrace | undefined {
  const guess = layers[layer - (layers[0]?.layer ?? 0)];
  return guess?.layer === layer ? guess : layers.find((candidate) => candidate.layer === layer);
}
