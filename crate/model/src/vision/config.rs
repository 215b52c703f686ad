//! What a vision checkpoint is made of: `config.json` with `model_type` `moescope_vit_moe`.
//!
//! No published library has this architecture, so the file is described here.
//! Names follow Hugging Face where it has one; every field has to be there, and an unknown one is refused.
//!
//! | field | meaning |
//! |---|---|
//! | `model_type` | `"moescope_vit_moe"` |
//! | `image_size`, `patch_size` | pixels of the square image and of a square patch; patches are read row by row |
//! | `image_mean`, `image_std` | a pixel of 0 to 255 becomes (pixel / 255 - mean) / std, by channel |
//! | `stem_channels` | output channels of the stem's convolutions but the last, which has `hidden_size` |
//! | `hidden_size`, `num_hidden_layers`, `num_attention_heads`, `head_dim` | D, L, H and the width of a head |
//! | `num_experts`, `moe_intermediate_size` | E and F of an MoE layer |
//! | `mlp_only_layers`, `intermediate_size` | layers with one network for every patch, and its hidden width |
//! | `rms_norm_eps` | added to the mean square in every norm |
//! | `router` | the `RouterSpec` it was trained with |
//! | `classes` | `{"set", "label"}` of every class, in the order of the logits |

use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterSpec};
use serde::{Deserialize, Serialize};

use crate::config::{Architecture, LmConfig, check_routing};
use crate::error::ModelError;

/// The `model_type` of a vision checkpoint.
pub const MODEL_TYPE: &str = "moescope_vit_moe";

/// The only patch size: the stem halves the grid twice.
const PATCH_SIZE: usize = 4;

/// A class that the model tells apart from the others.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct ImageClass {
    /// The data set it comes from.
    pub set: String,
    /// What the set calls it.
    pub label: String,
}

/// Shape and conventions of a vision transformer with MoE layers.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct VitConfig {
    /// [`MODEL_TYPE`].
    pub model_type: String,
    /// Pixels along one side of the image.
    pub image_size: usize,
    /// Pixels along one side of a patch.
    pub patch_size: usize,
    /// Mean of each channel, where white is 1.
    pub image_mean: [f32; 3],
    /// Standard deviation of each channel, where white is 1.
    pub image_std: [f32; 3],
    /// Output channels of the stem's convolutions but the last.
    pub stem_channels: Vec<usize>,
    /// Width of the residual stream, D.
    #[serde(rename = "hidden_size")]
    pub d_model: usize,
    /// Transformer layers, L.
    #[serde(rename = "num_hidden_layers")]
    pub n_layers: usize,
    /// Attention heads, H.
    #[serde(rename = "num_attention_heads")]
    pub n_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// Routed experts in an MoE layer, E.
    #[serde(rename = "num_experts")]
    pub n_experts: usize,
    /// Hidden width of one expert, F.
    #[serde(rename = "moe_intermediate_size")]
    pub d_ff_expert: usize,
    /// Layers with a dense feed-forward network.
    #[serde(rename = "mlp_only_layers")]
    pub dense_layers: Vec<usize>,
    /// Hidden width of the feed-forward network of a dense layer.
    #[serde(rename = "intermediate_size")]
    pub d_ff_dense: usize,
    /// Added to the mean square in every norm.
    pub rms_norm_eps: f64,
    /// The routing it was trained with.
    pub router: RouterSpec,
    /// Classes, in the order of the logits.
    pub classes: Vec<ImageClass>,
}

impl VitConfig {
    /// Reads `config.json`.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`] names the field, what it holds and what is allowed.
    pub fn from_json(json: &str) -> Result<Self, ModelError> {
        let config: Self =
            serde_json::from_str(json).map_err(|e| ModelError::ConfigInvalid(e.to_string()))?;
        config.check()?;
        Ok(config)
    }

    /// `config.json`.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`] if a number is not finite.
    pub fn to_json(&self) -> Result<String, ModelError> {
        let json = serde_json::to_string_pretty(self);
        json.map(|json| json + "\n")
            .map_err(|e| ModelError::ConfigInvalid(e.to_string()))
    }

    /// What the model reads of bytes [.., 3].
    pub fn normalise(&self, pixels: &[u8]) -> Vec<f32> {
        let channels = pixels.iter().enumerate().map(|(i, &pixel)| (i % 3, pixel));
        channels
            .map(|(c, pixel)| (f32::from(pixel) / 255.0 - self.image_mean[c]) / self.image_std[c])
            .collect()
    }

    /// Patches along one side.
    pub fn grid(&self) -> usize {
        self.image_size / self.patch_size
    }

    /// Patches of an image, P.
    pub fn n_patches(&self) -> usize {
        self.grid() * self.grid()
    }

    /// Layers whose feed-forward network is a mixture of experts.
    pub fn moe_layers(&self) -> Vec<usize> {
        (0..self.n_layers)
            .filter(|layer| !self.dense_layers.contains(layer))
            .collect()
    }

    /// Experts per patch under the trained routing, K.
    pub fn top_k(&self) -> usize {
        match self.router.select {
            Select::TopK { top_k } => top_k,
            _ => self.n_experts,
        }
    }

    /// The layers alone, which are those of `qwen3_moe`.
    pub(crate) fn trunk(&self) -> LmConfig {
        LmConfig {
            architecture: Architecture::Qwen3Moe,
            vocab_size: 0,
            d_model: self.d_model,
            n_layers: self.n_layers,
            n_heads: self.n_heads,
            n_kv_heads: self.n_heads,
            head_dim: self.head_dim,
            n_experts: self.n_experts,
            top_k: self.top_k(),
            d_ff_expert: self.d_ff_expert,
            d_ff_shared: 0,
            d_ff_dense: self.d_ff_dense,
            moe_layers: self.moe_layers(),
            renormalize: true,
            qkv_bias: false,
            clip_qkv: None,
            rope_theta: 1.0,
            rms_norm_eps: self.rms_norm_eps,
            tied_head: true,
            max_positions: 0,
            eos_token_id: None,
        }
    }

    /// The trained routing of every layer.
    pub fn trained_routing(&self) -> ModelRouting {
        ModelRouting::from(self.router.clone())
    }

    /// Checks a routing against this model.
    ///
    /// # Errors
    /// A spec that breaks its own rules for `n_experts`, or one for a layer that has no experts.
    pub fn check_routing(&self, routing: &ModelRouting) -> Result<(), ModelError> {
        check_routing(routing, &self.moe_layers(), self.n_experts)
    }
}

impl VitConfig {
    /// Checks every value.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`] names the field, what it holds and what is allowed.
    pub fn check(&self) -> Result<(), ModelError> {
        let name = |got: &str| invalid("model_type", format!("{got:?}"), format!("{MODEL_TYPE:?}"));
        if self.model_type != MODEL_TYPE {
            return Err(name(&self.model_type));
        }
        if self.patch_size != PATCH_SIZE {
            return Err(invalid("patch_size", self.patch_size, PATCH_SIZE));
        }
        if self.image_size == 0 || !self.image_size.is_multiple_of(PATCH_SIZE) {
            let allowed = format!("a multiple of patch_size ({PATCH_SIZE})");
            return Err(invalid("image_size", self.image_size, allowed));
        }
        let positive = [
            ("hidden_size", self.d_model),
            ("num_hidden_layers", self.n_layers),
            ("num_attention_heads", self.n_heads),
            ("head_dim", self.head_dim),
            ("classes", self.classes.len()),
            ("stem_channels", self.stem_channels.len()),
        ];
        for (field, value) in positive {
            if value == 0 {
                return Err(invalid(field, 0, "at least 1"));
            }
        }
        if self.stem_channels.contains(&0) {
            return Err(invalid("stem_channels", "0", "at least 1"));
        }
        if !self.image_std.iter().all(|&std| std > 0.0) {
            let got = format!("{:?}", self.image_std);
            return Err(invalid("image_std", got, "three numbers above 0"));
        }
        self.check_layers()
    }

    fn check_layers(&self) -> Result<(), ModelError> {
        let last = self.n_layers - 1;
        if let Some(&layer) = self.dense_layers.iter().find(|&&layer| layer > last) {
            return Err(invalid("mlp_only_layers", layer, format!("0 to {last}")));
        }
        if !self.dense_layers.is_empty() && self.d_ff_dense == 0 {
            return Err(invalid("intermediate_size", 0, "at least 1"));
        }
        if self.moe_layers().is_empty() {
            return Ok(());
        }
        if self.d_ff_expert == 0 {
            return Err(invalid("moe_intermediate_size", 0, "at least 1"));
        }
        if !matches!(self.router.select, Select::TopK { .. }) {
            return Err(invalid("router.select", "another method", "top_k"));
        }
        self.router
            .validate(self.n_experts)
            .map_err(|e| ModelError::ConfigInvalid(format!("router: {e}")))
    }
}

fn invalid(
    field: &str,
    got: impl std::fmt::Display,
    allowed: impl std::fmt::Display,
) -> ModelError {
    ModelError::ConfigInvalid(format!("{field} is {got}; allowed is {allowed}"))
}
