// Self-contrast as the page offers it: a second pass in which one expert by rank acts alone.

import type { ContrastRequest, RouterSpecInput } from 'moescope';

export interface ContrastSettings {
  /** Place of the expert that acts alone in the weak pass, 0 for the best. */
  readonly rank: number;
  readonly alpha: number;
  readonly beta: number;
}

export const CONTRAST: ContrastSettings = { rank: 2, alpha: 0.1, beta: 0.5 };

/** What a control and a link may say. */
export const CONTRAST_LIMITS = {
  rank: { min: 0, max: 65535 },
  alpha: { min: 0.01, max: 1 },
  beta: { min: 0, max: 2 },
} as const;

/** What the engine is asked; a rank that the model does not have becomes its last. */
export function contrastRequest({ rank, alpha, beta }: ContrastSettings, nExperts: number): ContrastRequest {
  const weak: RouterSpecInput = { select: { method: 'rank', ranks: [rankFor(rank, nExperts)] } };
  return { weak, alpha, beta };
}

export function rankFor(rank: number, nExperts: number): number {
  return Math.max(0, Math.min(rank, nExperts - 1));
}
