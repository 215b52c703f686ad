//! [`RouterSpec`]: a whole routing strategy as one serialisable value.
//!
//! The spec holds choices, never weights: whatever a checkpoint has learned stays in the model.
//! Each stage owns its part of the spec and the rules for it; see [`crate::stage`].

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::fields::Fields;
use crate::stage::adjust::{Adjust, NullRule};
use crate::stage::limit::Limit;
use crate::stage::prune::Prune;
use crate::stage::restrict::Restrict;
use crate::stage::score::{Score, ScoreFunction};
use crate::stage::select::Select;
use crate::stage::weigh::Weigh;

/// A routing strategy, stage by stage.
///
/// `{}` is the default: softmax over all experts, the best two, weights renormalised.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// Which chosen experts are skipped after all.
    pub prune: Prune,
    /// How many experts a token and how many tokens an expert may have.
    pub limit: Limit,
    /// What the chosen experts' outputs are multiplied by.
    pub weigh: Weigh,
    /// Seed of every random draw.
    pub seed: u32,
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

    /// The same strategy with another number of experts for each token, where it has one.
    #[must_use]
    pub fn with_top_k(mut self, top_k: usize) -> Self {
        self.select.set_top_k(top_k);
        self
    }

    /// Checks the spec against a layer of `n_experts` experts.
    ///
    /// # Errors
    /// The first rule that the spec breaks.
    pub fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        if n_experts == 0 || n_experts > usize::from(u16::MAX) {
            return Err(RoutingError::ExpertCountInvalid { n_experts });
        }
        self.adjust.validate(n_experts)?;
        self.score.validate(n_experts)?;
        self.restrict.validate(n_experts)?;
        self.select.validate(n_experts)?;
        self.prune.validate()?;
        self.limit.validate()?;
        self.weigh.validate()?;
        self.validate_together()
    }

    /// What no stage can see on its own.
    fn validate_together(&self) -> Result<(), RoutingError> {
        let by_share = matches!(self.select, Select::TopP { .. } | Select::MinP { .. });
        if by_share && self.score.function == ScoreFunction::Identity {
            return Err(RoutingError::Conflict {
                first: "select.method",
                second: "score.function identity",
                reason: "shares need scores that are not negative",
            });
        }
        if self.adjust.null_rule != NullRule::None && !self.select.ranks_scores() {
            return Err(RoutingError::Conflict {
                first: "adjust.null_rule",
                second: "select.method",
                reason: "null experts compete by score, and this method does not rank scores",
            });
        }
        Ok(())
    }

    /// Lists every field; the settings of the method come last.
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        self.adjust.visit(fields);
        self.score.visit(fields);
        self.restrict.visit(fields);
        self.prune.visit(fields);
        self.limit.visit(fields);
        self.weigh.visit(fields);
        let mut seed = self.seed as usize;
        fields.count("seed", &mut seed);
        self.seed = seed as u32;
        self.select.visit(fields);
    }
}
