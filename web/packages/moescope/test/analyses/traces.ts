// Traces for tests: choices drawn by a rule, in the form that the engine gives.
import type { LayerTrace, Trace } from '../../src/generated/engine.js';
import { DEFAULT_SPEC } from '../../src/generated/routing.js';
import { traceOf } from '../../src/analyses/trace.js';
import type { RoutingTrace } from '../../src/analyses/trace.js';

/** Two different experts for each token, by token and layer. */
export function chosen(token: number, layer: number, nExperts: number): [number, number] {
  const first = (token * (layer + 2) + layer) % nExperts;
  return [first, (first + 1 + (token % (nExperts - 1))) % nExperts];
}

export function engineTrace(texts: readonly string[], nExperts = 4, layers: readonly number[] = [0, 2]): Trace {
  return {
    tokens: texts.map((text, at) => ({ id: 100 + (at % 7), text, special: false })),
    layers: layers.map((layer) => engineLayer(texts.length, layer, nExperts)),
    routing: { default: DEFAULT_SPEC, layers: {} },
  };
}

function engineLayer(nTokens: number, layer: number, nExperts: number): LayerTrace {
  const tokens = Array.from({ length: nTokens }, (_, token) => chosen(token, layer, nExperts));
  const scores = tokens.flatMap(([first, second]) => Array.from({ length: nExperts }, (_, expert) => (expert === first ? 0.5 : expert === second ? 0.3 : 0.2 / (nExperts - 2))));
  return {
    layer, n_experts: nExperts,
    logits: Float32Array.from(scores, (score, at) => (at === 3 ? -Infinity : Math.log(score))),
    scores: Float32Array.from(scores), selection_scores: Float32Array.from(scores), verdicts: new Uint8Array(scores.length),
    offsets: Uint32Array.from({ length: nTokens + 1 }, (_, token) => token * 2),
    experts: Uint16Array.from(tokens.flat()),
    weights: Float32Array.from(tokens.flatMap((_, token) => [0.6 + token / 100, 0.4 - token / 100])),
  };
}

export const WORDS = ['Once', ' upon', ' a', ' time', ',', ' there', ' was', ' a', ' fox'];

export function sample(label = 'tales'): RoutingTrace {
  return traceOf(engineTrace(WORDS), 'models/first', label);
}
