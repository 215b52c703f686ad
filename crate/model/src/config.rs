//! What a checkpoint is made of, read from an ordinary Hugging Face `config.json`.
//!
//! Published names are mapped to ours here and nowhere else (`num_experts_per_tok` becomes `top_k`).
//! Options that would change the result and that this crate does not run are refused, never ignored.
//! Layouts read: `olmoe` (Muennighoff et al. 2024) and `qwen3_moe` (Qwen team 2025).

use moescope_routing::stage::weigh::Weigh;
use moescope_routing::{ModelRouting, RouterSpec};
use serde::Deserialize;

use crate::error::ModelError;

/// Whose conventions a checkpoint follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// OLMoE: query and key norms over the whole projection, optional clipping of q, k and v.
    Olmoe,
    /// Qwen3-MoE: query and key norms per head, some layers may be dense.
    Qwen3Moe,
}

impl Architecture {
    /// The published `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Olmoe => "olmoe",
            Self::Qwen3Moe => "qwen3_moe",
        }
    }
}

/// Shape and conventions of a decoder-only MoE language model.
#[derive(Clone, Debug, PartialEq)]
pub struct LmConfig {
    /// Conventions of the checkpoint.
    pub architecture: Architecture,
    /// Size of the vocabulary, V.
    pub vocab_size: usize,
    /// Width of the residual stream, D.
    pub d_model: usize,
    /// Transformer layers, L.
    pub n_layers: usize,
    /// Query heads, H.
    pub n_heads: usize,
    /// Key and value heads; queries share them in groups.
    pub n_kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Routed experts in an MoE layer, E.
    pub n_experts: usize,
    /// Experts per token under the trained routing, K.
    pub top_k: usize,
    /// Hidden width of one expert, F.
    pub d_ff_expert: usize,
    /// Hidden width of the feed-forward network of a dense layer.
    pub d_ff_dense: usize,
    /// Indices of the layers whose feed-forward network is a mixture of experts.
    pub moe_layers: Vec<usize>,
    /// Whether the weights of the selected experts are divided by their sum.
    pub renormalize: bool,
    /// Bound on q, k and v, if any.
    pub clip_qkv: Option<f32>,
    /// Base of the rotary frequencies.
    pub rope_theta: f64,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// Whether the output projection is the embedding.
    pub tied_head: bool,
    /// Longest sequence.
    pub max_positions: usize,
    /// Token that ends a text, if any.
    pub eos_token_id: Option<u32>,
}

impl LmConfig {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`] names the field, what it holds and what is allowed.
    pub fn from_json(json: &str) -> Result<Self, ModelError> {
        let file: ConfigFile =
            serde_json::from_str(json).map_err(|e| ModelError::ConfigInvalid(e.to_string()))?;
        file.into_config()
    }

    /// The routing the checkpoint was trained with: softmax over all experts, then top-k.
    pub fn trained_routing(&self) -> ModelRouting {
        let weigh = Weigh {
            renormalize: self.renormalize,
            ..Weigh::default()
        };
        ModelRouting::from(RouterSpec {
            weigh,
            ..RouterSpec::top_k(self.top_k)
        })
    }

    /// Checks a routing against this model.
    ///
    /// # Errors
    /// A spec that breaks its own rules for `n_experts`, or one for a layer that has no experts.
    pub fn check_routing(&self, routing: &ModelRouting) -> Result<(), ModelError> {
        for &layer in routing.layers.keys() {
            if !self.moe_layers.contains(&layer) {
                let allowed = self.moe_layers.clone();
                return Err(ModelError::NotAnMoeLayer { layer, allowed });
            }
        }
        for &layer in &self.moe_layers {
            let spec = routing.for_layer(layer);
            spec.validate(self.n_experts)
                .map_err(|source| ModelError::Routing { layer, source })?;
        }
        Ok(())
    }

    /// All parameters, and those one token uses under the trained routing (tied weights count once).
    pub fn parameter_counts(&self) -> (usize, usize) {
        let total: usize = self
            .tensors()
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        let expert = 3 * self.d_model * self.d_ff_expert;
        let idle = self.moe_layers.len() * (self.n_experts - self.top_k) * expert;
        (total, total - idle)
    }

    /// Every tensor of the checkpoint with its shape, in published names and layout.
    pub fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let d = self.d_model;
        let mut tensors = vec![(
            "model.embed_tokens.weight".to_owned(),
            vec![self.vocab_size, d],
        )];
        for layer in 0..self.n_layers {
            self.layer_tensors(layer, &mut tensors);
        }
        tensors.push(("model.norm.weight".to_owned(), vec![d]));
        if !self.tied_head {
            tensors.push(("lm_head.weight".to_owned(), vec![self.vocab_size, d]));
        }
        tensors
    }

    fn layer_tensors(&self, layer: usize, tensors: &mut Vec<(String, Vec<usize>)>) {
        let d = self.d_model;
        let (d_q, d_kv) = (
            self.n_heads * self.head_dim,
            self.n_kv_heads * self.head_dim,
        );
        let mut push = |name: &str, shape: Vec<usize>| {
            tensors.push((format!("model.layers.{layer}.{name}.weight"), shape));
        };
        push("input_layernorm", vec![d]);
        push("self_attn.q_proj", vec![d_q, d]);
        push("self_attn.k_proj", vec![d_kv, d]);
        push("self_attn.v_proj", vec![d_kv, d]);
        push("self_attn.o_proj", vec![d, d_q]);
        let (q_norm, k_norm) = self.qk_norm_widths();
        push("self_attn.q_norm", vec![q_norm]);
        push("self_attn.k_norm", vec![k_norm]);
        push("post_attention_layernorm", vec![d]);
        if self.moe_layers.contains(&layer) {
            push("mlp.gate", vec![self.n_experts, d]);
            for expert in 0..self.n_experts {
                let f = self.d_ff_expert;
                push(&format!("mlp.experts.{expert}.gate_proj"), vec![f, d]);
                push(&format!("mlp.experts.{expert}.up_proj"), vec![f, d]);
                push(&format!("mlp.experts.{expert}.down_proj"), vec![d, f]);
            }
        } else {
            let f = self.d_ff_dense;
            push("mlp.gate_proj", vec![f, d]);
            push("mlp.up_proj", vec![f, d]);
            push("mlp.down_proj", vec![d, f]);
        }
    }

    /// Widths the query and key norms act on.
    pub fn qk_norm_widths(&self) -> (usize, usize) {
        match self.architecture {
            Architecture::Olmoe => (
                self.n_heads * self.head_dim,
                self.n_kv_heads * self.head_dim,
            ),
            Architecture::Qwen3Moe => (self.head_dim, self.head_dim),
        }
    }

    /// `config.json` as `transformers` reads it.
    pub fn to_json(&self) -> String {
        let class = match self.architecture {
            Architecture::Olmoe => "OlmoeForCausalLM",
            Architecture::Qwen3Moe => "Qwen3MoeForCausalLM",
        };
        let mut json = serde_json::json!({
            "architectures": [class],
            "model_type": self.architecture.model_type(),
            "vocab_size": self.vocab_size,
            "hidden_size": self.d_model,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.n_heads,
            "num_key_value_heads": self.n_kv_heads,
            "num_experts": self.n_experts,
            "num_experts_per_tok": self.top_k,
            "norm_topk_prob": self.renormalize,
            "hidden_act": "silu",
            "attention_bias": false,
            "rope_theta": self.rope_theta,
            "rms_norm_eps": self.rms_norm_eps,
            "tie_word_embeddings": self.tied_head,
            "max_position_embeddings": self.max_positions,
            "bos_token_id": self.eos_token_id,
            "eos_token_id": self.eos_token_id,
            "torch_dtype": "bfloat16",
        });
        match self.architecture {
            Architecture::Olmoe => {
                json["intermediate_size"] = self.d_ff_expert.into();
                json["clip_qkv"] = self.clip_qkv.into();
            }
            Architecture::Qwen3Moe => {
                let dense: Vec<usize> = (0..self.n_layers)
                    .filter(|layer| !self.moe_layers.contains(layer))
                    .collect();
                json["head_dim"] = self.head_dim.into();
                json["moe_intermediate_size"] = self.d_ff_expert.into();
                json["intermediate_size"] = self.d_ff_dense.into();
                json["decoder_sparse_step"] = 1.into();
                json["mlp_only_layers"] = dense.into();
            }
        }
        format!("{json:#}\n")
    }
}

/// The fields of `config.json` that matter here, in their published spelling.
#[derive(Deserialize)]
struct ConfigFile {
    model_type: String,
    vocab_size: usize,
    hidden_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: Option<usize>,
    head_dim: Option<usize>,
    #[serde(alias = "num_local_experts")]
    num_experts: usize,
    num_experts_per_tok: usize,
    intermediate_size: usize,
    moe_intermediate_size: Option<usize>,
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
    fn into_config(self) -> Result<LmConfig, ModelError> {
        let architecture = match self.model_type.as_str() {
            "olmoe" => Architecture::Olmoe,
            "qwen3_moe" => Architecture::Qwen3Moe,
            other => return Err(invalid("model_type", other, "\"olmoe\" or \"qwen3_moe\"")),
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
            .filter(|layer| sparse_step > 0 && (layer + 1) % sparse_step == 0)
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
            n_experts: self.num_experts,
            top_k: self.num_experts_per_tok,
            d_ff_expert: self.moe_intermediate_size.unwrap_or(self.intermediate_size),
            d_ff_dense: self.intermediate_size,
            moe_layers,
            renormalize: self.norm_topk_prob,
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

impl LmConfig {
    fn check(self) -> Result<Self, ModelError> {
        let positive = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.d_model),
            ("num_hidden_layers", self.n_layers),
            ("num_attention_heads", self.n_heads),
            ("num_key_value_heads", self.n_kv_heads),
            ("head_dim", self.head_dim),
            ("num_experts", self.n_experts),
            ("intermediate_size", self.d_ff_expert),
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
        if self.top_k == 0 || self.top_k > self.n_experts {
            let allowed = format!("1 to {}", self.n_experts);
            return Err(invalid("num_experts_per_tok", self.top_k, &allowed));
        }
        if self.moe_layers.is_empty() {
            return Err(invalid(
                "mlp_only_layers",
                "every layer",
                "at least one MoE layer",
            ));
        }
        Ok(self)
    }
}

fn invalid(field: &str, got: impl std::fmt::Display, allowed: &str) -> ModelError {
    ModelError::ConfigInvalid(format!("{field} is {got}; allowed is {allowed}"))
}
