//! What a pass through the model leaves behind: tokens, routing and losses, ready to be drawn.
//!
//! Matrices are flat and row-major; a [`LayerTrace`] belongs to one MoE layer and to the tokens of its [`Trace`].

use moescope_routing::{ModelRouting, Routing};
use serde::Serialize;

use crate::contrast::ContrastReport;
use crate::tokenizer::Token;

/// The routing of T tokens through every MoE layer.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Trace {
    /// [T] tokens.
    pub tokens: Vec<Token>,
    /// One entry for each MoE layer, in order.
    pub layers: Vec<LayerTrace>,
    /// The routing in force.
    pub routing: ModelRouting,
}

/// The decisions of one MoE layer about T tokens.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LayerTrace {
    /// Index of the transformer layer.
    pub layer: usize,
    /// E.
    pub n_experts: usize,
    /// [T, E] gating logits.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub logits: Vec<f32>,
    /// [T, E] scores.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub scores: Vec<f32>,
    /// [T, E] what selection compared; minus infinity means excluded.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub selection_scores: Vec<f32>,
    /// [T, E] verdict codes.
    #[cfg_attr(feature = "ts", ts(type = "Uint8Array"))]
    pub verdicts: Vec<u8>,
    /// [T + 1] where each token's experts start.
    #[cfg_attr(feature = "ts", ts(type = "Uint32Array"))]
    pub offsets: Vec<u32>,
    /// [N] experts, best first within a token.
    #[cfg_attr(feature = "ts", ts(type = "Uint16Array"))]
    pub experts: Vec<u16>,
    /// [N] combine weights.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub weights: Vec<f32>,
}

impl LayerTrace {
    pub(crate) fn new(layer: usize, logits: Vec<f32>, routing: Routing) -> Self {
        let Routing { plan, trace } = routing;
        Self {
            layer,
            n_experts: trace.n_experts,
            logits,
            scores: trace.scores_te,
            selection_scores: trace.selection_scores_te,
            verdicts: trace
                .verdicts_te
                .iter()
                .map(|verdict| verdict.code())
                .collect(),
            offsets: plan.offsets,
            experts: plan.expert_idx,
            weights: plan.combine_weights,
        }
    }
}

/// One generated token.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Step {
    /// The token.
    pub token: Token,
    /// Natural logarithm of the probability the model gave it, before contrast and the sampling temperature.
    pub log_prob: f32,
    /// How the token itself was routed; T = 1.
    pub trace: Trace,
    /// What self-contrast did to its choice, where that is on.
    pub contrast: Option<ContrastReport>,
}

/// How well a text is predicted, and how it was routed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Analysis {
    /// Routing of every token.
    pub trace: Trace,
    /// [T] loss of each token in nats; NaN for the first, which nothing precedes.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub losses: Vec<f32>,
    /// Mean loss of the predicted tokens, nats per token; NaN for a single token.
    pub loss: f32,
    /// The same per byte of the predicted text, in bits.
    pub bits_per_byte: f32,
}
