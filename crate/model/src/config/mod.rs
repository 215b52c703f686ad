//! What a checkpoint is made of, read from an ordinary Hugging Face `config.json`.
//!
//! Published names are mapped to ours here and nowhere else (`num_experts_per_tok` becomes `top_k`).
//! Options that would change the result and that this crate does not run are refused, never ignored.
//! Layouts read: `olmoe` (Muennighoff et al. 2024), `qwen2_moe` (Qwen team 2024), `qwen3_moe` and the dense `qwen3`
//! (Qwen team 2025).

mod check;
mod file;

use moescope_routing::stage::weigh::Weigh;
use moescope_routing::{ModelRouting, RouterSpec};

use crate::checkpoint::TensorList;
use crate::error::ModelError;

pub(crate) use check::{check_routing, refuse_external};
use file::ConfigFile;

/// Whose conventions a checkpoint follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// OLMoE: query and key norms over the whole projection, optional clipping of q, k and v.
    Olmoe,
    /// Qwen2-MoE: biases on q, k and v, no query and key norms, one shared expert behind a gate of its own.
    Qwen2Moe,
    /// Qwen3-MoE: query and key norms per head, some layers may be dense.
    Qwen3Moe,
    /// Qwen3: the same without experts.
    Qwen3,
}

impl Architecture {
    /// The published `model_type`.
    pub fn model_type(self) -> &'static str {
        match self {
            Self::Olmoe => "olmoe",
            Self::Qwen2Moe => "qwen2_moe",
            Self::Qwen3Moe => "qwen3_moe",
            Self::Qwen3 => "qwen3",
        }
    }

    /// What the query and key norms act on.
    pub fn qk_norm(self) -> QkNorm {
        match self {
            Self::Olmoe => QkNorm::Whole,
            Self::Qwen2Moe => QkNorm::None,
            Self::Qwen3Moe | Self::Qwen3 => QkNorm::PerHead,
        }
    }
}

/// What the norms of queries and keys act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QkNorm {
    /// There are none.
    None,
    /// Each head by itself.
    PerHead,
    /// All heads together.
    Whole,
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
    /// Routed experts in an MoE layer, E; 0 in a dense model.
    pub n_experts: usize,
    /// Experts per token under the trained routing, K.
    pub top_k: usize,
    /// Hidden width of one expert, F.
    pub d_ff_expert: usize,
    /// Hidden width of the shared expert that acts on every token; 0 where there is none.
    pub d_ff_shared: usize,
    /// Hidden width of the feed-forward network of a dense layer.
    pub d_ff_dense: usize,
    /// Indices of the layers whose feed-forward network is a mixture of experts.
    pub moe_layers: Vec<usize>,
    /// Whether the weights of the selected experts are divided by their sum.
    pub renormalize: bool,
    /// Whether the projections to q, k and v have biases.
    pub qkv_bias: bool,
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
    /// That of a dense model is the default, which nothing asks for.
    pub fn trained_routing(&self) -> ModelRouting {
        let weigh = Weigh {
            renormalize: self.renormalize,
            ..Weigh::default()
        };
        ModelRouting::from(RouterSpec {
            weigh,
            ..RouterSpec::top_k(self.top_k.max(1))
        })
    }

    /// Checks a routing against this model.
    ///
    /// # Errors
    /// A spec that breaks its own rules for `n_experts`, or one for a layer that has no experts.
    pub fn check_routing(&self, routing: &ModelRouting) -> Result<(), ModelError> {
        check_routing(routing, &self.moe_layers, self.n_experts)
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

    /// Parameters that one token reads under the trained routing: the active ones, but one row of an embedding that is
    /// not the head too.
    pub fn parameters_read(&self) -> usize {
        let (_, n_active) = self.parameter_counts();
        match self.tied_head {
            true => n_active,
            false => n_active - (self.vocab_size - 1) * self.d_model,
        }
    }

    pub(crate) fn layer_tensors(&self, layer: usize, tensors: &mut Vec<(String, Vec<usize>)>) {
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
        if let Some((q_norm, k_norm)) = self.qk_norm_widths() {
            push("self_attn.q_norm", vec![q_norm]);
            push("self_attn.k_norm", vec![k_norm]);
        }
        push("post_attention_layernorm", vec![d]);
        if self.moe_layers.contains(&layer) {
            push("mlp.gate", vec![self.n_experts, d]);
            for expert in 0..self.n_experts {
                let f = self.d_ff_expert;
                push(&format!("mlp.experts.{expert}.gate_proj"), vec![f, d]);
                push(&format!("mlp.experts.{expert}.up_proj"), vec![f, d]);
                push(&format!("mlp.experts.{expert}.down_proj"), vec![d, f]);
            }
            if self.d_ff_shared > 0 {
                let f = self.d_ff_shared;
                push("mlp.shared_expert.gate_proj", vec![f, d]);
                push("mlp.shared_expert.up_proj", vec![f, d]);
                push("mlp.shared_expert.down_proj", vec![d, f]);
                push("mlp.shared_expert_gate", vec![1, d]);
            }
        } else {
            let f = self.d_ff_dense;
            push("mlp.gate_proj", vec![f, d]);
            push("mlp.up_proj", vec![f, d]);
            push("mlp.down_proj", vec![d, f]);
        }
        if self.qkv_bias {
            for (name, width) in [("q", d_q), ("k", d_kv), ("v", d_kv)] {
                let name = format!("model.layers.{layer}.self_attn.{name}_proj.bias");
                tensors.push((name, vec![width]));
            }
        }
    }

    /// Widths the query and key norms act on; none where there are no such norms.
    pub fn qk_norm_widths(&self) -> Option<(usize, usize)> {
        match self.architecture.qk_norm() {
            QkNorm::None => None,
            QkNorm::PerHead => Some((self.head_dim, self.head_dim)),
            QkNorm::Whole => Some((
                self.n_heads * self.head_dim,
                self.n_kv_heads * self.head_dim,
            )),
        }
    }

    /// `config.json` as `transformers` reads it.
    pub fn to_json(&self) -> String {
        let class = match self.architecture {
            Architecture::Olmoe => "OlmoeForCausalLM",
            Architecture::Qwen2Moe => "Qwen2MoeForCausalLM",
            Architecture::Qwen3Moe => "Qwen3MoeForCausalLM",
            Architecture::Qwen3 => "Qwen3ForCausalLM",
        };
        let mut json = serde_json::json!({
            "architectures": [class],
            "model_type": self.architecture.model_type(),
            "vocab_size": self.vocab_size,
            "hidden_size": self.d_model,
            "num_hidden_layers": self.n_layers,
            "num_attention_heads": self.n_heads,
            "num_key_value_heads": self.n_kv_heads,
            "hidden_act": "silu",
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
                json["attention_bias"] = false.into();
                json["intermediate_size"] = self.d_ff_expert.into();
                json["clip_qkv"] = self.clip_qkv.into();
            }
            Architecture::Qwen2Moe => {
                json["qkv_bias"] = self.qkv_bias.into();
                json["shared_expert_intermediate_size"] = self.d_ff_shared.into();
            }
            Architecture::Qwen3Moe | Architecture::Qwen3 => {
                json["attention_bias"] = false.into();
                json["head_dim"] = self.head_dim.into();
                json["intermediate_size"] = self.d_ff_dense.into();
            }
        }
        if self.n_experts > 0 {
            json["num_experts"] = self.n_experts.into();
            json["num_experts_per_tok"] = self.top_k.into();
            json["norm_topk_prob"] = self.renormalize.into();
        }
        if matches!(
            self.architecture,
            Architecture::Qwen2Moe | Architecture::Qwen3Moe
        ) {
            let dense: Vec<usize> = (0..self.n_layers)
                .filter(|layer| !self.moe_layers.contains(layer))
                .collect();
            json["intermediate_size"] = self.d_ff_dense.into();
            json["moe_intermediate_size"] = self.d_ff_expert.into();
            json["decoder_sparse_step"] = 1.into();
            json["mlp_only_layers"] = dense.into();
        }
        format!("{json:#}\n")
    }
}

impl TensorList for LmConfig {
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
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
}

fn invalid(field: &str, got: impl std::fmt::Display, allowed: &str) -> ModelError {
    ModelError::ConfigInvalid(format!("{field} is {got}; allowed is {allowed}"))
}
