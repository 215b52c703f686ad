//! Load and balance: who is used how much, and the losses that training keeps it even with.

use serde::Serialize;

use super::{LayerView, Share, entropy, mean, ratio, variation};
use crate::plan::RoutingPlan;

/// Who is used how much.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Load {
    /// `[E]` number of tokens on which each expert acts.
    pub counts: Vec<usize>,
    /// `[E]` the same as shares of tokens; chance is k / E.
    pub shares: Vec<Share>,
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
    let values: Vec<f32> = counts.iter().map(|count| *count as f32).collect();
    let n_dead = counts.iter().filter(|count| **count == 0).count();
    let max = values.iter().copied().fold(0.0, f32::max);
    Load {
        shares: counts
            .iter()
            .map(|count| Share::new(*count, n_tokens, chance))
            .collect(),
        variation: variation(&values),
        max_over_mean: ratio(max, mean(values.iter().copied())),
        effective_experts: entropy(&values).exp(),
        dead: ratio(n_dead as f32, n_experts as f32),
        counts,
    }
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
