//! Pairs: experts on the same token, on neighbouring tokens, and on neighbouring layers.

use serde::Serialize;

use super::load::counts;
use super::{Share, ratio};
use crate::plan::RoutingPlan;

/// Who acts together with whom (OLMoE, arXiv:2409.02060).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CoActivation {
    /// `[E, E]` number of tokens on which both act; the diagonal is the load.
    pub counts: Vec<usize>,
    /// `[E, E]` share of the row expert's tokens on which the column expert acts too.
    pub conditional: Vec<f32>,
    /// `[E, E]` tokens of both over tokens of either.
    pub jaccard: Vec<f32>,
}

/// Who acts together with whom.
#[must_use]
pub fn co_activation(plan: &RoutingPlan, n_experts: usize) -> CoActivation {
    let mut both = vec![0; n_experts * n_experts];
    for token in 0..plan.n_tokens() {
        add_pairs(
            plan.experts(token),
            plan.experts(token),
            n_experts,
            &mut both,
        );
    }
    let alone = counts(plan, n_experts);
    let cells = || both.iter().enumerate();
    let pair = |cell: usize| (alone[cell / n_experts], alone[cell % n_experts]);
    CoActivation {
        conditional: cells()
            .map(|(cell, n)| ratio(*n as f32, pair(cell).0 as f32))
            .collect(),
        jaccard: cells()
            .map(|(cell, n)| ratio(*n as f32, (pair(cell).0 + pair(cell).1 - n) as f32))
            .collect(),
        counts: both,
    }
}

/// `[E, E]` how often a token goes from the row expert in one layer to the column expert in
/// another; all k * k pairs count, not only those of equal rank.
#[must_use]
pub fn flow(from: &RoutingPlan, to: &RoutingPlan, n_experts: usize) -> Vec<usize> {
    let mut counts = vec![0; n_experts * n_experts];
    for token in 0..from.n_tokens().min(to.n_tokens()) {
        add_pairs(
            from.experts(token),
            to.experts(token),
            n_experts,
            &mut counts,
        );
    }
    counts
}

/// How often a token chooses like the one before (Mixtral, arXiv:2401.04088).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Repetition {
    /// First choices are equal; chance is 1 / E.
    pub first: Share,
    /// Any choice is shared; chance is the hypergeometric probability, averaged over the text.
    pub any: Share,
}

/// How often a token chooses like the one before.
#[must_use]
pub fn repetition(plan: &RoutingPlan, n_experts: usize) -> Repetition {
    let pairs: Vec<(&[u16], &[u16])> = (1..plan.n_tokens())
        .map(|token| (plan.experts(token - 1), plan.experts(token)))
        .filter(|(before, now)| !before.is_empty() && !now.is_empty())
        .collect();
    let n_first = pairs
        .iter()
        .filter(|(before, now)| before[0] == now[0])
        .count();
    let shares = |(before, now): &&(&[u16], &[u16])| now.iter().any(|e| before.contains(e));
    let n_any = pairs.iter().filter(shares).count();
    let overlaps = pairs
        .iter()
        .map(|(a, b)| chance_of_overlap(a.len(), b.len(), n_experts));
    Repetition {
        first: Share::new(n_first, pairs.len(), ratio(1.0, n_experts as f32)),
        any: Share::new(n_any, pairs.len(), super::mean(overlaps)),
    }
}

/// The probability that random sets of `a` and `b` out of `n_experts` share an expert.
fn chance_of_overlap(a: usize, b: usize, n_experts: usize) -> f32 {
    let apart: f32 = (0..b)
        .map(|i| n_experts.saturating_sub(a + i) as f32 / (n_experts - i) as f32)
        .product();
    1.0 - apart
}

fn add_pairs(rows: &[u16], columns: &[u16], n_experts: usize, counts: &mut [usize]) {
    for row in rows {
        for column in columns {
            counts[usize::from(*row) * n_experts + usize::from(*column)] += 1;
        }
    }
}
