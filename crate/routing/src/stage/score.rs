//! Score: how logits become scores.
//!
//! Softmax makes experts compete (Shazeer et al. 2017, Fedus et al. 2021).

use serde::{Deserialize, Serialize};

use crate::matrix::softmax_row;

/// How logits become scores.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Score {
    /// The function applied to each token's logits.
    pub function: ScoreFunction,
}

/// A function from a token's logits to its scores.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum ScoreFunction {
    /// exp(z) over the sum of exp(z) of all experts.
    #[default]
    Softmax,
}

impl Score {
    /// The scores [T, E] of adjusted logits [T, E].
    pub(crate) fn apply(&self, adjusted_te: &[f32], n_experts: usize) -> Vec<f32> {
        let mut scores_te = adjusted_te.to_vec();
        for row in scores_te.chunks_exact_mut(n_experts) {
            match self.function {
                ScoreFunction::Softmax => softmax_row(row),
            }
        }
        scores_te
    }
}
