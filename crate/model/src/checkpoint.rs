//! Reading and writing Hugging Face weights (`model.safetensors`).
//!
//! Published checkpoints keep one matrix per projection and expert, output-major; the model keeps them stacked,
//! side by side and input-major. Both directions of that change are here, and nothing else knows about it.

use std::collections::HashMap;

use burn::module::Param;
use burn::nn::{RmsNorm, RmsNormConfig};
use burn::tensor::{Device, Tensor, TensorData};
use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::attention::{Attention, AttentionShape};
use crate::config::LmConfig;
use crate::error::ModelError;
use crate::host_router::read_f32;
use crate::lm::{Block, FeedForward, MoeLm};
use crate::moe::{DenseMlp, Experts, MoeLayer};
use crate::rope::RopeTable;

/// Tensors in published names and layout, as float32.
pub type Tensors = HashMap<String, Vec<f32>>;

/// Reads the tensors that `config` calls for out of a safetensors file.
///
/// # Errors
/// A damaged file, a missing tensor, another shape than the configuration implies, an unknown type.
pub fn read_safetensors(config: &LmConfig, bytes: &[u8]) -> Result<Tensors, ModelError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| ModelError::WeightsTruncated(format!("{e} ({} bytes)", bytes.len())))?;
    let mut tensors = Tensors::new();
    for (name, expected) in config.tensors() {
        let Ok(view) = file.tensor(&name) else {
            let found = file.len();
            return Err(ModelError::TensorMissing {
                name,
                expected,
                found,
            });
        };
        if view.shape() != expected {
            let got = view.shape().to_vec();
            return Err(ModelError::ShapeMismatch {
                name,
                expected,
                got,
            });
        }
        let values = to_f32(&name, &view)?;
        tensors.insert(name, values);
    }
    Ok(tensors)
}

fn to_f32(name: &str, view: &TensorView) -> Result<Vec<f32>, ModelError> {
    let data = view.data();
    let pairs = || data.chunks_exact(2).map(|b| [b[0], b[1]]);
    match view.dtype() {
        Dtype::F32 => Ok(data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()),
        Dtype::BF16 => Ok(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
        Dtype::F16 => Ok(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
        other => Err(ModelError::DtypeUnsupported {
            name: name.to_owned(),
            got: format!("{other:?}"),
        }),
    }
}

/// Writes tensors as bfloat16 safetensors.
///
/// # Errors
/// [`ModelError::TensorMissing`] if `tensors` lacks one that `config` calls for.
pub fn write_safetensors(config: &LmConfig, tensors: &Tensors) -> Result<Vec<u8>, ModelError> {
    let mut stored = Vec::new();
    for (name, shape) in config.tensors() {
        let Some(values) = tensors.get(&name) else {
            let found = tensors.len();
            return Err(ModelError::TensorMissing {
                name,
                expected: shape,
                found,
            });
        };
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|&x| bf16::from_f32(x).to_le_bytes())
            .collect();
        stored.push((name, shape, bytes));
    }
    let views: Result<Vec<_>, _> = stored
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::BF16, shape.clone(), bytes).map(|view| (name, view))
        })
        .collect();
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views
        .and_then(|views| safetensors::serialize(views, Some(format)))
        .map_err(|e| ModelError::WeightsTruncated(e.to_string()))
}

/// Builds the model on a device.
///
/// # Errors
/// [`ModelError::TensorMissing`] if `tensors` lacks one that `config` calls for.
pub fn build(config: &LmConfig, tensors: &Tensors, device: &Device) -> Result<MoeLm, ModelError> {
    let parts = Parts {
        config,
        tensors,
        device,
    };
    let blocks: Result<Vec<Block>, ModelError> = (0..config.n_layers)
        .map(|layer| parts.block(layer))
        .collect();
    let (v, d) = (config.vocab_size, config.d_model);
    let head = if config.tied_head {
        None
    } else {
        Some(parts.matrix("lm_head.weight", v, d)?)
    };
    let embedding = parts.get("model.embed_tokens.weight", &[v, d])?.to_vec();
    Ok(MoeLm {
        embedding: Param::from_tensor(parts.tensor(embedding, [v, d])),
        blocks: blocks?,
        norm: parts.norm("model.norm.weight", d)?,
        head,
        rope: RopeTable::new(
            config.max_positions,
            config.head_dim,
            config.rope_theta,
            device,
        ),
    })
}

/// Published tensors on their way into modules.
struct Parts<'a> {
    config: &'a LmConfig,
    tensors: &'a Tensors,
    device: &'a Device,
}

impl Parts<'_> {
    fn get(&self, name: &str, shape: &[usize]) -> Result<&[f32], ModelError> {
        self.tensors
            .get(name)
            .map(Vec::as_slice)
            .ok_or_else(|| ModelError::TensorMissing {
                name: name.to_owned(),
                expected: shape.to_vec(),
                found: self.tensors.len(),
            })
    }

    fn tensor<const N: usize>(&self, values: Vec<f32>, shape: [usize; N]) -> Tensor<N> {
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    fn norm(&self, name: &str, width: usize) -> Result<RmsNorm, ModelError> {
        let gamma = self.get(name, &[width])?.to_vec();
        let mut norm = RmsNormConfig::new(width)
            .with_epsilon(self.config.rms_norm_eps)
            .init(self.device);
        norm.gamma = Param::from_tensor(self.tensor(gamma, [width]));
        Ok(norm)
    }

    /// One published [out, in] matrix as [in, out].
    fn matrix(&self, name: &str, out: usize, inp: usize) -> Result<Param<Tensor<2>>, ModelError> {
        self.side_by_side(&[(name, out)], inp)
    }

    /// Published [out_i, in] matrices as one [in, out_0 + out_1 + ..].
    fn side_by_side(
        &self,
        parts: &[(&str, usize)],
        inp: usize,
    ) -> Result<Param<Tensor<2>>, ModelError> {
        let width = parts.iter().map(|(_, out)| out).sum();
        let mut values = vec![0.0; inp * width];
        self.transpose_into(&mut values, parts, inp)?;
        Ok(Param::from_tensor(self.tensor(values, [inp, width])))
    }

    fn transpose_into(
        &self,
        target: &mut [f32],
        parts: &[(&str, usize)],
        inp: usize,
    ) -> Result<(), ModelError> {
        let width: usize = parts.iter().map(|(_, out)| out).sum();
        let mut column = 0;
        for &(name, out) in parts {
            let source = self.get(name, &[out, inp])?;
            for (o, row) in source.chunks_exact(inp).enumerate() {
                for (i, &value) in row.iter().enumerate() {
                    target[i * width + column + o] = value;
                }
            }
            column += out;
        }
        Ok(())
    }

    fn block(&self, layer: usize) -> Result<Block, ModelError> {
        let c = self.config;
        let at = |name: &str| format!("model.layers.{layer}.{name}.weight");
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let (q_norm, k_norm) = c.qk_norm_widths();
        let qkv = [
            (&*at("self_attn.q_proj"), d_q),
            (&*at("self_attn.k_proj"), d_kv),
            (&*at("self_attn.v_proj"), d_kv),
        ];
        let attention = Attention {
            qkv: self.side_by_side(&qkv, c.d_model)?,
            out: self.matrix(&at("self_attn.o_proj"), c.d_model, d_q)?,
            q_norm: self.norm(&at("self_attn.q_norm"), q_norm)?,
            k_norm: self.norm(&at("self_attn.k_norm"), k_norm)?,
            shape: AttentionShape::from(c),
        };
        let feed_forward = if c.moe_layers.contains(&layer) {
            FeedForward::Moe(self.moe(layer)?)
        } else {
            let (d, f) = (c.d_model, c.d_ff_dense);
            let gate_up = [(&*at("mlp.gate_proj"), f), (&*at("mlp.up_proj"), f)];
            FeedForward::Dense(DenseMlp {
                gate_up: self.side_by_side(&gate_up, d)?,
                down: self.matrix(&at("mlp.down_proj"), d, f)?,
            })
        };
        Ok(Block {
            attention_norm: self.norm(&at("input_layernorm"), c.d_model)?,
            attention,
            feed_forward_norm: self.norm(&at("post_attention_layernorm"), c.d_model)?,
            feed_forward,
        })
    }

    fn moe(&self, layer: usize) -> Result<MoeLayer, ModelError> {
        let (e, d, f) = (
            self.config.n_experts,
            self.config.d_model,
            self.config.d_ff_expert,
        );
        let mut gate_up = vec![0.0; e * d * 2 * f];
        let mut down = vec![0.0; e * f * d];
        for expert in 0..e {
            let at =
                |name: &str| format!("model.layers.{layer}.mlp.experts.{expert}.{name}.weight");
            let pair = [(&*at("gate_proj"), f), (&*at("up_proj"), f)];
            let gate_up = &mut gate_up[expert * d * 2 * f..][..d * 2 * f];
            self.transpose_into(gate_up, &pair, d)?;
            let down = &mut down[expert * f * d..][..f * d];
            self.transpose_into(down, &[(&*at("down_proj"), d)], f)?;
        }
        let gate = self.matrix(&format!("model.layers.{layer}.mlp.gate.weight"), e, d)?;
        let experts = Experts {
            gate_up: Param::from_tensor(self.tensor(gate_up, [e, d, 2 * f])),
            down: Param::from_tensor(self.tensor(down, [e, f, d])),
        };
        Ok(MoeLayer { gate, experts })
    }
}

/// Reads the model's weights back into published names and layout.
///
/// # Errors
/// [`ModelError::Device`] if the device cannot read.
pub async fn export(config: &LmConfig, model: &MoeLm) -> Result<Tensors, ModelError> {
    let mut sink = Sink {
        tensors: Tensors::new(),
    };
    sink.plain("model.embed_tokens.weight", &model.embedding)
        .await?;
    for (layer, block) in model.blocks.iter().enumerate() {
        sink.block(config, layer, block).await?;
    }
    sink.plain("model.norm.weight", &model.norm.gamma).await?;
    if let Some(head) = &model.head {
        let parts = [("lm_head.weight".to_owned(), config.vocab_size)];
        sink.split(&parts, &read(head).await?);
    }
    Ok(sink.tensors)
}

async fn read<const N: usize>(param: &Param<Tensor<N>>) -> Result<Vec<f32>, ModelError> {
    read_f32(param.val()).await
}

struct Sink {
    tensors: Tensors,
}

impl Sink {
    async fn plain<const N: usize>(
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

    async fn block(&mut self, c: &LmConfig, layer: usize, block: &Block) -> Result<(), ModelError> {
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
        self.plain(&at("self_attn.q_norm"), &attention.q_norm.gamma)
            .await?;
        self.plain(&at("self_attn.k_norm"), &attention.k_norm.gamma)
            .await?;
        let qkv = [
            (at("self_attn.q_proj"), d_q),
            (at("self_attn.k_proj"), d_kv),
            (at("self_attn.v_proj"), d_kv),
        ];
        self.split(&qkv, &read(&attention.qkv).await?);
        let out = [(at("self_attn.o_proj"), c.d_model)];
        self.split(&out, &read(&attention.out).await?);
        match &block.feed_forward {
            FeedForward::Dense(mlp) => {
                let f = c.d_ff_dense;
                let gate_up = [(at("mlp.gate_proj"), f), (at("mlp.up_proj"), f)];
                self.split(&gate_up, &read(&mlp.gate_up).await?);
                let down = [(at("mlp.down_proj"), c.d_model)];
                self.split(&down, &read(&mlp.down).await?);
            }
            FeedForward::Moe(moe) => self.moe(c, layer, moe).await?,
        }
        Ok(())
    }

    async fn moe(&mut self, c: &LmConfig, layer: usize, moe: &MoeLayer) -> Result<(), ModelError> {
        let at = |name: &str| format!("model.layers.{layer}.mlp.{name}.weight");
        let (d, f) = (c.d_model, c.d_ff_expert);
        self.split(&[(at("gate"), c.n_experts)], &read(&moe.gate).await?);
        let gate_up = read(&moe.experts.gate_up).await?;
        let down = read(&moe.experts.down).await?;
        for expert in 0..c.n_experts {
            let at = |name: &str| at(&format!("experts.{expert}.{name}"));
            let pair = [(at("gate_proj"), f), (at("up_proj"), f)];
            self.split(&pair, &gate_up[expert * d * 2 * f..][..d * 2 * f]);
            self.split(&[(at("down_proj"), d)], &down[expert * f * d..][..f * d]);
        }
        Ok(())
    }
}
