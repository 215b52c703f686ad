// A stand-in for the analyses in unit tests: answers of the right shape, made from the question by simple rules.

import { missingFor, readTrace } from 'moescope';
import type { Analyser, AnalysisName, Answer, Estimate, Evenness, LayerAnswer, RoutingTrace, RunOptions } from 'moescope';

type Runs = Pick<Analyser, 'run' | 'read'>;

const share = (value: number, chance: number): Estimate => ({ value, low: Math.max(0, value - 0.05), high: value + 0.05, chance });

export class FakeAnalyser implements Runs {
  readonly runs: AnalysisName[] = [];
  /** Holds every run back until it is called. */
  hold: (() => void) | undefined;
  #held: Promise<void> | undefined;

  holdBack(): void {
    this.#held = new Promise((resolve) => { this.hold = resolve; });
  }

  async run(analysis: AnalysisName, trace: RoutingTrace, { signal, onProgress, ...options }: RunOptions = {}): Promise<LayerAnswer[]> {
    const missing = missingFor(analysis, trace, options);
    if (missing !== undefined) throw new Error(`missing ${missing}`);
    signal?.throwIfAborted();
    this.runs.push(analysis);
    const layers = analysis === 'flow' ? trace.layers.slice(0, -1) : trace.layers;
    onProgress?.(0, layers.length);
    await Promise.race([this.#held ?? Promise.resolve(), new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason as Error)))]);
    signal?.throwIfAborted();
    return layers.map((layer, at) => ({
      layer: layer.layer, next: analysis === 'flow' ? trace.layers[at + 1]?.layer : undefined, answer: fakeAnswer(analysis, trace.nTokens, layer.nExperts, at),
    }));
  }

  read(...[bytes, file, options]: Parameters<Analyser['read']>): Promise<RoutingTrace> {
    return Promise.resolve().then(() => readTrace(bytes, file, options));
  }
}

const evenness = (n: number): Evenness => ({ variation: 0.1 * n, max_over_mean: 1 + 0.1 * n, effective_experts: 8 - n, dead: 0 });

/** Numbers that depend on layer and expert, so that what stands in the wrong place shows. */
export function fakeAnswer(analysis: AnalysisName, nTokens: number, nExperts: number, at: number): Answer {
  const experts = Array.from({ length: nExperts }, (_, expert) => expert);
  const chance = 2 / nExperts;
  const shares = experts.map((expert) => share(0.05 * (expert + 1) + 0.01 * at, chance));
  const cells = experts.flatMap((row) => experts.map((column) => ((row * 3 + column * 5 + at) % 10) / 10));
  const tokens = Array.from({ length: nTokens }, (_, token) => (token % 7) / 7);
  const labelled = [0, 1].map((label) => ({ label, n_tokens: 12 + label, shares: shares.map(({ value }) => share(value * (label + 1), chance)) }));
  switch (analysis) {
    case 'load': return { analysis, answer: { counts: experts, shares, controls: experts.map((expert) => [(expert + 1) % nExperts]), chance: evenness(1), ...evenness(at + 2) } };
    case 'balance': return { analysis, answer: { evenness: evenness(at + 2), chance: evenness(1), balance_loss: 1.1 + at, first_choice_loss: 1.2, importance_loss: 0.3, z_loss: share(4, 4.3) } };
    case 'tokens': return { analysis, answer: { entropy: tokens, top_share: tokens, margin: tokens, mean_entropy: share(1.2, 2.08), mean_top_share: share(0.5, 0.125), mean_margin: share(0.1, 0) } };
    case 'labels': return { analysis, answer: { shares: labelled, distances: labelled.map(({ label }) => ({ label, distance: 0.2 + label / 10, chance: 0.1, chance_high: 0.25 })) } };
    case 'co_activation': return { analysis, answer: {
      counts: cells, conditional: cells, conditional_low: cells.map((value) => value - 0.05), conditional_high: cells.map((value) => value + 0.05),
      conditional_chance: 0.3, jaccard: cells, jaccard_chance: 0.2, partners: experts.map((expert) => expert % 2),
    } };
    case 'flow': return { analysis, answer: { counts: cells, chance: cells, shares: cells, low: cells.map((value) => value - 0.05), high: cells.map((value) => value + 0.05), share_chance: experts.map(() => 0.25) } };
    case 'repetition': return { analysis, answer: { first: share(0.3 + at / 10, 0.125), any: share(0.5, 0.46) } };
    case 'segments': return { analysis, answer: [4, 16].map((length) => ({ length, srp: share(0.7 - length / 100, 0.5), threshold: 2, size_ratio: 1.2, srp_by_expert: [], chance_by_expert: [] })) };
    case 'caches': return { analysis, answer: [2, 4].map((size) => ({
      size, ratio: size / 2, lru: share(0.2 * size, 0.2), lfu: share(0.19 * size, 0.2), segment: share(0.21 * size, 0.2), fixed: share(0.22 * size, 0.2), belady: share(0.23 * size, 0.2),
    })) };
    case 'drops': return { analysis, answer: [0.5, 1].flatMap((factor) => (['order', 'batch_priority'] as const).map((priority) => ({
      capacity_factor: factor, priority, capacity: 4, choices: share(0.2 / factor, 0.3), stranded: share(0.1 / factor, 0.2), lost: [],
    }))) };
    case 'agreement': return { analysis, answer: { overlap: share(0.8 - at / 10, 0.25), divergence: share(0.05, 0.3) } };
  }
}
