//! Choosing the next token: options of a generation, sampling, probabilities.
//!
//! In the order everybody takes: temperature, then the k likeliest tokens, then of these the fewest that hold a share
//! of the probability (nucleus sampling, Holtzman et al. 2019, arXiv:1904.09751).
//! Here it runs on the host in f64; a recorded plan draws by itself, with the same number (`shaders/wgsl/sample.wgsl`).
//! So a seed means the same on every backend, as far as the logits agree and no draw falls on the border of two tokens.
//! The router chooses experts by rules of like names; they are `moescope-routing`'s and have nothing to do with these.

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
    /// Tokens of the vocabulary that the sampler draws from: the likeliest ones, of equals the lower ids; 0 is all.
    pub sampler_top_k: usize,
    /// Draws from the fewest likeliest tokens that together have at least this share of the probability which
    /// temperature and `sampler_top_k` leave, the one that reaches it included; above 0 to 1, and 1 is all.
    pub sampler_top_p: f32,
    /// Seed of the sampler; the same seed gives the same text on the same backend.
    pub seed: u32,
    /// Pushes the scores of the next token away from those of a weak routing.
    pub contrast: Option<Contrast>,
}

/// Which tokens may come next, and how their probabilities are bent.
#[derive(Clone, Copy, Debug)]
pub struct Sampler {
    /// 0 takes the likeliest, the lower id on a tie.
    pub temperature: f32,
    /// [`GenerateOptions::sampler_top_k`].
    pub top_k: usize,
    /// [`GenerateOptions::sampler_top_p`].
    pub top_p: f32,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        Self {
            max_tokens: 64,
            temperature: 0.7,
            sampler_top_k: 0,
            sampler_top_p: 1.0,
            seed: 0,
            contrast: None,
        }
    }
}

impl GenerateOptions {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let invalid = |name, got, allowed| Err(ModelError::OptionInvalid { name, got, allowed });
        if self.max_tokens == 0 {
            return invalid("max_tokens", "0".into(), "1 or more");
        }
        if !self.temperature.is_finite() || self.temperature < 0.0 {
            let got = self.temperature.to_string();
            return invalid("temperature", got, "0 (the likeliest token) or more");
        }
        // Written so that NaN is refused.
        if !(self.sampler_top_p > 0.0 && self.sampler_top_p <= 1.0) {
            let got = self.sampler_top_p.to_string();
            return invalid("sampler_top_p", got, "above 0 to 1 (all tokens)");
        }
        self.contrast.as_ref().map_or(Ok(()), Contrast::check)
    }

    pub(crate) fn sampler(&self) -> Sampler {
        Sampler {
            temperature: self.temperature,
            top_k: self.sampler_top_k,
            top_p: self.sampler_top_p,
        }
    }
}

impl Sampler {
    /// The token that a draw from [0, 1) decides on; temperature 0 takes the likeliest, the lower id on a tie.
    ///
    /// Tokens that may come lie side by side in the order of their ids, each as wide as it is likely.
    ///
    /// # Shapes
    /// `logits`: [V]
    #[must_use]
    pub fn sample(&self, logits: &[f32], draw: f32) -> u32 {
        let best = likeliest(logits);
        if self.temperature == 0.0 {
            return best as u32;
        }
        let highest = logits[best];
        let weight = |id: usize| f64::from((logits[id] - highest) / self.temperature).exp();
        let kept = self.kept(logits, weight);
        let total: f64 = kept.iter().map(|&id| weight(id)).sum();
        let mut left = f64::from(draw) * total;
        for id in kept {
            left -= weight(id);
            if left < 0.0 {
                return id as u32;
            }
        }
        best as u32
    }

    /// Ids that may come, ascending.
    fn kept(&self, logits: &[f32], weight: impl Fn(usize) -> f64) -> Vec<usize> {
        let mut kept: Vec<usize> = (0..logits.len()).collect();
        // A zero below zero is equal to one above.
        let order = |a: &usize, b: &usize| {
            let value = |id: usize| logits[id] + 0.0;
            value(*b).total_cmp(&value(*a)).then(a.cmp(b))
        };
        if self.top_k > 0 && self.top_k < kept.len() {
            kept.select_nth_unstable_by(self.top_k - 1, order);
            kept.truncate(self.top_k);
        }
        if self.top_p < 1.0 {
            kept.sort_unstable_by(order);
            let mut wanted = f64::from(self.top_p) * kept.iter().map(|&id| weight(id)).sum::<f64>();
            let reaches = |&id: &usize| {
                wanted -= weight(id);
                wanted <= 0.0
            };
            let last = kept.iter().position(reaches);
            kept.truncate(last.map_or(kept.len(), |last| last + 1));
        }
        kept.sort_unstable();
        kept
    }
}

/// The id of the highest logit, the lower one on a tie.
fn likeliest(logits: &[f32]) -> usize {
    let higher = |best, (id, &logit): (usize, &f32)| if logit > logits[best] { id } else { best };
    logits.iter().enumerate().fold(0, higher)
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

    const ALL: Sampler = Sampler {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
    };

    /// Logits of probabilities.
    fn logits<const N: usize>(probabilities: [f32; N]) -> [f32; N] {
        probabilities.map(f32::ln)
    }

    /// Every token that some draw decides on, ascending, and how many of a thousand even draws do.
    fn drawn(sampler: Sampler, logits: &[f32]) -> Vec<(u32, usize)> {
        let mut counts = vec![0; logits.len()];
        for draw in 0..1000 {
            counts[sampler.sample(logits, (draw as f32 + 0.5) / 1000.0) as usize] += 1;
        }
        let counts = (0..).zip(counts);
        counts.filter(|(_, count)| *count > 0).collect()
    }

    #[test]
    fn temperature_zero_takes_the_lower_id_on_a_tie() {
        let greedy = Sampler {
            temperature: 0.0,
            ..ALL
        };
        assert_eq!(greedy.sample(&[1.0, 3.0, 3.0], 0.9), 1);
    }

    #[test]
    fn draws_fall_where_the_probabilities_say() {
        let logits = [0.0, 3.0_f32.ln(), f32::NEG_INFINITY];
        for (draw, expected) in [(0.0, 0), (0.249, 0), (0.251, 1), (0.999, 1)] {
            assert_eq!(ALL.sample(&logits, draw), expected, "{draw}");
        }
        assert!((log_prob(&logits, 1).exp() - 0.75).abs() < 1e-6);
    }

    #[test]
    fn top_k_draws_from_the_k_likeliest_in_their_proportion() {
        let logits = logits([0.1, 0.4, 0.3, 0.2]);
        let top = |top_k| drawn(Sampler { top_k, ..ALL }, &logits);
        assert_eq!(top(1), [(1, 1000)]);
        assert_eq!(top(2), [(1, 571), (2, 429)]);
        assert_eq!(top(3), [(1, 444), (2, 334), (3, 222)]);
        assert_eq!(top(4), top(0));
        assert_eq!(top(0), [(0, 100), (1, 400), (2, 300), (3, 200)]);
    }

    #[test]
    fn top_p_keeps_the_token_that_crosses_the_share_and_none_after() {
        let logits = logits([0.125, 0.5, 0.25, 0.125]);
        let top = |top_p| drawn(Sampler { top_p, ..ALL }, &logits);
        assert_eq!(top(0.01), [(1, 1000)]);
        assert_eq!(top(0.5), [(1, 1000)]);
        assert_eq!(top(0.51), [(1, 667), (2, 333)]);
        assert_eq!(top(0.75), [(1, 667), (2, 333)]);
        assert_eq!(top(0.8), [(0, 143), (1, 571), (2, 286)]);
        assert_eq!(top(1.0).len(), 4);
    }

    #[test]
    fn top_p_is_a_share_of_what_temperature_and_top_k_leave() {
        // At temperature 0.5 probabilities are squared: 16, 9, 4 and 1 of 30; of the best three 16 of 29 is 0.55.
        let logits = logits([0.1, 0.2, 0.3, 0.4]);
        let top = |temperature, top_k, top_p| {
            let sampler = Sampler {
                temperature,
                top_k,
                top_p,
            };
            drawn(sampler, &logits)
        };
        assert_eq!(top(0.5, 3, 0.55), [(3, 1000)]);
        assert_eq!(top(0.5, 0, 0.55), [(2, 360), (3, 640)]);
        assert_eq!(top(1.0, 3, 0.55), [(2, 429), (3, 571)]);
        assert_eq!(top(1.0, 2, 0.57), [(3, 1000)]);
    }

    #[test]
    fn of_equal_tokens_the_lower_ids_stay() {
        let flat = [0.0, -0.0, 0.0, -1.0, 0.0];
        let ids = |sampler| -> Vec<u32> {
            let drawn = drawn(sampler, &flat).into_iter();
            drawn.map(|(id, _)| id).collect()
        };
        assert_eq!(ids(Sampler { top_k: 3, ..ALL }), [0, 1, 2]);
        assert_eq!(ids(Sampler { top_p: 0.4, ..ALL }), [0, 1]);
    }

    #[test]
    fn one_token_to_draw_from_is_the_greedy_one() {
        let mut rng = 1_u32;
        let mut next = || {
            rng = rng.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (rng >> 8) as f32 / 16_777_216.0
        };
        for _ in 0..200 {
            let logits: Vec<f32> = (0..50).map(|_| (next() * 20.0).floor()).collect();
            let (draw, greedy) = (next(), likeliest(&logits) as u32);
            assert_eq!(Sampler { top_k: 1, ..ALL }.sample(&logits, draw), greedy);
            let top_p = f32::MIN_POSITIVE;
            assert_eq!(Sampler { top_p, ..ALL }.sample(&logits, draw), greedy);
        }
    }

    #[test]
    fn every_option_out_of_range_is_named_with_what_is_allowed() {
        let with_top_p = |sampler_top_p| GenerateOptions {
            sampler_top_p,
            ..GenerateOptions::default()
        };
        for (got, said) in [(0.0, "0"), (1.5, "1.5"), (-0.5, "-0.5"), (f32::NAN, "NaN")] {
            let message = with_top_p(got).check().map_err(|error| error.to_string());
            let expected = [format!("sampler_top_p is {said}"), "above 0 to 1".into()];
            let says = |message: &String| expected.iter().all(|part| message.contains(part));
            assert!(message.as_ref().is_err_and(says), "{message:?}");
        }
        assert!(with_top_p(1.0).check().is_ok() && with_top_p(1e-6).check().is_ok());
    }
}
