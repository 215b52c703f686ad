// Writes a run as a recorded one is stored, so that tests can read it back.

import type { GenerateStep, ModelRouting, Trace } from 'moescope';

import type { RecordedStep, RecordedTrace } from '../src/recorded.js';

export function encodeRecorded(steps: readonly GenerateStep[]): RecordedStep[] {
  return steps.map((step, n) => ({ ...step, trace: encodeTrace(step.trace, steps[n - 1]?.trace.routing) }));
}

/** What repeats is left out. */
function encodeTrace(trace: Trace, before: ModelRouting | undefined): RecordedTrace {
  const plain = (values: Float32Array): (number | null)[] =>
    Array.from(values, (v) => (Number.isFinite(v) ? Number(v.toPrecision(4)) : null));
  return {
    tokens: trace.tokens,
    ...(JSON.stringify(trace.routing) === JSON.stringify(before) ? {} : { routing: trace.routing }),
    layers: trace.layers.map((layer) => ({
      layer: layer.layer,
      n_experts: layer.n_experts,
      logits: plain(layer.logits),
      scores: plain(layer.scores),
      ...(layer.scores.every((score, n) => score === layer.selection_scores[n]) ? {} : { selection_scores: plain(layer.selection_scores) }),
      verdicts: Array.from(layer.verdicts),
      offsets: Array.from(layer.offsets),
      experts: Array.from(layer.experts),
      weights: plain(layer.weights),
    })),
  };
}
