//! Restrict: which experts may and which must be chosen.
//!
//! Scores keep their values; only selection scores change, to minus infinity where excluded.
//! Switching experts off and forcing them follows MoTE (arXiv:2502.11096).
//! Group-limited choice follows DeepSeek-V2 (best score of a group, arXiv:2405.04434) and
//! DeepSeek-V3 (sum of its two best, arXiv:2412.19437); with groups that are devices it is
//! device-limited choice.

use serde::{Deserialize, Serialize};

use super::check_range;
use crate::batch::Batch;
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{rank_row, ranked_expert};
use crate::named::named;
use crate::trace::Verdict;

/// Limits on the choice of experts.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Restrict {
    /// Experts that never act.
    pub disabled: Vec<usize>,
    /// Whether a disabled expert still takes up the place it would have won, so that no other
    /// moves up.
    pub disabled_keep_place: bool,
    /// Experts that act on every token.
    pub forced: Vec<usize>,
    /// Whether forced experts take up places of the top k (then others fill the rest) or come on top.
    pub count_forced: bool,
    /// Number of equal blocks of consecutive experts; 1 is no grouping.
    pub n_groups: usize,
    /// Groups that stay open to each token.
    pub topk_groups: usize,
    /// What a group is compared by.
    pub group_score: GroupScore,
    /// What the selection scores of closed groups become.
    pub group_fill: GroupFill,
}

named! {
    /// What a group of experts is compared by.
    #[derive(Default)]
    pub enum GroupScore {
        /// Its best selection score.
        #[default]
        Max = "max",
        /// The sum of its two best selection scores.
        Top2Sum = "top2_sum",
    }
}

named! {
    /// What the selection scores of closed groups become.
    #[derive(Default)]
    pub enum GroupFill {
        /// Minus infinity: never chosen.
        #[default]
        MinusInfinity = "minus_infinity",
        /// Zero, as in the reference code of DeepSeek-V2: an expert of a closed group can still
        /// fill a place that would stay empty, and then weighs 0.
        Zero = "zero",
    }
}

impl Default for Restrict {
    fn default() -> Self {
        Self {
            disabled: Vec::new(),
            disabled_keep_place: false,
            forced: Vec::new(),
            count_forced: true,
            n_groups: 1,
            topk_groups: 1,
            group_score: GroupScore::default(),
            group_fill: GroupFill::default(),
        }
    }
}

impl Restrict {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.counts("disabled", &mut self.disabled);
        fields.flag("disabled_keep_place", &mut self.disabled_keep_place);
        fields.counts("forced", &mut self.forced);
        fields.flag("count_forced", &mut self.count_forced);
        fields.count("n_groups", &mut self.n_groups);
        fields.count("topk_groups", &mut self.topk_groups);
        fields.choice("group_score", &mut self.group_score);
        fields.choice("group_fill", &mut self.group_fill);
    }

    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        check_range("restrict.disabled", &self.disabled, n_experts)?;
        check_range("restrict.forced", &self.forced, n_experts)?;
        if let Some(expert) = self.forced.iter().find(|e| self.disabled.contains(e)) {
            return Err(RoutingError::ForcedAndDisabled { expert: *expert });
        }
        if (0..n_experts).all(|expert| self.disabled.contains(&expert)) {
            return Err(RoutingError::AllDisabled { n_experts });
        }
        if self.n_groups == 0 || !n_experts.is_multiple_of(self.n_groups) {
            return Err(RoutingError::GroupsDoNotDivide {
                n_groups: self.n_groups,
                n_experts,
            });
        }
        if self.topk_groups == 0 || self.topk_groups > self.n_groups {
            return Err(RoutingError::TopkGroupsInvalid {
                topk_groups: self.topk_groups,
                n_groups: self.n_groups,
            });
        }
        Ok(())
    }

    /// Whether closed groups have a selection score of zero.
    pub(crate) fn fills_with_zero(&self) -> bool {
        self.topk_groups < self.n_groups && self.group_fill == GroupFill::Zero
    }

    /// Excludes experts from the selection scores and notes why.
    pub(crate) fn apply(&self, batch: &mut Batch) {
        for (cell, logit) in batch.adjusted_tw.iter().enumerate() {
            if *logit == f32::NEG_INFINITY {
                batch.selection_tw[cell] = f32::NEG_INFINITY;
                batch.verdicts_tw[cell] = Verdict::MaskedByGate;
            }
        }
        let (mut group_scores, mut ranked) = (Vec::new(), Vec::new());
        for token in 0..batch.n_tokens {
            let row = batch.row(token);
            let scores = &mut batch.selection_tw[row.clone()];
            let verdicts = &mut batch.verdicts_tw[row];
            for expert in &self.disabled {
                if !self.disabled_keep_place {
                    scores[*expert] = f32::NEG_INFINITY;
                }
                verdicts[*expert] = Verdict::Disabled;
            }
            if self.topk_groups < self.n_groups {
                let experts = ..batch.n_experts;
                self.limit_groups(
                    &mut scores[experts],
                    &mut verdicts[experts],
                    &mut group_scores,
                    &mut ranked,
                );
            }
            for expert in &self.forced {
                verdicts[*expert] = Verdict::Forced;
            }
        }
    }

    /// Closes all but the best groups of one token; ties go to the lower group.
    fn limit_groups(
        &self,
        scores: &mut [f32],
        verdicts: &mut [Verdict],
        group_scores: &mut Vec<f32>,
        ranked: &mut Vec<u64>,
    ) {
        let size = scores.len() / self.n_groups;
        group_scores.clear();
        group_scores.extend(
            scores
                .chunks_exact(size)
                .map(|group| self.score_group(group)),
        );
        rank_row(group_scores, ranked);
        let fill = match self.group_fill {
            GroupFill::MinusInfinity => f32::NEG_INFINITY,
            GroupFill::Zero => 0.0,
        };
        for key in ranked.iter().skip(self.topk_groups) {
            let start = ranked_expert(*key) * size;
            let closed = start..start + size;
            for (score, verdict) in scores[closed.clone()].iter_mut().zip(&mut verdicts[closed]) {
                if *score == f32::NEG_INFINITY {
                    continue;
                }
                *score = fill;
                if *verdict != Verdict::Disabled {
                    *verdict = Verdict::OutsideGroups;
                }
            }
        }
    }

    fn score_group(&self, group: &[f32]) -> f32 {
        // Without branches, which would go either way as often as not.
        let (mut best, mut second) = (f32::NEG_INFINITY, f32::NEG_INFINITY);
        for score in group {
            second = second.max(best.min(*score));
            best = best.max(*score);
        }
        match self.group_score {
            GroupScore::Top2Sum if second != f32::NEG_INFINITY => best + second,
            GroupScore::Max | GroupScore::Top2Sum => best,
        }
    }
}
