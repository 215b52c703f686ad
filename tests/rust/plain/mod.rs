//! A model that reads one token, written as plain loops over the tensors of a checkpoint, in f64.
//!
//! With a single token attention is the value itself, so that nothing here knows of positions, masks or caches.

use std::collections::BTreeMap;

use moescope_model::checkpoint::{Tensors, read_safetensors};
use moescope_model::config::LmConfig;
use moescope_tests::Checkpoint;

pub struct Plain {
    pub config: LmConfig,
    tensors: Tensors,
}

/// What one token came to.
pub struct Pass {
    pub logits: Vec<f64>,
    /// MoE layers by index.
    pub layers: BTreeMap<usize, Mixture>,
}

/// What the routed experts of a layer did.
pub struct Mixture {
    pub entering: Vec<f64>,
    /// (expert, weight)
    pub choices: Vec<(usize, f64)>,
    pub output: Vec<f64>,
}

impl Plain {
    pub fn new(checkpoint: &Checkpoint) -> Self {
        let config = LmConfig::from_json(&checkpoint.model.config).unwrap();
        let tensors = read_safetensors(&config, &checkpoint.model.weights).unwrap();
        Self { config, tensors }
    }

    /// Reads a token; at the layer of `alone` its expert stands in for the mixture.
    pub fn run(&self, id: u32, alone: Option<(usize, usize)>) -> Pass {
        let d = self.config.d_model;
        let row = &self.tensor("model.embed_tokens.weight")[id as usize * d..][..d];
        let mut x: Vec<f64> = row.iter().map(|&x| f64::from(x)).collect();
        let mut layers = BTreeMap::new();
        for layer in 0..self.config.n_layers {
            let attended = self.attention(layer, &x);
            add(&mut x, &attended, 1.0);
            let normed = self.norm(&self.named(layer, "post_attention_layernorm"), &x);
            if !self.config.moe_layers.contains(&layer) {
                add(
                    &mut x,
                    &self.mlp(&format!("model.layers.{layer}.mlp"), &normed),
                    1.0,
                );
                continue;
            }
            if self.config.d_ff_shared > 0 {
                let prefix = format!("model.layers.{layer}.mlp.shared_expert");
                let gate = product(self.tensor(&format!("{prefix}_gate.weight")), &normed)[0];
                add(
                    &mut x,
                    &self.mlp(&prefix, &normed),
                    1.0 / (1.0 + (-gate).exp()),
                );
            }
            let mixture = self.mixture(layer, normed);
            match alone {
                Some((here, expert)) if here == layer => {
                    let total = mixture.choices.iter().map(|choice| choice.1).sum();
                    let prefix = format!("model.layers.{layer}.mlp.experts.{expert}");
                    add(&mut x, &self.mlp(&prefix, &mixture.entering), total);
                }
                _ => add(&mut x, &mixture.output, 1.0),
            }
            layers.insert(layer, mixture);
        }
        let normed = self.norm("model.norm.weight", &x);
        let logits = product(self.head(), &normed);
        Pass { logits, layers }
    }

    /// The logits that an addition to the residual stream makes, up to the scale of the last norm.
    pub fn lens(&self, added: &[f64]) -> Vec<f64> {
        let scale = self.tensor("model.norm.weight");
        let scaled: Vec<f64> = added
            .iter()
            .zip(scale)
            .map(|(x, s)| x * f64::from(*s))
            .collect();
        product(self.head(), &scaled)
    }

    /// silu(gate x) * up x of one expert.
    pub fn hidden(&self, layer: usize, expert: usize, x: &[f64]) -> Vec<f64> {
        self.gated(&format!("model.layers.{layer}.mlp.experts.{expert}"), x)
    }

    pub fn expert(&self, layer: usize, expert: usize, matrix: &str) -> &[f32] {
        self.tensor(&format!(
            "model.layers.{layer}.mlp.experts.{expert}.{matrix}.weight"
        ))
    }

    fn mixture(&self, layer: usize, entering: Vec<f64>) -> Mixture {
        let scores = softmax(&product(
            self.tensor(&self.named(layer, "mlp.gate")),
            &entering,
        ));
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        order.truncate(self.config.top_k);
        let kept: f64 = order.iter().map(|&expert| scores[expert]).sum();
        let divisor = if self.config.renormalize { kept } else { 1.0 };
        let choices: Vec<(usize, f64)> = order.iter().map(|&e| (e, scores[e] / divisor)).collect();
        let mut output = vec![0.0; entering.len()];
        for &(expert, weight) in &choices {
            let prefix = format!("model.layers.{layer}.mlp.experts.{expert}");
            add(&mut output, &self.mlp(&prefix, &entering), weight);
        }
        Mixture {
            entering,
            choices,
            output,
        }
    }

    fn attention(&self, layer: usize, x: &[f64]) -> Vec<f64> {
        let normed = self.norm(&self.named(layer, "input_layernorm"), x);
        let mut values = product(self.tensor(&self.named(layer, "self_attn.v_proj")), &normed);
        if self.config.qkv_bias {
            let bias = self.tensor(&format!("model.layers.{layer}.self_attn.v_proj.bias"));
            for (value, bias) in values.iter_mut().zip(bias) {
                *value += f64::from(*bias);
            }
        }
        if let Some(bound) = self.config.clip_qkv {
            let bound = f64::from(bound);
            values
                .iter_mut()
                .for_each(|value| *value = value.clamp(-bound, bound));
        }
        let group = self.config.n_heads / self.config.n_kv_heads;
        let heads = (0..self.config.n_heads).map(|head| head / group * self.config.head_dim);
        let mixed: Vec<f64> = heads
            .flat_map(|start| values[start..start + self.config.head_dim].to_vec())
            .collect();
        product(self.tensor(&self.named(layer, "self_attn.o_proj")), &mixed)
    }

    fn mlp(&self, prefix: &str, x: &[f64]) -> Vec<f64> {
        product(
            self.tensor(&format!("{prefix}.down_proj.weight")),
            &self.gated(prefix, x),
        )
    }

    fn gated(&self, prefix: &str, x: &[f64]) -> Vec<f64> {
        let gate = product(self.tensor(&format!("{prefix}.gate_proj.weight")), x);
        let up = product(self.tensor(&format!("{prefix}.up_proj.weight")), x);
        let unit = |(gate, up): (f64, f64)| gate / (1.0 + (-gate).exp()) * up;
        gate.into_iter().zip(up).map(unit).collect()
    }

    fn norm(&self, scale: &str, x: &[f64]) -> Vec<f64> {
        let mean_square = x.iter().map(|x| x * x).sum::<f64>() / x.len() as f64;
        let divisor = (mean_square + self.config.rms_norm_eps).sqrt();
        let scaled = x.iter().zip(self.tensor(scale));
        scaled
            .map(|(x, scale)| x / divisor * f64::from(*scale))
            .collect()
    }

    fn head(&self) -> &[f32] {
        match self.config.tied_head {
            true => self.tensor("model.embed_tokens.weight"),
            false => self.tensor("lm_head.weight"),
        }
    }

    fn named(&self, layer: usize, name: &str) -> String {
        format!("model.layers.{layer}.{name}.weight")
    }

    fn tensor(&self, name: &str) -> &[f32] {
        &self.tensors[name]
    }
}

/// A row-major matrix [out, in] times a vector.
pub fn product(matrix: &[f32], x: &[f64]) -> Vec<f64> {
    let rows = matrix.chunks_exact(x.len());
    rows.map(|row| row.iter().zip(x).map(|(w, x)| f64::from(*w) * x).sum())
        .collect()
}

pub fn softmax(logits: &[f64]) -> Vec<f64> {
    let max = logits.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exp: Vec<f64> = logits.iter().map(|logit| (logit - max).exp()).collect();
    let total: f64 = exp.iter().sum();
    exp.into_iter().map(|x| x / total).collect()
}

fn add(x: &mut [f64], y: &[f64], weight: f64) {
    for (x, y) in x.iter_mut().zip(y) {
        *x += weight * y;
    }
}
