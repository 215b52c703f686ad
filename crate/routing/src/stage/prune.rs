//! Prune: chosen experts that are skipped after all, because they matter little.
//!
//! Ratio and token protection are the online pruning of MC-MoE (arXiv:2410.06270, its code);
//! layer-scaled thresholds per modality are MoDES (arXiv:2511.15690).
//! All rules look at the same weights, those before any normalisation, and forced experts stay.

use serde::{Deserialize, Serialize};

use super::check;
use super::weigh::Weigh;
use crate::batch::Batch;
use crate::context::RouterContext;
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{rank_row, ranked_expert};
use crate::needs::Need;
use crate::trace::Verdict;

/// Which chosen experts are skipped; the default skips none.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Prune {
    /// Skips an expert that weighs less than this times the token's heaviest.
    pub ratio: f32,
    /// Skips an expert that has less than this share of the token's whole weight.
    pub share: f32,
    /// Per modality: skips an expert whose share times the layer's importance is less.
    pub layer_thresholds: Vec<f32>,
    /// Importance of the layers, modality after modality; empty is 1 everywhere.
    pub layer_importance: Vec<f32>,
    /// Share of tokens, the most important ones, from which nothing is skipped.
    pub protect: f32,
    /// Share of tokens, the least important ones, for which every expert is skipped.
    pub sacrifice: f32,
}

impl Prune {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.real("prune_ratio", &mut self.ratio);
        fields.real("prune_share", &mut self.share);
        fields.reals("layer_thresholds", &mut self.layer_thresholds);
        fields.reals("layer_importance", &mut self.layer_importance);
        fields.real("protect", &mut self.protect);
        fields.real("sacrifice", &mut self.sacrifice);
    }

    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        let is_share = |x| (0.0..=1.0).contains(&x);
        check("prune.ratio", self.ratio, is_share, "from 0 to 1")?;
        check("prune.share", self.share, is_share, "from 0 to 1")?;
        check("prune.protect", self.protect, is_share, "from 0 to 1")?;
        check("prune.sacrifice", self.sacrifice, is_share, "from 0 to 1")?;
        for list in [&self.layer_thresholds, &self.layer_importance] {
            for value in list {
                check(
                    "prune.layer_*",
                    *value,
                    |x| x >= 0.0,
                    "finite numbers from 0",
                )?;
            }
        }
        let n_modalities = self.layer_thresholds.len();
        if !self.layer_importance.is_empty()
            && (n_modalities == 0 || !self.layer_importance.len().is_multiple_of(n_modalities))
        {
            return Err(RoutingError::ImportanceLength {
                got: self.layer_importance.len(),
                n_modalities,
            });
        }
        Ok(())
    }

    /// Whether tokens need an importance.
    pub(crate) fn by_token(&self) -> bool {
        self.protect > 0.0 || self.sacrifice > 0.0
    }

    /// Turns verdicts of chosen experts into the reason why they are skipped.
    pub(crate) fn apply(
        &self,
        context: &RouterContext,
        layer: usize,
        weigh: &Weigh,
        batch: &mut Batch,
    ) -> Result<(), RoutingError> {
        if *self == Self::default() {
            return Ok(());
        }
        let (protected, sacrificed) = self.sort_tokens(context, batch.n_tokens)?;
        let mut weights = Vec::new();
        for token in (0..batch.n_tokens).filter(|token| !protected.contains(token)) {
            if sacrificed.contains(&token) {
                batch.mark(token, Verdict::TokenSacrificed, |_, _| true);
                continue;
            }
            let modality = context.modality_t.get(token).map_or(0, |m| usize::from(*m));
            let (threshold, importance) = self.layer_rule(modality, layer)?;
            weigh.base(batch, token, &mut weights);
            let heaviest = weights.iter().copied().fold(0.0, f32::max);
            let total: f32 = weights.iter().sum();
            let start = batch.picks.range(token).start;
            let weight = |slot: usize| weights[slot - start];
            batch.mark(token, Verdict::Pruned, |_, slot| {
                weight(slot) < self.ratio * heaviest || weight(slot) < self.share * total
            });
            batch.mark(token, Verdict::BelowLayerThreshold, |_, slot| {
                importance * weight(slot) < threshold * total
            });
        }
        Ok(())
    }

    /// The threshold for a modality and the importance of this layer for it.
    fn layer_rule(&self, modality: usize, layer: usize) -> Result<(f32, f32), RoutingError> {
        let n_modalities = self.layer_thresholds.len();
        if n_modalities == 0 {
            return Ok((0.0, 1.0));
        }
        let Some(threshold) = self.layer_thresholds.get(modality) else {
            return Err(RoutingError::ModalityOutOfRange {
                modality,
                n_modalities,
            });
        };
        if self.layer_importance.is_empty() {
            return Ok((*threshold, 1.0));
        }
        let n_layers = self.layer_importance.len() / n_modalities;
        if layer >= n_layers {
            return Err(RoutingError::LayerOutOfRange { layer, n_layers });
        }
        Ok((
            *threshold,
            self.layer_importance[modality * n_layers + layer],
        ))
    }

    /// The protected and the sacrificed tokens; of equal importance, the earlier token comes first.
    fn sort_tokens(
        &self,
        context: &RouterContext,
        n_tokens: usize,
    ) -> Result<(Vec<usize>, Vec<usize>), RoutingError> {
        if !self.by_token() {
            return Ok((Vec::new(), Vec::new()));
        }
        if context.importance_t.len() != n_tokens {
            return Err(RoutingError::NeedMissing {
                need: Need::TokenImportance,
            });
        }
        let ascending: Vec<f32> = context.importance_t.iter().map(|x| -x).collect();
        Ok((
            first_share(context.importance_t, self.protect),
            first_share(&ascending, self.sacrifice),
        ))
    }
}

/// The tokens with the largest values, a share of all rounded down.
fn first_share(values: &[f32], share: f32) -> Vec<usize> {
    let mut ranked = Vec::new();
    rank_row(values, &mut ranked);
    let n = (share * values.len() as f32).floor() as usize;
    ranked
        .iter()
        .take(n)
        .map(|key| ranked_expert(*key))
        .collect()
}
