// Two runs side by side: how unevenly each loads its experts, how far loads and routers are apart at each layer, and which
// tokens changed experts. A run is a text or an image; tokens are compared one with one only where each has a partner.
// Jensen-Shannon divergence in bits (Lin 1991): half of KL(p || m) plus half of KL(q || m) with m the mean of both; 0 to 1.

import { choicesAt, decisionAt, loadAt } from './data.js';
import type { TokenRecord } from './data.js';
import { entropyOf, shares } from './tint.js';

/** One layer of both runs; what cannot be said of it is left out. */
export interface LayerComparison {
  readonly layer: number;
  /** Share of a run's choices that each expert got. */
  readonly loads: Readonly<Record<'a' | 'b', readonly number[] | undefined>>;
  /** Between the loads, in bits; where both have as many experts. */
  readonly load: number | undefined;
  /** Mean over pairs of tokens of the divergence between their routers, in bits. */
  readonly routers: number | undefined;
  /** Share of pairs whose sets of experts differ. */
  readonly changed: number | undefined;
}

/** In bits; of distributions over the same things. */
export function jensenShannon(p: readonly number[], q: readonly number[]): number {
  const mean = p.map((value, n) => (value + (q[n] ?? 0)) / 2);
  return Math.max(0, entropyOf(mean) - (entropyOf(p) + entropyOf(q)) / 2);
}

/** Every layer that either run has; `paired` says whether tokens at the same place are partners. */
export function compareLayers(a: readonly TokenRecord[], b: readonly TokenRecord[], paired: boolean): LayerComparison[] {
  const layers = [...new Set([...layersOf(a), ...layersOf(b)])].toSorted((x, y) => x - y);
  const pairs = paired ? pairsOf(a, b) : [];
  return layers.map((layer) => {
    const loads = { a: loadOf(a, layer), b: loadOf(b, layer) };
    const alike = loads.a !== undefined && loads.b !== undefined && loads.a.length === loads.b.length;
    const mean = (of: (x: TokenRecord, y: TokenRecord) => number): number | undefined =>
      (alike && pairs.length > 0 ? pairs.reduce((sum, [x, y]) => sum + of(x, y), 0) / pairs.length : undefined);
    return {
      layer, loads,
      load: alike ? jensenShannon(loads.a ?? [], loads.b ?? []) : undefined,
      routers: mean((x, y) => tokenDivergence(x, y, layer)),
      changed: mean((x, y) => (expertsDiffer(x, y, layer) ? 1 : 0)),
    };
  });
}

/** Positions of the tokens whose experts at a layer differ. */
export function changedTokens(a: readonly TokenRecord[], b: readonly TokenRecord[], layer: number): Set<number> {
  return new Set(pairsOf(a, b).filter(([x, y]) => expertsDiffer(x, y, layer)).map(([x]) => x.index));
}

/** Whether every token has its partner: the same one at the same place. */
export function pairUp(a: readonly TokenRecord[], b: readonly TokenRecord[]): boolean {
  return a.length === b.length && pairsOf(a, b).length === a.length;
}

function pairsOf(a: readonly TokenRecord[], b: readonly TokenRecord[]): [TokenRecord, TokenRecord][] {
  return a.flatMap((record, n): [TokenRecord, TokenRecord][] => {
    const other = b[n];
    return other !== undefined && other.token.id === record.token.id ? [[record, other]] : [];
  });
}

function layersOf(records: readonly TokenRecord[]): number[] {
  return records[0]?.trace.layers.map(({ layer }) => layer) ?? [];
}

function loadOf(records: readonly TokenRecord[], layer: number): number[] | undefined {
  const nExperts = records[0]?.trace.layers.find((trace) => trace.layer === layer)?.n_experts;
  return nExperts === undefined ? undefined : shares(Float32Array.from(loadAt(records, layer, nExperts).slice(0, nExperts)));
}

function tokenDivergence(a: TokenRecord, b: TokenRecord, layer: number): number {
  const [p, q] = [decisionAt(a, layer), decisionAt(b, layer)];
  return p === undefined || q === undefined ? 0 : jensenShannon(shares(p.scores), shares(q.scores));
}

function expertsDiffer(a: TokenRecord, b: TokenRecord, layer: number): boolean {
  const [x, y] = [a, b].map((record) => choicesAt(record, layer).map(({ expert }) => expert).toSorted((m, n) => m - n).join());
  return x !== y;
}
