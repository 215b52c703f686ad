//! From published tensors to modules: matrices side by side, experts stacked, input-major.

use std::borrow::Cow;

use burn::module::Param;
use burn::nn::{RmsNorm, RmsNormConfig};
use burn::tensor::{Device, Tensor, TensorData};

use super::TensorSource;
use crate::attention::{Attention, AttentionShape};
use crate::config::LmConfig;
use crate::error::ModelError;
#[cfg(feature = "fused")]
use crate::fused::Packed;
use crate::lm::{Block, FeedForward, MoeLm};
use crate::moe::{DenseMlp, Experts, MoeLayer, SharedExpert};
use crate::rope::RopeTable;
use crate::weight::{Table, Weight};

/// How a model keeps its matrices.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// As numbers of 32 bits.
    Reals,
    /// In blocks of 8 bits where their rows allow it, gates excepted; on the CPU only.
    #[cfg(feature = "fused")]
    Packed,
}

/// Builds the model on a device.
///
/// # Errors
/// [`ModelError::TensorMissing`] if `tensors` lacks one that `config` calls for.
pub fn build(
    config: &LmConfig,
    tensors: &dyn TensorSource,
    device: &Device,
    storage: Storage,
) -> Result<MoeLm, ModelError> {
    let parts = Parts::new(config, tensors, device, storage);
    let blocks: Result<Vec<Block>, ModelError> = (0..config.n_layers)
        .map(|layer| parts.block(layer))
        .collect();
    let (v, d) = (config.vocab_size, config.d_model);
    let head = if config.tied_head {
        None
    } else {
        Some(parts.weight(&[("lm_head.weight", v)], d)?)
    };
    Ok(MoeLm {
        embedding: parts.table("model.embed_tokens.weight", v, d)?,
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
pub(crate) struct Parts<'a> {
    config: &'a LmConfig,
    tensors: &'a dyn TensorSource,
    device: &'a Device,
    storage: Storage,
}

impl<'a> Parts<'a> {
    pub fn new(
        config: &'a LmConfig,
        tensors: &'a dyn TensorSource,
        device: &'a Device,
        storage: Storage,
    ) -> Self {
        Self {
            config,
            tensors,
            device,
            storage,
        }
    }

    pub fn get(&self, name: &str, shape: &[usize]) -> Result<Cow<'a, [f32]>, ModelError> {
        let missing = || ModelError::TensorMissing {
            name: name.to_owned(),
            expected: shape.to_vec(),
            found: self.tensors.count(),
        };
        self.tensors.tensor(name).ok_or_else(missing)
    }

    fn tensor<const N: usize>(&self, values: Vec<f32>, shape: [usize; N]) -> Tensor<N> {
        Tensor::from_data(TensorData::new(values, shape), self.device)
    }

    pub fn norm(&self, name: &str, width: usize) -> Result<RmsNorm, ModelError> {
        let gamma = self.get(name, &[width])?.into_owned();
        let mut norm = RmsNormConfig::new(width)
            .with_epsilon(self.config.rms_norm_eps)
            .init(self.device);
        norm.gamma = Param::from_tensor(self.tensor(gamma, [width]));
        Ok(norm)
    }

    /// One published [out, in] matrix as [in, out].
    pub fn matrix(
        &self,
        name: &str,
        out: usize,
        inp: usize,
    ) -> Result<Param<Tensor<2>>, ModelError> {
        let mut values = vec![0.0; inp * out];
        self.transpose_into(&mut values, &[(name, out)], inp)?;
        Ok(Param::from_tensor(self.tensor(values, [inp, out])))
    }

    /// Published [out_i, in] matrices as one [in, out_0 + out_1 + ..].
    fn weight(&self, parts: &[(&str, usize)], inp: usize) -> Result<Weight<2>, ModelError> {
        self.stack(&[parts], inp)
    }

    /// S times published [out_i, in] matrices as one [in, out_0 + out_1 + ..].
    fn stack<const N: usize, P: AsRef<str>>(
        &self,
        matrices: &[impl AsRef<[(P, usize)]>],
        inp: usize,
    ) -> Result<Weight<N>, ModelError> {
        let parts = matrices.first().map(AsRef::as_ref).unwrap_or_default();
        let width: usize = parts.iter().map(|(_, out)| out).sum();
        #[cfg(feature = "fused")]
        if self.packs(inp) {
            let mut values = Vec::with_capacity(matrices.len() * width * inp);
            for (name, out) in matrices.iter().flat_map(AsRef::as_ref) {
                values.extend_from_slice(&self.get(name.as_ref(), &[*out, inp])?);
            }
            return Ok(Weight::Packed(Packed::new(&values, matrices.len(), inp)));
        }
        let mut values = vec![0.0; matrices.len() * inp * width];
        for (target, parts) in values.chunks_exact_mut(inp * width).zip(matrices) {
            self.transpose_into(target, parts.as_ref(), inp)?;
        }
        let stack = [matrices.len(), inp, width];
        let shape: [usize; N] = std::array::from_fn(|i| stack[i + 3 - N]);
        Ok(Weight::Real(Param::from_tensor(self.tensor(values, shape))))
    }

    /// A published [V, D] table.
    fn table(&self, name: &str, v: usize, d: usize) -> Result<Table, ModelError> {
        let values = self.get(name, &[v, d])?;
        #[cfg(feature = "fused")]
        if self.packs(d) {
            return Ok(Table::Packed(Packed::new(&values, 1, d)));
        }
        let table = self.tensor(values.into_owned(), [v, d]);
        Ok(Table::Real(Param::from_tensor(table)))
    }

    #[cfg(feature = "fused")]
    fn packs(&self, inp: usize) -> bool {
        self.storage == Storage::Packed && Packed::fits(inp)
    }

    fn transpose_into<P: AsRef<str>>(
        &self,
        target: &mut [f32],
        parts: &[(P, usize)],
        inp: usize,
    ) -> Result<(), ModelError> {
        let width: usize = parts.iter().map(|(_, out)| out).sum();
        let mut column = 0;
        for (name, out) in parts {
            let source = self.get(name.as_ref(), &[*out, inp])?;
            for (o, row) in source.chunks_exact(inp).enumerate() {
                for (i, &value) in row.iter().enumerate() {
                    target[i * width + column + o] = value;
                }
            }
            column += out;
        }
        Ok(())
    }

    pub fn block(&self, layer: usize) -> Result<Block, ModelError> {
        let c = self.config;
        let at = |name: &str| format!("model.layers.{layer}.{name}.weight");
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let (q_norm, k_norm) = match c.qk_norm_widths() {
            Some((q, k)) => (
                Some(self.norm(&at("self_attn.q_norm"), q)?),
                Some(self.norm(&at("self_attn.k_norm"), k)?),
            ),
            None => (None, None),
        };
        let qkv = [
            (&*at("self_attn.q_proj"), d_q),
            (&*at("self_attn.k_proj"), d_kv),
            (&*at("self_attn.v_proj"), d_kv),
        ];
        let attention = Attention {
            qkv: self.weight(&qkv, c.d_model)?,
            qkv_bias: match c.qkv_bias {
                true => Some(self.qkv_bias(layer)?),
                false => None,
            },
            out: self.weight(&[(&*at("self_attn.o_proj"), c.d_model)], d_q)?,
            q_norm,
            k_norm,
            shape: AttentionShape::from(c),
        };
        let feed_forward = if c.moe_layers.contains(&layer) {
            FeedForward::Moe(self.moe(layer)?)
        } else {
            FeedForward::Dense(self.mlp(&format!("model.layers.{layer}.mlp"), c.d_ff_dense)?)
        };
        Ok(Block {
            attention_norm: self.norm(&at("input_layernorm"), c.d_model)?,
            attention,
            feed_forward_norm: self.norm(&at("post_attention_layernorm"), c.d_model)?,
            feed_forward,
        })
    }

    /// Biases of q, k and v side by side.
    fn qkv_bias(&self, layer: usize) -> Result<Param<Tensor<1>>, ModelError> {
        let c = self.config;
        let (d_q, d_kv) = (c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let mut values = Vec::with_capacity(d_q + 2 * d_kv);
        for (name, width) in [("q", d_q), ("k", d_kv), ("v", d_kv)] {
            let name = format!("model.layers.{layer}.self_attn.{name}_proj.bias");
            values.extend_from_slice(&self.get(&name, &[width])?);
        }
        Ok(Param::from_tensor(self.tensor(values, [d_q + 2 * d_kv])))
    }

    fn mlp(&self, prefix: &str, f: usize) -> Result<DenseMlp, ModelError> {
        let at = |name: &str| format!("{prefix}.{name}.weight");
        let d = self.config.d_model;
        let gate_up = [(&*at("gate_proj"), f), (&*at("up_proj"), f)];
        Ok(DenseMlp {
            gate_up: self.weight(&gate_up, d)?,
            down: self.weight(&[(&*at("down_proj"), d)], f)?,
        })
    }

    fn shared(&self, layer: usize) -> Result<Option<SharedExpert>, ModelError> {
        let (d, f) = (self.config.d_model, self.config.d_ff_shared);
        if f == 0 {
            return Ok(None);
        }
        let at = |name: &str| format!("model.layers.{layer}.mlp.{name}");
        Ok(Some(SharedExpert {
            gate: self.matrix(&at("shared_expert_gate.weight"), 1, d)?,
            mlp: self.mlp(&at("shared_expert"), f)?,
        }))
    }

    fn moe(&self, layer: usize) -> Result<MoeLayer, ModelError> {
        let (e, d, f) = (
            self.config.n_experts,
            self.config.d_model,
            self.config.d_ff_expert,
        );
        let at = |expert: usize, name: &str| {
            format!("model.layers.{layer}.mlp.experts.{expert}.{name}.weight")
        };
        let pair = |expert| [(at(expert, "gate_proj"), f), (at(expert, "up_proj"), f)];
        let down = |expert| [(at(expert, "down_proj"), d)];
        let gate = self.matrix(&format!("model.layers.{layer}.mlp.gate.weight"), e, d)?;
        let experts = Experts {
            gate_up: self.stack(&(0..e).map(pair).collect::<Vec<_>>(), d)?,
            down: self.stack(&(0..e).map(down).collect::<Vec<_>>(), f)?,
        };
        let shared = self.shared(layer)?;
        Ok(MoeLayer {
            gate,
            experts,
            shared,
        })
    }
}
