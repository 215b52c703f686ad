//! Records the passes of a model: embedding, the forward pass, head, over buffers that all of them share.

use moescope_shaders as gpu;

use super::forward::{Heads, Recorder, Rows, Scratch};
use super::weights::{Weights, n_shared};
use crate::config::{LmConfig, QkNorm};
use crate::error::ModelError;
use crate::forward::transformer;

/// Tokens of one pass at most.
const MAX_CHUNK: usize = 512;
/// Bytes of logits of one pass at most.
const MAX_LOGITS: usize = 64 << 20;
/// Words of the packed specs of all layers at most, besides 256 for each.
const SPEC_WORDS: usize = 4096;

/// A model to record: its weights, and the buffers of its activations.
pub(super) struct Model<'a> {
    config: &'a LmConfig,
    weights: &'a Weights,
    /// [T, D]
    x: gpu::Buffer,
    /// [T, V]
    pub logits: gpu::Buffer,
    scratch: Scratch,
    heads: Heads,
}

/// How a pass ends, behind the head.
#[derive(Clone, Copy)]
pub(super) enum Ends {
    /// With the logits of the last token.
    Next,
    /// With the logits of every token, and the log-probability of every given one.
    Score,
}

/// What a plan has room for.
pub(super) fn sizes(config: &LmConfig) -> gpu::Sizes {
    let n_shared = n_shared(config);
    let rows_of_logits = (MAX_LOGITS / (4 * config.vocab_size)).max(1);
    let max_tokens = MAX_CHUNK.min(config.max_positions).min(rows_of_logits);
    // Room for more experts than the model was trained with; a strategy that wants all makes chunks shorter.
    let picks = config.n_experts.min(16.max(2 * config.top_k));
    let n_moe_layers = config.moe_layers.len();
    gpu::Sizes {
        max_tokens,
        capacity: config.max_positions,
        n_experts: config.n_experts,
        n_shared,
        n_moe_layers,
        expert_rows: (max_tokens * picks).max(config.n_experts) + max_tokens * n_shared,
        spec_words: SPEC_WORDS + 256 * n_moe_layers,
    }
}

impl<'a> Model<'a> {
    /// Declares the buffers of activations.
    pub fn declare(
        config: &'a LmConfig,
        weights: &'a Weights,
        recording: &mut gpu::Recording,
    ) -> Self {
        let c = config;
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let n_gates = c.n_experts + usize::from(c.d_ff_shared > 0);
        let mut rows = |name: &str, width| recording.activations(name, width);
        let scratch = Scratch {
            qkv: rows("qkv", d_q + 2 * d_kv),
            q: rows("q", d_q),
            mixed: rows("mixed", d_q),
            gating: (!c.moe_layers.is_empty()).then(|| rows("gating", n_gates)),
        };
        let (x, logits) = (rows("x", c.d_model), rows("logits", c.vocab_size));
        let heads = Heads {
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
            table: recording.rotary_table(c.head_dim, c.rope_theta),
        };
        Self {
            config,
            weights,
            x,
            logits,
            scratch,
            heads,
        }
    }

    /// Keys and values of every layer, for one place.
    pub fn caches(&self, recording: &mut gpu::Recording, place: usize) -> Vec<gpu::Buffer> {
        let c = self.config;
        let cache = |layer| {
            let name = format!("cache {place}, layer {layer}");
            recording.cache(name, c.n_kv_heads, c.head_dim)
        };
        (0..c.n_layers).map(cache).collect()
    }

    /// Records one pass over the caches of a place.
    ///
    /// # Errors
    /// [`ModelError::Device`] if no kernel runs what the forward pass asks for.
    pub async fn record(
        &self,
        recording: &mut gpu::Recording,
        caches: &[gpu::Buffer],
        mode: gpu::Mode,
        ends: Ends,
    ) -> Result<gpu::PassId, ModelError> {
        let pass = recording.add_pass("forward", mode);
        let mut builder = recording.record(pass);
        builder.embedding(self.weights.embedding, self.x);
        let layers = self.weights.layers(self.config, caches);
        let mut recorder = Recorder {
            pass: &mut builder,
            scratch: self.scratch,
            heads: self.heads,
            refused: None,
            n_moe_layers: 0,
        };
        let x_td = Rows::stored(self.x);
        let last_norm = self.weights.last_norm;
        let hidden_td = transformer(&mut recorder, &layers, last_norm, x_td).await?;
        let (Rows::Stored(hidden), None) = (hidden_td, &recorder.refused) else {
            let refused = recorder.refused.unwrap_or_default();
            return Err(ModelError::Device(format!("no kernel runs {refused}")));
        };
        builder.linear(gpu::Linear {
            weights: self.weights.head,
            input: hidden.buffer,
            norm: hidden.norm,
            bias: None,
            output: self.logits,
            add: false,
            rows: match ends {
                Ends::Next => gpu::Rows::Last,
                Ends::Score => gpu::Rows::All,
            },
        });
        if let Ends::Score = ends {
            builder.score(gpu::Sample {
                logits: self.logits,
                vocab: self.config.vocab_size,
            });
        }
        Ok(pass)
    }
}
