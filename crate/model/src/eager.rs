//! Runs the forward pass on a Burn device, operation by operation: the reference, the CPU path and training.
//!
//! In which order operations follow each other is in `forward.rs`; what attention and experts do to tensors is with
//! their weights, in `attention.rs` and `moe.rs`. Gradients pass through all of it.

use burn::module::Param;
use burn::nn::RmsNorm;
use burn::tensor::{Tensor, activation::sigmoid};

use crate::attention::{Attention, AttentionContext};
use crate::error::ModelError;
use crate::forward::{FeedForward, Layer, Mlp, Operations, Shared, transformer};
use crate::lm;
use crate::moe::{DenseMlp, Experts, Routed, Router, gated_linear_unit};
use crate::weight::Weight;

/// One pass over B sequences of S tokens.
pub(crate) struct Eager<'a, R> {
    /// B.
    pub n_sequences: usize,
    /// What attention needs besides its input.
    pub context: AttentionContext<'a>,
    /// Bias on the attention scores of each layer, [1, H, S, S]; none where positions enter in another way.
    pub biases: Vec<Tensor<4>>,
    /// Decides.
    pub router: &'a mut R,
}

/// What rows are multiplied with.
#[derive(Clone, Copy)]
pub(crate) enum Linear<'a> {
    /// A matrix [in, out] and its bias.
    Weight(&'a Weight<2>, Option<&'a Param<Tensor<1>>>),
    /// A gate [in, out], which is float32 whatever the weights are stored in.
    Gate(&'a Param<Tensor<2>>),
}

impl<'a> From<&'a Weight<2>> for Linear<'a> {
    fn from(weight: &'a Weight<2>) -> Self {
        Self::Weight(weight, None)
    }
}

impl<'a, R: Router> Eager<'a, R> {
    /// Runs all blocks and the last norm.
    ///
    /// # Shapes
    /// `x_td`: [B * S, D], returns the same.
    ///
    /// # Errors
    /// Those of the router.
    pub async fn run(
        mut self,
        blocks: impl Iterator<Item = &'a lm::Block>,
        last_norm: &'a RmsNorm,
        x_td: Tensor<2>,
    ) -> Result<Tensor<2>, ModelError> {
        let layers: Vec<Layer<Self>> = blocks.map(layer).collect();
        transformer(&mut self, &layers, last_norm, x_td).await
    }
}

impl<'a, R: Router> Operations for Eager<'a, R> {
    type Rows = Tensor<2>;
    type Decision = Routed;
    type Norm = &'a RmsNorm;
    type Matrix = Linear<'a>;
    type Attention = &'a Attention;
    type Experts = &'a Experts;

    fn norm(&mut self, scale: &'a RmsNorm, x: Tensor<2>) -> Tensor<2> {
        norm(scale, x)
    }

    fn multiply(&mut self, x: Tensor<2>, matrix: Linear<'a>) -> Tensor<2> {
        match matrix {
            Linear::Weight(weight, None) => weight.multiply(x),
            Linear::Weight(weight, Some(bias)) => weight.multiply(x) + bias.val().unsqueeze(),
            Linear::Gate(gate) => x.matmul(gate.val()),
        }
    }

    fn attend(&mut self, layer: usize, attention: &'a Attention, qkv: Tensor<2>) -> Tensor<2> {
        let bias = self.biases.get(layer);
        attention.attend(layer, qkv, self.n_sequences, bias, &mut self.context)
    }

    fn gated_unit(&mut self, gate_up: Tensor<2>) -> Tensor<2> {
        gated_linear_unit(gate_up)
    }

    async fn route(&mut self, layer: usize, logits_te: Tensor<2>) -> Result<Routed, ModelError> {
        self.router.route(layer, logits_te).await
    }

    fn experts(&mut self, experts: &'a Experts, x_td: Tensor<2>, routed: Routed) -> Tensor<2> {
        self.router.enter(&x_td);
        experts.forward(x_td, routed)
    }

    fn share(&mut self, x_td: Tensor<2>, share_t1: Tensor<2>) -> Tensor<2> {
        x_td * sigmoid(share_t1)
    }

    fn add(&mut self, x_td: Tensor<2>, y_td: Tensor<2>) -> Tensor<2> {
        x_td + y_td
    }
}

/// Each row divided by its root mean square, times a learned scale.
///
/// # Shapes
/// `x`: [.., D], returns the same.
pub(crate) fn norm<const N: usize>(norm: &RmsNorm, x: Tensor<N>) -> Tensor<N> {
    #[cfg(feature = "fused")]
    if let Some(normed) = crate::fused::norm(x.clone(), norm.gamma.val(), norm.epsilon) {
        return normed;
    }
    norm.forward(x)
}

/// The weights of a block under the names of the forward pass.
fn layer<'a, R: Router>(block: &'a lm::Block) -> Layer<Eager<'a, R>> {
    Layer {
        attention_norm: &block.attention_norm,
        qkv: Linear::Weight(&block.attention.qkv, block.attention.qkv_bias.as_ref()),
        attention: &block.attention,
        out: Linear::from(&block.attention.out),
        feed_forward_norm: &block.feed_forward_norm,
        feed_forward: match &block.feed_forward {
            lm::FeedForward::Dense(weights) => FeedForward::Dense(mlp(weights)),
            lm::FeedForward::Moe(moe) => FeedForward::Mixture {
                gate: Linear::Gate(&moe.gate),
                experts: &moe.experts,
                shared: moe.shared.as_ref().map(|shared| Shared {
                    gate: Linear::Gate(&shared.gate),
                    mlp: mlp(&shared.mlp),
                }),
            },
        },
    }
}

fn mlp<'a, R: Router>(weights: &'a DenseMlp) -> Mlp<Eager<'a, R>> {
    Mlp {
        gate_up: Linear::from(&weights.gate_up),
        down: Linear::from(&weights.down),
    }
}
