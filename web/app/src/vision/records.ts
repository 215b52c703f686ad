// A classification as the views want it: patches in the place of tokens.

import type { Classification } from 'moescope';
import { recordsOf } from 'moescope/views';
import type { TokenRecord } from 'moescope/views';

const cache = new WeakMap<Classification, TokenRecord[]>();

/** One record for each patch; the same list for the same classification. */
export function patchRecords(seen: Classification): TokenRecord[] {
  const known = cache.get(seen);
  if (known !== undefined) return known;
  const count = (seen.layers[0]?.offsets.length ?? 1) - 1;
  const tokens = Array.from({ length: count }, (_, id) => ({ id, text: '', special: false }));
  const records = recordsOf({ tokens, layers: seen.layers, routing: seen.routing }, 'prompt');
  cache.set(seen, records);
  return records;
}

/** The likeliest class. */
export function answerOf({ probabilities }: Classification): number {
  return probabilities.reduce((best, p, index) => (p > (probabilities[best] ?? 0) ? index : best), 0);
}

/** -ln p of a class, in nats. */
export function lossOf({ probabilities }: Classification, label: number): number {
  return -Math.log(probabilities[label] ?? 0);
}
