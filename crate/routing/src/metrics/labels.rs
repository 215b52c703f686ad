//! Specialisation: how the choice depends on a label of the token.
//!
//! Labels may be domains (OLMoE's domain specialisation), image classes (V-MoE's class by
//! expert map), or token ids: of the input, the prediction or the true next token (OLMoE's
//! vocabulary specialisation, for ids seen at least 10 times).

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Estimate, load::counts, ratio};
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
