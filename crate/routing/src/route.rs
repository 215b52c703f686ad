//! [`route`]: runs the stages in order.
//!
//! There is no decision in this file; each belongs to its stage.

use crate::batch::Batch;
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::plan::RoutingPlan;
use crate::soft::SoftPlan;
use crate::spec::RouterSpec;
use crate::stage::select::Select;
use crate::trace::RouterTrace;

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
/// An invalid spec ([`RouterSpec::validate`]), logits that are not `[T, E]` or hold NaN, token
/// ids that are not `[T]`, or a strategy that needs a context ([`route_with`]).
pub fn route(spec: &RouterSpec, input: &RouterInput) -> Result<Routing, RoutingError> {
    route_with(&RouterContext::default(), spec, input)
}

/// [`route`] with what some strategies need besides logits ([`RouterSpec::needs`]).
///
/// # Errors
/// Those of [`route`], and a context that is missing or of the wrong shape.
pub fn route_with(
    context: &RouterContext,
    spec: &RouterSpec,
    input: &RouterInput,
) -> Result<Routing, RoutingError> {
    spec.validate(input.n_experts)?;
    input.validate()?;
    context.validate(input.n_tokens, input.n_experts)?;

    let mut batch = score(context, spec, input)?;
    spec.restrict.apply(&mut batch);
    spec.select.apply(context, input, spec, &mut batch)?;
    batch.drop_nulls();
    spec.prune
        .apply(context, input.layer, &spec.weigh, &mut batch)?;
    spec.limit.apply(context, input.layer, spec, &mut batch)?;
    let (plan, shared_weights_t) = spec.weigh.apply(&batch)?;

    let soft = match spec.select {
        Select::Soft {} => Some(SoftPlan::new(&batch.adjusted_tw, input.n_experts)?),
        _ => None,
    };
    let trace = RouterTrace {
        n_tokens: input.n_tokens,
        n_experts: input.n_experts,
        scores_te: batch.scores_tw,
        selection_scores_te: batch.selection_tw,
        verdicts_te: batch.verdicts_tw,
        null_picks_t: batch.null_picks_t,
        shared_weights_t,
        soft,
    };
    Ok(Routing { plan, trace })
}

/// Adjust and score: the batch before any expert is excluded or chosen.
fn score(
    context: &RouterContext,
    spec: &RouterSpec,
    input: &RouterInput,
) -> Result<Batch, RoutingError> {
    let (adjusted_tw, width) = spec.adjust.apply(context, input, spec.seed)?;
    let scores_tw = spec.score.apply(&adjusted_tw, width);
    let selection_tw = spec.score.selection(&scores_tw, width);
    let verdicts_tw = vec![spec.select.refusal(); scores_tw.len()];
    Ok(Batch {
        n_tokens: input.n_tokens,
        n_experts: input.n_experts,
        width,
        adjusted_tw,
        scores_tw,
        selection_tw,
        zero_is_closed: spec.restrict.fills_with_zero(),
        verdicts_tw,
        picks: RoutingPlan::default(),
        null_picks_t: Vec::new(),
    })
}
