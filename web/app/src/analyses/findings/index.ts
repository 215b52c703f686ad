// From the answers to an analysis to what the page shows of it.

import { labelsOf } from 'moescope';
import type { LayerAnswer, RoutingTrace } from 'moescope';

import type { AnalysisId } from '../catalogue.js';
import { agreementFinding, cachesFinding, dropsFinding, segmentsFinding } from './curves.js';
import { balanceFinding, loadFinding, repetitionFinding } from './experts.js';
import type { Context, Finding } from './finding.js';
import { coActivationFinding, domainsFinding, flowFinding, tokensFinding, vocabularyFinding } from './matrices.js';

const FINDINGS: Readonly<Record<Exclude<AnalysisId, 'ablation'>, (context: Context) => Finding>> = {
  load: loadFinding, balance: balanceFinding, domains: domainsFinding, vocabulary: vocabularyFinding, co_activation: coActivationFinding,
  tokens: tokensFinding, flow: flowFinding, repetition: repetitionFinding, segments: segmentsFinding, caches: cachesFinding, drops: dropsFinding,
  agreement: agreementFinding,
};

export function findingOf(
  id: Exclude<AnalysisId, 'ablation'>, { trace, answers, layer, variant }: { trace: RoutingTrace; answers: readonly LayerAnswer[]; layer: number; variant: string },
): Finding {
  return FINDINGS[id]({ trace, answers, layer, variant, labels: labelsOf(trace).names });
}
