//! `config.json` in its published spelling.
//!
//! Fields that nothing here depends on are ignored; those that would change the result are read and refused.

use serde::Deserialize;

use super::{Architecture, LmConfig, invalid};
use crate::error::ModelError;

/// The fields of `config.json` that matter here, in their published spelling.
#[derive(Deserialize)]
pub struct ConfigFile {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(alias = "num_local_experts")]
    num_experts: Option<usize>,
    num_experts_per_tok: Option<usize>,
    intermediate_size: usize,
    moe_intermediate_size: Option<usize>,
    shared_expert_intermediate_size: Option<usize>,
    #[serde(default)]
    mlp_only_layers: Vec<usize>,
    decoder_sparse_step: Option<usize>,
    #[serde(default)]
    norm_topk_prob: bool,
    clip_qkv: Option<f32>,
    rope_theta: Option<f64>,
    rope_parameters: Option<RopeParameters>,
    rope_scaling: Option<RopeParameters>,
    rms_norm_eps: f64,
    #[serde(default)]
    tie_word_embeddings: bool,
    max_position_embeddings: usize,
    hidden_act: Option<String>,
    #[serde(default)]
    attention_bias: bool,
    qkv_bias: Option<bool>,
    #[serde(default)]
    use_sliding_window: bool,
    eos_token_id: Option<TokenIds>,
}

#[derive(Deserialize)]
struct RopeParameters {
    rope_theta: Option<f64>,
    #[serde(alias = "type")]
    rope_type: Option<String>,
}

/// Published files hold one end token or a list; generation stops at the first.
#[derive(Deserialize)]
#[serde(untagged)]
enum TokenIds {
    One(u32),
    Many(Vec<u32>),
}

impl ConfigFile {
    /// Maps the names and checks the values.
    pub fn into_config(self) -> Result<LmConfig, ModelError> {
        let architecture = match self.model_type.as_str() {
            "olmoe" => Architecture::Olmoe,
            "qwen2_moe" => Architecture::Qwen2Moe,
            "qwen3_moe" => Architecture::Qwen3Moe,
            "qwen3" => Architecture::Qwen3,
            other => {
                let allowed = "\"olmoe\", \"qwen2_moe\", \"qwen3_moe\" or \"qwen3\"";
                return Err(invalid("model_type", other, allowed));
            }
        };
        let is_dense = architecture == Architecture::Qwen3;
        let of_experts = |field: &str, value: Option<usize>| match (is_dense, value) {
            (true, _) => Ok(0),
            (false, Some(value)) => Ok(value),
            (false, None) => Err(invalid(field, "missing", "a positive integer")),
        };
        self.refuse_what_is_not_run()?;
        let rope_theta = [&self.rope_parameters, &self.rope_scaling]
            .into_iter()
            .flatten()
            .find_map(|rope| rope.rope_theta)
            .or(self.rope_theta)
            .ok_or_else(|| invalid("rope_theta", "missing", "a positive number"))?;
        let sparse_step = self.decoder_sparse_step.unwrap_or(1);
        let moe_layers = (0..self.num_hidden_layers)
            .filter(|layer| !self.mlp_only_layers.contains(layer))
            .filter(|layer| !is_dense && sparse_step > 0 && (layer + 1) % sparse_step == 0)
            .collect();
        let config = LmConfig {
            architecture,
            vocab_size: self.vocab_size,
            d_model: self.hidden_size,
            n_layers: self.num_hidden_layers,
            n_heads: self.num_attention_heads,
            n_kv_heads: self.num_key_value_heads.unwrap_or(self.num_attention_heads),
            head_dim: self
                .head_dim
                .unwrap_or(self.hidden_size / self.num_attention_heads.max(1)),
            n_experts: of_experts("num_experts", self.num_experts)?,
            top_k: of_experts("num_experts_per_tok", self.num_experts_per_tok)?,
            d_ff_expert: self.moe_intermediate_size.unwrap_or(self.intermediate_size),
            d_ff_shared: match architecture {
                Architecture::Qwen2Moe => {
                    let width = self.shared_expert_intermediate_size;
                    of_experts("shared_expert_intermediate_size", width)?
                }
                _ => 0,
            },
            d_ff_dense: self.intermediate_size,
            moe_layers,
            renormalize: self.norm_topk_prob,
            // Published Qwen2-MoE files leave it out and mean yes.
            qkv_bias: architecture == Architecture::Qwen2Moe && self.qkv_bias.unwrap_or(true),
            clip_qkv: self.clip_qkv,
            rope_theta,
            rms_norm_eps: self.rms_norm_eps,
            tied_head: self.tie_word_embeddings,
            max_positions: self.max_position_embeddings,
            eos_token_id: match self.eos_token_id {
                None => None,
                Some(TokenIds::One(id)) => Some(id),
                Some(TokenIds::Many(ids)) => ids.first().copied(),
            },
        };
        config.check()
    }

    fn refuse_what_is_not_run(&self) -> Result<(), ModelError> {
        if let Some(act) = self.hidden_act.as_deref()
            && act != "silu"
        {
            return Err(invalid("hidden_act", act, "\"silu\""));
        }
        if self.attention_bias {
            return Err(invalid("attention_bias", "true", "false"));
        }
        if self.use_sliding_window {
            return Err(invalid("use_sliding_window", "true", "false"));
        }
        for rope in [&self.rope_parameters, &self.rope_scaling]
            .into_iter()
            .flatten()
        {
            if let Some(kind) = rope.rope_type.as_deref()
                && kind != "default"
            {
                return Err(invalid("rope_type", kind, "\"default\""));
            }
        }
        Ok(())
    }
}
