//! Restrict: which experts may and which must be chosen.
//!
//! Scores keep their values; only selection scores change, to minus infinity where excluded.
//! Switching experts off and forcing them follows the control knobs of MoTE.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::trace::Verdict;

/// Limits on the choice of experts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Restrict {
    /// Experts that never act.
    pub disabled: Vec<usize>,
    /// Experts that act on every token.
    pub forced: Vec<usize>,
    /// Whether forced experts take up places of the top k (then others fill the rest) or come on top.
    pub count_forced: bool,
}

impl Default for Restrict {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            forced: Vec::new(),
            count_forced: true,
        }
    }
}

impl Restrict {
    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        check_range("restrict.disabled", &self.disabled, n_experts)?;
        check_range("restrict.forced", &self.forced, n_experts)?;
        if let Some(expert) = self.forced.iter().find(|e| self.disabled.contains(e)) {
            return Err(RoutingError::ForcedAndDisabled { expert: *expert });
        }
        if (0..n_experts).all(|expert| self.disabled.contains(&expert)) {
            return Err(RoutingError::AllDisabled { n_experts });
        }
        Ok(())
    }

    /// Excludes experts from `selection_scores_te` [T, E] and writes why into `verdicts_te`.
    pub(crate) fn apply(
        &self,
        adjusted_te: &[f32],
        n_experts: usize,
        selection_scores_te: &mut [f32],
        verdicts_te: &mut [Verdict],
    ) {
        let cells = selection_scores_te.iter_mut().zip(verdicts_te.iter_mut());
        for ((score, verdict), logit) in cells.zip(adjusted_te) {
            if *logit == f32::NEG_INFINITY {
                *score = f32::NEG_INFINITY;
                *verdict = Verdict::MaskedByGate;
            }
        }
        let rows = selection_scores_te.chunks_exact_mut(n_experts);
        for (scores, verdicts) in rows.zip(verdicts_te.chunks_exact_mut(n_experts)) {
            for expert in &self.disabled {
                scores[*expert] = f32::NEG_INFINITY;
                verdicts[*expert] = Verdict::Disabled;
            }
            for expert in &self.forced {
                verdicts[*expert] = Verdict::Forced;
            }
        }
    }
}

fn check_range(
    field: &'static str,
    experts: &[usize],
    n_experts: usize,
) -> Result<(), RoutingError> {
    match experts.iter().find(|expert| **expert >= n_experts) {
        Some(expert) => Err(RoutingError::ExpertOutOfRange {
            field,
            expert: *expert,
            n_experts,
        }),
        None => Ok(()),
    }
}
