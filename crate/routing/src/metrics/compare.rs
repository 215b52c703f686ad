//! Two runs of the same tokens: other weights, other specs, quantised or not.

use super::{mean, ratio};
use crate::plan::RoutingPlan;

/// Mean overlap of the experts of each token, over the larger of the two numbers of experts
/// (OLMoE's router saturation, where both are k); tokens without experts in both overlap fully.
#[must_use]
pub fn saturation(a: &RoutingPlan, b: &RoutingPlan) -> f32 {
    let n_tokens = a.n_tokens().min(b.n_tokens());
    mean((0..n_tokens).map(|token| {
        let (one, other) = (a.experts(token), b.experts(token));
        let shared = one.iter().filter(|expert| other.contains(expert)).count();
        match one.len().max(other.len()) {
            0 => 1.0,
            larger => shared as f32 / larger as f32,
        }
    }))
}

/// `[T]` Jensen-Shannon divergence in nats of the scores of two runs, scaled to sum to 1;
/// from 0 to ln 2.
#[must_use]
pub fn divergence(scores_a_te: &[f32], scores_b_te: &[f32], n_experts: usize) -> Vec<f32> {
    let rows = scores_a_te.chunks_exact(n_experts);
    rows.zip(scores_b_te.chunks_exact(n_experts))
        .map(|(a, b)| {
            let (sum_a, sum_b): (f32, f32) = (a.iter().sum(), b.iter().sum());
            let terms = a.iter().zip(b).map(|(a, b)| {
                let (p, q) = (ratio(*a, sum_a), ratio(*b, sum_b));
                let middle = (p + q) / 2.0;
                (part(p, middle) + part(q, middle)) / 2.0
            });
            terms.sum::<f32>().max(0.0)
        })
        .collect()
}

/// One term of a Kullback-Leibler divergence.
fn part(p: f32, q: f32) -> f32 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}
