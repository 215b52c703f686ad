//! Turns the forward pass into dispatches: an operation waits until it is clear what it can be run together with.
//!
//! A norm waits for the product that reads it, a product for the sum it goes into, a gated linear unit for both of its
//! products. So a block with experts becomes 8 dispatches, and what `forward.rs` of this crate says stays readable.
//! An order of operations that no kernel runs is refused when the plan is recorded, never while a token waits.

use moescope_shaders as gpu;

use crate::error::ModelError;
use crate::forward::Operations;

/// Records one pass.
pub(super) struct Recorder<'a, 'r> {
    pub pass: &'a mut gpu::PassBuilder<'r>,
    pub scratch: Scratch,
    pub heads: Heads,
    /// What no kernel runs, if anything came up.
    pub refused: Option<String>,
    /// Layers with experts so far.
    pub n_moe_layers: usize,
}

/// Buffers of every layer in turn.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scratch {
    /// [T, (H + 2 * H_kv) * head_dim]
    pub qkv: gpu::Buffer,
    /// [T, H * head_dim]
    pub q: gpu::Buffer,
    /// [T, H * head_dim]
    pub mixed: gpu::Buffer,
    /// [T, E], or [T, E + 1] with a shared expert.
    pub gating: Option<gpu::Buffer>,
}

/// What attention is like in every layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Heads {
    pub n_heads: usize,
    pub n_kv_heads: usize,
    pub head_dim: usize,
    pub qk_norm: gpu::QkNorm,
    pub epsilon: f32,
    pub clip: Option<f32>,
    /// Rotary angles.
    pub table: gpu::Buffer,
    pub sees: gpu::Sees,
}

/// A matrix and its bias.
#[derive(Clone, Copy, Debug)]
pub(super) enum Linear {
    Own {
        weights: gpu::Matrix,
        bias: Option<gpu::Buffer>,
    },
    /// Part of the shared expert, which is recorded among the routed ones: as some more of them that always act.
    AmongExperts,
}

/// Scales of the norms of queries and keys, the cache of the layer, and the bias on its scores.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attention {
    /// Of queries, then of keys.
    pub gains: Option<gpu::Buffer>,
    pub cache: gpu::Buffer,
    /// [H, P, P]
    pub bias: Option<gpu::Buffer>,
}

/// Gated linear units stacked: [E * 2 F, D] and [E * D, F].
#[derive(Clone, Copy, Debug)]
pub(super) struct Experts {
    pub gate_up: gpu::Matrix,
    pub down: gpu::Matrix,
}

/// What a product reads: a buffer, perhaps through a norm.
#[derive(Clone, Copy, Debug)]
pub(super) struct Input {
    pub buffer: gpu::Buffer,
    pub norm: Option<gpu::Norm>,
}

/// Rows that are there, or what is still to be done for them.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rows {
    Stored(Input),
    Product {
        input: Input,
        weights: gpu::Matrix,
        bias: Option<gpu::Buffer>,
    },
    /// silu(gate) * up of a product.
    Gated {
        input: Input,
        gate_up: gpu::Matrix,
    },
    /// The outputs of experts, to be added up; without a layer those of one network that always acts.
    Mixture {
        input: Input,
        experts: Experts,
        moe_layer: Option<usize>,
    },
    /// Counted among the experts.
    AmongExperts,
    /// Follows from what was refused.
    Nowhere,
}

impl Rows {
    pub fn stored(buffer: gpu::Buffer) -> Self {
        Self::Stored(Input { buffer, norm: None })
    }
}

impl Recorder<'_, '_> {
    fn refuse(&mut self, what: &str) -> Rows {
        self.refused.get_or_insert_with(|| what.to_owned());
        Rows::Nowhere
    }

    /// Runs a product into a buffer, or adds it to what is there.
    fn product(&mut self, x: Rows, output: gpu::Buffer, add: bool) {
        let Rows::Product {
            input,
            weights,
            bias,
        } = x
        else {
            self.refuse("a product was expected");
            return;
        };
        self.pass.linear(gpu::Linear {
            weights,
            input: input.buffer,
            norm: input.norm,
            bias,
            output,
            add,
            rows: gpu::Rows::All,
        });
    }
}

impl Operations for Recorder<'_, '_> {
    type Rows = Rows;
    type Decision = usize;
    type Norm = gpu::Norm;
    type Matrix = Linear;
    type Attention = Attention;
    type Experts = Experts;

    fn norm(&mut self, norm: gpu::Norm, x: Rows) -> Rows {
        match x {
            Rows::Stored(Input { buffer, norm: None }) => {
                let norm = Some(norm);
                Rows::Stored(Input { buffer, norm })
            }
            _ => self.refuse("a norm of what is not stored"),
        }
    }

    fn multiply(&mut self, x: Rows, matrix: Linear) -> Rows {
        match (x, matrix) {
            (Rows::Stored(_), Linear::AmongExperts) | (Rows::AmongExperts, _) => Rows::AmongExperts,
            (Rows::Stored(input), Linear::Own { weights, bias }) => Rows::Product {
                input,
                weights,
                bias,
            },
            (Rows::Gated { input, gate_up }, Linear::Own { weights, .. }) => Rows::Mixture {
                input,
                experts: Experts {
                    gate_up,
                    down: weights,
                },
                moe_layer: None,
            },
            _ => self.refuse("a product of what is not stored"),
        }
    }

    fn attend(&mut self, _layer: usize, attention: Attention, qkv: Rows) -> Rows {
        let Scratch {
            qkv: buffer,
            q,
            mixed,
            ..
        } = self.scratch;
        self.product(qkv, buffer, false);
        let Heads {
            n_heads,
            n_kv_heads,
            head_dim,
            qk_norm,
            epsilon,
            clip,
            table,
            sees,
        } = self.heads;
        let Attention { gains, cache, bias } = attention;
        self.pass.rotary(gpu::Rotary {
            qkv: buffer,
            q,
            cache,
            table,
            n_heads,
            n_kv_heads,
            head_dim,
            norm: qk_norm,
            gains,
            epsilon,
            clip,
        });
        let attended = self.pass.attention(gpu::Attention {
            q,
            cache,
            output: mixed,
            n_heads,
            n_kv_heads,
            head_dim,
            sees,
            bias,
        });
        match attended {
            Ok(()) => Rows::stored(mixed),
            Err(error) => self.refuse(&error.to_string()),
        }
    }

    fn gated_unit(&mut self, gate_up: Rows) -> Rows {
        match gate_up {
            Rows::AmongExperts => Rows::AmongExperts,
            Rows::Product {
                input,
                weights,
                bias: None,
            } => Rows::Gated {
                input,
                gate_up: weights,
            },
            _ => self.refuse("a gated unit of what is no product"),
        }
    }

    async fn route(&mut self, layer: usize, logits_te: Rows) -> Result<usize, ModelError> {
        let moe_layer = self.n_moe_layers;
        self.n_moe_layers += 1;
        if let Some(logits) = self.scratch.gating {
            self.product(logits_te, logits, false);
            self.pass.route(gpu::Route {
                logits,
                layer,
                moe_layer,
            });
        }
        Ok(moe_layer)
    }

    fn experts(&mut self, experts: Experts, x_td: Rows, moe_layer: usize) -> Rows {
        match x_td {
            Rows::Stored(input) => Rows::Mixture {
                input,
                experts,
                moe_layer: Some(moe_layer),
            },
            _ => self.refuse("experts on what is not stored"),
        }
    }

    fn share(&mut self, x_td: Rows, share_t1: Rows) -> Rows {
        match (x_td, share_t1) {
            (Rows::AmongExperts, Rows::AmongExperts) => Rows::AmongExperts,
            _ => self.refuse("a share of what is not among the experts"),
        }
    }

    fn add(&mut self, x_td: Rows, y_td: Rows) -> Rows {
        let Rows::Stored(Input { buffer, norm: None }) = x_td else {
            return self.refuse("a sum onto what is not stored");
        };
        match y_td {
            Rows::Product { .. } => self.product(y_td, buffer, true),
            Rows::Mixture {
                input,
                experts: Experts { gate_up, down },
                moe_layer,
            } => self.pass.experts(gpu::Experts {
                gate_up,
                down,
                input: input.buffer,
                norm: input.norm,
                output: buffer,
                moe_layer,
            }),
            Rows::AmongExperts => {}
            _ => return self.refuse("a sum of what is not there"),
        }
        x_td
    }
}
