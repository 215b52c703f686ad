//! What a configuration and a routing must satisfy before a model is built or run.

use moescope_routing::stage::limit::Overflow;
use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, Need, RouterSpec};

use super::{Architecture, LmConfig, invalid};
use crate::error::ModelError;

impl LmConfig {
    /// Sizes that make a model.
    pub(super) fn check(self) -> Result<Self, ModelError> {
        let positive = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.d_model),
            ("num_hidden_layers", self.n_layers),
            ("num_attention_heads", self.n_heads),
            ("num_key_value_heads", self.n_kv_heads),
            ("head_dim", self.head_dim),
            ("max_position_embeddings", self.max_positions),
        ];
        for (field, value) in positive {
            if value == 0 {
                return Err(invalid(field, "0", "a positive integer"));
            }
        }
        if !self.n_heads.is_multiple_of(self.n_kv_heads) {
            let allowed = format!("a divisor of num_attention_heads ({})", self.n_heads);
            return Err(invalid("num_key_value_heads", self.n_kv_heads, &allowed));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(invalid("head_dim", self.head_dim, "an even integer"));
        }
        if self.moe_layers.len() < self.n_layers && self.d_ff_dense == 0 {
            return Err(invalid("intermediate_size", "0", "a positive integer"));
        }
        match self.architecture {
            Architecture::Qwen3 => Ok(self),
            _ => self.check_experts(),
        }
    }

    fn check_experts(self) -> Result<Self, ModelError> {
        let sizes = [
            ("num_experts", self.n_experts),
            ("moe_intermediate_size", self.d_ff_expert),
        ];
        for (field, value) in sizes {
            if value == 0 {
                return Err(invalid(field, "0", "a positive integer"));
            }
        }
        if self.top_k == 0 || self.top_k > self.n_experts {
            let allowed = format!("1 to {}", self.n_experts);
            return Err(invalid("num_experts_per_tok", self.top_k, &allowed));
        }
        if self.moe_layers.is_empty() {
            let allowed = "at least one MoE layer";
            return Err(invalid("mlp_only_layers", "every layer", allowed));
        }
        Ok(self)
    }
}

/// Checks a routing against the MoE layers of a model.
pub(crate) fn check_routing(
    routing: &ModelRouting,
    moe_layers: &[usize],
    n_experts: usize,
) -> Result<(), ModelError> {
    for &layer in routing.layers.keys() {
        if !moe_layers.contains(&layer) {
            let allowed = moe_layers.to_vec();
            return Err(ModelError::NotAnMoeLayer { layer, allowed });
        }
    }
    for &layer in moe_layers {
        let spec = routing.for_layer(layer);
        spec.validate(n_experts)
            .map_err(|source| ModelError::Routing { layer, source })?;
        if let Some(need) = unmet_need(spec) {
            return Err(ModelError::NeedUnmet { layer, need });
        }
    }
    Ok(())
}

/// Refuses a routing that asks an external router, where there is none.
pub(crate) fn refuse_external(
    routing: &ModelRouting,
    moe_layers: &[usize],
) -> Result<(), ModelError> {
    let asks = |layer: &&usize| matches!(routing.for_layer(**layer).select, Select::External {});
    match moe_layers.iter().find(asks) {
        Some(&layer) => Err(ModelError::NoExternalRouter { layer }),
        None => Ok(()),
    }
}

/// What a strategy asks for and no model of these architectures has.
fn unmet_need(spec: &RouterSpec) -> Option<String> {
    if matches!(spec.select, Select::Soft {}) {
        return Some("slots that mix tokens (a soft plan)".into());
    }
    if spec.limit.overflow == Overflow::Shared {
        return Some("a shared expert".into());
    }
    let cannot = [Need::LearnedNulls, Need::TokenImportance];
    let mut needs = spec.needs().into_iter();
    needs
        .find(|need| cannot.contains(need))
        .map(|need| need.to_string())
}
