//! Records the passes of a language model: embedding, layers, head.

use moescope_shaders as gpu;

use super::body::{Body, Places, spec_words};
use super::device;
use super::weights::{Upload, n_shared};
use crate::checkpoint::TensorSource;
use crate::config::LmConfig;
use crate::error::ModelError;

/// Tokens of one pass at most.
const MAX_CHUNK: usize = 512;
/// Bytes of logits of one pass at most.
const MAX_LOGITS: usize = 64 << 20;

/// A model to record: its weights, and the buffers of its activations.
#[derive(Debug)]
pub(super) struct Model {
    /// [V, D]
    embedding: gpu::Matrix,
    /// [V, D]; the embedding where the head is tied.
    head: gpu::Matrix,
    body: Body,
    /// [T, V]
    pub logits: gpu::Buffer,
}

/// How a pass ends, behind the head.
#[derive(Clone, Copy)]
pub(super) enum Ends {
    /// With the logits of the last token, and the token that is drawn from them.
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
        spec_words: spec_words(n_moe_layers),
    }
}

impl Model {
    /// Declares the buffers of weights and activations.
    ///
    /// # Errors
    /// [`ModelError::Device`] for an embedding whose rows do not fit the format.
    pub fn declare(
        config: &LmConfig,
        recording: &mut gpu::Recording,
        format: gpu::Format,
    ) -> Result<Self, ModelError> {
        let (v, d) = (config.vocab_size, config.d_model);
        let embedding = device(recording.matrix("embedding", v, d, format))?;
        let head = match config.tied_head {
            true => embedding,
            false => device(recording.matrix("head", v, d, format))?,
        };
        let places = Places {
            table: recording.rotary_table(config.head_dim, config.rope_theta),
            sees: gpu::Sees::Past,
        };
        Ok(Self {
            embedding,
            head,
            body: Body::declare(config, recording, format, places)?,
            logits: recording.activations("logits", v),
        })
    }

    /// Records one pass over the caches of a place.
    ///
    /// # Errors
    /// [`ModelError::Device`] if no kernel runs what the forward pass asks for.
    pub async fn record(
        &self,
        config: &LmConfig,
        recording: &mut gpu::Recording,
        caches: &[gpu::Buffer],
        mode: gpu::Mode,
        ends: Ends,
    ) -> Result<gpu::PassId, ModelError> {
        let pass = recording.add_pass("forward", mode);
        let mut builder = recording.record(pass);
        builder.embedding(self.embedding, self.body.x);
        let hidden = self.body.record(config, &mut builder, caches, &[]).await?;
        builder.linear(gpu::Linear {
            weights: self.head,
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
        let (logits, vocab) = (self.logits, config.vocab_size);
        let sample = gpu::Sample { logits, vocab };
        match ends {
            Ends::Next => builder.sample(sample),
            Ends::Score => builder.score(sample),
        }
        Ok(pass)
    }

    /// Fills every buffer of weights.
    pub fn upload(
        &self,
        config: &LmConfig,
        tensors: &dyn TensorSource,
        plan: &gpu::Plan,
    ) -> Result<(), ModelError> {
        let upload = Upload { tensors, plan };
        upload.rows(&self.embedding, 0, "model.embed_tokens.weight")?;
        if !config.tied_head {
            upload.rows(&self.head, 0, "lm_head.weight")?;
        }
        self.body.trunk.upload(config, &upload)
    }
}
