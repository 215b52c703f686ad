//! Twin of `attention.wgsl` and `attention_alone.wgsl`: online softmax over blocks of keys.

use crate::operations::Sees;

/// Keys at a time.
const BLOCK: usize = 64;

/// Sizes and conventions.
#[derive(Clone, Copy, Debug)]
pub struct AttentionArgs {
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Positions of the cache.
    pub capacity: usize,
    /// Which keys a query sees.
    pub sees: Sees,
    /// Position of the first token.
    pub position: usize,
}

/// # Shapes
/// `q`: `[T, H, head_dim]`; `cache`: `[2, H_kv, capacity, head_dim]`; `bias`: `[H, capacity, capacity]` or empty;
/// returns `[T, H, head_dim]`.
#[must_use]
pub fn attention(args: &AttentionArgs, q: &[f32], cache: &[f32], bias: &[f32]) -> Vec<f32> {
    let AttentionArgs {
        n_heads,
        n_kv_heads,
        head_dim,
        capacity,
        sees,
        position,
    } = *args;
    let n_tokens = q.len() / (n_heads * head_dim);
    let mut output = Vec::with_capacity(q.len());
    let scaling = 1.0 / (head_dim as f32).sqrt();
    for (row, query) in q.chunks_exact(head_dim).enumerate() {
        let (token, head) = (row / n_heads, row % n_heads);
        let keys = head / (n_heads / n_kv_heads) * capacity * head_dim;
        let values = keys + n_kv_heads * capacity * head_dim;
        let place = position + token;
        let n_keys = match sees {
            Sees::Past => place + 1,
            Sees::All => position + n_tokens,
        };
        let mut mixed = vec![0.0; head_dim];
        let (mut mass, mut reference) = (0.0, -1e30_f32);
        for start in (0..n_keys).step_by(BLOCK) {
            let here = start..(start + BLOCK).min(n_keys);
            let score = |key: usize| -> f32 {
                let k = &cache[keys + key * head_dim..][..head_dim];
                let product: f32 = k.iter().zip(query).map(|(k, q)| k * q * scaling).sum();
                let added = bias.get((head * capacity + place) * capacity + key);
                product + added.copied().unwrap_or(0.0)
            };
            let scores: Vec<f32> = here.clone().map(score).collect();
            let highest = scores.iter().copied().fold(reference, f32::max);
            let rescale = (reference - highest).exp();
            mixed.iter_mut().for_each(|x| *x *= rescale);
            mass *= rescale;
            reference = highest;
            for (key, score) in here.zip(scores) {
                let share = (score - highest).exp();
                mass += share;
                let v = &cache[values + key * head_dim..][..head_dim];
                for (mixed, v) in mixed.iter_mut().zip(v) {
                    *mixed += share * v;
                }
            }
        }
        output.extend(mixed.iter().map(|x| x / mass));
    }
    output
}
