//! Test-time rerouting (Su et al. 2025, "Rewiring Experts on the Fly", arXiv:2510.14853): one vector of offsets for
//! each MoE layer, added to its gating logits and optimised on a text by the model's own next-token loss.
//!
//! The result is data: a routing whose specs carry the offsets, in force only if somebody sets it.
//! This file holds the settings, the report and the choice of layers; `gradient.rs` and `search.rs` optimise,
//! and `engine/reroute.rs` runs them.
//! Known to overfit: a lower loss on the text so far need not mean a better continuation.

#[cfg(feature = "autodiff")]
pub(crate) mod gradient;
pub(crate) mod search;

use std::collections::BTreeMap;

use moescope_routing::ModelRouting;
use serde::{Deserialize, Serialize};

use crate::error::ModelError;
use crate::trace::LayerTrace;

/// [E] offsets of each layer that is optimised, by index of the transformer layer.
pub(crate) type Offsets = BTreeMap<usize, Vec<f32>>;

/// How to reroute.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct RerouteOptions {
    /// Steps of the optimiser; 0 only measures.
    pub steps: usize,
    /// How far a step goes, in logits; above 0.
    pub rate: f32,
    /// No offset goes further from 0 than this; above 0.
    pub clamp: f32,
    /// Share of the MoE layers that get offsets, above 0 to 1; at least one does.
    pub layers_share: f32,
    /// Which of them.
    pub order: LayerOrder,
    /// How to optimise.
    pub method: RerouteMethod,
    /// Seed of the search.
    pub seed: u32,
}

/// Which layers get offsets, by C = -(1/k) sum ln p over the chosen experts, averaged over tokens.
///
/// The paper calls C confidence and takes the highest, although a high C means low probabilities.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum LayerOrder {
    /// Those with the highest C, as printed: the least decided.
    #[default]
    Highest,
    /// Those with the lowest C: the most decided.
    Lowest,
}

/// How the offsets are optimised.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum RerouteMethod {
    /// Down the gradient of the loss, which reaches offsets through the weights of the chosen experts.
    /// The default of builds that differentiate.
    #[cfg_attr(feature = "autodiff", default)]
    Gradient,
    /// Random steps that are kept where the loss falls: for every strategy and in every build.
    #[cfg_attr(not(feature = "autodiff"), default)]
    Search,
}

/// What rerouting came to.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Rerouted {
    /// How the offsets were optimised.
    pub method: RerouteMethod,
    /// The routing before, with offsets in the layers that were chosen.
    pub routing: ModelRouting,
    /// Mean loss in nats per token before, then after each step.
    pub losses: Vec<f32>,
    /// The step whose offsets are kept, the one with the lowest loss; 0 if none helped.
    pub kept: usize,
    /// All MoE layers, in order.
    pub layers: Vec<ReroutedLayer>,
    /// Share of tokens whose experts changed in at least one layer.
    pub changed: f32,
}

/// One MoE layer of a rerouting.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ReroutedLayer {
    /// Index of the transformer layer.
    pub layer: usize,
    /// C of the layer before; see [`LayerOrder`].
    pub confidence: f32,
    /// Whether its offsets were optimised.
    pub chosen: bool,
    /// [E] its offsets after; empty if there are none.
    pub offsets: Vec<f32>,
    /// Share of tokens whose experts changed.
    pub changed: f32,
}

impl Default for RerouteOptions {
    fn default() -> Self {
        Self {
            steps: 5,
            rate: 0.05,
            clamp: 5.0,
            layers_share: 1.0,
            order: LayerOrder::default(),
            method: RerouteMethod::default(),
            seed: 0,
        }
    }
}

impl RerouteOptions {
    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let above_0 = |x: f32| x.is_finite() && x > 0.0;
        let rules = [
            (
                "rate",
                self.rate,
                above_0(self.rate),
                "a finite number above 0",
            ),
            (
                "clamp",
                self.clamp,
                above_0(self.clamp),
                "a finite number above 0",
            ),
            (
                "layers_share",
                self.layers_share,
                above_0(self.layers_share) && self.layers_share <= 1.0,
                "above 0 to 1",
            ),
        ];
        match rules.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((name, got, _, allowed)) => Err(ModelError::OptionInvalid {
                name,
                got: got.to_string(),
                allowed,
            }),
            None => Ok(()),
        }
    }

    /// The layers to optimise, ascending; of equally confident ones the lower.
    pub(crate) fn choose(&self, confidences: &[(usize, f32)]) -> Vec<usize> {
        let wanted = (self.layers_share * confidences.len() as f32).round() as usize;
        let mut ranked = confidences.to_vec();
        ranked.sort_by(|(_, a), (_, b)| match self.order {
            LayerOrder::Highest => b.total_cmp(a),
            LayerOrder::Lowest => a.total_cmp(b),
        });
        ranked.truncate(wanted.max(1));
        let mut layers: Vec<usize> = ranked.into_iter().map(|(layer, _)| layer).collect();
        layers.sort_unstable();
        layers
    }
}

/// C of one layer: the mean over tokens of the mean -ln p of the experts that act on them.
///
/// p is the softmax of the gating logits, whatever the strategy makes of them. NaN if no expert acts.
pub(crate) fn confidence(trace: &LayerTrace) -> f32 {
    let mut means = Vec::new();
    for (row, slots) in rows(trace) {
        let experts = &trace.experts[slots];
        if !experts.is_empty() {
            means.push(mean_surprise(
                experts.iter().map(|&e| softmax_at(row, e.into())),
            ));
        }
    }
    (means.iter().sum::<f64>() / means.len() as f64) as f32
}

/// -(1/k) sum ln p
fn mean_surprise(probabilities: impl ExactSizeIterator<Item = f64>) -> f64 {
    let k = probabilities.len() as f64;
    -probabilities.map(f64::ln).sum::<f64>() / k
}

fn softmax_at(logits: &[f32], expert: usize) -> f64 {
    let z = f64::from(logits[expert]);
    1.0 / logits
        .iter()
        .map(|&other| (f64::from(other) - z).exp())
        .sum::<f64>()
}

/// Logits and places in the plan of each token.
fn rows(trace: &LayerTrace) -> impl Iterator<Item = (&[f32], std::ops::Range<usize>)> {
    let logits = trace.logits.chunks_exact(trace.n_experts);
    let slots = trace
        .offsets
        .windows(2)
        .map(|w| w[0] as usize..w[1] as usize);
    logits.zip(slots)
}

/// [T] whether each token's set of experts differs between two traces of one layer.
pub(crate) fn changed_tokens(before: &LayerTrace, after: &LayerTrace) -> Vec<bool> {
    let sets = |trace: &LayerTrace| -> Vec<Vec<u16>> {
        let set = |slots: std::ops::Range<usize>| {
            let mut experts = trace.experts[slots].to_vec();
            experts.sort_unstable();
            experts
        };
        rows(trace).map(|(_, slots)| set(slots)).collect()
    };
    let (before, after) = (sets(before), sets(after));
    before.iter().zip(&after).map(|(a, b)| a != b).collect()
}

/// `routing` with these offsets in these layers, and everything else as it was.
pub(crate) fn with_offsets(routing: &ModelRouting, offsets: &Offsets) -> ModelRouting {
    let mut rerouted = routing.clone();
    for (&layer, offsets) in offsets {
        let mut spec = routing.for_layer(layer).clone();
        spec.adjust.offsets.clone_from(offsets);
        rerouted.layers.insert(layer, spec);
    }
    rerouted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(logits: &[f32], offsets: &[u32], experts: &[u16]) -> LayerTrace {
        LayerTrace {
            layer: 0,
            n_experts: 3,
            logits: logits.to_vec(),
            scores: Vec::new(),
            selection_scores: Vec::new(),
            verdicts: Vec::new(),
            offsets: offsets.to_vec(),
            experts: experts.to_vec(),
            weights: vec![0.0; experts.len()],
        }
    }

    #[test]
    fn layer_scores_are_those_of_the_worked_example() {
        let pairs = [
            ([0.7, 0.6], 0.433750),
            ([0.4, 0.3], 1.060132),
            ([0.5, 0.45], 0.745827),
        ];
        for (probabilities, expected) in pairs {
            let c = mean_surprise(probabilities.into_iter());
            assert!((c - expected).abs() < 1e-6, "{c}, not {expected}");
        }
    }

    #[test]
    fn confidence_is_the_mean_over_tokens_that_have_experts() {
        let ln = f32::ln;
        let logits = [
            ln(0.5),
            ln(0.3),
            ln(0.2),
            0.0,
            0.0,
            0.0,
            ln(0.1),
            ln(0.1),
            ln(0.8),
        ];
        let trace = layer(&logits, &[0, 2, 2, 3], &[0, 1, 2]);
        let expected = ((-(0.5_f64.ln()) - 0.3_f64.ln()) / 2.0 - 0.8_f64.ln()) / 2.0;
        assert!((f64::from(confidence(&trace)) - expected).abs() < 1e-6);
    }

    #[test]
    fn the_share_and_the_order_choose_layers() {
        let confidences = [(0, 0.5), (2, 0.9), (4, 0.1), (6, 0.9)];
        let chosen = |layers_share, order| {
            let options = RerouteOptions {
                layers_share,
                order,
                ..RerouteOptions::default()
            };
            options.choose(&confidences)
        };
        assert_eq!(chosen(0.25, LayerOrder::Highest), [2]);
        assert_eq!(chosen(0.5, LayerOrder::Highest), [2, 6]);
        assert_eq!(chosen(0.5, LayerOrder::Lowest), [0, 4]);
        assert_eq!(chosen(0.01, LayerOrder::Lowest), [4]);
        assert_eq!(chosen(1.0, LayerOrder::Lowest), [0, 2, 4, 6]);
    }

    #[test]
    fn another_order_of_the_same_experts_is_no_change() {
        let before = layer(&[0.0; 9], &[0, 2, 4, 5], &[0, 1, 1, 2, 0]);
        let after = layer(&[0.0; 9], &[0, 2, 4, 6], &[1, 0, 1, 0, 0, 1]);
        assert_eq!(changed_tokens(&before, &after), [false, true, true]);
    }
}
