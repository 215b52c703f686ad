// What analyses of the shown text add to its tokens. A text is read anew by an analysis, and where its tokens then differ from
// those that were written, nothing is said of them.

import type { Analysis } from 'moescope';
import { NOTHING_MEASURED, recordsOf } from 'moescope/views';
import type { Measured, TokenRecord } from 'moescope/views';

/** Analyses of one text, under the routing as it is and under the trained one. */
export interface Analyses {
  readonly now: Analysis;
  readonly trained: Analysis;
}

const recordsOfTrained = new WeakMap<Analysis, readonly TokenRecord[]>();

export function measuredFor(records: readonly TokenRecord[], analyses: Analyses | undefined): Measured {
  if (analyses === undefined) return NOTHING_MEASURED;
  const { now, trained } = analyses;
  const losses = Float32Array.from(records, ({ index, token }) => (now.trace.tokens[index]?.id === token.id ? now.losses[index] ?? Number.NaN : Number.NaN));
  const read = recordsOfTrained.get(trained) ?? recordsOf(trained.trace, 'prompt');
  recordsOfTrained.set(trained, read);
  return { losses, trained: read };
}
