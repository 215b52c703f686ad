//! What there is to know about a model before it runs.

use moescope_routing::ModelRouting;
use serde::Serialize;

use crate::config::LmConfig;

/// What a page wants to know about a loaded model.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ModelInfo {
    /// Name of the checkpoint, if its caller gave one, else its architecture.
    pub name: String,
    /// Published `model_type`.
    pub architecture: String,
    /// Transformer layers.
    pub n_layers: usize,
    /// Indices of those with experts.
    pub moe_layers: Vec<usize>,
    /// Routed experts in an MoE layer; 0 in a dense model.
    pub n_experts: usize,
    /// Experts in an MoE layer that act on every token.
    pub n_shared_experts: usize,
    /// Experts per token under the trained routing.
    pub top_k: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// Size of the vocabulary.
    pub vocab_size: usize,
    /// Longest text in tokens.
    pub max_positions: usize,
    /// All parameters.
    pub n_parameters: usize,
    /// Parameters one token uses under the trained routing.
    pub n_active_parameters: usize,
    /// The routing the model was trained with.
    pub trained_routing: ModelRouting,
}

impl ModelInfo {
    /// Reads everything off the configuration.
    pub fn new(name: &str, config: &LmConfig) -> Self {
        let (n_parameters, n_active_parameters) = config.parameter_counts();
        Self {
            name: name.to_owned(),
            architecture: config.architecture.model_type().to_owned(),
            n_layers: config.n_layers,
            moe_layers: config.moe_layers.clone(),
            n_experts: config.n_experts,
            n_shared_experts: usize::from(config.d_ff_shared > 0),
            top_k: config.top_k,
            d_model: config.d_model,
            vocab_size: config.vocab_size,
            max_positions: config.max_positions,
            n_parameters,
            n_active_parameters,
            trained_routing: config.trained_routing(),
        }
    }
}
