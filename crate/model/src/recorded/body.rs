//! Records the layers of a model, over buffers of activations that all of its passes share.
//!
//! What is before and behind them (tokens or pixels, a vocabulary or classes) is recorded in `record.rs` and `vision.rs`.

use moescope_shaders as gpu;

use super::forward::{Heads, Input, Recorder, Rows, Scratch};
use super::weights::Trunk;
use crate::config::{LmConfig, QkNorm};
use crate::error::ModelError;
use crate::forward::transformer;

/// Words of the packed specs of all layers at most, besides 256 for each.
const SPEC_WORDS: usize = 4096;

/// Layers to record: their weights, and the buffers they work in.
#[derive(Debug)]
pub(super) struct Body {
    pub trunk: Trunk,
    /// [T, D]
    pub x: gpu::Buffer,
    scratch: Scratch,
    heads: Heads,
}

/// How tokens know where they are, and which others they see.
#[derive(Clone, Copy)]
pub(super) struct Places {
    /// Rotary angles.
    pub table: gpu::Buffer,
    pub sees: gpu::Sees,
}

/// Room for the packed specs of so many layers.
pub(super) fn spec_words(n_moe_layers: usize) -> usize {
    SPEC_WORDS + 256 * n_moe_layers
}

impl Body {
    /// Declares the buffers of weights and activations.
    pub fn declare(
        config: &LmConfig,
        recording: &mut gpu::Recording,
        format: gpu::Format,
        places: Places,
    ) -> Result<Self, ModelError> {
        let c = config;
        let trunk = Trunk::declare(config, recording, format)?;
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let n_gates = c.n_experts + usize::from(c.d_ff_shared > 0);
        let mut rows = |name: &str, width| recording.activations(name, width);
        Ok(Self {
            trunk,
            x: rows("x", c.d_model),
            scratch: Scratch {
                qkv: rows("qkv", d_q + 2 * d_kv),
                q: rows("q", d_q),
                mixed: rows("mixed", d_q),
                gating: (!c.moe_layers.is_empty()).then(|| rows("gating", n_gates)),
            },
            heads: heads(config, places),
        })
    }

    /// Keys and values of every layer, for one place.
    pub fn caches(
        config: &LmConfig,
        recording: &mut gpu::Recording,
        place: usize,
    ) -> Vec<gpu::Buffer> {
        let cache = |layer| {
            let name = format!("cache {place}, layer {layer}");
            recording.cache(name, config.n_kv_heads, config.head_dim)
        };
        (0..config.n_layers).map(cache).collect()
    }

    /// Records the layers over the rows in x and the caches of a place, with biases on attention scores if there are
    /// any; returns what follows them.
    ///
    /// # Errors
    /// [`ModelError::Device`] if no kernel runs what the forward pass asks for.
    pub async fn record(
        &self,
        config: &LmConfig,
        pass: &mut gpu::PassBuilder<'_>,
        caches: &[gpu::Buffer],
        biases: &[gpu::Buffer],
    ) -> Result<Input, ModelError> {
        let layers = self.trunk.layers(config, caches, biases);
        let mut recorder = Recorder {
            pass,
            scratch: self.scratch,
            heads: self.heads,
            refused: None,
            n_moe_layers: 0,
        };
        let x_td = Rows::stored(self.x);
        let hidden_td = transformer(&mut recorder, &layers, self.trunk.last_norm, x_td).await?;
        match (hidden_td, recorder.refused) {
            (Rows::Stored(hidden), None) => Ok(hidden),
            (_, refused) => {
                let refused = refused.unwrap_or_default();
                Err(ModelError::Device(format!("no kernel runs {refused}")))
            }
        }
    }
}

fn heads(c: &LmConfig, places: Places) -> Heads {
    Heads {
        n_heads: c.n_heads,
        n_kv_heads: c.n_kv_heads,
        head_dim: c.head_dim,
        qk_norm: match c.architecture.qk_norm() {
            QkNorm::None => gpu::QkNorm::None,
            QkNorm::PerHead => gpu::QkNorm::PerHead,
            QkNorm::Whole => gpu::QkNorm::Whole,
        },
        epsilon: c.rms_norm_eps as f32,
        clip: c.clip_qkv,
        table: places.table,
        sees: places.sees,
    }
}
