//! Soft MoE (Puigcerver et al. 2023, arXiv:2308.00951): no choice at all, every slot gets a
//! mixture of all tokens and every token a mixture of all slots.
//!
//! Needs the whole batch, so it is not causal.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::matrix::softmax_row;

/// The two mixtures of Soft MoE, for T tokens and S slots.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct SoftPlan {
    /// S.
    pub n_slots: usize,
    /// `[T, S]` what each slot takes of each token; columns sum to 1.
    pub dispatch_ts: Vec<f32>,
    /// `[T, S]` what each token gets of each slot; rows sum to 1.
    pub combine_ts: Vec<f32>,
}

impl SoftPlan {
    /// The soft plan of logits `[T, S]`.
    ///
    /// # Errors
    /// [`RoutingError::LogitsShape`] unless the logits are whole rows of at least one slot.
    pub fn new(logits_ts: &[f32], n_slots: usize) -> Result<Self, RoutingError> {
        if n_slots == 0 || !logits_ts.len().is_multiple_of(n_slots) {
            return Err(RoutingError::LogitsShape {
                got: logits_ts.len(),
                n_tokens: logits_ts.len().checked_div(n_slots).unwrap_or(0),
                n_experts: n_slots,
            });
        }
        let mut combine_ts = logits_ts.to_vec();
        combine_ts.chunks_exact_mut(n_slots).for_each(softmax_row);
        let mut dispatch_ts = vec![0.0; logits_ts.len()];
        for slot in 0..n_slots {
            let cells = (slot..logits_ts.len()).step_by(n_slots);
            let mut column: Vec<f32> = cells.clone().map(|cell| logits_ts[cell]).collect();
            softmax_row(&mut column);
            for (cell, value) in cells.zip(column) {
                dispatch_ts[cell] = value;
            }
        }
        Ok(Self {
            n_slots,
            dispatch_ts,
            combine_ts,
        })
    }
}
