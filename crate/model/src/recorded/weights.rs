//! Weights of the layers of a recorded model: which buffers there are, and how published tensors get into them.
//!
//! Matrices stay output-major, as they are published. A shared expert is cut into parts as wide as a routed expert,
//! which stand behind the routed ones and always act; the row of its own gate stands behind those of the router.

use std::borrow::Cow;

use moescope_shaders as gpu;

use super::device;
use super::forward::{Attention, Experts, Linear, Recorder};
use crate::checkpoint::TensorSource;
use crate::config::LmConfig;
use crate::error::ModelError;
use crate::forward::{FeedForward, Layer, Mlp, Shared};

/// Buffers of all layers and of the norm behind them.
#[derive(Debug)]
pub(super) struct Trunk {
    pub last_norm: gpu::Norm,
    layers: Vec<LayerWeights>,
}

#[derive(Debug)]
struct LayerWeights {
    attention_norm: gpu::Norm,
    qkv: gpu::Matrix,
    qkv_bias: Option<gpu::Buffer>,
    /// Of the norms of queries, then of keys.
    gains: Option<gpu::Buffer>,
    out: gpu::Matrix,
    feed_forward_norm: gpu::Norm,
    /// [E, D], or [E + 1, D] with a shared expert; none in a dense layer.
    gate: Option<gpu::Matrix>,
    experts: Experts,
}

/// Parts into which the shared expert is cut.
pub(super) fn n_shared(config: &LmConfig) -> usize {
    config.d_ff_shared.div_ceil(config.d_ff_expert.max(1))
}

impl Trunk {
    /// Declares every buffer.
    pub fn declare(
        config: &LmConfig,
        recording: &mut gpu::Recording,
        format: gpu::Format,
    ) -> Result<Self, ModelError> {
        let mut declare = Declare {
            config,
            recording,
            format,
        };
        let last_norm = declare.norm("norm");
        let layers: Result<_, ModelError> =
            (0..config.n_layers).map(|l| declare.layer(l)).collect();
        Ok(Self {
            last_norm,
            layers: layers?,
        })
    }

    /// The layers under the names of the forward pass, with the cache of one sequence; `biases` are those on attention
    /// scores, if there are any.
    pub fn layers<'a, 'r>(
        &self,
        config: &LmConfig,
        caches: &[gpu::Buffer],
        biases: &[gpu::Buffer],
    ) -> Vec<Layer<Recorder<'a, 'r>>> {
        let layers = self.layers.iter().zip(caches).enumerate();
        layers
            .map(|(i, (weights, cache))| weights.named(config, *cache, biases.get(i).copied()))
            .collect()
    }

    /// Fills every buffer.
    pub fn upload(&self, config: &LmConfig, upload: &Upload) -> Result<(), ModelError> {
        upload.reals(self.last_norm.gain, 0, "model.norm.weight")?;
        for (index, layer) in self.layers.iter().enumerate() {
            upload.layer(config, index, layer)?;
        }
        Ok(())
    }
}

impl LayerWeights {
    fn named<'a, 'r>(
        &self,
        config: &LmConfig,
        cache: gpu::Buffer,
        bias: Option<gpu::Buffer>,
    ) -> Layer<Recorder<'a, 'r>> {
        let own = |weights| Linear::Own {
            weights,
            bias: None,
        };
        Layer {
            attention_norm: self.attention_norm,
            qkv: Linear::Own {
                weights: self.qkv,
                bias: self.qkv_bias,
            },
            attention: Attention {
                gains: self.gains,
                cache,
                bias,
            },
            out: own(self.out),
            feed_forward_norm: self.feed_forward_norm,
            feed_forward: match self.gate {
                None => FeedForward::Dense(Mlp {
                    gate_up: own(self.experts.gate_up),
                    down: own(self.experts.down),
                }),
                Some(gate) => FeedForward::Mixture {
                    gate: own(gate),
                    experts: self.experts,
                    shared: (config.d_ff_shared > 0).then_some(Shared {
                        gate: Linear::AmongExperts,
                        mlp: Mlp {
                            gate_up: Linear::AmongExperts,
                            down: Linear::AmongExperts,
                        },
                    }),
                },
            },
        }
    }
}

/// A matrix in a format, or in float32 where its rows do not fit that.
pub(super) fn matrix(
    recording: &mut gpu::Recording,
    name: &str,
    [rows, columns]: [usize; 2],
    format: gpu::Format,
) -> Result<gpu::Matrix, ModelError> {
    let format = match format.fits(columns) {
        true => format,
        false => gpu::Format::F32,
    };
    device(recording.matrix(name, rows, columns, format))
}

struct Declare<'a> {
    config: &'a LmConfig,
    recording: &'a mut gpu::Recording,
    format: gpu::Format,
}

impl Declare<'_> {
    fn norm(&mut self, name: &str) -> gpu::Norm {
        gpu::Norm {
            gain: self.recording.vector(name, self.config.d_model),
            epsilon: self.config.rms_norm_eps as f32,
        }
    }

    fn matrix(
        &mut self,
        name: &str,
        rows: usize,
        columns: usize,
    ) -> Result<gpu::Matrix, ModelError> {
        matrix(self.recording, name, [rows, columns], self.format)
    }

    fn layer(&mut self, index: usize) -> Result<LayerWeights, ModelError> {
        let c = self.config;
        let at = |name: &str| format!("layers.{index}.{name}");
        let (d, d_q, d_kv) = (c.d_model, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let gains = c.qk_norm_widths();
        let gains = gains.map(|(q, k)| self.recording.vector(at("qk_norm"), q + k));
        let is_moe = c.moe_layers.contains(&index);
        let (n_experts, d_ff) = match is_moe {
            true => (c.n_experts + n_shared(c), c.d_ff_expert),
            false => (1, c.d_ff_dense),
        };
        let n_gates = c.n_experts + usize::from(c.d_ff_shared > 0);
        Ok(LayerWeights {
            attention_norm: self.norm(&at("attention_norm")),
            qkv: self.matrix(&at("qkv"), d_q + 2 * d_kv, d)?,
            qkv_bias: c
                .qkv_bias
                .then(|| self.recording.vector(at("qkv_bias"), d_q + 2 * d_kv)),
            gains,
            out: self.matrix(&at("out"), d, d_q)?,
            feed_forward_norm: self.norm(&at("feed_forward_norm")),
            // Gates stay exact: what they decide is the point.
            gate: match is_moe {
                true => {
                    let gate = at("gate");
                    let f32 = gpu::Format::F32;
                    Some(device(self.recording.matrix(&gate, n_gates, d, f32))?)
                }
                false => None,
            },
            experts: Experts {
                gate_up: self.matrix(&at("gate_up"), n_experts * 2 * d_ff, d)?,
                down: self.matrix(&at("down"), n_experts * d, d_ff)?,
            },
        })
    }
}

/// Published tensors on their way into a plan.
pub(super) struct Upload<'a> {
    pub tensors: &'a dyn TensorSource,
    pub plan: &'a gpu::Plan,
}

impl Upload<'_> {
    pub fn get(&self, name: &str) -> Result<Cow<'_, [f32]>, ModelError> {
        let missing = || ModelError::TensorMissing {
            name: name.to_owned(),
            expected: Vec::new(),
            found: self.tensors.count(),
        };
        self.tensors.tensor(name).ok_or_else(missing)
    }

    /// A published matrix as rows of one; returns how many.
    pub fn rows(
        &self,
        matrix: &gpu::Matrix,
        first: usize,
        name: &str,
    ) -> Result<usize, ModelError> {
        let values = self.get(name)?;
        device(self.plan.write_matrix(matrix, first, &values))?;
        Ok(values.len() / matrix.columns)
    }

    /// A published vector as part of one; returns its length.
    pub fn reals(
        &self,
        buffer: gpu::Buffer,
        first: usize,
        name: &str,
    ) -> Result<usize, ModelError> {
        let values = self.get(name)?;
        device(self.plan.write_reals(buffer, first, &values))?;
        Ok(values.len())
    }

    fn layer(
        &self,
        config: &LmConfig,
        index: usize,
        layer: &LayerWeights,
    ) -> Result<(), ModelError> {
        let prefix = format!("model.layers.{index}");
        let at = |name: &str| format!("{prefix}.{name}.weight");
        self.reals(layer.attention_norm.gain, 0, &at("input_layernorm"))?;
        let norm = layer.feed_forward_norm.gain;
        self.reals(norm, 0, &at("post_attention_layernorm"))?;
        let (mut row, mut place) = (0, 0);
        for name in ["q", "k", "v"] {
            row += self.rows(&layer.qkv, row, &at(&format!("self_attn.{name}_proj")))?;
            if let Some(bias) = layer.qkv_bias {
                let name = format!("{prefix}.self_attn.{name}_proj.bias");
                place += self.reals(bias, place, &name)?;
            }
        }
        self.rows(&layer.out, 0, &at("self_attn.o_proj"))?;
        if let Some(gains) = layer.gains {
            let place = self.reals(gains, 0, &at("self_attn.q_norm"))?;
            self.reals(gains, place, &at("self_attn.k_norm"))?;
        }
        match layer.gate {
            None => self.expert(&layer.experts, 0, &format!("{prefix}.mlp")),
            Some(gate) => self.mixture(config, &layer.experts, &gate, &prefix),
        }
    }

    fn mixture(
        &self,
        config: &LmConfig,
        experts: &Experts,
        gate: &gpu::Matrix,
        prefix: &str,
    ) -> Result<(), ModelError> {
        let n_experts = config.n_experts;
        self.rows(gate, 0, &format!("{prefix}.mlp.gate.weight"))?;
        for expert in 0..n_experts {
            let name = format!("{prefix}.mlp.experts.{expert}");
            self.expert(experts, expert, &name)?;
        }
        if config.d_ff_shared == 0 {
            return Ok(());
        }
        let name = format!("{prefix}.mlp.shared_expert_gate.weight");
        self.rows(gate, n_experts, &name)?;
        self.shared(config, experts, &format!("{prefix}.mlp.shared_expert"))
    }

    /// One gated linear unit in its place among the stacked ones.
    fn expert(&self, experts: &Experts, index: usize, name: &str) -> Result<(), ModelError> {
        let d_ff = experts.down.columns;
        let first = index * 2 * d_ff;
        self.rows(&experts.gate_up, first, &format!("{name}.gate_proj.weight"))?;
        let up = format!("{name}.up_proj.weight");
        self.rows(&experts.gate_up, first + d_ff, &up)?;
        // Of each expert as many rows down as columns up.
        let first = index * experts.gate_up.columns;
        self.rows(&experts.down, first, &format!("{name}.down_proj.weight"))?;
        Ok(())
    }

    /// The shared expert, cut into parts of F hidden units; the last is filled up with zeros.
    fn shared(&self, config: &LmConfig, experts: &Experts, name: &str) -> Result<(), ModelError> {
        let (d, width, d_ff) = (config.d_model, config.d_ff_shared, experts.down.columns);
        let [gate, up, down] =
            ["gate", "up", "down"].map(|part| format!("{name}.{part}_proj.weight"));
        let (gate, up, down) = (self.get(&gate)?, self.get(&up)?, self.get(&down)?);
        for part in 0..n_shared(config) {
            let index = config.n_experts + part;
            let hidden = part * d_ff..width.min((part + 1) * d_ff);
            for (i, rows) in [&gate, &up].into_iter().enumerate() {
                let mut rows = rows[hidden.start * d..hidden.end * d].to_vec();
                rows.resize(d_ff * d, 0.0);
                let first = (2 * index + i) * d_ff;
                device(self.plan.write_matrix(&experts.gate_up, first, &rows))?;
            }
            let mut columns = vec![0.0; d * d_ff];
            for (target, source) in columns.chunks_exact_mut(d_ff).zip(down.chunks_exact(width)) {
                target[..hidden.len()].copy_from_slice(&source[hidden.clone()]);
            }
            device(self.plan.write_matrix(&experts.down, index * d, &columns))?;
        }
        Ok(())
    }
}
