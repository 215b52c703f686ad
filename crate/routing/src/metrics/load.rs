//! Load and balance: who is used how much, and the losses that training keeps it even with.

use serde::Serialize;

use super::estimate::random_plans;
use super::{Estimate, LayerView, entropy, mean, ratio, variation};
use crate::plan::RoutingPlan;

/// Random plans whose mean is the baseline.
const N_RANDOM_PLANS: usize = 20;
/// How many controls stand beside each expert.
const N_CONTROLS: usize = 3;

/// Who is used how much.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Load {
    /// `[E]` number of tokens on which each expert acts.
    pub counts: Vec<usize>,
    /// `[E]` the same as shares of tokens; chance is k / E.
    pub shares: Vec<Estimate>,
    /// How even the counts are.
    #[serde(flatten)]
    pub evenness: Evenness,
    /// What random choices give: the mean over random plans with as many experts per token.
    pub chance: Evenness,
    /// `[E][..]` the experts whose load is nearest, nearest first: to ban one of them is the control for banning
    /// the expert itself; of equal distances, the lower index comes first.
    pub controls: Vec<Vec<usize>>,
}

/// How even a load is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Evenness {
    /// Standard deviation over mean of the counts; 0 is balanced.
    pub variation: f32,
    /// The busiest expert's count over the mean; 1 is balanced.
    pub max_over_mean: f32,
    /// Exponential of the entropy of the load; E is balanced.
    pub effective_experts: f32,
    /// Share of experts that never act.
    pub dead: f32,
}

/// The load of every expert.
#[must_use]
pub fn load(plan: &RoutingPlan, n_experts: usize) -> Load {
    let counts = counts(plan, n_experts);
    let n_tokens = plan.n_tokens();
    let chance = ratio(plan.expert_idx.len() as f32, (n_tokens * n_experts) as f32);
    Load {
        shares: counts
            .iter()
            .map(|count| Estimate::share(*count, n_tokens, chance))
            .collect(),
        evenness: Evenness::of(&counts),
        chance: Evenness::by_chance(plan, n_experts),
        controls: (0..n_experts).map(|e| controls(&counts, e)).collect(),
        counts,
    }
}

impl Evenness {
    fn of(counts: &[usize]) -> Self {
        let values: Vec<f32> = counts.iter().map(|count| *count as f32).collect();
        let n_dead = counts.iter().filter(|count| **count == 0).count();
        let max = values.iter().copied().fold(0.0, f32::max);
        Self {
            variation: variation(&values),
            max_over_mean: ratio(max, mean(values.iter().copied())),
            effective_experts: entropy(&values).exp(),
            dead: ratio(n_dead as f32, counts.len() as f32),
        }
    }

    fn by_chance(plan: &RoutingPlan, n_experts: usize) -> Self {
        let drawn: Vec<Self> = random_plans(plan, n_experts, N_RANDOM_PLANS)
            .map(|random| Self::of(&counts(&random, n_experts)))
            .collect();
        let average = |figure: fn(&Self) -> f32| mean(drawn.iter().map(figure));
        Self {
            variation: average(|x| x.variation),
            max_over_mean: average(|x| x.max_over_mean),
            effective_experts: average(|x| x.effective_experts),
            dead: average(|x| x.dead),
        }
    }
}

fn controls(counts: &[usize], expert: usize) -> Vec<usize> {
    let mut others: Vec<usize> = (0..counts.len()).filter(|other| *other != expert).collect();
    others.sort_by_key(|other| counts[*other].abs_diff(counts[expert]));
    others.truncate(N_CONTROLS);
    others
}

/// E * sum of (share of selections) * (mean score) (Switch Transformers, arXiv:2101.03961).
///
/// 1 where both are even, but not bounded by 1 from below.
#[must_use]
pub fn balance_loss(view: &LayerView) -> f32 {
    product_loss(&counts(view.plan, view.n_experts), view)
}

/// The same with first choices only (GShard, arXiv:2006.16668, as in V-MoE's code).
#[must_use]
pub fn first_choice_loss(view: &LayerView) -> f32 {
    let mut firsts = vec![0; view.n_experts];
    for token in 0..view.plan.n_tokens() {
        if let Some(expert) = view.plan.experts(token).first() {
            firsts[usize::from(*expert)] += 1;
        }
    }
    product_loss(&firsts, view)
}

/// Squared coefficient of variation of the summed scores (Shazeer et al. 2017).
#[must_use]
pub fn importance_loss(view: &LayerView) -> f32 {
    variation(&mean_scores(view)).powi(2)
}

fn product_loss(counts: &[usize], view: &LayerView) -> f32 {
    let total: usize = counts.iter().sum();
    let terms = counts.iter().zip(mean_scores(view));
    let sum: f32 = terms.map(|(count, score)| *count as f32 * score).sum();
    ratio(view.n_experts as f32 * sum, total as f32)
}

fn mean_scores(view: &LayerView) -> Vec<f32> {
    let mut sums = vec![0.0; view.n_experts];
    for row in view.scores_te.chunks_exact(view.n_experts) {
        for (sum, score) in sums.iter_mut().zip(row) {
            *sum += score;
        }
    }
    let n_tokens = view.plan.n_tokens() as f32;
    sums.into_iter().map(|sum| ratio(sum, n_tokens)).collect()
}

pub(super) fn counts(plan: &RoutingPlan, n_experts: usize) -> Vec<usize> {
    let mut counts = vec![0; n_experts];
    for expert in &plan.expert_idx {
        counts[usize::from(*expert)] += 1;
    }
    counts
}
