//! Weigh: what the chosen experts' outputs are multiplied by.
//!
//! The scores as they are (OLMoE), divided by their sum (Mixtral), a softmax over the chosen
//! logits (Granite, gpt-oss), the sigmoid of the logit (Llama 4, S-BASE), equal shares
//! (DynMoE), or the masked softmaxes of sparse mixer (Phi-3.5-MoE, arXiv:2310.00811 at inference).
//! A choice dropped for capacity stays in the sum (V-MoE, Tutel): it is not made up for.

use serde::{Deserialize, Serialize};

use super::check;
use crate::batch::Batch;
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{sigmoid, softmax_row};
use crate::named::named;
use crate::plan::RoutingPlan;
use crate::trace::Verdict;

/// How combine weights follow from scores.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Weigh {
    /// What a weight starts from.
    pub from: WeightSource,
    /// Divides a token's weights by their sum, unless the sum is 0.
    pub renormalize: bool,
    /// Which choices make up the sum.
    pub sum_over: SumOver,
    /// Added to the sum.
    pub epsilon: f32,
    /// The least that weights are divided by.
    pub min_sum: f32,
    /// Multiplies every weight, after renormalisation; finite.
    pub scale: f32,
    /// Half the relative distance beyond which sparse mixer masks competitors.
    pub mixer_jitter: f32,
}

named! {
    /// What a weight starts from.
    #[derive(Default)]
    pub enum WeightSource {
        /// The score.
        #[default]
        Scores = "scores",
        /// Softmax of the adjusted logits over the choices in the sum.
        SoftmaxSelected = "softmax_selected",
        /// Sigmoid of the adjusted logit.
        Sigmoid = "sigmoid",
        /// 1 for every choice.
        Equal = "equal",
        /// Rank by rank: softmax over the logits near the best that is left.
        SparseMixer = "sparse_mixer",
    }
}

named! {
    /// Which choices make up the sum that weights are divided by.
    #[derive(Default)]
    pub enum SumOver {
        /// Those that pruning and the limit per token left; dropped for capacity or not.
        #[default]
        Kept = "kept",
        /// All that selection made.
        Chosen = "chosen",
    }
}

impl Default for Weigh {
    fn default() -> Self {
        Self {
            from: WeightSource::default(),
            renormalize: true,
            sum_over: SumOver::default(),
            epsilon: 0.0,
            min_sum: 0.0,
            scale: 1.0,
            mixer_jitter: 0.01,
        }
    }
}

impl Weigh {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.choice("weights", &mut self.from);
        fields.flag("renormalize", &mut self.renormalize);
        fields.choice("sum_over", &mut self.sum_over);
        fields.real("epsilon", &mut self.epsilon);
        fields.real("min_sum", &mut self.min_sum);
        fields.real("scale", &mut self.scale);
        fields.real("mixer_jitter", &mut self.mixer_jitter);
    }

    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        check("weigh.scale", self.scale, |_| true, "a finite number")?;
        check(
            "weigh.epsilon",
            self.epsilon,
            |x| x >= 0.0,
            "a finite number from 0",
        )?;
        check(
            "weigh.min_sum",
            self.min_sum,
            |x| x >= 0.0,
            "a finite number from 0",
        )?;
        check(
            "weigh.mixer_jitter",
            self.mixer_jitter,
            |x| x >= 0.0,
            "a finite number from 0",
        )
    }

    /// What each of a token's picks weighs before any normalisation, in pick order.
    pub(crate) fn base(&self, batch: &Batch, token: usize, weights: &mut Vec<f32>) {
        weights.clear();
        let slots = batch.picks.range(token);
        if !batch.picks.combine_weights.is_empty() {
            weights.extend_from_slice(&batch.picks.combine_weights[slots]);
            return;
        }
        let row = batch.row(token);
        let logits = &batch.adjusted_tw[row.clone()];
        let scores = &batch.scores_tw[row.clone()];
        let is_closed = |e: usize| batch.zero_is_closed && batch.selection_tw[row.start + e] == 0.0;
        let experts = &batch.picks.expert_idx[slots];
        let values = experts.iter().map(|e| usize::from(*e));
        match self.from {
            WeightSource::Scores => {
                weights.extend(values.map(|e| if is_closed(e) { 0.0 } else { scores[e] }));
            }
            WeightSource::Sigmoid => weights.extend(values.map(|e| sigmoid(logits[e]))),
            WeightSource::Equal => weights.extend(values.map(|_| 1.0)),
            WeightSource::SoftmaxSelected => {
                weights.extend(values.map(|e| logits[e]));
                softmax_row(weights);
            }
            WeightSource::SparseMixer => self.mix_sparsely(batch, token, experts, weights),
        }
    }

    /// Sparse mixer: each pick in turn is the best of those left, and weighs its share of the
    /// softmax over those whose relative distance to it is at most twice the jitter.
    fn mix_sparsely(&self, batch: &Batch, token: usize, experts: &[u16], weights: &mut Vec<f32>) {
        let row = batch.row(token);
        let selection = &batch.selection_tw[row.clone()];
        let mut left: Vec<f32> = batch.adjusted_tw[row].to_vec();
        for (logit, score) in left.iter_mut().zip(selection) {
            if *score == f32::NEG_INFINITY {
                *logit = f32::NEG_INFINITY;
            }
        }
        for expert in experts {
            let best = left[usize::from(*expert)];
            // A distance that is not a number (of zeros or infinities) is not far.
            let near = |logit: &&f32| {
                let distance = (best - **logit) / logit.abs().max(best);
                distance.is_nan() || distance <= 2.0 * self.mixer_jitter
            };
            let share = |logit: &f32| {
                if *logit == best {
                    1.0
                } else {
                    (logit - best).exp()
                }
            };
            let sum: f32 = left.iter().filter(near).map(share).sum();
            weights.push(1.0 / sum);
            left[usize::from(*expert)] = f32::NEG_INFINITY;
        }
    }

    /// The finished plan, and per token the weight handed to the shared expert.
    pub(crate) fn apply(&self, batch: &Batch) -> Result<(RoutingPlan, Vec<f32>), RoutingError> {
        let mut plan = RoutingPlan {
            offsets: vec![0],
            expert_idx: Vec::with_capacity(batch.picks.expert_idx.len()),
            combine_weights: Vec::with_capacity(batch.picks.expert_idx.len()),
        };
        let mut shared_weights_t = vec![0.0; batch.n_tokens];
        let mut weights = Vec::new();
        for (token, shared) in shared_weights_t.iter_mut().enumerate() {
            self.base(batch, token, &mut weights);
            self.normalize(batch, token, &mut weights);
            for (slot, weight) in batch.picks.range(token).zip(&weights) {
                let expert = batch.picks.expert_idx[slot];
                let verdict = batch.verdicts_tw[batch.cell(token, expert)];
                if !weight.is_finite() {
                    return Err(RoutingError::WeightNotFinite {
                        token,
                        expert,
                        weight: *weight,
                    });
                }
                if verdict.acts() {
                    plan.expert_idx.push(expert);
                    plan.combine_weights.push(*weight);
                } else if verdict == Verdict::OverflowToShared {
                    *shared += weight;
                }
            }
            plan.offsets.push(plan.expert_idx.len() as u32);
        }
        Ok((plan, shared_weights_t))
    }

    /// Divides and scales; weights that came with the picks stay as they are.
    fn normalize(&self, batch: &Batch, token: usize, weights: &mut [f32]) {
        if !batch.picks.combine_weights.is_empty() {
            return;
        }
        if self.renormalize || self.from == WeightSource::SoftmaxSelected {
            let counts = |slot: usize| {
                let expert = batch.picks.expert_idx[slot];
                let verdict = batch.verdicts_tw[batch.cell(token, expert)];
                self.sum_over == SumOver::Chosen || !verdict.is_pruned()
            };
            let slots = batch.picks.range(token);
            let sum: f32 = slots
                .zip(weights.iter())
                .filter(|(slot, _)| counts(*slot))
                .map(|(_, weight)| *weight)
                .sum();
            let divisor = (sum + self.epsilon).max(self.min_sum);
            if divisor != 0.0 {
                weights.iter_mut().for_each(|weight| *weight /= divisor);
            }
        }
        weights.iter_mut().for_each(|weight| *weight *= self.scale);
    }
}
