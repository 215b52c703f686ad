// What a link keeps of the tab Analyses: the analysis, the texts, how to look at it. A file cannot be in a link; a short text can.

import { isPreset } from '../strategy.js';
import { ANALYSIS_IDS, CATALOGUE, TEXT_SOURCES } from './catalogue.js';
import type { AnalysisId, TextSource } from './catalogue.js';

export interface AnalysesState {
  readonly analysis: AnalysisId;
  readonly texts: TextSource;
  /** Domains of the examples that are left out. */
  readonly without: readonly string[];
  /** The visitor's own text. */
  readonly own: string;
  /** The way to look at it; the usual one unless given. */
  readonly variant: string | undefined;
  /** The strategy of the second run; as trained unless given. */
  readonly against: string | undefined;
}

export const ANALYSES_DEFAULTS: AnalysesState = {
  analysis: 'load', texts: 'current', without: [], own: '', variant: undefined, against: undefined,
};

/** A longer text is left out of the link. */
export const OWN_IN_LINK = 1000;
const MAX_DOMAINS = 32;

/** Writes a value under a name unless it is the standard one. */
type Put = (name: string, value: string | number | undefined, standard?: string | number) => void;

export function putAnalyses(put: Put, { analysis, texts, without, own, variant, against }: AnalysesState): void {
  put('analysis', analysis, ANALYSES_DEFAULTS.analysis);
  put('texts', texts, ANALYSES_DEFAULTS.texts);
  put('without', without.join(','), '');
  if (own.length <= OWN_IN_LINK) put('own', own, '');
  put('view', variant);
  put('against', against);
}

export function analysesOf(params: URLSearchParams): AnalysesState {
  const analysis = ANALYSIS_IDS.find((id) => id === params.get('analysis')) ?? ANALYSES_DEFAULTS.analysis;
  const variants: readonly string[] = CATALOGUE[analysis].variants;
  return {
    analysis,
    texts: TEXT_SOURCES.find((source) => source === params.get('texts')) ?? ANALYSES_DEFAULTS.texts,
    without: [...new Set((params.get('without') ?? '').split(',', MAX_DOMAINS).filter((name) => /^[a-z]{1,20}$/.test(name)))],
    own: params.get('own') ?? '',
    variant: variants.find((variant) => variant === params.get('view')),
    against: [params.get('against') ?? ''].find(isPreset),
  };
}
