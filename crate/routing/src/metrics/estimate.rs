//! [`Estimate`]: a figure with its interval and its baseline, and how both are made.
//!
//! Intervals are of 95 %: Wilson's for shares, the normal one for means over tokens, and a block bootstrap where
//! windows overlap or a cache remembers, so that neighbouring tokens are no fresh evidence.
//! Baselines without a formula come from random plans, or from the same tokens in random order; draws are seeded, so
//! that the same plan always has the same report.

use serde::Serialize;

use super::ratio;
use crate::matrix::{rank_row, ranked_expert};
use crate::plan::RoutingPlan;
use crate::rng::{Rng, Stream};

/// Half the width of a 95 % interval in standard errors.
const Z: f32 = 1.959_964;
/// Draws of a bootstrap; 5 of them lie beyond each end of the interval.
const N_RESAMPLES: usize = 200;
const N_BEYOND: usize = 5;
/// Random orders whose mean is a baseline.
const N_SHUFFLES: usize = 5;

/// A figure of a sample with its interval of 95 %, and what chance gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Estimate {
    /// The figure; 0 without a sample.
    pub value: f32,
    /// Lower end of the interval.
    pub low: f32,
    /// Upper end of the interval.
    pub high: f32,
    /// What chance gives.
    pub chance: f32,
}

impl Estimate {
    /// The share of `hits` in `trials`, with Wilson's interval; from 0 to 1 without trials.
    #[must_use]
    pub fn share(hits: usize, trials: usize, chance: f32) -> Self {
        if trials == 0 {
            let (value, low, high) = (0.0, 0.0, 1.0);
            return Self {
                value,
                low,
                high,
                chance,
            };
        }
        let n = trials as f32;
        let value = hits as f32 / n;
        let middle = value + Z * Z / (2.0 * n);
        let reach = Z * (value * (1.0 - value) / n + Z * Z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + Z * Z / n;
        Self {
            value,
            low: ((middle - reach) / whole).max(0.0),
            high: ((middle + reach) / whole).min(1.0),
            chance,
        }
    }

    /// The mean of `values`, as if they were independent; the interval of fewer than two has no width.
    #[must_use]
    pub fn mean(values: &[f32], chance: f32) -> Self {
        let value = super::mean(values.iter().copied());
        let squares: f32 = values.iter().map(|x| (x - value).powi(2)).sum();
        let variance = ratio(squares, values.len().saturating_sub(1) as f32);
        let reach = Z * ratio(variance, values.len() as f32).sqrt();
        Self {
            value,
            low: value - reach,
            high: value + reach,
            chance,
        }
    }

    /// A figure of blocks of tokens, whose interval comes from drawing as many blocks again and again.
    ///
    /// `figure` gets the blocks to count, each as often as it was drawn; one block gives no width.
    #[must_use]
    pub fn of_blocks(
        n_blocks: usize,
        chance: f32,
        figure: impl Fn(&mut dyn Iterator<Item = usize>) -> f32,
    ) -> Self {
        let value = figure(&mut (0..n_blocks));
        let rng = |draw| Rng::new(0, Stream::Resample, draw);
        let resample =
            |draw| figure(&mut (0..n_blocks).map(|place| rng(draw).below(n_blocks, place, 0)));
        let mut drawn: Vec<f32> = (0..N_RESAMPLES).map(resample).collect();
        drawn.sort_unstable_by(f32::total_cmp);
        Self {
            value,
            low: drawn[N_BEYOND],
            high: drawn[N_RESAMPLES - 1 - N_BEYOND],
            chance,
        }
    }
}

/// Plans in which every token has as many experts as in `plan`, drawn uniformly.
pub(super) fn random_plans(
    plan: &RoutingPlan,
    n_experts: usize,
    n_plans: usize,
) -> impl ExactSizeIterator<Item = RoutingPlan> {
    (0..n_plans).map(move |draw| {
        let rng = Rng::new(0, Stream::RandomPlan, draw);
        let mut random = plan.clone();
        let mut ranked = Vec::new();
        for token in 0..plan.n_tokens() {
            let keys: Vec<f32> = (0..n_experts).map(|e| rng.uniform(token, e)).collect();
            rank_row(&keys, &mut ranked);
            for (slot, key) in plan.range(token).zip(&ranked) {
                random.expert_idx[slot] = ranked_expert(*key) as u16;
            }
        }
        random
    })
}

/// The labels in random order, so often.
pub(super) fn shuffled_labels(labels_t: &[u32], n_draws: usize) -> impl Iterator<Item = Vec<u32>> {
    orders(labels_t.len(), n_draws)
        .map(|order| order.into_iter().map(|token| labels_t[token]).collect())
}

/// Orders of `n_tokens` tokens, drawn uniformly.
pub(super) fn random_orders(n_tokens: usize) -> impl ExactSizeIterator<Item = Vec<usize>> {
    orders(n_tokens, N_SHUFFLES)
}

fn orders(n_tokens: usize, n_orders: usize) -> impl ExactSizeIterator<Item = Vec<usize>> {
    (0..n_orders).map(move |draw| {
        let rng = Rng::new(0, Stream::Shuffle, draw);
        let keys: Vec<f32> = (0..n_tokens).map(|token| rng.uniform(token, 0)).collect();
        let mut ranked = Vec::new();
        rank_row(&keys, &mut ranked);
        ranked.into_iter().map(ranked_expert).collect()
    })
}

/// The same tokens in random order: as much load, but no neighbourhood.
pub(super) fn shuffled(plan: &RoutingPlan) -> Vec<RoutingPlan> {
    random_orders(plan.n_tokens())
        .map(|order| {
            let mut moved = RoutingPlan {
                offsets: vec![0],
                ..RoutingPlan::default()
            };
            for token in order {
                moved.expert_idx.extend(plan.experts(token));
                moved.combine_weights.extend(plan.weights(token));
                moved.offsets.push(moved.expert_idx.len() as u32);
            }
            moved
        })
        .collect()
}
