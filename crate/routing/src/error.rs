//! Everything that can be wrong with a spec, its input or a plan.
//!
//! Each variant carries the numbers involved, its message says what was wrong, what came
//! and what is allowed, and [`RoutingError::code`] is a name programs can match on.

use thiserror::Error;

use crate::needs::Need;

/// Why a routing request was refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RoutingError {
    /// The number of experts is zero or does not fit the plan's 16-bit indices.
    #[error("number of experts is {n_experts}; it must be from 1 to 65535")]
    ExpertCountInvalid {
        /// What came.
        n_experts: usize,
    },
    /// `logits_te` is not `[T, E]`.
    #[error(
        "got {got} logits for {n_tokens} tokens and {n_experts} experts; expected {n_tokens} x {n_experts}"
    )]
    LogitsShape {
        /// Length of the slice.
        got: usize,
        /// T.
        n_tokens: usize,
        /// E.
        n_experts: usize,
    },
    /// A logit is not a number.
    #[error("the logit of token {token} for expert {expert} is NaN; logits must be numbers")]
    LogitNan {
        /// Row.
        token: usize,
        /// Column.
        expert: usize,
    },
    /// Token ids were given, but not one per token.
    #[error("got {got} token ids for {n_tokens} tokens; give one per token or none")]
    TokenIdsShape {
        /// Length of the slice.
        got: usize,
        /// T.
        n_tokens: usize,
    },
    /// A number is outside its range.
    #[error("{field} is {got}; it must be {allowed}")]
    NumberInvalid {
        /// Path of the field in the spec.
        field: &'static str,
        /// What came.
        got: f32,
        /// The range in words.
        allowed: &'static str,
    },
    /// `top_k` is zero.
    #[error("top_k is 0; it must be from 1 to the number of experts, {n_experts}")]
    TopKZero {
        /// E.
        n_experts: usize,
    },
    /// `top_k` is more than there are experts.
    #[error("top_k is {top_k}; it must be from 1 to the number of experts, {n_experts}")]
    TopKTooLarge {
        /// What came.
        top_k: usize,
        /// E.
        n_experts: usize,
    },
    /// An expert index is outside the model.
    #[error("{field} names expert {expert}; this layer has experts 0 to {}", n_experts.saturating_sub(1))]
    ExpertOutOfRange {
        /// Path of the field in the spec.
        field: &'static str,
        /// What came.
        expert: usize,
        /// E.
        n_experts: usize,
    },
    /// The same expert is forced and disabled.
    #[error("expert {expert} is both forced and disabled; choose one")]
    ForcedAndDisabled {
        /// The expert.
        expert: usize,
    },
    /// No expert is left to route to.
    #[error("all {n_experts} experts are disabled; leave at least one enabled")]
    AllDisabled {
        /// E.
        n_experts: usize,
    },
    /// Two parts of the spec cannot go together.
    #[error("{first} and {second} cannot go together: {reason}")]
    Conflict {
        /// Path of one field.
        first: &'static str,
        /// Path of the other.
        second: &'static str,
        /// Why not.
        reason: &'static str,
    },
    /// A list with one number per expert has another length.
    #[error("{field} has {got} numbers; give one for each of the {n_experts} experts, or none")]
    ListLength {
        /// Path of the field in the spec.
        field: &'static str,
        /// What came.
        got: usize,
        /// E.
        n_experts: usize,
    },
    /// Groups are not equal blocks.
    #[error("n_groups is {n_groups}; it must divide the number of experts, {n_experts}")]
    GroupsDoNotDivide {
        /// What came.
        n_groups: usize,
        /// E.
        n_experts: usize,
    },
    /// The number of open groups is out of range.
    #[error("topk_groups is {topk_groups}; it must be from 1 to n_groups, {n_groups}")]
    TopkGroupsInvalid {
        /// What came.
        topk_groups: usize,
        /// Groups.
        n_groups: usize,
    },
    /// The least number of experts is above the most.
    #[error("min_experts is {min_experts}; it must be at most max_experts, {max_experts}")]
    MinAboveMax {
        /// What came.
        min_experts: usize,
        /// What came.
        max_experts: usize,
    },
    /// A capacity that no token fits in.
    #[error("the capacity is {got}; it must be a finite number above 0, or absent for no limit")]
    CapacityInvalid {
        /// What came.
        got: f32,
    },
    /// Layer importances do not form rows of equal length, one per modality.
    #[error(
        "prune.layer_importance has {got} numbers; give the same number for each of the {n_modalities} thresholds"
    )]
    ImportanceLength {
        /// What came.
        got: usize,
        /// Number of layer thresholds.
        n_modalities: usize,
    },
    /// A token has a modality that the spec has no threshold for.
    #[error("a token has modality {modality}; there are {n_modalities} thresholds, counted from 0")]
    ModalityOutOfRange {
        /// What came.
        modality: usize,
        /// Number of layer thresholds.
        n_modalities: usize,
    },
    /// The spec has no importance for a layer.
    #[error("layer {layer} has no importance; there are {n_layers}, counted from 0")]
    LayerOutOfRange {
        /// What came.
        layer: usize,
        /// Layers with an importance.
        n_layers: usize,
    },
    /// Something given beside the input has another length.
    #[error("{what} has {got} entries; expected {expected}")]
    ContextShape {
        /// What came.
        what: &'static str,
        /// Its length.
        got: usize,
        /// The length it must have.
        expected: usize,
    },
    /// Something given beside the input is not a number.
    #[error("entry {entry} of {what} is NaN; it must be a number")]
    ContextNan {
        /// What came.
        what: &'static str,
        /// Index in its list.
        entry: usize,
    },
    /// The strategy needs something that is not there.
    #[error("this strategy needs {need}")]
    NeedMissing {
        /// What is missing.
        need: Need,
    },
    /// A recorded plan ends before the tokens do.
    #[error("the recorded plan has {recorded} tokens; token {asked} was asked for")]
    ReplayTooShort {
        /// Number of tokens needed.
        asked: usize,
        /// Number of tokens recorded.
        recorded: usize,
    },
    /// An external router gave up.
    #[error("the external router failed: {message}")]
    ExternalFailed {
        /// Its message.
        message: String,
    },
    /// A weight overflowed.
    #[error(
        "expert {expert} would act on token {token} with a weight of {weight}; weights must be finite"
    )]
    WeightNotFinite {
        /// Row.
        token: usize,
        /// Column.
        expert: u16,
        /// What came out.
        weight: f32,
    },
    /// A link names a field that the spec does not have.
    #[error("there is no field \"{name}\" here; the fields are {allowed}")]
    UnknownField {
        /// What came.
        name: String,
        /// All names.
        allowed: String,
    },
    /// A link gives a field something that it cannot be.
    #[error("{name} is \"{got}\"; it must be {allowed}")]
    FieldInvalid {
        /// The field.
        name: String,
        /// What came.
        got: String,
        /// What it can be.
        allowed: String,
    },
    /// A packed spec cannot be read.
    #[error("the packed spec is not valid at word {word}: {reason}")]
    PackedInvalid {
        /// Index of the word.
        word: usize,
        /// What is wrong.
        reason: &'static str,
    },
    /// No preset has this name.
    #[error("there is no preset named \"{name}\"; the presets are {allowed}")]
    UnknownPreset {
        /// What came.
        name: String,
        /// All names.
        allowed: String,
    },
    /// A trace does not hold what an analysis needs.
    #[error("the analysis {analysis} needs {part}, which this trace does not have")]
    TracePartMissing {
        /// Name of the analysis.
        analysis: &'static str,
        /// What is missing.
        part: &'static str,
    },
    /// A plan breaks one of its invariants.
    #[error("the plan is not valid: {reason}")]
    PlanInvalid {
        /// The invariant, with numbers.
        reason: String,
    },
}

impl RoutingError {
    /// A stable name of the variant.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ExpertCountInvalid { .. } => "expert_count_invalid",
            Self::LogitsShape { .. } => "logits_shape",
            Self::LogitNan { .. } => "logit_nan",
            Self::TokenIdsShape { .. } => "token_ids_shape",
            Self::NumberInvalid { .. } => "number_invalid",
            Self::TopKZero { .. } => "top_k_zero",
            Self::TopKTooLarge { .. } => "top_k_too_large",
            Self::ExpertOutOfRange { .. } => "expert_out_of_range",
            Self::ForcedAndDisabled { .. } => "forced_and_disabled",
            Self::AllDisabled { .. } => "all_disabled",
            Self::Conflict { .. } => "conflict",
            Self::ListLength { .. } => "list_length",
            Self::GroupsDoNotDivide { .. } => "groups_do_not_divide",
            Self::TopkGroupsInvalid { .. } => "topk_groups_invalid",
            Self::MinAboveMax { .. } => "min_above_max",
            Self::CapacityInvalid { .. } => "capacity_invalid",
            Self::ImportanceLength { .. } => "importance_length",
            Self::ModalityOutOfRange { .. } => "modality_out_of_range",
            Self::LayerOutOfRange { .. } => "layer_out_of_range",
            Self::ContextShape { .. } => "context_shape",
            Self::ContextNan { .. } => "context_nan",
            Self::NeedMissing { .. } => "need_missing",
            Self::ReplayTooShort { .. } => "replay_too_short",
            Self::ExternalFailed { .. } => "external_failed",
            Self::WeightNotFinite { .. } => "weight_not_finite",
            Self::UnknownField { .. } => "unknown_field",
            Self::FieldInvalid { .. } => "field_invalid",
            Self::PackedInvalid { .. } => "packed_invalid",
            Self::UnknownPreset { .. } => "unknown_preset",
            Self::TracePartMissing { .. } => "trace_part_missing",
            Self::PlanInvalid { .. } => "plan_invalid",
        }
    }
}
