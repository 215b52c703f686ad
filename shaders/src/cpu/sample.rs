//! Twin of `sample.wgsl`; thresholds are found by sorting instead of by bisection.

use crate::step::Sampling;

/// The next token.
///
/// # Shapes
/// `logits`: `[V]`
#[must_use]
pub fn sample(logits: &[f32], sampling: &Sampling) -> usize {
    let mut best = 0;
    for (id, logit) in logits.iter().enumerate() {
        if *logit > logits[best] {
            best = id;
        }
    }
    if sampling.temperature == 0.0 {
        return best;
    }
    let mass = |id: usize| ((logits[id] - logits[best]) / sampling.temperature).exp();
    let mut sorted = logits.to_vec();
    sorted.sort_by(|a, b| b.total_cmp(a));
    let mut least = f32::NEG_INFINITY;
    if sampling.top_k > 0 && sampling.top_k < logits.len() {
        least = sorted[sampling.top_k - 1];
    }
    let kept = |least: f32| (0..logits.len()).filter(move |id| logits[*id] >= least);
    if sampling.top_p < 1.0 {
        let whole: f32 = kept(least).map(mass).sum();
        let reaches = |threshold: &f32| {
            kept(threshold.max(least)).map(mass).sum::<f32>() >= sampling.top_p * whole
        };
        least = least.max(sorted.iter().copied().find(reaches).unwrap_or(least));
    }
    let total: f32 = kept(least).map(mass).sum();
    let mut left = sampling.draw * total;
    for id in kept(least) {
        left -= mass(id);
        if left < 0.0 {
            return id;
        }
    }
    best
}

/// Natural logarithm of the probability that softmax gives `id`.
#[must_use]
pub fn log_prob(logits: &[f32], id: usize) -> f32 {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    logits[id] - highest - total.ln()
}
