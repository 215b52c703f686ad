//! What a router is asked to decide, and what some strategies need besides logits.

use crate::error::RoutingError;
use crate::plan::RoutingPlan;

/// What one router is asked to decide.
#[derive(Clone, Copy, Debug)]
pub struct RouterInput<'a> {
    /// `[T, E]` gating logits, row-major; no NaN.
    pub logits_te: &'a [f32],
    /// T.
    pub n_tokens: usize,
    /// E.
    pub n_experts: usize,
    /// Index of the transformer layer.
    pub layer: usize,
    /// `[T]` token ids, or empty when no strategy asks for them.
    pub token_ids: &'a [u32],
}

/// What some strategies need besides logits; everything may be absent.
#[derive(Clone, Copy, Default)]
pub struct RouterContext<'a> {
    /// Position of the first token in its sequence, so that random draws, round robin and
    /// replay go on where the last call ended.
    pub first_position: usize,
    /// `[T, M]` logits of learned null experts.
    pub null_logits_tm: &'a [f32],
    /// `[T]` modality of each token, from 0; empty means all 0.
    pub modality_t: &'a [u8],
    /// `[T]` importance of each token, such as the attention it receives.
    pub importance_t: &'a [f32],
    /// The decision of the previous MoE layer for the same tokens.
    pub previous_layer: Option<&'a RoutingPlan>,
    /// The experts of the token before the first.
    pub previous_token: &'a [u16],
    /// Decides when the spec selects by `external`.
    pub external: Option<&'a ExternalRouter<'a>>,
}

/// A router from outside: it sees the input and the scores `[T, E]` and returns a whole plan.
pub type ExternalRouter<'a> = dyn Fn(&RouterInput, &[f32]) -> Result<RoutingPlan, String> + 'a;

impl RouterInput<'_> {
    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        let &Self {
            logits_te,
            n_tokens,
            n_experts,
            ..
        } = self;
        if n_tokens.checked_mul(n_experts) != Some(logits_te.len()) {
            return Err(RoutingError::LogitsShape {
                got: logits_te.len(),
                n_tokens,
                n_experts,
            });
        }
        if !self.token_ids.is_empty() && self.token_ids.len() != n_tokens {
            return Err(RoutingError::TokenIdsShape {
                got: self.token_ids.len(),
                n_tokens,
            });
        }
        match logits_te.iter().position(|logit| logit.is_nan()) {
            Some(cell) => Err(RoutingError::LogitNan {
                token: cell / n_experts,
                expert: cell % n_experts,
            }),
            None => Ok(()),
        }
    }
}

impl RouterContext<'_> {
    /// Checks everything that does not depend on the spec.
    pub(crate) fn validate(&self, n_tokens: usize, n_experts: usize) -> Result<(), RoutingError> {
        let numbers = [
            ("null_logits_tm", self.null_logits_tm),
            ("importance_t", self.importance_t),
        ];
        for (what, list) in numbers {
            if let Some(entry) = list.iter().position(|number| number.is_nan()) {
                return Err(RoutingError::ContextNan { what, entry });
            }
        }
        check_experts("previous_token", self.previous_token, n_experts)?;
        if let Some(plan) = self.previous_layer {
            plan.validate(n_experts)?;
        }
        self.check_lengths(n_tokens)
    }

    fn check_lengths(&self, n_tokens: usize) -> Result<(), RoutingError> {
        let per_token = [
            ("modality_t", self.modality_t.len()),
            ("importance_t", self.importance_t.len()),
        ];
        for (what, got) in per_token {
            if got != 0 && got != n_tokens {
                return Err(RoutingError::ContextShape {
                    what,
                    got,
                    expected: n_tokens,
                });
            }
        }
        match self.previous_layer.map(RoutingPlan::n_tokens) {
            Some(got) if got != n_tokens => Err(RoutingError::ContextShape {
                what: "previous_layer",
                got,
                expected: n_tokens,
            }),
            _ => Ok(()),
        }
    }
}

fn check_experts(
    field: &'static str,
    experts: &[u16],
    n_experts: usize,
) -> Result<(), RoutingError> {
    match experts.iter().find(|e| usize::from(**e) >= n_experts) {
        Some(expert) => Err(RoutingError::ExpertOutOfRange {
            field,
            expert: usize::from(*expert),
            n_experts,
        }),
        None => Ok(()),
    }
}
