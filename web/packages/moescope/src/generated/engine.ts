// The values that cross from the engine to JavaScript: model facts, traces, steps, analyses.
// These are the shapes that crate/wasm returns; the types of routing strategies are in routing.ts.
// Bulk data are typed arrays that own their buffer, so that a worker can hand them over without a copy.
// Shapes: T tokens, E experts, N pairs of a token and an expert that acts on it.

import type { ModelRouting } from './routing.js';

/** What a loaded model is. */
export interface ModelInfo {
  name: string;
  architecture: string;
  n_layers: number;
  /** Indices of the transformer layers that have experts. */
  moe_layers: number[];
  n_experts: number;
  top_k: number;
  d_model: number;
  vocab_size: number;
  max_positions: number;
  n_parameters: number;
  n_active_parameters: number;
  /** The routing that the model was trained with. */
  trained_routing: ModelRouting;
}

/** How tokens are drawn; a temperature of 0 takes the most probable token. */
export interface GenerateOptions {
  max_tokens: number;
  temperature: number;
  seed: number;
}

/** A token; `text` is what it adds to the decoded text, "" inside a UTF-8 sequence that is not complete. */
export interface Token {
  id: number;
  text: string;
  special: boolean;
}

/** What the routers did with some tokens, layer by layer, and under which routing. */
export interface Trace {
  tokens: Token[];
  layers: LayerTrace[];
  routing: ModelRouting;
}

/** What one router did. Experts and weights of token t are at offsets[t] .. offsets[t + 1], best first. */
export interface LayerTrace {
  layer: number;
  n_experts: number;
  /** Gating logits, [T, E]. */
  logits: Float32Array;
  /** After the score stage, [T, E]. */
  scores: Float32Array;
  /** What selection compared, [T, E]; minus infinity where an expert was excluded. */
  selection_scores: Float32Array;
  /** Indices into VERDICTS, [T, E]. */
  verdicts: Uint8Array;
  /** [T + 1] */
  offsets: Uint32Array;
  /** [N] */
  experts: Uint16Array;
  /** Combine weights, [N]. */
  weights: Float32Array;
}

/** One generated token with its own routing (T = 1). */
export interface Step {
  token: Token;
  log_prob: number;
  trace: Trace;
}

/** A text read by the model: loss in nats for each token, NaN for a token that nothing precedes. */
export interface Analysis {
  trace: Trace;
  /** [T] */
  losses: Float32Array;
  /** Mean nats over the predicted tokens. */
  loss: number;
  bits_per_byte: number;
}
