//! Segment routing best performance (Liang et al. 2025, arXiv:2505.16056, and its code): could a segment of text
//! share its experts.

use serde::Serialize;

use super::estimate::shuffled;
use super::{Estimate, mean, ratio};
use crate::plan::RoutingPlan;

/// Segment routing best performance, for all windows of `length` tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SegmentRouting {
    /// Tokens in a window.
    pub length: usize,
    /// The best F1 of a router that says yes or no to an expert for a whole window, with one
    /// threshold for all experts; chance is that of the same tokens in random order.
    pub srp: Estimate,
    /// That threshold: yes from so many uses in the window.
    pub threshold: usize,
    /// How many times as many experts it keeps as are used.
    pub size_ratio: f32,
    /// `[E]` the best F1 of each expert with its own threshold.
    pub srp_by_expert: Vec<f32>,
    /// `[E]` what the same tokens in random order give.
    pub chance_by_expert: Vec<f32>,
}

/// Numbers of windows by how often they use an expert: 0, 1, ... `length` times.
type Histogram = Vec<usize>;

/// Segment routing best performance; none where no window fits the text.
#[must_use]
pub fn segment_routing(
    plan: &RoutingPlan,
    n_experts: usize,
    length: usize,
) -> Option<SegmentRouting> {
    if length == 0 || plan.n_tokens() < length {
        return None;
    }
    let windows = Windows::new(plan, n_experts, length);
    let by_expert = |windows: &Windows| -> Vec<f32> {
        windows.by_expert.iter().map(|h| best_f1(h).f1).collect()
    };
    let random: Vec<Windows> = shuffled(plan)
        .iter()
        .map(|moved| Windows::new(moved, n_experts, length))
        .collect();
    let chance = mean(
        random
            .iter()
            .map(|w| best_f1(&w.pooled(0..w.by_block.len())).f1),
    );
    let n_blocks = windows.by_block.len();
    let best = best_f1(&windows.pooled(0..n_blocks));
    let chances: Vec<Vec<f32>> = random.iter().map(by_expert).collect();
    Some(SegmentRouting {
        length,
        srp: Estimate::of_blocks(n_blocks, chance, |blocks| {
            best_f1(&windows.pooled(blocks)).f1
        }),
        threshold: best.threshold,
        size_ratio: best.size_ratio,
        srp_by_expert: by_expert(&windows),
        chance_by_expert: (0..n_experts)
            .map(|e| mean(chances.iter().map(|chance| chance[e])))
            .collect(),
    })
}

/// What all windows use; windows overlap.
struct Windows {
    /// `[E]`.
    by_expert: Vec<Histogram>,
    /// All experts together, by blocks of as many windows as a window has tokens.
    by_block: Vec<Histogram>,
}

impl Windows {
    fn new(plan: &RoutingPlan, n_experts: usize, length: usize) -> Self {
        let mut by_expert = vec![vec![0; length + 1]; n_experts];
        let mut by_block: Vec<Histogram> = Vec::new();
        let mut uses = vec![0_usize; n_experts];
        for token in 0..plan.n_tokens() {
            for expert in plan.experts(token) {
                uses[usize::from(*expert)] += 1;
            }
            let Some(start) = (token + 1).checked_sub(length) else {
                continue;
            };
            if start.is_multiple_of(length) {
                by_block.push(vec![0; length + 1]);
            }
            for (histogram, n) in by_expert.iter_mut().zip(&uses) {
                histogram[*n] += 1;
                by_block[start / length][*n] += 1;
            }
            for expert in plan.experts(start) {
                uses[usize::from(*expert)] -= 1;
            }
        }
        Self {
            by_expert,
            by_block,
        }
    }

    /// The histogram of these blocks together.
    fn pooled(&self, blocks: impl Iterator<Item = usize>) -> Histogram {
        let mut pooled = vec![0; self.by_block[0].len()];
        for block in blocks {
            for (sum, n) in pooled.iter_mut().zip(&self.by_block[block]) {
                *sum += n;
            }
        }
        pooled
    }
}

struct Best {
    f1: f32,
    threshold: usize,
    /// Predictions over uses.
    size_ratio: f32,
}

/// The best F1 and its lowest threshold.
fn best_f1(histogram: &[usize]) -> Best {
    let length = histogram.len() - 1;
    let acts: usize = histogram.iter().enumerate().map(|(uses, n)| uses * n).sum();
    let (mut matches, mut n_predicted) = (0, 0);
    let mut best = Best {
        f1: 0.0,
        threshold: 0,
        size_ratio: 0.0,
    };
    for threshold in (0..=length).rev() {
        matches += threshold * histogram[threshold];
        n_predicted += length * histogram[threshold];
        let f1 = ratio(2.0 * matches as f32, (n_predicted + acts) as f32);
        if f1 >= best.f1 && acts > 0 {
            best = Best {
                f1,
                threshold,
                size_ratio: ratio(n_predicted as f32, acts as f32),
            };
        }
    }
    best
}
