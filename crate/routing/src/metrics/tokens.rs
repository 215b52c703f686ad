//! How decided the router is, token by token.

use serde::Serialize;

use super::{LayerView, entropy, mean, ratio};
use crate::matrix::{rank_row, ranked_expert};

/// How decided the router is about each token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct TokenFigures {
    /// `[T]` entropy of the scores in nats, scaled to sum to 1; chance is ln E.
    pub entropy: Vec<f32>,
    /// `[T]` the best score as a share of all; chance is 1 / E.
    pub top_share: Vec<f32>,
    /// `[T]` the k-th minus the next score, k being the token's number of experts; 0 where there
    /// is no next.
    pub margin: Vec<f32>,
}

/// Entropy, share of the best and margin of every token.
#[must_use]
pub fn token_figures(view: &LayerView) -> TokenFigures {
    let rows = view.scores_te.chunks_exact(view.n_experts);
    let best = |row: &[f32]| row.iter().copied().fold(0.0, f32::max);
    TokenFigures {
        entropy: rows.clone().map(entropy).collect(),
        top_share: rows
            .clone()
            .map(|row| ratio(best(row), row.iter().sum()))
            .collect(),
        margin: rows
            .enumerate()
            .map(|(token, row)| margin(row, view.plan.experts(token).len()))
            .collect(),
    }
}

/// Mean of the squared log-sum-exp of the logits (ST-MoE, arXiv:2202.08906).
#[must_use]
pub fn z_loss(logits_te: &[f32], n_experts: usize) -> f32 {
    mean(logits_te.chunks_exact(n_experts).map(|row| {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|logit| (logit - max).exp()).sum();
        (max + sum.ln()).powi(2)
    }))
}

fn margin(row: &[f32], k: usize) -> f32 {
    let mut ranked = Vec::new();
    rank_row(row, &mut ranked);
    let score = |rank: usize| ranked.get(rank).map(|key| row[ranked_expert(*key)]);
    match (k.checked_sub(1).and_then(score), score(k)) {
        (Some(last), Some(next)) => last - next,
        _ => 0.0,
    }
}
