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
    /// Row 0 alone, of whatever the input holds.
    First,
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

/// Which keys a query sees.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Sees {
    /// Those up to its own position.
    Past,
    /// Those of the whole run, and whatever came before.
    All,
}

/// Attention over the cache.
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
    /// Which keys.
    pub sees: Sees,
    /// `[H, capacity, capacity]`, added to the scores by query and key.
    pub bias: Option<Buffer>,
}

/// The cells that a 3x3 convolution goes over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Grid {
    /// Cells along one side of the square.
    pub side: usize,
    /// Cells from one output cell to the next, at least 1.
    pub stride: usize,
}

impl Grid {
    /// Output cells along one side, n.
    #[must_use]
    pub fn cells(self) -> usize {
        self.side / self.stride
    }
}

/// A 3x3 convolution, whatever the tokens of the run.
#[derive(Clone, Copy, Debug)]
pub struct Convolution {
    /// The cells of the input.
    pub grid: Grid,
    /// C_in.
    pub inputs: usize,
    /// C_out.
    pub outputs: usize,
    /// `[C_out, 3, 3, C_in]` in float32.
    pub weights: Buffer,
    /// `[bias_rows, C_out]`
    pub bias: Buffer,
    /// 1, or n^2 for a bias of every output cell, such as a position embedding.
    pub bias_rows: usize,
    /// `[side^2, C_in]`
    pub input: Buffer,
    /// `[n^2, C_out]`
    pub output: Buffer,
    /// Whether a SiLU follows.
    pub silu: bool,
}

/// The mean of all tokens, normed.
#[derive(Clone, Copy, Debug)]
pub struct Mean {
    /// D.
    pub columns: usize,
    /// `[T, D]`
    pub input: Buffer,
    /// Norm of each token.
    pub norm: Norm,
    /// `[1, D]`
    pub output: Buffer,
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
