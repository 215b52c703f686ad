//! Twin of `attention.wgsl`: online softmax over blocks of keys.

/// Keys at a time.
const BLOCK: usize = 64;

/// # Shapes
/// `q`: `[T, H, head_dim]`; `cache`: `[2, H_kv, capacity, head_dim]`; returns `[T, H, head_dim]`.
#[must_use]
pub fn attention(
    q: &[f32],
    cache: &[f32],
    [n_heads, n_kv_heads, head_dim, capacity]: [usize; 4],
    position: usize,
) -> Vec<f32> {
    let mut output = Vec::with_capacity(q.len());
    let scaling = 1.0 / (head_dim as f32).sqrt();
    for (row, query) in q.chunks_exact(head_dim).enumerate() {
        let (token, head) = (row / n_heads, row % n_heads);
        let keys = head / (n_heads / n_kv_heads) * capacity * head_dim;
        let values = keys + n_kv_heads * capacity * head_dim;
        let n_keys = position + token + 1;
        let mut mixed = vec![0.0; head_dim];
        let (mut mass, mut reference) = (0.0, -1e30_f32);
        for start in (0..n_keys).step_by(BLOCK) {
            let here = start..(start + BLOCK).min(n_keys);
            let score = |key: usize| -> f32 {
                let k = &cache[keys + key * head_dim..][..head_dim];
                k.iter().zip(query).map(|(k, q)| k * q * scaling).sum()
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
