// What a token can be tinted by besides its first expert: a quantity on one perceptually even ramp.
// Quantities come from the trace; loss and the difference to the trained routing need what an analysis of the text adds.

import { bothThemes, css } from './colour.js';
import type { Oklch, Theme } from './colour.js';
import { choicesAt, decisionAt } from './data.js';
import type { TokenRecord } from './data.js';

export type Quantity = 'entropy' | 'count' | 'loss' | 'margin' | 'difference';

/** What analyses of the shown text add, by position; nothing where there is none. */
export interface Measured {
  /** [T] loss of each token in nats under the routing as it is. */
  readonly losses: Float32Array | undefined;
  /** The same text under the trained routing. */
  readonly trained: readonly TokenRecord[] | undefined;
}

export const NOTHING_MEASURED: Measured = { losses: undefined, trained: undefined };

/** The quantity of a token at a layer; undefined where it has none. */
export function quantityAt(record: TokenRecord, layer: number, quantity: Quantity, { losses, trained }: Measured): number | undefined {
  switch (quantity) {
    case 'entropy': return entropy(record, layer);
    case 'count': return choicesAt(record, layer).length;
    case 'loss': return record.logProb === undefined ? finite(losses?.[record.index]) : -record.logProb;
    case 'margin': return margin(record, layer);
    case 'difference': return difference(record, trained?.[record.index], layer);
  }
}

/** Entropy in bits of the scores as a distribution; of scores that are no shares, of their softmax. */
function entropy(record: TokenRecord, layer: number): number | undefined {
  const scores = decisionAt(record, layer)?.scores;
  return scores && entropyOf(shares(scores));
}

/** Scores that are not negative are scaled to 1; others go through a softmax. */
export function shares(scores: Float32Array): number[] {
  const values = Array.from(scores);
  const total = values.reduce((sum, value) => sum + value, 0);
  if (values.every((value) => value >= 0) && total > 0) return values.map((value) => value / total);
  const best = Math.max(...values.filter(Number.isFinite));
  const powers = values.map((value) => (Number.isFinite(value) ? Math.exp(value - best) : 0));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
}

export function entropyOf(distribution: readonly number[]): number {
  return distribution.reduce((sum, p) => (p > 0 ? sum - p * Math.log2(p) : sum), 0);
}

/** How far the last expert that was taken scored above the first that was not. */
function margin(record: TokenRecord, layer: number): number | undefined {
  const decision = decisionAt(record, layer);
  if (decision === undefined || decision.choices.length === 0) return undefined;
  const taken = new Set(decision.choices.map(({ expert }) => expert));
  const [mine, others] = [[...taken], [...decision.scores.keys()].filter((expert) => !taken.has(expert))]
    .map((experts) => experts.map((expert) => decision.selectionScores[expert] ?? Number.NaN).filter(Number.isFinite));
  return mine?.length && others?.length ? Math.min(...mine) - Math.max(...others) : undefined;
}

/** Share of the experts, by either routing, that only one of the two took: 0 for the same, 1 for none in common. */
export function difference(record: TokenRecord, other: TokenRecord | undefined, layer: number): number | undefined {
  if (other === undefined || other.token.id !== record.token.id) return undefined;
  const [a, b] = [record, other].map((token) => new Set(choicesAt(token, layer).map(({ expert }) => expert)));
  if (a === undefined || b === undefined) return undefined;
  const common = [...a].filter((expert) => b.has(expert)).length;
  const all = a.size + b.size - common;
  return all === 0 ? 0 : 1 - common / all;
}

function finite(value: number | undefined): number | undefined {
  return value !== undefined && Number.isFinite(value) ? value : undefined;
}

/** A quantity over a text: its values by position and the range of the ramp. */
export interface Scale {
  readonly quantity: Quantity;
  readonly values: readonly (number | undefined)[];
  readonly low: number;
  readonly high: number;
}

/** The ramp goes from the lowest value, or from 0 where that is what the quantity starts at, to the highest. */
export function scaleOf(records: readonly TokenRecord[], layer: number, quantity: Quantity, measured: Measured): Scale {
  const values = records.map((record) => quantityAt(record, layer, quantity, measured));
  const known = values.filter((value) => value !== undefined);
  const floor = quantity === 'count' || quantity === 'difference' ? 0 : Math.min(...known);
  const ceiling = quantity === 'difference' ? 1 : Math.max(...known);
  return known.length === 0 ? { quantity, values, low: 0, high: 1 } : { quantity, values, low: Math.min(floor, ceiling), high: ceiling };
}

/** Steps of the legend. */
export const BINS = 5;

/** Place of a value on the ramp, 0 to 1. */
export function placeOn({ low, high }: Pick<Scale, 'low' | 'high'>, value: number): number {
  return high > low ? Math.min(1, Math.max(0, (value - low) / (high - low))) : 0;
}

/** The step of the legend that a value belongs to. */
export function binOf(scale: Pick<Scale, 'low' | 'high'>, value: number): number {
  return Math.min(BINS - 1, Math.floor(placeOn(scale, value) * BINS));
}

/** From nearly the page to a strong blue-green, in even steps of lightness; ink stays readable on all of it. */
const RAMP: Readonly<Record<Theme, readonly [from: Oklch, to: Oklch]>> = {
  light: [[0.965, 0.015, 230], [0.66, 0.13, 190]],
  dark: [[0.24, 0.02, 250], [0.5, 0.1, 195]],
};

export function ramp(share: number, theme: Theme): Oklch {
  const [from, to] = RAMP[theme];
  const between = (a: number, b: number): number => a + (b - a) * Math.min(1, Math.max(0, share));
  return [between(from[0], to[0]), between(from[1], to[1]), between(from[2], to[2])];
}

export function rampCss(share: number): string {
  return bothThemes((theme) => css(ramp(share, theme)));
}
