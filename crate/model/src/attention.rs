//! Self-attention with grouped queries, query/key norms, rotary positions and a key/value cache.
//!
//! Query, key and value projections are one matrix, so that a token costs one product instead of three.
//! The cache has a fixed size; what changes from token to token is only how much of it is read.

use burn::module::{Module, Param};
use burn::nn::RmsNorm;
use burn::tensor::{Device, Tensor, TensorData, activation::softmax};

use crate::config::{LmConfig, QkNorm};
use crate::eager;
use crate::rope::RopeRows;
use crate::weight::Weight;

/// Added to the score of a key that a query must not see.
/// Finite, because shader compilers may assume that infinities do not occur; its exponential is zero all the same.
const HIDDEN_KEY: f32 = -1e30;

/// Sizes and conventions of [`Attention`].
#[derive(Clone, Debug)]
pub struct AttentionShape {
    n_heads: usize,
    n_kv_heads: usize,
    head_dim: usize,
    qk_norm: QkNorm,
    clip_qkv: Option<f32>,
}

impl From<&LmConfig> for AttentionShape {
    fn from(config: &LmConfig) -> Self {
        Self {
            n_heads: config.n_heads,
            n_kv_heads: config.n_kv_heads,
            head_dim: config.head_dim,
            qk_norm: config.architecture.qk_norm(),
            clip_qkv: config.clip_qkv,
        }
    }
}

/// One attention block.
#[derive(Module, Debug)]
pub struct Attention {
    /// Query, key and value projections side by side, [D, (H + 2 * H_kv) * head_dim].
    pub qkv: Weight<2>,
    /// Their biases, where the layout has them.
    pub qkv_bias: Option<Param<Tensor<1>>>,
    /// Output projection, [H * head_dim, D].
    pub out: Weight<2>,
    /// Norm of the queries, where the layout has it.
    pub q_norm: Option<RmsNorm>,
    /// Norm of the keys, where the layout has it.
    pub k_norm: Option<RmsNorm>,
    /// Sizes; not a parameter.
    #[module(skip)]
    pub shape: AttentionShape,
}

/// Keys and values of one layer, [B, H_kv, capacity, head_dim] each.
#[derive(Clone, Debug)]
struct LayerCache {
    keys: Tensor<4>,
    values: Tensor<4>,
}

/// Keys and values of every layer, for a fixed number of positions.
#[derive(Clone, Debug)]
pub struct KvCache {
    layers: Vec<LayerCache>,
    len: usize,
    capacity: usize,
}

impl KvCache {
    /// An empty cache for one sequence of at most `capacity` tokens.
    pub fn new(config: &LmConfig, capacity: usize, device: &Device) -> Self {
        let shape = [1, config.n_kv_heads, capacity, config.head_dim];
        let layer = || LayerCache {
            keys: Tensor::zeros(shape, device),
            values: Tensor::zeros(shape, device),
        };
        Self {
            layers: (0..config.n_layers).map(|_| layer()).collect(),
            len: 0,
            capacity,
        }
    }

    /// Tokens in the cache.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing has been read yet.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tokens the cache has room for.
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Forgets all but the first `len` tokens.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Counts `n_tokens` as read, after every layer has stored them.
    pub(crate) fn advance(&mut self, n_tokens: usize) {
        self.len += n_tokens;
    }

    /// Stores new keys and values of a layer and returns all of them so far.
    fn append(&mut self, layer: usize, k: Tensor<4>, v: Tensor<4>) -> (Tensor<4>, Tensor<4>) {
        let [b, h, s, d] = k.dims();
        let end = self.len + s;
        let cache = &mut self.layers[layer];
        let rows = [0..b, 0..h, self.len..end, 0..d];
        // Nobody else holds the buffers, so the writes happen in place.
        cache
            .keys
            .inplace(|keys| keys.slice_assign(rows.clone(), k));
        cache.values.inplace(|values| values.slice_assign(rows, v));
        let so_far = [0..b, 0..h, 0..end, 0..d];
        (
            cache.keys.clone().slice(so_far.clone()),
            cache.values.clone().slice(so_far),
        )
    }
}

/// What a pass gives to the attention of every layer, besides its input.
#[derive(Debug, Default)]
pub struct AttentionContext<'a> {
    /// Rotary angles of the positions; none where positions enter in another way.
    pub rope: Option<&'a RopeRows>,
    /// Hides the future: added to the scores, [1, 1, S, N] for N keys; none where every query may see every key.
    pub mask: Option<&'a Tensor<4>>,
    /// Keys and values so far.
    pub cache: Option<&'a mut KvCache>,
}

/// Scores to add so that query i of S sees keys 0 to N - S + i.
///
/// # Shapes
/// returns [1, 1, S, N]
pub fn causal_mask(n_queries: usize, n_keys: usize, device: &Device) -> Tensor<4> {
    let past = n_keys - n_queries;
    let mask: Vec<f32> = (0..n_queries)
        .flat_map(|query| (0..n_keys).map(move |key| (query, key)))
        .map(|(query, key)| if key <= past + query { 0.0 } else { HIDDEN_KEY })
        .collect();
    Tensor::from_data(TensorData::new(mask, [1, 1, n_queries, n_keys]), device)
}

impl Attention {
    /// Attends from every position to every key that it may see, cached ones included.
    /// The products before and after are not here.
    ///
    /// # Shapes
    /// `qkv`: [B * S, (H + 2 * H_kv) * head_dim]; `bias`, learned and added to the scores: [1, H, S, N];
    /// returns [B * S, H * head_dim].
    pub fn attend(
        &self,
        layer: usize,
        qkv: Tensor<2>,
        b: usize,
        bias: Option<&Tensor<4>>,
        context: &mut AttentionContext<'_>,
    ) -> Tensor<2> {
        let [t, _] = qkv.dims();
        let (q, k, v) = self.split(qkv, b);
        let (q, k) = match context.rope {
            Some(rope) => (rope.apply(q), rope.apply(k)),
            None => (q, k),
        };
        let (k, v) = match &mut context.cache {
            Some(cache) => cache.append(layer, k, v),
            None => (k, v),
        };
        let mixed = mix(q, k, v, context.mask, bias);
        let width = self.shape.n_heads * self.shape.head_dim;
        mixed.swap_dims(1, 2).reshape([t, width])
    }

    /// Queries, keys and values, normed and clipped.
    ///
    /// # Shapes
    /// `qkv`: [B * S, (H + 2 * H_kv) * head_dim]; returns q [B, H, S, head_dim] and k, v [B, H_kv, S, head_dim]
    fn split(&self, qkv: Tensor<2>, b: usize) -> (Tensor<4>, Tensor<4>, Tensor<4>) {
        let [t, _] = qkv.dims();
        let AttentionShape {
            n_heads,
            n_kv_heads,
            head_dim,
            qk_norm,
            clip_qkv,
        } = self.shape;
        let (s, d_q, d_kv) = (t / b, n_heads * head_dim, n_kv_heads * head_dim);
        let mut q = qkv.clone().slice([0..t, 0..d_q]);
        let mut k = qkv.clone().slice([0..t, d_q..d_q + d_kv]);
        let mut v = qkv.slice([0..t, d_q + d_kv..d_q + 2 * d_kv]);
        if qk_norm == QkNorm::Whole {
            (q, k) = (norm(&self.q_norm, q), norm(&self.k_norm, k));
        }
        if let Some(bound) = clip_qkv {
            let clip = |x: Tensor<2>| x.clamp(-bound, bound);
            (q, k, v) = (clip(q), clip(k), clip(v));
        }
        let mut q = q.reshape([b, s, n_heads, head_dim]);
        let mut k = k.reshape([b, s, n_kv_heads, head_dim]);
        if qk_norm == QkNorm::PerHead {
            (q, k) = (norm(&self.q_norm, q), norm(&self.k_norm, k));
        }
        let v = v.reshape([b, s, n_kv_heads, head_dim]);
        (q.swap_dims(1, 2), k.swap_dims(1, 2), v.swap_dims(1, 2))
    }
}

fn norm<const N: usize>(norm: &Option<RmsNorm>, x: Tensor<N>) -> Tensor<N> {
    match norm {
        Some(norm) => eager::norm(norm, x),
        None => x,
    }
}

/// Values mixed by the softmax of the scores.
///
/// # Shapes
/// `q`: [B, H, S, head_dim]; `k`, `v`: [B, H_kv, N, head_dim]; `mask`: [1, 1, S, N]; `bias`: [1, H, S, N];
/// returns [B, H, S, head_dim]
fn mix(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    mask: Option<&Tensor<4>>,
    bias: Option<&Tensor<4>>,
) -> Tensor<4> {
    #[cfg(feature = "fused")]
    {
        let (q, k, v) = (q.clone(), k.clone(), v.clone());
        let mixed = match (mask, bias) {
            // One query has no future to hide.
            (None, None) if q.dims()[2] > 1 => None,
            (_, None) => crate::fused::attention(q, k, v),
            (None, Some(bias)) => crate::fused::biased_attention(q, k, v, bias.clone()),
            (Some(_), Some(_)) => None,
        };
        if let Some(mixed) = mixed {
            return mixed;
        }
    }
    // Queries that share a key head become rows of one product.
    let ([b, n_heads, s, head_dim], [_, n_kv_heads, n_keys, _]) = (q.dims(), k.dims());
    let group = n_heads / n_kv_heads;
    let q = q.reshape([b, n_kv_heads, group * s, head_dim]);
    let scores = q.matmul(k.swap_dims(2, 3)) * (head_dim as f64).powf(-0.5);
    let mut scores = scores.reshape([b, n_heads, s, n_keys]);
    for added in [mask, bias].into_iter().flatten() {
        scores = scores + added.clone();
    }
    let shares = softmax(scores, 3).reshape([b, n_kv_heads, group * s, n_keys]);
    shares.matmul(v).reshape([b, n_heads, s, head_dim])
}
