//! The forward pass, written once: L blocks of attention and experts over rows of hidden states, and the last norm.
//!
//! It does not compute; it names operations in order, and whoever interprets them does: [`crate::eager`] at once, on a
//! Burn device; `crate::recorded` once and for all, as dispatches of the crate `shaders`.
//!
//! A trait and not Burn's `capture`: what Burn captures is a graph of its stock operations, a hundred for a block,
//! in which experts have already become gathers whose sizes the host read back from the router. Lowering it would
//! mean to recognise norms, attention and routing again. Here they are still called what they are, a decision is a
//! value that may stay on the device, and an interpreter may wait with an operation until it sees what follows and
//! run both as one.
//!
//! Embedding and head stay outside: prompts, losses, single tokens and images begin and end differently.

use crate::error::ModelError;

/// What a forward pass is made of.
///
/// # Shapes
/// Rows are [T, width], one row a token. The width is D unless said otherwise.
pub trait Operations {
    /// Rows of numbers, computed or still to be.
    type Rows: Clone;
    /// Which experts act on each token, decided or still to be.
    type Decision;
    /// The scale of a norm.
    type Norm: Copy;
    /// A matrix that acts on every row, with its bias where it has one.
    type Matrix: Copy;
    /// What attention needs besides products.
    type Attention: Copy;
    /// The routed experts of a layer.
    type Experts: Copy;

    /// Each row divided by its root mean square, times a learned scale.
    fn norm(&mut self, norm: Self::Norm, x: Self::Rows) -> Self::Rows;

    /// Each row times a matrix.
    fn multiply(&mut self, x: Self::Rows, matrix: Self::Matrix) -> Self::Rows;

    /// Norms, clips and rotates queries and keys, remembers keys and values, and mixes the values.
    ///
    /// # Shapes
    /// `qkv`: [T, (H + 2 * H_kv) * head_dim]; returns [T, H * head_dim]
    fn attend(&mut self, layer: usize, attention: Self::Attention, qkv: Self::Rows) -> Self::Rows;

    /// silu(gate) * up, of both side by side.
    ///
    /// # Shapes
    /// `gate_up`: [T, 2 * F]; returns [T, F]
    fn gated_unit(&mut self, gate_up: Self::Rows) -> Self::Rows;

    /// Decides which experts act.
    ///
    /// # Shapes
    /// `logits_te`: [T, E]
    ///
    /// # Errors
    /// Whatever keeps a router from deciding.
    fn route(
        &mut self,
        layer: usize,
        logits_te: Self::Rows,
    ) -> impl Future<Output = Result<Self::Decision, ModelError>>;

    /// The outputs of the experts decided on, weighted and added up.
    fn experts(
        &mut self,
        experts: Self::Experts,
        x_td: Self::Rows,
        decision: Self::Decision,
    ) -> Self::Rows;

    /// Rows, each times the sigmoid of its own number.
    ///
    /// # Shapes
    /// `share_t1`: [T, 1]
    fn share(&mut self, x_td: Self::Rows, share_t1: Self::Rows) -> Self::Rows;

    /// The sum of both.
    fn add(&mut self, x_td: Self::Rows, y_td: Self::Rows) -> Self::Rows;
}

/// The weights of one block, as an interpreter holds them.
pub struct Layer<O: Operations> {
    /// Before attention.
    pub attention_norm: O::Norm,
    /// Queries, keys and values side by side.
    pub qkv: O::Matrix,
    /// Between the projections.
    pub attention: O::Attention,
    /// Behind attention.
    pub out: O::Matrix,
    /// Before the feed-forward network.
    pub feed_forward_norm: O::Norm,
    /// Experts or a dense network.
    pub feed_forward: FeedForward<O>,
}

/// What follows attention in a block.
pub enum FeedForward<O: Operations> {
    /// A mixture of experts.
    Mixture {
        /// To gating logits.
        gate: O::Matrix,
        /// Chosen among by the router.
        experts: O::Experts,
        /// One that acts on every token, where the layout has it.
        shared: Option<Shared<O>>,
    },
    /// One network for every token.
    Dense(Mlp<O>),
}

/// A gated linear unit that acts on every token.
pub struct Mlp<O: Operations> {
    /// Gate and up projections side by side.
    pub gate_up: O::Matrix,
    /// Down projection.
    pub down: O::Matrix,
}

/// An expert that no router chooses.
pub struct Shared<O: Operations> {
    /// How much of its output counts, before the sigmoid.
    pub gate: O::Matrix,
    /// The expert.
    pub mlp: Mlp<O>,
}

/// From embedded tokens to normed hidden states.
///
/// # Shapes
/// `x_td`: [T, D], returns the same.
///
/// # Errors
/// Those of the router.
pub async fn transformer<O: Operations>(
    ops: &mut O,
    layers: &[Layer<O>],
    last_norm: O::Norm,
    mut x_td: O::Rows,
) -> Result<O::Rows, ModelError> {
    for (index, layer) in layers.iter().enumerate() {
        x_td = attention(ops, index, layer, x_td);
        x_td = feed_forward(ops, index, layer, x_td).await?;
    }
    Ok(ops.norm(last_norm, x_td))
}

/// The first half of a block.
fn attention<O: Operations>(ops: &mut O, index: usize, layer: &Layer<O>, x_td: O::Rows) -> O::Rows {
    let normed_td = ops.norm(layer.attention_norm, x_td.clone());
    let qkv = ops.multiply(normed_td, layer.qkv);
    let mixed = ops.attend(index, layer.attention, qkv);
    let attended_td = ops.multiply(mixed, layer.out);
    ops.add(x_td, attended_td)
}

/// The second half of a block (with experts: Shazeer et al. 2017, equation 1).
async fn feed_forward<O: Operations>(
    ops: &mut O,
    index: usize,
    layer: &Layer<O>,
    x_td: O::Rows,
) -> Result<O::Rows, ModelError> {
    let normed_td = ops.norm(layer.feed_forward_norm, x_td.clone());
    let (gate, experts, shared) = match &layer.feed_forward {
        FeedForward::Dense(mlp) => {
            let added_td = gated_linear_unit(ops, mlp, normed_td);
            return Ok(ops.add(x_td, added_td));
        }
        FeedForward::Mixture {
            gate,
            experts,
            shared,
        } => (*gate, *experts, shared),
    };
    let logits_te = ops.multiply(normed_td.clone(), gate);
    let decision = ops.route(index, logits_te).await?;
    let routed_td = ops.experts(experts, normed_td.clone(), decision);
    let x_td = ops.add(x_td, routed_td);
    let Some(shared) = shared else {
        return Ok(x_td);
    };
    let share_t1 = ops.multiply(normed_td.clone(), shared.gate);
    let shared_td = gated_linear_unit(ops, &shared.mlp, normed_td);
    let shared_td = ops.share(shared_td, share_t1);
    Ok(ops.add(x_td, shared_td))
}

/// down(silu(gate x) * up x) (Shazeer 2020, arXiv:2002.05202, `SwiGLU`).
fn gated_linear_unit<O: Operations>(ops: &mut O, mlp: &Mlp<O>, x_td: O::Rows) -> O::Rows {
    let gate_up = ops.multiply(x_td, mlp.gate_up);
    let hidden = ops.gated_unit(gate_up);
    ops.multiply(hidden, mlp.down)
}
