// What analyses of the shown text add to its tokens. A text is read anew by an analysis, and where its tokens then differ from
// those that were written, nothing is said of them.

import type { Analysis } from 'moescope';
import { NOTHING_MEASURED, recordsOf } from 'moescope/views';
import type { Measured, ModelShape, TokenRecord } from 'moescope/views';

import { meanContext, worksOf } from './work.js';
import type { Works } from './work.js';

/** Analyses of one text, under the routing as it is and under the trained one. */
export interface Analyses {
  readonly now: Analysis;
  readonly trained: Analysis;
}

const readings = new WeakMap<Analysis, readonly TokenRecord[]>();
const works = new WeakMap<Analyses, { readonly shape: ModelShape | undefined; readonly works: Works }>();

/** The same records for the same analysis. */
function recordsFor(analysis: Analysis): readonly TokenRecord[] {
  const found = readings.get(analysis) ?? recordsOf(analysis.trace, 'prompt');
  readings.set(analysis, found);
  return found;
}

/** Experts and FLOPs of the text; reckoned once for each analysis. */
export function worksFor(analyses: Analyses | undefined, layers: readonly number[], shape: ModelShape | undefined): Works | undefined {
  if (analyses === undefined) return undefined;
  const known = works.get(analyses);
  if (known !== undefined && known.shape === shape) return known.works;
  const [now, trained] = [recordsFor(analyses.now), recordsFor(analyses.trained)];
  const made = worksOf({ now, trained, layers, context: meanContext(now.length) }, shape);
  works.set(analyses, { shape, works: made });
  return made;
}

export function measuredFor(records: readonly TokenRecord[], analyses: Analyses | undefined): Measured {
  if (analyses === undefined) return NOTHING_MEASURED;
  const { now, trained } = analyses;
  const losses = Float32Array.from(records, ({ index, token }) => (now.trace.tokens[index]?.id === token.id ? now.losses[index] ?? Number.NaN : Number.NaN));
  return { losses, trained: recordsFor(trained) };
}
