//! [`route`]: runs the stages in order.
//!
//! There is no decision in this file; each belongs to its stage.

use crate::error::RoutingError;
use crate::plan::RoutingPlan;
use crate::spec::RouterSpec;
use crate::trace::{RouterTrace, Verdict};

/// What one router is asked to decide.
#[derive(Clone, Copy, Debug)]
pub struct RouterInput<'a> {
    /// [T, E] gating logits, row-major; no NaN.
    pub logits_te: &'a [f32],
    /// T.
    pub n_tokens: usize,
    /// E.
    pub n_experts: usize,
    /// Index of the transformer layer.
    pub layer: usize,
    /// [T] token ids, or empty when no strategy asks for them.
    pub token_ids: &'a [u32],
}

/// A decision and the reasons for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Routing {
    /// Which experts act with which weight.
    pub plan: RoutingPlan,
    /// Scores and verdicts.
    pub trace: RouterTrace,
}

/// Decides which experts act on each of T tokens.
///
/// # Errors
/// An invalid spec ([`RouterSpec::validate`]), logits that are not [T, E] or hold NaN, or
/// token ids that are not [T].
pub fn route(spec: &RouterSpec, input: &RouterInput) -> Result<Routing, RoutingError> {
    spec.validate(input.n_experts)?;
    input.validate()?;
    let n_experts = input.n_experts;

    let adjusted_te = spec.adjust.apply(input);
    let scores_te = spec.score.apply(&adjusted_te, n_experts);
    let mut selection_scores_te = scores_te.clone();
    let mut verdicts_te = vec![Verdict::OutsideTopK; scores_te.len()];
    spec.restrict.apply(
        &adjusted_te,
        n_experts,
        &mut selection_scores_te,
        &mut verdicts_te,
    );
    let mut plan = spec.select.apply(
        &spec.restrict,
        &selection_scores_te,
        n_experts,
        &mut verdicts_te,
    );
    spec.weigh.apply(&scores_te, n_experts, &mut plan);

    let trace = RouterTrace {
        n_tokens: input.n_tokens,
        n_experts,
        scores_te,
        selection_scores_te,
        verdicts_te,
    };
    Ok(Routing { plan, trace })
}

impl RouterInput<'_> {
    fn validate(&self) -> Result<(), RoutingError> {
        let &Self {
            logits_te,
            n_tokens,
            n_experts,
            token_ids,
            ..
        } = self;
        if n_tokens.checked_mul(n_experts) != Some(logits_te.len()) {
            return Err(RoutingError::LogitsShape {
                got: logits_te.len(),
                n_tokens,
                n_experts,
            });
        }
        if !token_ids.is_empty() && token_ids.len() != n_tokens {
            return Err(RoutingError::TokenIdsShape {
                got: token_ids.len(),
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
