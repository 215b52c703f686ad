//! Twin of `sample.wgsl`; the tokens that are kept are found by sorting instead of by their bits.

use crate::step::Sampling;

/// The next token.
///
/// # Shapes
/// `logits`: `[V]`
#[must_use]
pub fn sample(logits: &[f32], sampling: &Sampling) -> usize {
    let mut kept: Vec<usize> = (0..logits.len()).collect();
    // A stable sort, so that of equals the lower ids come first; a zero below zero is equal to one above.
    kept.sort_by(|a, b| (logits[*b] + 0.0).total_cmp(&(logits[*a] + 0.0)));
    let best = kept[0];
    if sampling.temperature == 0.0 {
        return best;
    }
    let weight = |id: usize| ((logits[id] - logits[best]) / sampling.temperature).exp();
    if sampling.top_k > 0 {
        kept.truncate(sampling.top_k);
    }
    if sampling.top_p < 1.0 {
        let enough = sampling.top_p * kept.iter().map(|id| weight(*id)).sum::<f32>();
        let mut sum = 0.0;
        let mut n = 0;
        while n < kept.len() && sum < enough {
            sum += weight(kept[n]);
            n += 1;
        }
        kept.truncate(n.max(1));
    }
    kept.sort_unstable();
    let draw = sampling.draw * kept.iter().map(|id| weight(*id)).sum::<f32>();
    let mut chosen = best;
    let mut sum = 0.0;
    for id in kept {
        let mass = weight(id);
        if mass > 0.0 {
            chosen = id;
        }
        sum += mass;
        if sum > draw {
            break;
        }
    }
    chosen
}

/// Natural logarithm of the probability that softmax gives `id`.
#[must_use]
pub fn log_prob(logits: &[f32], id: usize) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    logits[id] - highest - total.ln()
}
