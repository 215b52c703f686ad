//! [`RouterSpec`]: a whole routing strategy as one serialisable value.
//!
//! The spec holds choices, never weights: whatever a checkpoint has learned stays in the model.
//! Each stage owns its part of the spec and the rules for it; see [`crate::stage`].

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::stage::adjust::Adjust;
use crate::stage::restrict::Restrict;
use crate::stage::score::Score;
use crate::stage::select::Select;
use crate::stage::weigh::Weigh;

/// A routing strategy, stage by stage.
///
/// `{}` is the default: softmax over all experts, the best two, weights renormalised.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct RouterSpec {
    /// What happens to the logits before they become scores.
    pub adjust: Adjust,
    /// How logits become scores.
    pub score: Score,
    /// Which experts may and which must be chosen.
    pub restrict: Restrict,
    /// How many and which experts are chosen.
    pub select: Select,
    /// What the chosen experts' outputs are multiplied by.
    pub weigh: Weigh,
}

impl RouterSpec {
    /// The default strategy with another number of experts for each token.
    #[must_use]
    pub fn top_k(top_k: usize) -> Self {
        Self {
            select: Select::TopK { top_k },
            ..Self::default()
        }
    }

    /// Checks the spec against a layer of `n_experts` experts.
    ///
    /// # Errors
    /// The first rule that the spec breaks.
    pub fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        if n_experts == 0 || n_experts > usize::from(u16::MAX) {
            return Err(RoutingError::ExpertCountInvalid { n_experts });
        }
        self.adjust.validate()?;
        self.restrict.validate(n_experts)?;
        self.select.validate(n_experts)?;
        self.weigh.validate()
    }
}
