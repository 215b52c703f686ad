//! Adjust: what happens to the logits before they become scores.
//!
//! Temperature divides the logits: below 1 the router becomes more decided, above 1 less.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::route::RouterInput;

/// Changes to the logits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Adjust {
    /// Divides every logit; above 0.
    pub temperature: f32,
}

impl Default for Adjust {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

impl Adjust {
    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        if self.temperature > 0.0 && self.temperature.is_finite() {
            return Ok(());
        }
        Err(RoutingError::NumberInvalid {
            field: "adjust.temperature",
            got: self.temperature,
            allowed: "a finite number above 0",
        })
    }

    /// The adjusted logits, [T, E].
    pub(crate) fn apply(&self, input: &RouterInput) -> Vec<f32> {
        let mut adjusted_te = input.logits_te.to_vec();
        if self.temperature != 1.0 {
            for logit in &mut adjusted_te {
                *logit /= self.temperature;
            }
        }
        adjusted_te
    }
}
