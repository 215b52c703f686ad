//! How many of a token's ranked experts each method takes.

use super::Select;
use crate::matrix::ranked_expert;

impl Select {
    /// The number of best experts to take; forced ones are part of it.
    pub(super) fn count(&self, ranked: &[u64], scores: &[f32], selection: &[f32]) -> usize {
        let n_allowed = ranked.len();
        let Some((min_experts, max_experts)) = self.bounds() else {
            return self.places().unwrap_or(n_allowed);
        };
        let most = match max_experts {
            0 => n_allowed,
            most => most.min(n_allowed),
        };
        let least = min_experts.min(most);
        let best = ranked.iter().map(|key| selection[ranked_expert(*key)]);
        let n = match *self {
            Self::TopP { top_p, .. } => {
                let mass = ranked.iter().map(|key| scores[ranked_expert(*key)]);
                prefix_above(mass, top_p)
            }
            Self::Threshold { threshold, .. } => best.take_while(|s| *s > threshold).count(),
            Self::MinP { min_p, .. } => {
                let floor = best.clone().next().map_or(0.0, |score| min_p * score);
                best.take_while(|score| *score >= floor).count()
            }
            Self::NSigma { n_sigma, .. } => {
                let floor = best.clone().next().unwrap_or(0.0) - n_sigma * deviation(best.clone());
                best.take_while(|score| *score >= floor).count()
            }
            Self::Gap { .. } => largest_gap(&best.collect::<Vec<_>>(), least, most),
            _ => most,
        };
        n.clamp(least, most)
    }
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

/// Standard deviation of all values; not a number where one is infinite, so that bounds decide.
fn deviation(values: impl Iterator<Item = f32> + Clone) -> f32 {
    let n = values.clone().count() as f32;
    let mean = values.clone().sum::<f32>() / n;
    (values.map(|x| (x - mean).powi(2)).sum::<f32>() / n).sqrt()
}

/// Where to cut descending scores, between `least` and `most`, so that the drop is largest.
fn largest_gap(best: &[f32], least: usize, most: usize) -> usize {
    let mut cut = most;
    let mut drop = f32::NEG_INFINITY;
    for n in least.max(1)..=most.min(best.len().saturating_sub(1)) {
        if best[n - 1] - best[n] > drop {
            drop = best[n - 1] - best[n];
            cut = n;
        }
    }
    cut
}
