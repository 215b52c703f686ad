//! Choosing the next token: options of a generation, sampling, probabilities.
//!
//! Runs on the host in f64, so that a seed means the same on every backend as far as the logits agree.

use serde::{Deserialize, Serialize};

use crate::contrast::Contrast;
use crate::error::ModelError;

/// How to continue a prompt.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct GenerateOptions {
    /// Tokens to generate at most.
    pub max_tokens: usize,
    /// Sampling temperature; 0 takes the likeliest token.
    pub temperature: f32,
    /// Seed of the sampler; the same seed gives the same text on the same backend.
    pub seed: u32,
    /// Pushes the scores of the next token away from those of a weak routing.
    pub contrast: Option<Contrast>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_tokens: 64,
            temperature: 0.7,
            seed: 0,
            contrast: None,
        }
    }
}

impl GenerateOptions {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        if self.max_tokens == 0 {
            return Err(ModelError::OptionInvalid {
                name: "max_tokens",
                got: "0".into(),
                allowed: "1 or more",
            });
        }
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            return Err(ModelError::OptionInvalid {
                name: "temperature",
                got: self.temperature.to_string(),
                allowed: "0 (the likeliest token) or more",
            });
        }
        self.contrast.as_ref().map_or(Ok(()), Contrast::check)
    }
}

/// The token that a draw from [0, 1) decides on; temperature 0 takes the likeliest, the lower id on a tie.
pub(crate) fn sample(logits: &[f32], temperature: f32, draw: f64) -> u32 {
    let best = logits.iter().enumerate().fold(
        0,
        |best, (id, &logit)| if logit > logits[best] { id } else { best },
    );
    if temperature == 0.0 {
        return best as u32;
    }
    let weight = |logit: f32| f64::from((logit - logits[best]) / temperature).exp();
    let total: f64 = logits.iter().map(|&logit| weight(logit)).sum();
    let mut left = draw * total;
    for (id, &logit) in logits.iter().enumerate() {
        left -= weight(logit);
        if left < 0.0 {
            return id as u32;
        }
    }
    best as u32
}

/// Natural logarithm of the probability that softmax gives `id`.
pub(crate) fn log_prob(logits: &[f32], id: u32) -> f32 {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let total: f64 = logits
        .iter()
        .map(|&logit| f64::from(logit - max).exp())
        .sum();
    (f64::from(logits[id as usize] - max) - total.ln()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn temperature_zero_takes_the_lower_id_on_a_tie() {
        assert_eq!(sample(&[1.0, 3.0, 3.0], 0.0, 0.9), 1);
    }

    #[test]
    fn draws_fall_where_the_probabilities_say() {
        let logits = [0.0, 3.0_f32.ln(), f32::NEG_INFINITY];
        for (draw, expected) in [(0.0, 0), (0.249, 0), (0.251, 1), (0.999, 1)] {
            assert_eq!(sample(&logits, 1.0, draw), expected, "{draw}");
        }
        assert!((log_prob(&logits, 1).exp() - 0.75).abs() < 1e-6);
    }
}
