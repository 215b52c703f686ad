// The analyses that the page offers, in the order of the menu: what each asks the package, and what can be chosen about it.
// Their words stand in messages-analyses.ts under the same ids.

import type { AnalysisName, LabelsBy } from 'moescope';

/** Where the tokens come from. */
export const TEXT_SOURCES = ['current', 'domains', 'own', 'import'] as const;
export type TextSource = (typeof TEXT_SOURCES)[number];

/** Domains of the examples, in their order. */
export const DOMAINS = ['tales', 'novels', 'shakespeare', 'french', 'german', 'python', 'rust', 'math', 'wordproblems'] as const;

/** A token id must occur so often to say something about it (as in OLMoE, arXiv:2409.02060). */
export const MIN_TOKENS = 10;

interface Entry {
  /** What the package is asked; nothing where the model itself has to run. */
  readonly asks: AnalysisName | undefined;
  /** Ways to look at it, the usual one first. */
  readonly variants: readonly string[];
  /** Whether the picture is of one layer. */
  readonly oneLayer: boolean;
}

export const CATALOGUE = {
  load: { asks: 'load', variants: [], oneLayer: false },
  balance: { asks: 'balance', variants: ['losses', 'evenness'], oneLayer: false },
  domains: { asks: 'labels', variants: ['shares', 'distance'], oneLayer: true },
  vocabulary: { asks: 'labels', variants: ['input', 'next', 'predicted'], oneLayer: true },
  co_activation: { asks: 'co_activation', variants: ['conditional', 'jaccard'], oneLayer: true },
  tokens: { asks: 'tokens', variants: ['entropy', 'top_share', 'margin'], oneLayer: false },
  flow: { asks: 'flow', variants: [], oneLayer: true },
  repetition: { asks: 'repetition', variants: [], oneLayer: false },
  segments: { asks: 'segments', variants: [], oneLayer: true },
  caches: { asks: 'caches', variants: [], oneLayer: true },
  drops: { asks: 'drops', variants: ['choices', 'stranded'], oneLayer: true },
  agreement: { asks: 'agreement', variants: ['overlap', 'divergence'], oneLayer: false },
  ablation: { asks: undefined, variants: [], oneLayer: true },
} as const satisfies Record<string, Entry>;

export type AnalysisId = keyof typeof CATALOGUE;

export const ANALYSIS_IDS = Object.keys(CATALOGUE).filter((id): id is AnalysisId => id in CATALOGUE);

/** The variant that is meant: the first where none, or none of this analysis, is chosen. */
export function variantOf(id: AnalysisId, wanted: string | undefined): string {
  const variants: readonly string[] = CATALOGUE[id].variants;
  return variants.find((variant) => variant === wanted) ?? variants[0] ?? '';
}

/** What the tokens are grouped by. */
export function labelsFor(id: AnalysisId, variant: string): LabelsBy {
  if (id !== 'vocabulary') return 'text';
  return variant === 'next' || variant === 'predicted' ? variant : 'input';
}
