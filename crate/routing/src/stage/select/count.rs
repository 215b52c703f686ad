//! How many of a token's ranked experts each method takes.

use super::Select;
use crate::matrix::ranked_expert;

impl Select {
    /// The number of best experts to take; forced ones are part of it.
    pub(super) fn count(&self, ranked: &[u64], scores: &[f32], selection: &[f32]) -> usize {
        let n_allowed = ranked.len();
        let best = ranked.iter().map(|key| selection[ranked_expert(*key)]);
        match *self {
            Self::TopP {
                top_p,
                min_experts,
                max_experts,
            } => {
                let mass = ranked.iter().map(|key| scores[ranked_expert(*key)]);
                clamp(
                    prefix_above(mass, top_p),
                    min_experts,
                    max_experts,
                    n_allowed,
                )
            }
            Self::Threshold {
                threshold,
                min_experts,
                max_experts,
            } => {
                let n = best.take_while(|score| *score > threshold).count();
                clamp(n, min_experts, max_experts, n_allowed)
            }
            Self::MinP {
                min_p,
                min_experts,
                max_experts,
            } => {
                let floor = best.clone().next().map_or(0.0, |score| min_p * score);
                let n = best.take_while(|score| *score >= floor).count();
                clamp(n, min_experts, max_experts, n_allowed)
            }
            Self::Gap {
                min_experts,
                max_experts,
            } => {
                let least = min_experts.clamp(1, n_allowed.max(1));
                let most = clamp(n_allowed, least, max_experts, n_allowed);
                largest_gap(&best.collect::<Vec<_>>(), least, most)
            }
            _ => self.places().unwrap_or(n_allowed),
        }
    }
}

fn clamp(n: usize, min_experts: usize, max_experts: usize, n_allowed: usize) -> usize {
    let most = if max_experts == 0 {
        n_allowed
    } else {
        max_experts
    };
    n.max(min_experts).min(most).min(n_allowed)
}

/// The length of the first prefix whose sum is above `share` of the whole; the whole if none is.
fn prefix_above(mass: impl Iterator<Item = f32> + Clone, share: f32) -> usize {
    let total: f32 = mass.clone().sum();
    let mut sum = 0.0;
    let n_below = mass
        .take_while(|score| {
            sum += score;
            sum <= share * total
        })
        .count();
    n_below + 1
}

/// Where to cut descending scores, between `least` and `most`, so that the drop is largest.
fn largest_gap(best: &[f32], least: usize, most: usize) -> usize {
    let mut cut = most;
    let mut drop = f32::NEG_INFINITY;
    for n in least..=most.min(best.len().saturating_sub(1)) {
        if best[n - 1] - best[n] > drop {
            drop = best[n - 1] - best[n];
            cut = n;
        }
    }
    cut
}
