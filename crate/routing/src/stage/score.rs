//! Score: how logits become scores, and which bias selection adds to them.
//!
//! Softmax makes experts compete (Shazeer et al. 2017); sigmoid scores each on its own
//! (DeepSeek-V3, arXiv:2412.19437); relu leaves most at zero (ReMoE, arXiv:2412.14711).
//! Sinkhorn balances the whole batch for selection and leaves the weights alone (S-BASE,
//! Clark et al. 2022, arXiv:2202.01169).
//! The selection bias chooses but does not weigh (arXiv:2408.15664).

use serde::{Deserialize, Serialize};

use super::{check, check_per_expert};
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{sigmoid, softmax_row};
use crate::named::named;

/// How logits become scores.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Score {
    /// The function applied to each token's logits.
    pub function: ScoreFunction,
    /// Rounds of row and column scaling of `sinkhorn`; 0 leaves the softmax.
    pub iterations: usize,
    /// Added to the scores for selection only, one per expert, or empty.
    pub selection_bias: Vec<f32>,
}

named! {
    /// A function from a token's logits to its scores.
    #[derive(Default)]
    pub enum ScoreFunction {
        /// exp(z) over the sum of exp(z) of all experts.
        #[default]
        Softmax = "softmax",
        /// 1 / (1 + exp(-z)).
        Sigmoid = "sigmoid",
        /// max(z, 0).
        Relu = "relu",
        /// z itself.
        Identity = "identity",
        /// Weighs like softmax; selects by the balanced plan of the whole batch.
        Sinkhorn = "sinkhorn",
    }
}

impl Default for Score {
    fn default() -> Self {
        Self {
            function: ScoreFunction::default(),
            iterations: 50,
            selection_bias: Vec::new(),
        }
    }
}

impl Score {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.choice("score", &mut self.function);
        fields.count("iterations", &mut self.iterations);
        fields.reals("selection_bias", &mut self.selection_bias);
    }

    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        check(
            "score.iterations",
            self.iterations as f32,
            |x| x <= 1000.0,
            "a whole number from 0 to 1000",
        )?;
        check_per_expert("score.selection_bias", &self.selection_bias, n_experts)
    }

    /// The scores `[T, W]` of adjusted logits `[T, W]`.
    pub(crate) fn apply(&self, adjusted_tw: &[f32], width: usize) -> Vec<f32> {
        let mut scores_tw = adjusted_tw.to_vec();
        match self.function {
            ScoreFunction::Softmax | ScoreFunction::Sinkhorn => {
                scores_tw.chunks_exact_mut(width).for_each(softmax_row);
            }
            ScoreFunction::Sigmoid => scores_tw.iter_mut().for_each(|z| *z = sigmoid(*z)),
            ScoreFunction::Relu => scores_tw.iter_mut().for_each(|z| *z = z.max(0.0)),
            ScoreFunction::Identity => {}
        }
        scores_tw
    }

    /// What selection compares `[T, W]`: the scores or the balanced plan, with the bias.
    pub(crate) fn selection(&self, scores_tw: &[f32], width: usize) -> Vec<f32> {
        let mut selection_tw = scores_tw.to_vec();
        if self.function == ScoreFunction::Sinkhorn {
            sinkhorn(&mut selection_tw, width, self.iterations);
        }
        if !self.selection_bias.is_empty() {
            for row in selection_tw.chunks_exact_mut(width) {
                for (score, bias) in row.iter_mut().zip(&self.selection_bias) {
                    *score += bias;
                }
            }
        }
        selection_tw
    }
}

/// Scales rows and columns in turn until rows sum to 1 / T and columns to 1 / W.
///
/// Starting from softmax rows instead of exp(z) changes nothing, because the first step scales
/// the rows, and cannot overflow.
fn sinkhorn(plan_tw: &mut [f32], width: usize, iterations: usize) {
    let n_tokens = plan_tw.len() / width;
    let mut columns = vec![0.0; width];
    for _ in 0..iterations {
        columns.fill(0.0);
        for row in plan_tw.chunks_exact_mut(width) {
            scale_to(row, 1.0 / n_tokens as f32);
            for (sum, value) in columns.iter_mut().zip(row) {
                *sum += *value;
            }
        }
        for row in plan_tw.chunks_exact_mut(width) {
            for (value, sum) in row.iter_mut().zip(&columns) {
                if *sum > 0.0 {
                    // In this order, so that a single token gives exactly equal columns.
                    *value = *value / sum / width as f32;
                }
            }
        }
    }
}

/// Scales a row to a sum; a row of zeros stays.
fn scale_to(row: &mut [f32], target: f32) {
    let sum: f32 = row.iter().sum();
    if sum > 0.0 {
        for value in row {
            *value *= target / sum;
        }
    }
}
