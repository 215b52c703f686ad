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
 * Which chosen experts are skipped after all.
 */
prune: Prune,
/**
 * How many experts a token and how many tokens an expert may have.
 */
limit: Limit,
/**
 * What the chosen experts' outputs are multiplied by.
 */
weigh: Weigh,
/**
 * Seed of every random draw.
 */
seed: number, };

/**
 * Changes to the logits.
 */
export type Adjust = {
/**
 * Divides every logit; above 0.
 */
temperature: number,
/**
 * Added to the logits, one per expert, or empty.
 */
offsets: Array<number>,
/**
 * Scale of the noise added to every logit; 0 is none.
 */
noise: number,
/**
 * Distribution of the noise.
 */
noise_kind: NoiseKind,
/**
 * Multiplies every logit by an own factor, uniform in 1 - jitter to 1 + jitter.
 * Switch jitters the input of the gate, which this crate does not see.
 */
jitter: number,
/**
 * Where the logit of null experts comes from.
 */
null_rule: NullRule,
/**
 * The number that the null rule speaks of.
 */
null_logit: number,
/**
 * How many null experts there are; 0 is as many as experts.
 */
null_experts: number, };

/**
 * A distribution of noise.
 */
export type NoiseKind = "gaussian" | "gumbel";

/**
 * Where the logit of null experts comes from.
 */
export type NullRule = "none" | "constant" | "quantile" | "below_best" | "learned";

/**
 * How logits become scores.
 */
export type Score = {
/**
 * The function applied to each token's logits.
 */
function: ScoreFunction,
/**
 * Rounds of row and column scaling of `sinkhorn`; 0 leaves the softmax.
 */
iterations: number,
/**
 * Added to the scores for selection only, one per expert, or empty.
 */
selection_bias: Array<number>, };

/**
 * A function from a token's logits to its scores.
 */
export type ScoreFunction = "softmax" | "sigmoid" | "relu" | "identity" | "sinkhorn";

/**
 * Limits on the choice of experts.
 */
export type Restrict = {
/**
 * Experts that never act.
 */
disabled: Array<number>,
/**
 * Whether a disabled expert still takes up the place it would have won, so that no other
 * moves up.
 */
disabled_keep_place: boolean,
/**
 * Experts that act on every token.
 */
forced: Array<number>,
/**
 * Whether forced experts take up places of the top k (then others fill the rest) or come on top.
 */
count_forced: boolean,
/**
 * Number of equal blocks of consecutive experts; 1 is no grouping.
 */
n_groups: number,
/**
 * Groups that stay open to each token.
 */
topk_groups: number,
/**
 * What a group is compared by.
 */
group_score: GroupScore,
/**
 * What the selection scores of closed groups become.
 */
group_fill: GroupFill, };

/**
 * What a group of experts is compared by.
 */
export type GroupScore = "max" | "top2_sum";

/**
 * What the selection scores of closed groups become.
 */
export type GroupFill = "minus_infinity" | "zero";

/**
 * The rule that chooses experts.
 *
 * `max_experts` 0 is no maximum; bounds give way where fewer experts are allowed.
 */
export type Select = { "method": "top_k",
/**
 * Experts per token, from 1 to E.
 */
top_k: number, } | { "method": "top_p",
/**
 * The share, from 0 to 1.
 */
top_p: number,
/**
 * At least so many.
 */
min_experts: number,
/**
 * At most so many.
 */
max_experts: number, } | { "method": "threshold",
/**
 * The threshold.
 */
threshold: number,
/**
 * At least so many.
 */
min_experts: number,
/**
 * At most so many.
 */
max_experts: number, } | { "method": "min_p",
/**
 * The share, from 0 to 1.
 */
min_p: number,
/**
 * At least so many.
 */
min_experts: number,
/**
 * At most so many.
 */
max_experts: number, } | { "method": "gap",
/**
 * At least so many.
 */
min_experts: number,
/**
 * At most so many.
 */
max_experts: number, } | { "method": "random",
/**
 * Experts per token.
 */
top_k: number, } | { "method": "rank",
/**
 * Ranks.
 */
ranks: Array<number>, } | { "method": "dense", } | { "method": "expert_choice", } | { "method": "hash",
/**
 * Experts per token.
 */
top_k: number, } | { "method": "round_robin",
/**
 * Experts per token.
 */
top_k: number, } | { "method": "replay",
/**
 * What was recorded, for positions from 0.
 */
plan: RoutingPlan,
/**
 * Whether the recorded weights act too, or weights follow from the present scores.
 */
recorded_weights: boolean, } | { "method": "previous_layer",
/**
 * Experts per token in the first layer.
 */
top_k: number, } | { "method": "sticky",
/**
 * Experts per token.
 */
top_k: number,
/**
 * What a newcomer must score above an expert in place; from 0.
 */
margin: number, } | { "method": "external", } | { "method": "soft", } | { "method": "n_sigma",
/**
 * Standard deviations of the token's allowed selection scores; from 0.
 */
n_sigma: number,
/**
 * At least so many.
 */
min_experts: number,
/**
 * At most so many.
 */
max_experts: number, };

/**
 * Which chosen experts are skipped; the default skips none.
 */
export type Prune = {
/**
 * Skips an expert that weighs less than this times the token's heaviest.
 */
ratio: number,
/**
 * Skips an expert that has less than this share of the token's whole weight.
 */
share: number,
/**
 * Per modality: skips an expert whose share times the layer's importance is less.
 */
layer_thresholds: Array<number>,
/**
 * Importance of the layers, modality after modality; empty is 1 everywhere.
 */
layer_importance: Array<number>,
/**
 * Share of tokens, the most important ones, from which nothing is skipped.
 */
protect: number,
/**
 * Share of tokens, the least important ones, for which every expert is skipped.
 */
sacrifice: number, };

/**
 * Limits on load; the default sets none.
 */
export type Limit = {
/**
 * The most experts a token may keep: one number for all tokens, or one for each.
 */
per_token: Array<number>,
/**
 * Tokens per expert as a multiple of the balanced load, rounded up; none is no limit.
 */
capacity_factor: number | null,
/**
 * Tokens per expert as a number; comes before the factor.
 */
capacity: number | null,
/**
 * Which tokens come first.
 */
priority: Priority,
/**
 * What happens to a choice that finds its expert full.
 */
overflow: Overflow, };

/**
 * The order in which tokens claim places; within it, all first choices come first.
 */
export type Priority = "order" | "batch_priority" | "random";

/**
 * What happens to a choice that finds its expert full.
 */
export type Overflow = "drop" | "next_best" | "shared";

/**
 * How combine weights follow from scores.
 */
export type Weigh = {
/**
 * What a weight starts from.
 */
from: WeightSource,
/**
 * Divides a token's weights by their sum, unless the sum is 0.
 */
renormalize: boolean,
/**
 * Which choices make up the sum.
 */
sum_over: SumOver,
/**
 * Added to the sum.
 */
epsilon: number,
/**
 * The least that weights are divided by.
 */
min_sum: number,
/**
 * Multiplies every weight, after renormalisation; finite.
 */
scale: number,
/**
 * Half the relative distance beyond which sparse mixer masks competitors.
 */
mixer_jitter: number, };

/**
 * What a weight starts from.
 */
export type WeightSource = "scores" | "softmax_selected" | "sigmoid" | "equal" | "sparse_mixer";

/**
 * Which choices make up the sum that weights are divided by.
 */
export type SumOver = "kept" | "chosen";

/**
 * The decision for T tokens; token t owns the entries `offsets[t]..offsets[t + 1]`.
 *
 * Within a token, experts stand in descending order of selection score, so that the first
 * entry is the expert the token chose first.
 */
export type RoutingPlan = {
/**
 * `[T + 1]` where each token's entries start; the last is N.
 */
offsets: Array<number>,
/**
 * `[N]` experts.
 */
expert_idx: Array<number>,
/**
 * `[N]` what each expert's output is multiplied by.
 */
combine_weights: Array<number>, };

/**
 * The two mixtures of Soft MoE, for T tokens and S slots.
 */
export type SoftPlan = {
/**
 * S.
 */
n_slots: number,
/**
 * `[T, S]` what each slot takes of each token; columns sum to 1.
 */
dispatch_ts: Array<number>,
/**
 * `[T, S]` what each token gets of each slot; rows sum to 1.
 */
combine_ts: Array<number>, };

/**
 * Something that a strategy needs besides logits.
 */
export type Need = "token_ids" | "learned_nulls" | "token_importance" | "external_router" | "whole_batch";

/**
 * Why an expert does or does not act on a token.
 *
 * The discriminant is the code in compact traces; codes are never reused.
 */
export type Verdict = "selected" | "forced" | "outside_top_k" | "disabled" | "masked_by_gate" | "outside_groups" | "outside_top_p" | "below_threshold" | "after_gap" | "not_picked" | "not_taken_by_expert" | "beaten_by_null" | "pruned" | "below_layer_threshold" | "token_sacrificed" | "over_token_limit" | "over_capacity" | "overflow_to_shared" | "took_overflow";

/**
 * Everything that one layer's decision alone says.
 */
export type LayerReport = {
/**
 * Who is used how much.
 */
load: Load,
/**
 * Switch balance loss; 1 is balanced.
 */
balance_loss: number,
/**
 * GShard's form, which counts first choices only; 1 is balanced.
 */
first_choice_loss: number,
/**
 * Squared coefficient of variation of the summed scores.
 */
importance_loss: number,
/**
 * Router z-loss.
 */
z_loss: Estimate,
/**
 * Entropy and margins of each token.
 */
tokens: TokenFigures,
/**
 * Who acts together with whom.
 */
co_activation: CoActivation,
/**
 * How often neighbours in the text choose alike.
 */
repetition: Repetition,
/**
 * Segment routing best performance for windows of 4, 16, 64 and 256 tokens that fit the text.
 */
segments: Array<SegmentRouting>,
/**
 * Hit rates of expert caches, by size.
 */
caches: Array<CacheReport>,
/**
 * What capacities from half to twice the balanced load would drop, by order and by batch priority.
 */
drops: Array<Drops>, };

/**
 * Who is used how much.
 */
export type Load = {
/**
 * `[E]` number of tokens on which each expert acts.
 */
counts: Array<number>,
/**
 * `[E]` the same as shares of tokens; chance is k / E.
 */
shares: Array<Estimate>,
/**
 * What random choices give: the mean over random plans with as many experts per token.
 */
chance: Evenness,
/**
 * `[E][..]` the experts whose load is nearest, nearest first: to ban one of them is the control for banning
 * the expert itself; of equal distances, the lower index comes first.
 */
controls: Array<Array<number>>,
/**
 * Standard deviation over mean of the counts; 0 is balanced.
 */
variation: number,
/**
 * The busiest expert's count over the mean; 1 is balanced.
 */
max_over_mean: number,
/**
 * Exponential of the entropy of the load; E is balanced.
 */
effective_experts: number,
/**
 * Share of experts that never act.
 */
dead: number, };

/**
 * How even a load is.
 */
export type Evenness = {
/**
 * Standard deviation over mean of the counts; 0 is balanced.
 */
variation: number,
/**
 * The busiest expert's count over the mean; 1 is balanced.
 */
max_over_mean: number,
/**
 * Exponential of the entropy of the load; E is balanced.
 */
effective_experts: number,
/**
 * Share of experts that never act.
 */
dead: number, };

/**
 * A figure of a sample with its interval of 95 %, and what chance gives.
 */
export type Estimate = {
/**
 * The figure; 0 without a sample.
 */
value: number,
/**
 * Lower end of the interval.
 */
low: number,
/**
 * Upper end of the interval.
 */
high: number,
/**
 * What chance gives.
 */
chance: number, };

/**
 * How decided the router is about each token.
 */
export type TokenFigures = {
/**
 * `[T]` entropy of the scores in nats, scaled to sum to 1; chance is ln E.
 */
entropy: Array<number>,
/**
 * `[T]` the best score as a share of all; chance is 1 / E.
 */
top_share: Array<number>,
/**
 * `[T]` the k-th minus the next score, k being the token's number of experts; 0 where there
 * is no next.
 */
margin: Array<number>,
/**
 * Mean entropy; chance is that of equal scores.
 */
mean_entropy: Estimate,
/**
 * Mean share of the best; chance is that of equal scores.
 */
mean_top_share: Estimate,
/**
 * Mean margin; chance is that of equal scores.
 */
mean_margin: Estimate, };

/**
 * Who acts together with whom (OLMoE, arXiv:2409.02060).
 */
export type CoActivation = {
/**
 * `[E, E]` number of tokens on which both act; the diagonal is the load.
 */
counts: Array<number>,
/**
 * `[E, E]` share of the row expert's tokens on which the column expert acts too.
 */
conditional: Array<number>,
/**
 * `[E, E]` lower ends of the intervals of `conditional`.
 */
conditional_low: Array<number>,
/**
 * `[E, E]` upper ends of the intervals of `conditional`.
 */
conditional_high: Array<number>,
/**
 * What random choices of as many experts per token give off the diagonal.
 */
conditional_chance: number,
/**
 * `[E, E]` tokens of both over tokens of either.
 */
jaccard: Array<number>,
/**
 * What random choices of as many experts per token give off the diagonal.
 */
jaccard_chance: number,
/**
 * `[E]` number of other experts that act on the expert's tokens more than twice as often as chance gives.
 */
partners: Array<number>, };

/**
 * How often a token chooses like the one before (Mixtral, arXiv:2401.04088).
 */
export type Repetition = {
/**
 * First choices are equal; chance is 1 / E.
 */
first: Estimate,
/**
 * Any choice is shared; chance is the hypergeometric probability, averaged over the text.
 */
any: Estimate, };

/**
 * Segment routing best performance, for all windows of `length` tokens.
 */
export type SegmentRouting = {
/**
 * Tokens in a window.
 */
length: number,
/**
 * The best F1 of a router that says yes or no to an expert for a whole window, with one
 * threshold for all experts; chance is that of the same tokens in random order.
 */
srp: Estimate,
/**
 * That threshold: yes from so many uses in the window.
 */
threshold: number,
/**
 * How many times as many experts it keeps as are used.
 */
size_ratio: number,
/**
 * `[E]` the best F1 of each expert with its own threshold.
 */
srp_by_expert: Array<number>,
/**
 * `[E]` what the same tokens in random order give.
 */
chance_by_expert: Array<number>, };

/**
 * Hit rates of one size of cache; chance is that of the same tokens in random order.
 */
export type CacheReport = {
/**
 * Experts that fit.
 */
size: number,
/**
 * The same as a multiple of the mean number of experts per token.
 */
ratio: number,
/**
 * Least recently used goes.
 */
lru: Estimate,
/**
 * Least frequently used goes.
 */
lfu: Estimate,
/**
 * Fewest uses in the next 16 tokens goes.
 */
segment: Estimate,
/**
 * The best set for each 16 tokens.
 */
fixed: Estimate,
/**
 * The best possible.
 */
belady: Estimate, };

/**
 * What a capacity would drop.
 */
export type Drops = {
/**
 * Tokens per expert as a multiple of the balanced load.
 */
capacity_factor: number,
/**
 * Which tokens come first.
 */
priority: Priority,
/**
 * Tokens per expert.
 */
capacity: number,
/**
 * Share of choices that find their expert full; chance is that of random plans.
 */
choices: Estimate,
/**
 * Share of tokens that had experts and lose all of them; chance is that of random plans.
 */
stranded: Estimate,
/**
 * `[T]` how many experts each token loses.
 */
lost: Array<number>, };

/**
 * How tokens go from the experts of one layer to those of another (OLMoE).
 */
export type Flow = {
/**
 * `[E, E]` how often a token goes from the row expert in one layer to the column expert in the other; all k * k
 * pairs count, not only those of equal rank.
 */
counts: Array<number>,
/**
 * `[E, E]` the same if the layers chose independently under the loads that they have.
 */
chance: Array<number>, };

/**
 * How far apart two runs are, token by token.
 */
export type Divergence = {
/**
 * `[T]` divergence of each token in nats.
 */
tokens: Array<number>,
/**
 * Their mean.
 */
mean: Estimate, };

/**
 * How far apart the predictions of two runs are.
 */
export type PredictionChange = {
/**
 * Kullback-Leibler divergence of the second run's next-token distribution from the first's.
 */
divergence: Divergence,
/**
 * Share of tokens after which the runs hold another token likeliest.
 */
top_token: Estimate, };

/**
 * How the tokens with one label are routed.
 */
export type LabelShare = {
/**
 * The label.
 */
label: number,
/**
 * Tokens with it.
 */
n_tokens: number,
/**
 * `[E]` share of them on which each expert acts; chance is k / E over all tokens.
 */
shares: Array<Estimate>, };

/**
 * How far the choices for one label are from those for all tokens.
 */
export type LabelDistance = {
/**
 * The label.
 */
label: number,
/**
 * Half the summed differences of the shares of choices: 0 where they are alike, near 1 where they have no expert
 * in common with the rest.
 */
distance: number,
/**
 * Mean distance of as many tokens drawn at random; above 0, because few tokens never look quite like all.
 */
chance: number,
/**
 * The largest of 39 such draws: chance alone goes beyond it once in 40 times.
 */
chance_high: number, };

/**
 * What can be asked of a layer.
 */
export type AnalysisName = "load" | "balance" | "tokens" | "labels" | "co_activation" | "flow" | "repetition" | "segments" | "caches" | "drops" | "agreement";

/**
 * One layer's decisions in columns, as far as a trace has them.
 */
export type LayerColumns = {
/**
 * E.
 */
n_experts: number,
/**
 * `[T + 1]` where each token's experts start.
 */
offsets: Uint32Array,
/**
 * `[N]` experts, best first within a token.
 */
experts: Uint16Array,
/**
 * `[N]` combine weights; all 1 where the trace has none.
 */
weights: Float32Array | null,
/**
 * `[T, E]` gating logits.
 */
logits: Float32Array | null,
/**
 * `[T, E]` scores.
 */
scores: Float32Array | null, };

/**
 * An analysis of a layer.
 */
export type Question = {
/**
 * What is asked.
 */
analysis: AnalysisName,
/**
 * Of which layer.
 */
layer: LayerColumns,
/**
 * For the flow the later layer, for the agreement the other run's layer.
 */
other: LayerColumns | null,
/**
 * `[T]` labels, or fewer where the last tokens have none.
 */
labels: Uint32Array | null,
/**
 * A label must occur so often to be listed.
 */
min_tokens: number | null, };

/**
 * What comes back, by the name of the analysis.
 */
export type Answer = { "analysis": "load", "answer": Load } | { "analysis": "balance", "answer": Balance } | { "analysis": "tokens", "answer": TokenFigures } | { "analysis": "labels", "answer": LabelReport } | { "analysis": "co_activation", "answer": CoActivation } | { "analysis": "flow", "answer": FlowReport } | { "analysis": "repetition", "answer": Repetition } | { "analysis": "segments", "answer": Array<SegmentRouting> } | { "analysis": "caches", "answer": Array<CacheReport> } | { "analysis": "drops", "answer": Array<Drops> } | { "analysis": "agreement", "answer": Agreement };

/**
 * How even the load is, and the losses that training keeps it even with.
 */
export type Balance = {
/**
 * How even the counts are.
 */
evenness: Evenness,
/**
 * What random choices give.
 */
chance: Evenness,
/**
 * Switch balance loss; 1 where choices do not depend on scores.
 */
balance_loss: number,
/**
 * GShard's form; 1 where choices do not depend on scores.
 */
first_choice_loss: number,
/**
 * Squared coefficient of variation of the summed scores; 0 is balanced.
 */
importance_loss: number,
/**
 * Router z-loss.
 */
z_loss: Estimate, };

/**
 * How the choice depends on a label.
 */
export type LabelReport = {
/**
 * The labels that occur often enough, by ascending label.
 */
shares: Array<LabelShare>,
/**
 * How far each of them is from all tokens together.
 */
distances: Array<LabelDistance>, };

/**
 * How tokens go from one layer to another, also as shares of the tokens that an expert has.
 */
export type FlowReport = {
/**
 * `[E, E]` share of the row expert's tokens on which the column expert acts later.
 */
shares: Array<number>,
/**
 * `[E, E]` lower ends of the intervals of `shares`.
 */
low: Array<number>,
/**
 * `[E, E]` upper ends of the intervals of `shares`.
 */
high: Array<number>,
/**
 * `[E]` what independent layers give for each column.
 */
share_chance: Array<number>,
/**
 * `[E, E]` how often a token goes from the row expert in one layer to the column expert in the other; all k * k
 * pairs count, not only those of equal rank.
 */
counts: Array<number>,
/**
 * `[E, E]` the same if the layers chose independently under the loads that they have.
 */
chance: Array<number>, };

/**
 * How alike two runs choose.
 */
export type Agreement = {
/**
 * Mean overlap of each token's experts.
 */
overlap: Estimate,
/**
 * Mean Jensen-Shannon divergence of the scores in nats, where both runs have scores.
 */
divergence: Estimate | null, };

/** Verdict codes are indices into this table. */
export const VERDICTS: readonly Verdict[] = [
  "selected",
  "forced",
  "outside_top_k",
  "disabled",
  "masked_by_gate",
  "outside_groups",
  "outside_top_p",
  "below_threshold",
  "after_gap",
  "not_picked",
  "not_taken_by_expert",
  "beaten_by_null",
  "pruned",
  "below_layer_threshold",
  "token_sacrificed",
  "over_token_limit",
  "over_capacity",
  "overflow_to_shared",
  "took_overflow",
];

/** What every field that is not given stands at. */
export const DEFAULT_SPEC: RouterSpec = {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":2},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0};

/** A named strategy, its source, and what it needs besides logits. */
export type Preset = { name: string, source: string, needs: Array<Need>, spec: RouterSpec };

export const PRESETS: readonly Preset[] = [
  { name: "switch", source: "Fedus et al. 2021, Switch Transformers, arXiv:2101.03961; capacity is off until capacity_factor is set", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":1},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "gshard", source: "Lepikhin et al. 2020, GShard, arXiv:2006.16668; without the random second expert", needs: ["whole_batch"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":2},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":1.0,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "mixtral", source: "Jiang et al. 2024, Mixtral of Experts, arXiv:2401.04088", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":2},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "olmoe", source: "Muennighoff et al. 2024, OLMoE, arXiv:2409.02060", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":8},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "qwen2_moe", source: "Yang et al. 2024, Qwen2 Technical Report, arXiv:2407.10671", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":4},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "qwen3_moe", source: "Yang et al. 2025, Qwen3 Technical Report, arXiv:2505.09388", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":8},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "granite", source: "IBM 2024, Granite 3.0; softmax over the chosen logits as in Shazeer et al. 2017, arXiv:1701.06538", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"identity","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":8},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"softmax_selected","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "phimoe", source: "Abdin et al. 2024, Phi-3.5-MoE, arXiv:2404.14219; sparse mixer at inference, arXiv:2310.00811", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"identity","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":2},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"sparse_mixer","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "deepseek_v2", source: "DeepSeek-AI 2024, DeepSeek-V2, arXiv:2405.04434", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":8,"topk_groups":3,"group_score":"max","group_fill":"zero"},"select":{"method":"top_k","top_k":6},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":16.0,"mixer_jitter":0.01},"seed":0} },
  { name: "deepseek_v3", source: "DeepSeek-AI 2024, DeepSeek-V3, arXiv:2412.19437", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"sigmoid","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":8,"topk_groups":4,"group_score":"top2_sum","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":8},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":1e-20,"min_sum":0.0,"scale":2.5,"mixer_jitter":0.01},"seed":0} },
  { name: "llama4", source: "Meta 2025, Llama 4: top-1 of the logits, weighed by their sigmoid", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"identity","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":1},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"sigmoid","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "gpt_oss", source: "OpenAI 2025, gpt-oss, arXiv:2508.10925", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"identity","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":4},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"softmax_selected","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "lfm2_moe", source: "Liquid AI 2025, LFM2, arXiv:2511.23404", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"sigmoid","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":4},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.000001,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "ernie4_5", source: "Baidu 2025, ERNIE 4.5 Technical Report", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":6},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":1e-12,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "top_p", source: "Huang et al. 2024, Harder Tasks Need More Experts, arXiv:2403.07652", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_p","top_p":0.4,"min_experts":1,"max_experts":0},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "adamoe", source: "Zeng et al. 2024, AdaMoE, arXiv:2406.13233; its null experts with one constant logit instead of learned ones, a threshold in effect", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"constant","null_logit":0.0,"null_experts":8},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":4},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "adamoe_learned", source: "Zeng et al. 2024, AdaMoE, arXiv:2406.13233; as trained", needs: ["learned_nulls"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"learned","null_logit":0.0,"null_experts":16},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":4},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "mc_moe", source: "Huang et al. 2024, Mixture Compressor, arXiv:2410.06270; the released ratios are 0.40 to 0.62 by layer", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":2},"prune":{"ratio":0.5,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "modes", source: "Huang et al. 2025, MoDES, arXiv:2511.15690; layer importance comes from calibration", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":8},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[0.08],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":true,"sum_over":"chosen","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "expert_choice", source: "Zhou et al. 2022, Expert Choice Routing, arXiv:2202.09368", needs: ["whole_batch"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"expert_choice"},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":2.0,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "base", source: "Lewis et al. 2021, BASE Layers, arXiv:2103.16716; Sinkhorn as in Clark et al. 2022, arXiv:2202.01169", needs: ["whole_batch"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"sinkhorn","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"top_k","top_k":1},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"sigmoid","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "hash", source: "Roller et al. 2021, Hash Layers, arXiv:2106.04426; random table", needs: ["token_ids"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"hash","top_k":1},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"equal","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "soft", source: "Puigcerver et al. 2023, Soft MoE, arXiv:2308.00951", needs: ["whole_batch"],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"softmax","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"soft"},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"scores","renormalize":false,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
  { name: "top_n_sigma", source: "Tang et al. 2024, Top-n-sigma, arXiv:2411.07641: its rule for sampling tokens, applied to experts", needs: [],
    spec: {"adjust":{"temperature":1.0,"offsets":[],"noise":0.0,"noise_kind":"gaussian","jitter":0.0,"null_rule":"none","null_logit":0.0,"null_experts":0},"score":{"function":"identity","iterations":50,"selection_bias":[]},"restrict":{"disabled":[],"disabled_keep_place":false,"forced":[],"count_forced":true,"n_groups":1,"topk_groups":1,"group_score":"max","group_fill":"minus_infinity"},"select":{"method":"n_sigma","n_sigma":1.0,"min_experts":1,"max_experts":0},"prune":{"ratio":0.0,"share":0.0,"layer_thresholds":[],"layer_importance":[],"protect":0.0,"sacrifice":0.0},"limit":{"per_token":[],"capacity_factor":null,"capacity":null,"priority":"order","overflow":"drop"},"weigh":{"from":"softmax_selected","renormalize":true,"sum_over":"kept","epsilon":0.0,"min_sum":0.0,"scale":1.0,"mixer_jitter":0.01},"seed":0} },
];
