//! Pairs: experts on the same token, on neighbouring tokens, and on two layers.

use serde::Serialize;

use super::load::counts;
use super::{Estimate, ratio};
use crate::plan::RoutingPlan;

/// An expert is a partner where it acts more than so many times as often as chance gives (Dynamic-DINO, arXiv:2507.17436,
/// counts partners by depth; the factor is ours).
const PARTNER: f32 = 2.0;

/// Who acts together with whom (OLMoE, arXiv:2409.02060).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CoActivation {
    /// `[E, E]` number of tokens on which both act; the diagonal is the load.
    pub counts: Vec<usize>,
    /// `[E, E]` share of the row expert's tokens on which the column expert acts too.
    pub conditional: Vec<f32>,
    /// `[E, E]` lower ends of the intervals of `conditional`.
    pub conditional_low: Vec<f32>,
    /// `[E, E]` upper ends of the intervals of `conditional`.
    pub conditional_high: Vec<f32>,
    /// What random choices of as many experts per token give off the diagonal.
    pub conditional_chance: f32,
    /// `[E, E]` tokens of both over tokens of either.
    pub jaccard: Vec<f32>,
    /// What random choices of as many experts per token give off the diagonal.
    pub jaccard_chance: f32,
    /// `[E]` number of other experts that act on the expert's tokens more than twice as often as chance gives.
    pub partners: Vec<usize>,
}

/// Who acts together with whom.
#[must_use]
pub fn co_activation(plan: &RoutingPlan, n_experts: usize) -> CoActivation {
    let both = pair_counts(plan, plan, n_experts);
    let alone = counts(plan, n_experts);
    let cells = || both.iter().enumerate();
    let pair = |cell: usize| (alone[cell / n_experts], alone[cell % n_experts]);
    let conditional_chance = conditional_chance(plan, n_experts);
    let shares: Vec<Estimate> = cells()
        .map(|(cell, n)| Estimate::share(*n, pair(cell).0, conditional_chance))
        .collect();
    let is_partner = |row: usize, other: usize| {
        other != row && shares[row * n_experts + other].value > PARTNER * conditional_chance
    };
    CoActivation {
        partners: (0..n_experts)
            .map(|row| {
                (0..n_experts)
                    .filter(|other| is_partner(row, *other))
                    .count()
            })
            .collect(),
        conditional: shares.iter().map(|share| share.value).collect(),
        conditional_low: shares.iter().map(|share| share.low).collect(),
        conditional_high: shares.iter().map(|share| share.high).collect(),
        conditional_chance,
        jaccard: cells()
            .map(|(cell, n)| ratio(*n as f32, (pair(cell).0 + pair(cell).1 - n) as f32))
            .collect(),
        jaccard_chance: ratio(conditional_chance, 2.0 - conditional_chance),
        counts: both,
    }
}

/// The share of one expert's tokens on which another acts, if every token drew its experts.
fn conditional_chance(plan: &RoutingPlan, n_experts: usize) -> f32 {
    let numbers = (0..plan.n_tokens()).map(|token| plan.experts(token).len());
    let n_others: usize = numbers.map(|k| k * k.saturating_sub(1)).sum();
    let n_pairs = plan.expert_idx.len() * n_experts.saturating_sub(1);
    ratio(n_others as f32, n_pairs as f32)
}

/// How tokens go from the experts of one layer to those of another (OLMoE).
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Flow {
    /// `[E, E]` how often a token goes from the row expert in one layer to the column expert in the other; all k * k
    /// pairs count, not only those of equal rank.
    pub counts: Vec<usize>,
    /// `[E, E]` the same if the layers chose independently under the loads that they have.
    pub chance: Vec<f32>,
}

/// How tokens go from the experts of one layer to those of another.
#[must_use]
pub fn flow(from: &RoutingPlan, to: &RoutingPlan, n_experts: usize) -> Flow {
    let n_tokens = from.n_tokens().min(to.n_tokens()) as f32;
    let (rows, columns) = (counts(from, n_experts), counts(to, n_experts));
    let expected = |row: &usize, column: &usize| ratio(*row as f32 * *column as f32, n_tokens);
    Flow {
        counts: pair_counts(from, to, n_experts),
        chance: rows
            .iter()
            .flat_map(|row| columns.iter().map(move |column| expected(row, column)))
            .collect(),
    }
}

/// How often a token chooses like the one before (Mixtral, arXiv:2401.04088).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Repetition {
    /// First choices are equal; chance is 1 / E.
    pub first: Estimate,
    /// Any choice is shared; chance is the hypergeometric probability, averaged over the text.
    pub any: Estimate,
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
        first: Estimate::share(n_first, pairs.len(), ratio(1.0, n_experts as f32)),
        any: Estimate::share(n_any, pairs.len(), super::mean(overlaps)),
    }
}

/// The probability that random sets of `a` and `b` out of `n_experts` share an expert.
fn chance_of_overlap(a: usize, b: usize, n_experts: usize) -> f32 {
    let apart: f32 = (0..b)
        .map(|i| n_experts.saturating_sub(a + i) as f32 / (n_experts - i) as f32)
        .product();
    1.0 - apart
}

/// `[E, E]` number of tokens on which the row expert of one plan and the column expert of the other act.
fn pair_counts(rows: &RoutingPlan, columns: &RoutingPlan, n_experts: usize) -> Vec<usize> {
    let mut counts = vec![0; n_experts * n_experts];
    for token in 0..rows.n_tokens().min(columns.n_tokens()) {
        for row in rows.experts(token) {
            for column in columns.experts(token) {
                counts[usize::from(*row) * n_experts + usize::from(*column)] += 1;
            }
        }
    }
    counts
}
