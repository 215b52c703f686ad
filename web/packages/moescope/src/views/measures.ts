// Figures of a routed text that one number says: experts in use, experts per token, hits of a cache of experts.

import { choicesAt, loadAt } from './data.js';
import type { TokenRecord } from './data.js';
import { difference } from './tint.js';

/** What the load of a layer is worth. */
export function effectiveExperts(records: readonly TokenRecord[], layer: number, nExperts: number): number {
  return worthOf(loadAt(records, layer, nExperts));
}

/** exp of the entropy of a load: E where all experts have the same, 1 where one has everything. */
export function worthOf(loads: readonly number[]): number {
  const total = loads.reduce((sum, load) => sum + load, 0);
  return Math.exp(-loads.reduce((sum, load) => (load > 0 ? sum + (load / total) * Math.log(load / total) : sum), 0));
}

/** Mean over tokens and layers. */
export function expertsPerToken(records: readonly TokenRecord[], layers: readonly number[]): number {
  const picks = records.reduce((sum, record) => sum + layers.reduce((here, layer) => here + choicesAt(record, layer).length, 0), 0);
  return picks / Math.max(1, records.length * layers.length);
}

/**
 * How far two runs of a text choose the same experts: the share of those chosen by either run that both chose, a mean over tokens
 * and layers (Jaccard 1901). Where neither run chose any, they agree.
 */
export function agreement(a: readonly TokenRecord[], b: readonly TokenRecord[], layers: readonly number[]): number {
  let [sum, count] = [0, 0];
  for (const [n, record] of a.entries()) {
    for (const layer of layers) {
      const apart = difference(record, b[n], layer);
      if (apart !== undefined) [sum, count] = [sum + 1 - apart, count + 1];
    }
  }
  return count === 0 ? Number.NaN : sum / count;
}

/** Share of choices whose expert is among the `size` used last at that layer: a cache that drops the one unused for longest. */
export function cacheHits(records: readonly TokenRecord[], layers: readonly number[], size: number): number {
  let [hits, picks] = [0, 0];
  for (const layer of layers) {
    const cache: number[] = [];
    for (const record of records) {
      for (const { expert } of choicesAt(record, layer)) {
        picks += 1;
        const at = cache.indexOf(expert);
        if (at >= 0) [hits] = [hits + 1, cache.splice(at, 1)];
        cache.push(expert);
        if (cache.length > size) cache.shift();
      }
    }
  }
  return picks === 0 ? 0 : hits / picks;
}
