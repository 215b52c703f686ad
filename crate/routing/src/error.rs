//! Everything that can be wrong with a spec, its input or a plan.
//!
//! Each variant carries the numbers involved, its message says what was wrong, what came
//! and what is allowed, and [`RoutingError::code`] is a name programs can match on.

use thiserror::Error;

/// Why a routing request was refused.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum RoutingError {
    /// The number of experts is zero or does not fit the plan's 16-bit indices.
    #[error("number of experts is {n_experts}; it must be from 1 to 65535")]
    ExpertCountInvalid {
        /// What came.
        n_experts: usize,
    },
    /// `logits_te` is not [T, E].
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
    /// No preset has this name.
    #[error("there is no preset named \"{name}\"; the presets are {allowed}")]
    UnknownPreset {
        /// What came.
        name: String,
        /// All names.
        allowed: String,
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
            Self::UnknownPreset { .. } => "unknown_preset",
            Self::PlanInvalid { .. } => "plan_invalid",
        }
    }
}
