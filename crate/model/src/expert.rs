//! Questions to one expert: what it does to one token, and what the model would say if it acted alone.
//!
//! This file holds question, answer and figures; `expert/alone.rs` the router that lets one expert act alone,
//! `engine/expert.rs` the passes.
//!
//! Acting alone is the logit lens applied to experts: at the token, and there only, the expert takes the place of the
//! whole mixture and gets the sum of its weights; a shared expert goes on acting.
//! A hidden unit is read as in Geva et al. 2021 (arXiv:2012.14913): its column of the down projection is a value,
//! whose product with the output embedding says which tokens it makes likelier.

mod alone;

use serde::{Deserialize, Serialize};

use crate::distribution::{best, best_first, jensen_shannon, log_softmax};
use crate::error::ModelError;
use crate::tokenizer::Token;

pub(crate) use alone::{Alone, total_weight};

/// How many of the likeliest tokens of the mixture, and as many of the expert alone, an answer shows.
const SHOWN: usize = 6;
/// How many hidden units an answer shows.
const UNITS: usize = 6;
/// How many tokens an answer shows that a unit makes likelier, and as many that it makes less likely.
const WORDS: usize = 4;

/// Which expert to ask about which token.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ExpertQuestion {
    /// Index of a transformer layer that has experts.
    pub layer: usize,
    /// Index of the expert.
    pub expert: usize,
    /// Index of the token; the model reads up to it and predicts the next.
    pub position: usize,
}

/// What an expert does to a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ExpertAnswer {
    /// The token it was asked about.
    pub token: Token,
    /// Combine weight with which it acts on the token; none if the router did not choose it.
    pub weight: Option<f32>,
    /// Sum of the combine weights, with which it acts when it acts alone.
    pub total_weight: f32,
    /// Whether the layer has a shared expert, which acts in both cases and is in neither output.
    pub shared: bool,
    /// Cosine between its output, before any weight, and the output of the mixture; NaN if no expert acts.
    pub cosine: f32,
    /// Length of its output, before any weight, over that of the mixture's; NaN if no expert acts.
    pub relative_norm: f32,
    /// Jensen-Shannon divergence of the next-token distributions in nats; from 0 to ln 2.
    pub divergence: f32,
    /// The few likeliest tokens of either distribution, by descending probability under the mixture.
    pub predictions: Vec<Prediction>,
    /// Its strongest hidden units on the token, strongest first.
    pub units: Vec<HiddenUnit>,
    /// F, how many hidden units it has.
    pub n_units: usize,
}

/// A token that may come next.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Prediction {
    /// The token.
    pub token: Token,
    /// Its probability as the text is routed.
    pub mixture: f32,
    /// Its probability where the expert acts alone.
    pub alone: f32,
}

/// A hidden unit of an expert.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct HiddenUnit {
    /// Index of the unit.
    pub unit: usize,
    /// silu(gate x) * up x, signed.
    pub activation: f32,
    /// Length of what it adds to the expert's output: its activation, unsigned, times the length of its value.
    pub strength: f32,
    /// Tokens that what it adds makes likelier, most first.
    pub up: Vec<Token>,
    /// Tokens that what it adds makes less likely, most first.
    pub down: Vec<Token>,
}

/// A hidden unit before its tokens are known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Strength {
    pub unit: usize,
    pub activation: f32,
    pub strength: f32,
}

impl ExpertQuestion {
    /// Checks the question against a layer of `n_experts` experts and a text of `n_tokens` tokens.
    pub(crate) fn check(&self, n_experts: usize, n_tokens: usize) -> Result<(), ModelError> {
        if self.expert >= n_experts {
            let got = self.expert;
            return Err(ModelError::NoSuchExpert { got, n_experts });
        }
        if self.position >= n_tokens {
            let got = self.position;
            return Err(ModelError::PositionOutOfRange { got, n_tokens });
        }
        Ok(())
    }
}

/// The hidden units that add most, strongest first.
///
/// # Shapes
/// `hidden`: [F]; `values`: [F, D]
pub(crate) fn strongest(hidden: &[f32], values: &[f32]) -> Vec<Strength> {
    let rows = values.chunks_exact(values.len() / hidden.len());
    let pairs = hidden.iter().zip(rows);
    let strengths: Vec<f32> = pairs.map(|(h, row)| h.abs() * norm(row) as f32).collect();
    let unit = |unit: u32| Strength {
        unit: unit as usize,
        activation: hidden[unit as usize],
        strength: strengths[unit as usize],
    };
    best_first(&strengths, UNITS)
        .into_iter()
        .map(unit)
        .collect()
}

/// A unit with its tokens, from the logits that it adds.
pub(crate) fn hidden_unit(
    found: Strength,
    logits: &[f32],
    token: impl Fn(u32) -> Token,
) -> HiddenUnit {
    let Strength {
        unit,
        activation,
        strength,
    } = found;
    let falls: Vec<f32> = logits.iter().map(|logit| -logit).collect();
    let tokens = |numbers: &[f32]| {
        let ids = best_first(numbers, WORDS).into_iter();
        ids.map(&token).collect()
    };
    HiddenUnit {
        unit,
        activation,
        strength,
        up: tokens(logits),
        down: tokens(&falls),
    }
}

/// The likeliest tokens under both distributions, and how far these are apart.
pub(crate) fn predictions(
    mixture: &[f32],
    alone: &[f32],
    token: impl Fn(u32) -> Token,
) -> (f32, Vec<Prediction>) {
    let mut ids = best(mixture, SHOWN);
    ids.extend(best(alone, SHOWN));
    ids.sort_unstable_by(|&a, &b| {
        let logit = |id: u32| mixture[id as usize];
        logit(b).total_cmp(&logit(a)).then(a.cmp(&b))
    });
    ids.dedup();
    let (p, q) = (log_softmax(mixture), log_softmax(alone));
    let prediction = |id: u32| Prediction {
        token: token(id),
        mixture: p[id as usize].exp() as f32,
        alone: q[id as usize].exp() as f32,
    };
    let divergence = jensen_shannon(mixture, alone) as f32;
    (divergence, ids.into_iter().map(prediction).collect())
}

/// Cosine between two vectors and the length of the first over that of the second.
pub(crate) fn compare(a: &[f32], b: &[f32]) -> (f32, f32) {
    let products = a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b));
    let (dot, length_a, length_b) = (products.sum::<f64>(), norm(a), norm(b));
    (
        (dot / (length_a * length_b)) as f32,
        (length_a / length_b) as f32,
    )
}

fn norm(vector: &[f32]) -> f64 {
    let squares = vector.iter().map(|x| f64::from(*x).powi(2));
    squares.sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strength_counts_the_length_of_what_a_unit_writes() {
        let found = strongest(&[1.0, -0.5, 2.0], &[3.0, 4.0, 12.0, 16.0, 0.0, 1.0]);
        let units: Vec<usize> = found.iter().map(|unit| unit.unit).collect();
        assert_eq!(units, [1, 0, 2]);
        assert_eq!((found[0].activation, found[0].strength), (-0.5, 10.0));
    }

    #[test]
    fn nothing_points_nowhere() {
        assert!(compare(&[1.0, 2.0], &[0.0, 0.0]).0.is_nan());
    }

    #[test]
    fn cosine_and_length_are_those_of_school() {
        let (cosine, length) = compare(&[3.0, 0.0], &[1.0, 1.0]);
        assert!((cosine - 0.5_f32.sqrt()).abs() < 1e-6);
        assert!((length - 3.0 / 2.0_f32.sqrt()).abs() < 1e-6);
    }
}
