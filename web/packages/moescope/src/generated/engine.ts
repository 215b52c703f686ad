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
 * Routed experts in an MoE layer; 0 in a dense model.
 */
n_experts: number,
/**
 * Experts in an MoE layer that act on every token.
 */
n_shared_experts: number,
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
 * Tokens of the vocabulary that the sampler draws from: the likeliest ones, of equals the lower ids; 0 is all.
 */
sampler_top_k: number,
/**
 * Draws from the fewest likeliest tokens that together have at least this share of the probability which
 * temperature and `sampler_top_k` leave, the one that reaches it included; above 0 to 1, and 1 is all.
 */
sampler_top_p: number,
/**
 * Seed of the sampler; the same seed gives the same text on the same backend.
 */
seed: number,
/**
 * Pushes the scores of the next token away from those of a weak routing.
 */
contrast: Contrast | null, };

/**
 * Settings of self-contrast decoding.
 */
export type Contrast = {
/**
 * Routing of the weak pass; unless given, the third best expert alone, or the last of fewer.
 */
weak: ModelRouting | null,
/**
 * A token is valid if strong gives it at least this share of its best probability; above 0 to 1.
 */
alpha: number,
/**
 * How far scores move away from weak; from 0, which leaves the strong scores.
 */
beta: number,
/**
 * Divides the strong logits; above 0.
 */
strong_temperature: number,
/**
 * Divides the weak logits; above 0.
 */
weak_temperature: number, };

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
 * Natural logarithm of the probability the model gave it, before contrast and the sampling temperature.
 */
log_prob: number,
/**
 * How the token itself was routed; T = 1.
 */
trace: Trace,
/**
 * What self-contrast did to its choice, where that is on.
 */
contrast: ContrastReport | null, };

/**
 * What self-contrast did to one choice of a token.
 */
export type ContrastReport = {
/**
 * KL(strong || weak) of the next-token distributions, in nats.
 */
divergence: number,
/**
 * What the same draw takes without contrast.
 */
strong_token: Token,
/**
 * The few best tokens, and those taken, by descending strong logit.
 */
candidates: Array<Candidate>, };

/**
 * A token that strong, weak or both would like.
 */
export type Candidate = {
/**
 * The token.
 */
token: Token,
/**
 * Logit of the strong pass over its temperature.
 */
strong: number,
/**
 * Logit of the weak pass over its temperature.
 */
weak: number,
/**
 * (1 + beta) strong - beta weak; of an invalid token too, which cannot win by it.
 */
score: number,
/**
 * Whether strong finds it plausible.
 */
valid: boolean, };

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

/**
 * How to reroute.
 */
export type RerouteOptions = {
/**
 * Steps of the optimiser; 0 only measures.
 */
steps: number,
/**
 * How far a step goes, in logits; above 0.
 */
rate: number,
/**
 * No offset goes further from 0 than this; above 0.
 */
clamp: number,
/**
 * Share of the MoE layers that get offsets, above 0 to 1; at least one does.
 */
layers_share: number,
/**
 * Which of them.
 */
order: LayerOrder,
/**
 * How to optimise.
 */
method: RerouteMethod,
/**
 * Seed of the search.
 */
seed: number, };

/**
 * Which layers get offsets, by C = -(1/k) sum ln p over the chosen experts, averaged over tokens.
 *
 * The paper calls C confidence and takes the highest, although a high C means low probabilities.
 */
export type LayerOrder = "highest" | "lowest";

/**
 * How the offsets are optimised.
 */
export type RerouteMethod = "gradient" | "search";

/**
 * What rerouting came to.
 */
export type Rerouted = {
/**
 * How the offsets were optimised.
 */
method: RerouteMethod,
/**
 * The routing before, with offsets in the layers that were chosen.
 */
routing: ModelRouting,
/**
 * Mean loss in nats per token before, then after each step.
 */
losses: Array<number>,
/**
 * The step whose offsets are kept, the one with the lowest loss; 0 if none helped.
 */
kept: number,
/**
 * All MoE layers, in order.
 */
layers: Array<ReroutedLayer>,
/**
 * Share of tokens whose experts changed in at least one layer.
 */
changed: number, };

/**
 * One MoE layer of a rerouting.
 */
export type ReroutedLayer = {
/**
 * Index of the transformer layer.
 */
layer: number,
/**
 * C of the layer before; see [`LayerOrder`].
 */
confidence: number,
/**
 * Whether its offsets were optimised.
 */
chosen: boolean,
/**
 * [E] its offsets after; empty if there are none.
 */
offsets: Array<number>,
/**
 * Share of tokens whose experts changed.
 */
changed: number, };

/**
 * Which expert to ask about which token.
 */
export type ExpertQuestion = {
/**
 * Index of a transformer layer that has experts.
 */
layer: number,
/**
 * Index of the expert.
 */
expert: number,
/**
 * Index of the token; the model reads up to it and predicts the next.
 */
position: number, };

/**
 * What an expert does to a token.
 */
export type ExpertAnswer = {
/**
 * The token it was asked about.
 */
token: Token,
/**
 * Combine weight with which it acts on the token; none if the router did not choose it.
 */
weight: number | null,
/**
 * Sum of the combine weights, with which it acts when it acts alone.
 */
total_weight: number,
/**
 * Whether the layer has a shared expert, which acts in both cases and is in neither output.
 */
shared: boolean,
/**
 * Cosine between its output, before any weight, and the output of the mixture; NaN if no expert acts.
 */
cosine: number,
/**
 * Length of its output, before any weight, over that of the mixture's; NaN if no expert acts.
 */
relative_norm: number,
/**
 * Jensen-Shannon divergence of the next-token distributions in nats; from 0 to ln 2.
 */
divergence: number,
/**
 * The few likeliest tokens of either distribution, by descending probability under the mixture.
 */
predictions: Array<Prediction>,
/**
 * Its strongest hidden units on the token, strongest first.
 */
units: Array<HiddenUnit>,
/**
 * F, how many hidden units it has.
 */
n_units: number, };

/**
 * A token that may come next.
 */
export type Prediction = {
/**
 * The token.
 */
token: Token,
/**
 * Its probability as the text is routed.
 */
mixture: number,
/**
 * Its probability where the expert acts alone.
 */
alone: number, };

/**
 * A hidden unit of an expert.
 */
export type HiddenUnit = {
/**
 * Index of the unit.
 */
unit: number,
/**
 * silu(gate x) * up x, signed.
 */
activation: number,
/**
 * Length of what it adds to the expert's output: its activation, unsigned, times the length of its value.
 */
strength: number,
/**
 * Tokens that what it adds makes likelier, most first.
 */
up: Array<Token>,
/**
 * Tokens that what it adds makes less likely, most first.
 */
down: Array<Token>, };

/**
 * What a page wants to know about a loaded vision model.
 */
export type VisionInfo = {
/**
 * Name of the checkpoint, if its caller gave one, else its architecture.
 */
name: string,
/**
 * The `model_type`.
 */
architecture: string,
/**
 * Pixels along one side of the image.
 */
image_size: number,
/**
 * Pixels along one side of a patch.
 */
patch_size: number,
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
 * Experts per patch under the trained routing.
 */
top_k: number,
/**
 * Width of the residual stream.
 */
d_model: number,
/**
 * All parameters.
 */
n_parameters: number,
/**
 * Parameters one patch uses under the trained routing.
 */
n_active_parameters: number,
/**
 * Operations of one image's forward pass in matrix products, a multiply-add as two.
 */
flops_per_image: number,
/**
 * Classes, in the order of the probabilities.
 */
classes: Array<ImageClass>,
/**
 * The routing the model was trained with.
 */
trained_routing: ModelRouting, };

/**
 * A class that the model tells apart from the others.
 */
export type ImageClass = {
/**
 * The data set it comes from.
 */
set: string,
/**
 * What the set calls it.
 */
label: string, };

/**
 * What the model sees in an image, and how its patches were routed.
 */
export type Classification = {
/**
 * [N] probability of each class.
 */
probabilities: Float32Array,
/**
 * [side, side, 3] bytes of the image as the model read it, row by row.
 */
pixels: Uint8Array,
/**
 * -ln p(label) in nats, if a label was given.
 */
loss: number | null,
/**
 * One entry for each MoE layer, in order, about P patches row by row; empty if not tracing.
 */
layers: Array<LayerTrace>,
/**
 * The routing in force.
 */
routing: ModelRouting, };

