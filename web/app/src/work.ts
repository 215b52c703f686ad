// What a text or an image costs under the routing as it is, beside the trained one: experts and FLOPs for each token or patch,
// and how far the two choose the same experts. Pure functions of what was measured.

import { agreement, expertsPerToken, flopsPerToken } from 'moescope/views';
import type { Flops, ModelShape, TokenRecord } from 'moescope/views';

/** Of one token, as a mean. */
export interface Work {
  readonly experts: number;
  /** Where the sizes of the model are known. */
  readonly flops: Flops | undefined;
}

export interface Works {
  readonly now: Work;
  readonly trained: Work;
  /** Share of the experts taken by either that both took; NaN where they are not of the same tokens. */
  readonly agreement: number;
}

/** What was measured, of the same tokens under two routings. */
export interface Runs {
  readonly now: readonly TokenRecord[];
  readonly trained: readonly TokenRecord[];
  readonly layers: readonly number[];
  /** Positions that a token attends to. */
  readonly context: number;
}

export function worksOf({ now, trained, layers, context }: Runs, shape: ModelShape | undefined): Works {
  const of = (records: readonly TokenRecord[]): Work => {
    const experts = layers.map((layer) => expertsPerToken(records, [layer]));
    return {
      experts: experts.reduce((sum, count) => sum + count, 0) / Math.max(1, experts.length),
      flops: shape && flopsPerToken(shape, { experts, context }),
    };
  };
  return { now: of(now), trained: of(trained), agreement: agreement(now, trained, layers) };
}

/** Positions that a token of a text of so many attends to, itself among them, as a mean. */
export function meanContext(nTokens: number): number {
  return (nTokens + 1) / 2;
}
