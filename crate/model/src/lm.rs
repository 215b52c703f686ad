//! A decoder-only MoE language model: embedding, L blocks of attention and experts, head.
//!
//! The blocks themselves are in `forward.rs`. What is here serves prompts, single tokens, training and tests:
//! it takes token ids as a tensor, an optional key/value cache and whoever decides the routing.

use burn::module::Module;
use burn::nn::RmsNorm;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Int, Tensor, TensorData};

use crate::attention::{Attention, AttentionContext, KvCache, causal_mask};
use crate::eager::Eager;
use crate::error::ModelError;
use crate::moe::{DenseMlp, MoeLayer, Router};
use crate::rope::RopeTable;
use crate::weight::{Table, Weight};

/// What follows attention in a block.
#[derive(Module, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "one for each layer, and handles of tensors at that"
)]
pub enum FeedForward {
    /// A mixture of experts.
    Moe(MoeLayer),
    /// One network for every token.
    Dense(DenseMlp),
}

/// One transformer layer, pre-norm.
#[derive(Module, Debug)]
pub struct Block {
    /// Before attention.
    pub attention_norm: RmsNorm,
    /// Attention.
    pub attention: Attention,
    /// Before the feed-forward network.
    pub feed_forward_norm: RmsNorm,
    /// Experts or a dense network.
    pub feed_forward: FeedForward,
}

/// The model. Weights only; its configuration stays beside it.
#[derive(Module, Debug)]
pub struct MoeLm {
    /// Token embedding, [V, D].
    pub embedding: Table,
    /// Transformer layers.
    pub blocks: Vec<Block>,
    /// Before the head.
    pub norm: RmsNorm,
    /// Output projection [D, V]; none where it is the embedding.
    pub head: Option<Weight<2>>,
    /// Rotary angles; not a parameter.
    #[module(skip)]
    pub rope: RopeTable,
}

impl MoeLm {
    /// Runs B sequences of S tokens, after what is in the cache.
    ///
    /// # Shapes
    /// `tokens_bs`: [B, S]; returns the normed hidden states [B * S, D].
    ///
    /// # Errors
    /// Those of the router.
    pub async fn forward<R: Router>(
        &self,
        tokens_bs: Tensor<2, Int>,
        mut cache: Option<&mut KvCache>,
        router: &mut R,
    ) -> Result<Tensor<2>, ModelError> {
        let [b, s] = tokens_bs.dims();
        let past = cache.as_ref().map_or(0, |cache| cache.len());
        let rope = self.rope.rows(past, s);
        let mask = (s > 1).then(|| causal_mask(s, past + s, &tokens_bs.device()));
        let x_td = self.embedding.lookup(tokens_bs.reshape([b * s])).await?;
        let pass = Eager {
            n_sequences: b,
            context: AttentionContext {
                rope: Some(&rope),
                mask: mask.as_ref(),
                cache: cache.as_deref_mut(),
            },
            biases: Vec::new(),
            router,
        };
        let hidden_td = pass.run(self.blocks.iter(), &self.norm, x_td).await?;
        if let Some(cache) = cache {
            cache.advance(s);
        }
        Ok(hidden_td)
    }

    /// Loss of each prediction after `hidden_td`, in nats.
    ///
    /// # Shapes
    /// `hidden_td`: [T, D]; `targets`: T token ids; returns [T].
    pub fn losses(&self, hidden_td: Tensor<2>, targets: Vec<i32>) -> Tensor<1> {
        #[cfg(feature = "fused")]
        if let (None, Table::Real(table)) = (&self.head, &self.embedding)
            && let Some(losses) =
                crate::fused::cross_entropy(hidden_td.clone(), table.val(), &targets)
        {
            return losses;
        }
        let n_tokens = targets.len();
        let targets = TensorData::new(targets, [n_tokens]);
        let targets_t = Tensor::from_data(targets, &hidden_td.device());
        cross_entropy(self.logits(hidden_td), targets_t)
    }

    /// What rows that are added to the residual stream do to the logits, up to the scale of the last norm.
    ///
    /// # Shapes
    /// `added_nd`: [N, D], returns [N, V].
    pub fn lens(&self, added_nd: Tensor<2>) -> Tensor<2> {
        self.logits(added_nd * self.norm.gamma.val().unsqueeze())
    }

    /// Next-token logits.
    ///
    /// # Shapes
    /// `hidden_td`: [T, D], returns [T, V].
    pub fn logits(&self, hidden_td: Tensor<2>) -> Tensor<2> {
        match &self.head {
            Some(head) => head.multiply(hidden_td),
            None => self.embedding.logits(hidden_td),
        }
    }
}

/// Loss of each prediction: -ln p(target), in nats.
///
/// # Shapes
/// `logits_tv`: [T, V]; `targets_t`: [T]; returns [T].
fn cross_entropy(logits_tv: Tensor<2>, targets_t: Tensor<1, Int>) -> Tensor<1> {
    let [t, _] = logits_tv.dims();
    let log_probs = log_softmax(logits_tv, 1);
    log_probs
        .gather(1, targets_t.reshape([t, 1]))
        .reshape([t])
        .neg()
}
