//! From modules back to published tensors: the inverse of `build`.

use burn::module::Param;
use burn::tensor::Tensor;

use super::Tensors;
use crate::config::LmConfig;
use crate::error::ModelError;
use crate::host_router::read_f32;
use crate::lm::{Block, FeedForward, MoeLm};
use crate::moe::{DenseMlp, MoeLayer};

/// Reads the model's weights back into published names and layout.
///
/// # Errors
/// [`ModelError::Device`] if the device cannot read.
pub async fn export(config: &LmConfig, model: &MoeLm) -> Result<Tensors, ModelError> {
    let mut sink = Sink::default();
    let embedding = read_f32(model.embedding.reals()).await?;
    sink.tensors
        .insert("model.embed_tokens.weight".to_owned(), embedding);
    for (layer, block) in model.blocks.iter().enumerate() {
        sink.block(config, layer, block).await?;
    }
    sink.plain("model.norm.weight", &model.norm.gamma).await?;
    if let Some(head) = &model.head {
        let parts = [("lm_head.weight".to_owned(), config.vocab_size)];
        sink.split(&parts, &read_f32(head.reals()).await?);
    }
    Ok(sink.tensors)
}

async fn read<const N: usize>(param: &Param<Tensor<N>>) -> Result<Vec<f32>, ModelError> {
    read_f32(param.val()).await
}

/// Modules on their way back to published tensors.
#[derive(Default)]
pub(crate) struct Sink {
    tensors: Tensors,
}

impl Sink {
    pub fn into_tensors(self) -> Tensors {
        self.tensors
    }

    /// One [in, out] matrix as the published [out, in].
    pub async fn matrix(
        &mut self,
        name: String,
        out: usize,
        param: &Param<Tensor<2>>,
    ) -> Result<(), ModelError> {
        self.split(&[(name, out)], &read(param).await?);
        Ok(())
    }

    pub async fn plain<const N: usize>(
        &mut self,
        name: &str,
        param: &Param<Tensor<N>>,
    ) -> Result<(), ModelError> {
        self.tensors.insert(name.to_owned(), read(param).await?);
        Ok(())
    }

    /// The inverse of `Parts::transpose_into`.
    fn split(&mut self, parts: &[(String, usize)], values: &[f32]) {
        let width: usize = parts.iter().map(|(_, out)| out).sum();
        let mut column = 0;
        for (name, out) in parts {
            let columns = column..column + out;
            let tensor = columns
                .flat_map(|o| values.iter().skip(o).step_by(width).copied())
                .collect();
            self.tensors.insert(name.clone(), tensor);
            column += out;
        }
    }

    pub async fn block(
        &mut self,
        c: &LmConfig,
        layer: usize,
        block: &Block,
    ) -> Result<(), ModelError> {
        let at = |name: &str| format!("model.layers.{layer}.{name}.weight");
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let attention = &block.attention;
        self.plain(&at("input_layernorm"), &block.attention_norm.gamma)
            .await?;
        self.plain(
            &at("post_attention_layernorm"),
            &block.feed_forward_norm.gamma,
        )
        .await?;
        if let Some(norm) = &attention.q_norm {
            self.plain(&at("self_attn.q_norm"), &norm.gamma).await?;
        }
        if let Some(norm) = &attention.k_norm {
            self.plain(&at("self_attn.k_norm"), &norm.gamma).await?;
        }
        if let Some(bias) = &attention.qkv_bias {
            let parts = [("q", d_q), ("k", d_kv), ("v", d_kv)].map(|(name, width)| {
                let name = format!("model.layers.{layer}.self_attn.{name}_proj.bias");
                (name, width)
            });
            self.split(&parts, &read(bias).await?);
        }
        let qkv = [
            (at("self_attn.q_proj"), d_q),
            (at("self_attn.k_proj"), d_kv),
            (at("self_attn.v_proj"), d_kv),
        ];
        self.split(&qkv, &read_f32(attention.qkv.reals()).await?);
        let out = [(at("self_attn.o_proj"), c.d_model)];
        self.split(&out, &read_f32(attention.out.reals()).await?);
        match &block.feed_forward {
            FeedForward::Dense(mlp) => {
                let prefix = format!("model.layers.{layer}.mlp");
                self.mlp(&prefix, c.d_model, c.d_ff_dense, mlp).await?;
            }
            FeedForward::Moe(moe) => self.moe(c, layer, moe).await?,
        }
        Ok(())
    }

    async fn mlp(
        &mut self,
        prefix: &str,
        d: usize,
        f: usize,
        mlp: &DenseMlp,
    ) -> Result<(), ModelError> {
        let at = |name: &str| format!("{prefix}.{name}.weight");
        let gate_up = [(at("gate_proj"), f), (at("up_proj"), f)];
        self.split(&gate_up, &read_f32(mlp.gate_up.reals()).await?);
        self.split(&[(at("down_proj"), d)], &read_f32(mlp.down.reals()).await?);
        Ok(())
    }

    async fn moe(&mut self, c: &LmConfig, layer: usize, moe: &MoeLayer) -> Result<(), ModelError> {
        let at = |name: &str| format!("model.layers.{layer}.mlp.{name}.weight");
        let (d, f) = (c.d_model, c.d_ff_expert);
        self.split(&[(at("gate"), c.n_experts)], &read(&moe.gate).await?);
        let gate_up = read_f32(moe.experts.gate_up.reals()).await?;
        let down = read_f32(moe.experts.down.reals()).await?;
        for expert in 0..c.n_experts {
            let at = |name: &str| at(&format!("experts.{expert}.{name}"));
            let pair = [(at("gate_proj"), f), (at("up_proj"), f)];
            self.split(&pair, &gate_up[expert * d * 2 * f..][..d * 2 * f]);
            self.split(&[(at("down_proj"), d)], &down[expert * f * d..][..f * d]);
        }
        if let Some(shared) = &moe.shared {
            let gate = read(&shared.gate).await?;
            self.split(&[(at("shared_expert_gate"), 1)], &gate);
            let prefix = format!("model.layers.{layer}.mlp.shared_expert");
            self.mlp(&prefix, d, c.d_ff_shared, &shared.mlp).await?;
        }
        Ok(())
    }
}
