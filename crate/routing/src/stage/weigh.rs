//! Weigh: what the chosen experts' outputs are multiplied by.
//!
//! The scores of the chosen experts, either as they are (OLMoE) or divided by their sum
//! (Mixtral), times a constant.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::plan::RoutingPlan;

/// How combine weights follow from scores.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Weigh {
    /// Divides a token's weights by their sum, unless the sum is 0.
    pub renormalize: bool,
    /// Multiplies every weight, after renormalisation; finite.
    pub scale: f32,
}

impl Default for Weigh {
    fn default() -> Self {
        Self {
            renormalize: true,
            scale: 1.0,
        }
    }
}

impl Weigh {
    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        if self.scale.is_finite() {
            return Ok(());
        }
        Err(RoutingError::NumberInvalid {
            field: "weigh.scale",
            got: self.scale,
            allowed: "a finite number",
        })
    }

    /// Fills the plan's weights from `scores_te` [T, E].
    pub(crate) fn apply(&self, scores_te: &[f32], n_experts: usize, plan: &mut RoutingPlan) {
        plan.combine_weights.clear();
        plan.combine_weights.reserve(plan.expert_idx.len());
        for (token, scores) in scores_te.chunks_exact(n_experts).enumerate() {
            let range = plan.range(token);
            let experts = &plan.expert_idx[range];
            let sum: f32 = experts.iter().map(|e| scores[usize::from(*e)]).sum();
            let divisor = if self.renormalize && sum > 0.0 {
                sum
            } else {
                1.0
            };
            plan.combine_weights.extend(
                experts
                    .iter()
                    .map(|e| scores[usize::from(*e)] / divisor * self.scale),
            );
        }
    }
}
