//! Which tokens, or patches of an image, would lose experts if each expert took only so many (V-MoE, arXiv:2106.05974).
//!
//! The rule is that of the limit stage, over the choice as it was made.

use serde::Serialize;

use super::estimate::random_plans;
use super::load::counts;
use super::{Estimate, LayerView, mean, ratio};
use crate::context::RouterInput;
use crate::error::RoutingError;
use crate::plan::RoutingPlan;
use crate::route::route;
use crate::spec::RouterSpec;
use crate::stage::limit::{Limit, Priority};
use crate::stage::select::Select;
use crate::trace::Verdict;

/// Random plans whose mean is the baseline.
const N_RANDOM_PLANS: usize = 5;

/// What a capacity would drop.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Drops {
    /// Tokens per expert as a multiple of the balanced load.
    pub capacity_factor: f32,
    /// Which tokens come first.
    pub priority: Priority,
    /// Tokens per expert.
    pub capacity: usize,
    /// Share of choices that find their expert full; chance is that of random plans.
    pub choices: Estimate,
    /// Share of tokens that had experts and lose all of them; chance is that of random plans.
    pub stranded: Estimate,
    /// `[T]` how many experts each token loses.
    pub lost: Vec<usize>,
}

/// What a capacity would drop of a layer's choices.
///
/// # Errors
/// Those of [`route`]: a factor that is no capacity, or a view whose logits are not `[T, E]` or hold NaN.
pub fn drops(
    view: &LayerView,
    capacity_factor: f32,
    priority: Priority,
) -> Result<Drops, RoutingError> {
    let limit = Limit {
        capacity_factor: Some(capacity_factor),
        priority,
        ..Limit::default()
    };
    let capacity = limit.capacity(view.plan.expert_idx.len(), view.n_experts);
    let lost = lost(view, view.plan, &limit)?;
    let (mut choices, mut stranded) = (Vec::new(), Vec::new());
    for random in random_plans(view.plan, view.n_experts, N_RANDOM_PLANS) {
        let n_over = counts(&random, view.n_experts)
            .iter()
            .map(|count| count.saturating_sub(capacity))
            .sum::<usize>();
        choices.push(ratio(n_over as f32, random.expert_idx.len() as f32));
        let lost = self::lost(view, &random, &limit)?;
        let n_tokens = random.n_tokens() as f32;
        stranded.push(ratio(n_stranded(&random, &lost) as f32, n_tokens));
    }
    let average = |values: Vec<f32>| mean(values.into_iter());
    Ok(Drops {
        capacity_factor,
        priority,
        capacity,
        choices: Estimate::share(
            lost.iter().sum(),
            view.plan.expert_idx.len(),
            average(choices),
        ),
        stranded: Estimate::share(
            n_stranded(view.plan, &lost),
            view.plan.n_tokens(),
            average(stranded),
        ),
        lost,
    })
}

/// `[T]` how many experts each token of `plan` loses.
fn lost(view: &LayerView, plan: &RoutingPlan, limit: &Limit) -> Result<Vec<usize>, RoutingError> {
    let spec = RouterSpec {
        select: Select::Replay {
            plan: plan.clone(),
            recorded_weights: true,
        },
        limit: limit.clone(),
        ..RouterSpec::default()
    };
    let input = RouterInput {
        logits_te: view.logits_te,
        n_tokens: plan.n_tokens(),
        n_experts: view.n_experts,
        layer: 0,
        token_ids: &[],
    };
    let trace = route(&spec, &input)?.trace;
    let is_over = |verdict: &&Verdict| **verdict == Verdict::OverCapacity;
    Ok(trace
        .verdicts_te
        .chunks_exact(view.n_experts)
        .map(|row| row.iter().filter(is_over).count())
        .collect())
}

fn n_stranded(plan: &RoutingPlan, lost: &[usize]) -> usize {
    let tokens = lost.iter().enumerate();
    tokens
        .filter(|(token, lost)| **lost > 0 && **lost == plan.experts(*token).len())
        .count()
}
