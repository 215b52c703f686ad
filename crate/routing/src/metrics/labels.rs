//! Specialisation: how the choice depends on a label of the token.
//!
//! Labels may be domains (OLMoE's domain specialisation), image classes (V-MoE's class by
//! expert map), or token ids: of the input, the prediction or the true next token (OLMoE's
//! vocabulary specialisation, for ids seen at least 10 times).

use std::collections::BTreeMap;

use serde::Serialize;

use super::estimate::shuffled_labels;
use super::{Estimate, load::counts, mean, ratio};
use crate::plan::RoutingPlan;

/// How the tokens with one label are routed.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LabelShare {
    /// The label.
    pub label: u32,
    /// Tokens with it.
    pub n_tokens: usize,
    /// `[E]` share of them on which each expert acts; chance is k / E over all tokens.
    pub shares: Vec<Estimate>,
}

/// The shares of every label that at least `min_tokens` tokens have, by ascending label.
///
/// Tokens beyond the shorter of plan and labels are left out.
#[must_use]
pub fn share_by_label(
    plan: &RoutingPlan,
    n_experts: usize,
    labels_t: &[u32],
    min_tokens: usize,
) -> Vec<LabelShare> {
    let all: usize = counts(plan, n_experts).iter().sum();
    let chance = ratio(all as f32, (plan.n_tokens() * n_experts) as f32);
    let mut by_label: BTreeMap<u32, (usize, Vec<usize>)> = BTreeMap::new();
    for (token, label) in labels_t.iter().enumerate().take(plan.n_tokens()) {
        let (n_tokens, counts) = by_label
            .entry(*label)
            .or_insert_with(|| (0, vec![0; n_experts]));
        *n_tokens += 1;
        for expert in plan.experts(token) {
            counts[usize::from(*expert)] += 1;
        }
    }
    by_label
        .into_iter()
        .filter(|(_, (n_tokens, _))| *n_tokens >= min_tokens)
        .map(|(label, (n_tokens, counts))| LabelShare {
            label,
            n_tokens,
            shares: counts
                .iter()
                .map(|count| Estimate::share(*count, n_tokens, chance))
                .collect(),
        })
        .collect()
}

/// Draws of labels at random; one of so many plus one is 1 in 40.
const N_DRAWS: usize = 39;

/// How far the choices for one label are from those for all tokens.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LabelDistance {
    /// The label.
    pub label: u32,
    /// Half the summed differences of the shares of choices: 0 where they are alike, near 1 where they have no expert
    /// in common with the rest.
    pub distance: f32,
    /// Mean distance of as many tokens drawn at random; above 0, because few tokens never look quite like all.
    pub chance: f32,
    /// The largest of 39 such draws: chance alone goes beyond it once in 40 times.
    pub chance_high: f32,
}

/// The distances of the labels that are asked for.
///
/// Total variation between the label's distribution over experts and everybody's; the drawn labels are the given ones in
/// random order, so that each keeps its number of tokens.
#[must_use]
pub fn label_distances(
    plan: &RoutingPlan,
    n_experts: usize,
    labels_t: &[u32],
    asked: &[u32],
) -> Vec<LabelDistance> {
    let n_tokens = plan.n_tokens().min(labels_t.len());
    let labels_t = &labels_t[..n_tokens];
    let actual = distances(plan, n_experts, labels_t, asked);
    let drawn: Vec<Vec<f32>> = shuffled_labels(labels_t, N_DRAWS)
        .map(|labels_t| distances(plan, n_experts, &labels_t, asked))
        .collect();
    asked
        .iter()
        .zip(actual)
        .enumerate()
        .map(|(place, (label, distance))| {
            let chances: Vec<f32> = drawn.iter().map(|row| row[place]).collect();
            LabelDistance {
                label: *label,
                distance,
                chance: mean(chances.iter().copied()),
                chance_high: chances.into_iter().fold(0.0, f32::max),
            }
        })
        .collect()
}

/// Total variation of each asked label's choices from all choices of labelled tokens.
fn distances(plan: &RoutingPlan, n_experts: usize, labels_t: &[u32], asked: &[u32]) -> Vec<f32> {
    let mut by_label: BTreeMap<u32, Vec<usize>> = asked
        .iter()
        .map(|label| (*label, vec![0; n_experts]))
        .collect();
    let mut all = vec![0_usize; n_experts];
    for (token, label) in labels_t.iter().enumerate() {
        let mut own = by_label.get_mut(label);
        for expert in plan.experts(token) {
            all[usize::from(*expert)] += 1;
            if let Some(counts) = own.as_mut() {
                counts[usize::from(*expert)] += 1;
            }
        }
    }
    let shares = |counts: &[usize]| -> Vec<f32> {
        let total: usize = counts.iter().sum();
        counts
            .iter()
            .map(|n| ratio(*n as f32, total as f32))
            .collect()
    };
    let all = shares(&all);
    asked
        .iter()
        .map(|label| {
            let own = shares(&by_label[label]);
            let differences = own.iter().zip(&all).map(|(a, b)| (a - b).abs());
            differences.sum::<f32>() / 2.0
        })
        .collect()
}
