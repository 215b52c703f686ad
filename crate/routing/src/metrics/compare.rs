//! Two runs of the same tokens: other weights, other specs, quantised or not.
//!
//! Chance pairs every token of one run with a random token of the other.

use serde::Serialize;

use super::estimate::random_orders;
use super::{Estimate, mean, ratio};
use crate::plan::RoutingPlan;

/// Mean overlap of the experts of each token, over the larger of the two numbers of experts
/// (OLMoE's router saturation, where both are k); tokens without experts in both overlap fully.
///
/// Chance is that of random choices of as many experts.
#[must_use]
pub fn saturation(a: &RoutingPlan, b: &RoutingPlan, n_experts: usize) -> Estimate {
    let n_tokens = a.n_tokens().min(b.n_tokens());
    let sizes = |token| (a.experts(token).len(), b.experts(token).len());
    let overlap = |token: usize| {
        let (one, other) = (a.experts(token), b.experts(token));
        let shared = one.iter().filter(|expert| other.contains(expert)).count();
        match one.len().max(other.len()) {
            0 => 1.0,
            larger => shared as f32 / larger as f32,
        }
    };
    let by_chance = |token: usize| match sizes(token) {
        (0, 0) => 1.0,
        (one, other) => ratio(one.min(other) as f32, n_experts as f32),
    };
    let overlaps: Vec<f32> = (0..n_tokens).map(overlap).collect();
    Estimate::mean(&overlaps, mean((0..n_tokens).map(by_chance)))
}

/// How far apart two runs are, token by token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Divergence {
    /// `[T]` divergence of each token in nats.
    pub tokens: Vec<f32>,
    /// Their mean.
    pub mean: Estimate,
}

impl Divergence {
    fn new(n_tokens: usize, divergence: impl Fn(usize, usize) -> f32) -> Self {
        let tokens: Vec<f32> = (0..n_tokens)
            .map(|token| divergence(token, token))
            .collect();
        let random = random_orders(n_tokens).map(|order| {
            let pairs = order.into_iter().enumerate();
            mean(pairs.map(|(token, other)| divergence(token, other)))
        });
        Self {
            mean: Estimate::mean(&tokens, mean(random)),
            tokens,
        }
    }
}

/// Jensen-Shannon divergence of the scores of two runs, scaled to sum to 1; from 0 to ln 2.
#[must_use]
pub fn divergence(scores_a_te: &[f32], scores_b_te: &[f32], n_experts: usize) -> Divergence {
    let rows = |scores: &[f32]| -> Vec<Vec<f32>> {
        let row = |row: &[f32]| {
            let sum: f32 = row.iter().sum();
            row.iter().map(|score| ratio(*score, sum)).collect()
        };
        scores.chunks_exact(n_experts).map(row).collect()
    };
    let (a, b) = (rows(scores_a_te), rows(scores_b_te));
    Divergence::new(a.len().min(b.len()), |token, other| {
        let terms = a[token].iter().zip(&b[other]).map(|(p, q)| {
            let middle = (p + q) / 2.0;
            (part(*p, middle) + part(*q, middle)) / 2.0
        });
        terms.sum::<f32>().max(0.0)
    })
}

/// How far apart the predictions of two runs are.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct PredictionChange {
    /// Kullback-Leibler divergence of the second run's next-token distribution from the first's.
    pub divergence: Divergence,
    /// Share of tokens after which the runs hold another token likeliest.
    pub top_token: Estimate,
}

/// How far apart next-token logits `[T, V]` are; the lower id wins ties.
#[must_use]
pub fn prediction_change(
    logits_a_tv: &[f32],
    logits_b_tv: &[f32],
    n_vocab: usize,
) -> PredictionChange {
    let (a, b) = (
        log_softmax(logits_a_tv, n_vocab),
        log_softmax(logits_b_tv, n_vocab),
    );
    let row = |token: usize| token * n_vocab..(token + 1) * n_vocab;
    let n_tokens = a.len().min(b.len()) / n_vocab.max(1);
    let divergence = Divergence::new(n_tokens, |token, other| {
        let terms = a[row(token)].iter().zip(&b[row(other)]);
        let terms = terms.filter(|(p, _)| **p > f32::NEG_INFINITY);
        terms.map(|(p, q)| p.exp() * (p - q)).sum::<f32>().max(0.0)
    });
    let top = |logs: &[f32]| -> Vec<usize> { (0..n_tokens).map(|t| best(&logs[row(t)])).collect() };
    let (top_a, top_b) = (top(&a), top(&b));
    let n_changed = |order: &[usize]| {
        let pairs = top_a.iter().zip(order);
        pairs.filter(|(one, other)| **one != top_b[**other]).count()
    };
    let random =
        random_orders(n_tokens).map(|order| ratio(n_changed(&order) as f32, n_tokens as f32));
    let same: Vec<usize> = (0..n_tokens).collect();
    PredictionChange {
        divergence,
        top_token: Estimate::share(n_changed(&same), n_tokens, mean(random)),
    }
}

fn log_softmax(logits_tv: &[f32], n_vocab: usize) -> Vec<f32> {
    let mut logs = logits_tv.to_vec();
    for row in logs.chunks_exact_mut(n_vocab.max(1)) {
        let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = row.iter().map(|logit| (logit - max).exp()).sum();
        row.iter_mut().for_each(|logit| *logit -= max + sum.ln());
    }
    logs
}

/// The index of the largest, the lowest of equals.
fn best(row: &[f32]) -> usize {
    let larger = |best: usize, index: usize| if row[index] > row[best] { index } else { best };
    (1..row.len()).fold(0, larger)
}

/// One term of a Kullback-Leibler divergence.
fn part(p: f32, q: f32) -> f32 {
    if p > 0.0 { p * (p / q).ln() } else { 0.0 }
}
