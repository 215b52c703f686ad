// Routing specs and verdicts, generated from the Rust crate moescope-routing.
// Do not edit. After a change in Rust run:
// MOESCOPE_BLESS=1 cargo test -p moescope-routing --features ts --test typescript

/**
 * The routing of a whole model.
 */
export type ModelRouting = {
/**
 * For every layer that has no spec of its own.
 */
default: RouterSpec,
/**
 * Own specs, by index of the transformer layer.
 */
layers: Record<string, RouterSpec>, };

/**
 * A routing strategy, stage by stage.
 *
 * `{}` is the default: softmax over all experts, the best two, weights renormalised.
 */
export type RouterSpec = {
/**
 * What happens to the logits before they become scores.
 */
adjust: Adjust,
/**
 * How logits become scores.
 */
score: Score,
/**
 * Which experts may and which must be chosen.
 */
restrict: Restrict,
/**
 * How many and which experts are chosen.
 */
select: Select,
/**
 * What the chosen experts' outputs are multiplied by.
 */
weigh: Weigh, };

/**
 * Changes to the logits.
 */
export type Adjust = {
/**
 * Divides every logit; above 0.
 */
temperature: number, };

/**
 * How logits become scores.
 */
export type Score = {
/**
 * The function applied to each token's logits.
 */
function: ScoreFunction, };

/**
 * A function from a token's logits to its scores.
 */
export type ScoreFunction = "softmax";

/**
 * Limits on the choice of experts.
 */
export type Restrict = {
/**
 * Experts that never act.
 */
disabled: Array<number>,
/**
 * Experts that act on every token.
 */
forced: Array<number>,
/**
 * Whether forced experts take up places of the top k (then others fill the rest) or come on top.
 */
count_forced: boolean, };

/**
 * The rule that chooses experts.
 */
export type Select = { "method": "top_k",
/**
 * Experts per token, from 1 to E.
 */
top_k: number, };

/**
 * How combine weights follow from scores.
 */
export type Weigh = {
/**
 * Divides a token's weights by their sum, unless the sum is 0.
 */
renormalize: boolean,
/**
 * Multiplies every weight, after renormalisation; finite.
 */
scale: number, };

/**
 * The decision for T tokens; token t owns the entries `offsets[t]..offsets[t + 1]`.
 *
 * Within a token, experts stand in descending order of selection score, so that the first
 * entry is the expert the token chose first.
 */
export type RoutingPlan = {
/**
 * [T + 1] where each token's entries start; the last is N.
 */
offsets: Array<number>,
/**
 * [N] experts.
 */
expert_idx: Array<number>,
/**
 * [N] what each expert's output is multiplied by.
 */
combine_weights: Array<number>, };

/**
 * Why an expert does or does not act on a token.
 *
 * The discriminant is the code in compact traces; codes are never reused.
 */
export type Verdict = "selected" | "forced" | "outside_top_k" | "disabled" | "masked_by_gate";

/** Verdict codes are indices into this table. */
export const VERDICTS: readonly Verdict[] = [
  "selected",
  "forced",
  "outside_top_k",
  "disabled",
  "masked_by_gate",
];
