//! What the operations of a transformer need: buffers, shapes and constants. [`crate::PassBuilder`] records them.

use crate::recorder::{Buffer, Matrix};

/// RMS norm of an operation's input.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    /// Gains, one for each column.
    pub gain: Buffer,
    /// Added to the mean square.
    pub epsilon: f32,
}

/// Which tokens an operation computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rows {
    /// All of the run.
    All,
    /// The last one, into row 0 of the output.
    Last,
}

/// output = weights · norm(input) + bias.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// `[N, K]`
    pub weights: Matrix,
    /// `[T, K]`
    pub input: Buffer,
    /// Norm of the input.
    pub norm: Option<Norm>,
    /// `[N]`
    pub bias: Option<Buffer>,
    /// `[T, N]`, not the input.
    pub output: Buffer,
    /// Adds to the output instead of replacing it.
    pub add: bool,
    /// Which tokens.
    pub rows: Rows,
}

/// What the norms of queries and keys are taken over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum QkNorm {
    /// There are none.
    None,
    /// Each head by itself.
    PerHead,
    /// All heads together.
    Whole,
}

/// Norms and rotation of queries and keys; keys and values into the cache.
#[derive(Clone, Copy, Debug)]
pub struct Rotary {
    /// `[T, (H + 2 H_kv) * head_dim]`
    pub qkv: Buffer,
    /// `[T, H * head_dim]`
    pub q: Buffer,
    /// `[2, H_kv, capacity, head_dim]`
    pub cache: Buffer,
    /// From [`Recording::rotary_table`].
    pub table: Buffer,
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What the norms are taken over.
    pub norm: QkNorm,
    /// Gains of queries, then of keys; as many as `norm` says.
    pub gains: Option<Buffer>,
    /// Added to the mean square.
    pub epsilon: f32,
    /// Bound on queries, keys and values.
    pub clip: Option<f32>,
}

/// Causal attention over the cache.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// `[T, H * head_dim]`
    pub q: Buffer,
    /// `[2, H_kv, capacity, head_dim]`
    pub cache: Buffer,
    /// `[T, H * head_dim]`
    pub output: Buffer,
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head: a multiple of 4 up to 256.
    pub head_dim: usize,
}

/// A routing decision.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `[T, E]`, or `[T, E + 1]` with the logit of the shared expert's gate behind.
    pub logits: Buffer,
    /// Index of the transformer layer.
    pub layer: usize,
    /// Index among the routers.
    pub moe_layer: usize,
}

/// The chosen experts, added to the output.
#[derive(Clone, Copy, Debug)]
pub struct Experts {
    /// `[S * 2 F, D]`: of each expert F gate rows, then F up rows.
    pub gate_up: Matrix,
    /// `[S * D, F]`
    pub down: Matrix,
    /// `[T, D]`
    pub input: Buffer,
    /// Norm of the input.
    pub norm: Option<Norm>,
    /// `[T, D]`, added to; may be the input.
    pub output: Buffer,
    /// Whose choice; none for the one network of a dense layer.
    pub moe_layer: Option<usize>,
}

/// The end of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// `[1, V]` to sample from, `[T, V]` to score.
    pub logits: Buffer,
    /// V.
    pub vocab: usize,
}
