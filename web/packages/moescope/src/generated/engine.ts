// The values that cross from the engine to JavaScript, generated from the Rust crate moescope-model.
// Bulk data are typed arrays that own their buffer, so that a worker can hand them over without a copy.
// Do not edit. After a change in Rust run:
// MOESCOPE_BLESS=1 cargo test -p moescope-tests --test typescript

import type { ModelRouting } from './routing.js';

/**
 * What a page wants to know about a loaded model.
 */
export type ModelInfo = {
/**
 * Name of the checkpoint, if its caller gave one, else its architecture.
 */
name: string,
/**
 * Published `model_type`.
 */
architecture: string,
/**
 * Transformer layers.
 */
n_layers: number,
/**
 * Indices of those with experts.
 */
moe_layers: Array<number>,
/**
 * Experts in an MoE layer.
 */
n_experts: number,
/**
 * Experts per token under the trained routing.
 */
top_k: number,
/**
 * Width of the residual stream.
 */
d_model: number,
/**
 * Size of the vocabulary.
 */
vocab_size: number,
/**
 * Longest text in tokens.
 */
max_positions: number,
/**
 * All parameters.
 */
n_parameters: number,
/**
 * Parameters one token uses under the trained routing.
 */
n_active_parameters: number,
/**
 * The routing the model was trained with.
 */
trained_routing: ModelRouting, };

/**
 * How to continue a prompt.
 */
export type GenerateOptions = {
/**
 * Tokens to generate at most.
 */
max_tokens: number,
/**
 * Sampling temperature; 0 takes the likeliest token.
 */
temperature: number,
/**
 * Seed of the sampler; the same seed gives the same text on the same backend.
 */
seed: number, };

/**
 * A token as people see it.
 */
export type Token = {
/**
 * Id in the vocabulary.
 */
id: number,
/**
 * What it adds to the text; empty while a character is still incomplete.
 */
text: string,
/**
 * Whether it is a marker, such as the start of a document, and no text.
 */
special: boolean, };

/**
 * The routing of T tokens through every MoE layer.
 */
export type Trace = {
/**
 * [T] tokens.
 */
tokens: Array<Token>,
/**
 * One entry for each MoE layer, in order.
 */
layers: Array<LayerTrace>,
/**
 * The routing in force.
 */
routing: ModelRouting, };

/**
 * The decisions of one MoE layer about T tokens.
 */
export type LayerTrace = {
/**
 * Index of the transformer layer.
 */
layer: number,
/**
 * E.
 */
n_experts: number,
/**
 * [T, E] gating logits.
 */
logits: Float32Array,
/**
 * [T, E] scores.
 */
scores: Float32Array,
/**
 * [T, E] what selection compared; minus infinity means excluded.
 */
selection_scores: Float32Array,
/**
 * [T, E] verdict codes.
 */
verdicts: Uint8Array,
/**
 * [T + 1] where each token's experts start.
 */
offsets: Uint32Array,
/**
 * [N] experts, best first within a token.
 */
experts: Uint16Array,
/**
 * [N] combine weights.
 */
weights: Float32Array, };

/**
 * One generated token.
 */
export type Step = {
/**
 * The token.
 */
token: Token,
/**
 * Natural logarithm of the probability the model gave it, before the sampling temperature.
 */
log_prob: number,
/**
 * How the token itself was routed; T = 1.
 */
trace: Trace, };

/**
 * How well a text is predicted, and how it was routed.
 */
export type Analysis = {
/**
 * Routing of every token.
 */
trace: Trace,
/**
 * [T] loss of each token in nats; NaN for the first, which nothing precedes.
 */
losses: Float32Array,
/**
 * Mean loss of the predicted tokens, nats per token; NaN for a single token.
 */
loss: number,
/**
 * The same per byte of the predicted text, in bits.
 */
bits_per_byte: number, };

