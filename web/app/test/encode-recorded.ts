// Writes a run as a recorded one is stored, so that tests can read it back.

import type { GenerateStep, Trace } from 'moescope';

import type { RecordedStep, RecordedTrace } from '../src/recorded.js';

export function encodeRecorded(steps: readonly GenerateStep[]): RecordedStep[] {
  return steps.map((step) => ({ ...step, trace: encodeTrace(step.trace) }));
}

function encodeTrace(trace: Trace): RecordedTrace {
  const plain = (values: Float32Array): (number | null)[] =>
    Array.from(values, (v) => (Number.isFinite(v) ? Number(v.toPrecision(6)) : null));
  return {
    tokens: trace.tokens,
    routing: trace.routing,
    layers: trace.layers.map((layer) => ({
      layer: layer.layer,
      n_experts: layer.n_experts,
      logits: plain(layer.logits),
      scores: plain(layer.scores),
      selection_scores: plain(layer.selection_scores),
      verdicts: Array.from(layer.verdicts),
      offsets: Array.from(layer.offsets),
      experts: Array.from(layer.experts),
      weights: plain(layer.weights),
    })),
  };
}
