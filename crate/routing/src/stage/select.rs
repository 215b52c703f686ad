//! Select: how many and which experts are chosen for each token.
//!
//! Selection compares selection scores only; what a chosen expert weighs is decided later.
//! Top-k follows Shazeer et al. 2017; ties go to the lower expert index.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::matrix::{rank_row, ranked_expert};
use crate::plan::RoutingPlan;
use crate::stage::restrict::Restrict;
use crate::trace::Verdict;

/// The rule that chooses experts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Select {
    /// The `top_k` best, or all that are allowed when fewer are.
    TopK {
        /// Experts per token, from 1 to E.
        top_k: usize,
    },
}

impl Default for Select {
    fn default() -> Self {
        Self::TopK { top_k: 2 }
    }
}

impl Select {
    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        match *self {
            Self::TopK { top_k: 0 } => Err(RoutingError::TopKZero { n_experts }),
            Self::TopK { top_k } if top_k > n_experts => {
                Err(RoutingError::TopKTooLarge { top_k, n_experts })
            }
            Self::TopK { .. } => Ok(()),
        }
    }

    /// The chosen experts of every token in rank order, without weights yet.
    ///
    /// `verdicts_te` comes with the verdicts of [`Restrict`] and leaves complete.
    pub(crate) fn apply(
        &self,
        restrict: &Restrict,
        selection_scores_te: &[f32],
        n_experts: usize,
        verdicts_te: &mut [Verdict],
    ) -> RoutingPlan {
        let Self::TopK { top_k } = *self;
        let mut plan = RoutingPlan {
            offsets: vec![0],
            ..RoutingPlan::default()
        };
        let mut ranked = Vec::with_capacity(n_experts);
        let rows = selection_scores_te.chunks_exact(n_experts);
        for (scores, verdicts) in rows.zip(verdicts_te.chunks_exact_mut(n_experts)) {
            rank_row(scores, &mut ranked);
            let n_forced = if restrict.count_forced {
                verdicts.iter().filter(|v| **v == Verdict::Forced).count()
            } else {
                0
            };
            choose_best(&ranked, top_k.saturating_sub(n_forced), verdicts);
            push_acting(&ranked, verdicts, &mut plan);
        }
        plan
    }
}

/// Marks the best `places` experts that are not forced anyway as selected.
fn choose_best(ranked: &[u64], places: usize, verdicts: &mut [Verdict]) {
    ranked
        .iter()
        .map(|key| ranked_expert(*key))
        .filter(|expert| verdicts[*expert] != Verdict::Forced)
        .take(places)
        .collect::<Vec<_>>()
        .into_iter()
        .for_each(|expert| verdicts[expert] = Verdict::Selected);
}

/// Appends one token's acting experts: ranked ones first, then forced ones the gate masks.
fn push_acting(ranked: &[u64], verdicts: &[Verdict], plan: &mut RoutingPlan) {
    let start = plan.expert_idx.len();
    let acting = ranked
        .iter()
        .map(|key| ranked_expert(*key))
        .filter(|expert| verdicts[*expert].acts());
    plan.expert_idx.extend(acting.map(|expert| expert as u16));
    for (expert, verdict) in verdicts.iter().enumerate() {
        let expert = expert as u16;
        if *verdict == Verdict::Forced && !plan.expert_idx[start..].contains(&expert) {
            plan.expert_idx.push(expert);
        }
    }
    plan.offsets.push(plan.expert_idx.len() as u32);
}
