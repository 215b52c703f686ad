//! How decided the router is, token by token.

use serde::Serialize;

use super::{Estimate, LayerView, entropy, ratio};
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
    /// Mean entropy; chance is that of equal scores.
    pub mean_entropy: Estimate,
    /// Mean share of the best; chance is that of equal scores.
    pub mean_top_share: Estimate,
    /// Mean margin; chance is that of equal scores.
    pub mean_margin: Estimate,
}

/// Entropy, share of the best and margin of every token.
#[must_use]
pub fn token_figures(view: &LayerView) -> TokenFigures {
    let n_experts = view.n_experts as f32;
    let rows = view.scores_te.chunks_exact(view.n_experts);
    let best = |row: &[f32]| row.iter().copied().fold(0.0, f32::max);
    let entropy: Vec<f32> = rows.clone().map(entropy).collect();
    let top_share: Vec<f32> = rows
        .clone()
        .map(|row| ratio(best(row), row.iter().sum()))
        .collect();
    let margin: Vec<f32> = rows
        .enumerate()
        .map(|(token, row)| margin(row, view.plan.experts(token).len()))
        .collect();
    TokenFigures {
        mean_entropy: Estimate::mean(&entropy, n_experts.ln()),
        mean_top_share: Estimate::mean(&top_share, ratio(1.0, n_experts)),
        mean_margin: Estimate::mean(&margin, 0.0),
        entropy,
        top_share,
        margin,
    }
}

/// Mean of the squared log-sum-exp of the logits (ST-MoE, arXiv:2202.08906); chance is that of logits of 0.
#[must_use]
pub fn z_loss(logits_te: &[f32], n_experts: usize) -> Estimate {
    let squares: Vec<f32> = logits_te
        .chunks_exact(n_experts)
        .map(|row| {
            let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = row.iter().map(|logit| (logit - max).exp()).sum();
            (max + sum.ln()).powi(2)
        })
        .collect();
    Estimate::mean(&squares, (n_experts as f32).ln().powi(2))
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
