// Two runs of the same text, side by side: how far their routers are apart at each layer, and which tokens changed experts.
// Jensen-Shannon divergence in bits (Lin 1991): half of KL(p || m) plus half of KL(q || m) with m the mean of both; 0 to 1.

import { choicesAt, decisionAt } from './data.js';
import type { TokenRecord } from './data.js';
import { entropyOf, shares } from './tint.js';

/** What became of one layer. */
export interface LayerDifference {
  readonly layer: number;
  /** Mean over tokens, in bits. */
  readonly divergence: number;
  /** Share of tokens whose set of experts differs. */
  readonly changed: number;
}

/** In bits; of distributions over the same things. */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const mean = p.map((value, n) => (value + (q[n] ?? 0)) / 2);
  return Math.max(0, entropyOf(mean) - (entropyOf(p) + entropyOf(q)) / 2);
}

/** By layer, over the tokens that both runs have at the same place. */
export function layerDifferences(a: readonly TokenRecord[], b: readonly TokenRecord[], layers: readonly number[]): LayerDifference[] {
  const pairs = paired(a, b);
  return layers.map((layer) => {
    const total = pairs.reduce((sum, [x, y]) => sum + tokenDivergence(x, y, layer), 0);
    const changed = pairs.filter(([x, y]) => expertsDiffer(x, y, layer)).length;
    return { layer, divergence: total / Math.max(1, pairs.length), changed: changed / Math.max(1, pairs.length) };
  });
}

/** Positions of the tokens whose experts at a layer differ. */
export function changedTokens(a: readonly TokenRecord[], b: readonly TokenRecord[], layer: number): Set<number> {
  return new Set(paired(a, b).filter(([x, y]) => expertsDiffer(x, y, layer)).map(([x]) => x.index));
}

function paired(a: readonly TokenRecord[], b: readonly TokenRecord[]): [TokenRecord, TokenRecord][] {
  return a.flatMap((record, n): [TokenRecord, TokenRecord][] => {
    const other = b[n];
    return other !== undefined && other.token.id === record.token.id ? [[record, other]] : [];
  });
}

function tokenDivergence(a: TokenRecord, b: TokenRecord, layer: number): number {
  const [p, q] = [decisionAt(a, layer), decisionAt(b, layer)];
  return p === undefined || q === undefined ? 0 : jensenShannon(shares(p.scores), shares(q.scores));
}

function expertsDiffer(a: TokenRecord, b: TokenRecord, layer: number): boolean {
  const [x, y] = [a, b].map((record) => choicesAt(record, layer).map(({ expert }) => expert).toSorted((m, n) => m - n).join());
  return x !== y;
}
