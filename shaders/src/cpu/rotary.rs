//! Twin of `rotary.wgsl`.

use crate::operations::QkNorm;

/// Sizes and conventions.
#[derive(Clone, Copy, Debug)]
pub struct RotaryArgs {
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Positions of the cache.
    pub capacity: usize,
    /// What the norms are taken over.
    pub norm: QkNorm,
    /// Added to the mean square.
    pub epsilon: f32,
    /// Bound on queries, keys and values; 0 is none.
    pub clip: f32,
    /// Position of the first token.
    pub position: usize,
}

/// Returns the queries and writes keys and values into the cache.
///
/// # Shapes
/// `qkv`: `[T, (H + 2 H_kv) * head_dim]`; `angles`: `[positions, head_dim / 2, 2]`;
/// `cache`: `[2, H_kv, capacity, head_dim]`; returns `[T, H * head_dim]`.
pub fn rotary(
    args: &RotaryArgs,
    qkv: &[f32],
    gains: &[f32],
    angles: &[f32],
    cache: &mut [f32],
) -> Vec<f32> {
    let clipped = |x: f32| {
        if args.clip > 0.0 {
            x.clamp(-args.clip, args.clip)
        } else {
            x
        }
    };
    let head_dim = args.head_dim;
    let n_rotated = args.n_heads + args.n_kv_heads;
    let width = (n_rotated + args.n_kv_heads) * head_dim;
    let half = head_dim / 2;
    let mut q = vec![0.0; qkv.len() / width * args.n_heads * head_dim];
    for (token, qkv) in qkv.chunks_exact(width).enumerate() {
        let position = args.position + token;
        let raw = |at: usize| match args.norm {
            QkNorm::Whole => qkv[at],
            QkNorm::None | QkNorm::PerHead => clipped(qkv[at]),
        };
        for head in n_rotated..n_rotated + args.n_kv_heads {
            let value_head = args.n_kv_heads + head - n_rotated;
            for d in 0..head_dim {
                let at = (value_head * args.capacity + position) * head_dim + d;
                cache[at] = clipped(qkv[head * head_dim + d]);
            }
        }
        for head in 0..n_rotated {
            let is_query = head < args.n_heads;
            let start = head * head_dim;
            // What the norm is taken over: this head, or all heads of its kind.
            let (first, count, gain) = match (args.norm, is_query) {
                (QkNorm::Whole, true) => (0, args.n_heads * head_dim, start),
                (QkNorm::Whole, false) => {
                    (args.n_heads * head_dim, args.n_kv_heads * head_dim, start)
                }
                (_, true) => (start, head_dim, 0),
                (_, false) => (start, head_dim, head_dim),
            };
            let squares: f32 = (first..first + count).map(|at| raw(at) * raw(at)).sum();
            let rms = 1.0 / (squares / count as f32 + args.epsilon).sqrt();
            let value = |d: usize| match args.norm {
                QkNorm::None => raw(start + d),
                QkNorm::PerHead => raw(start + d) * rms * gains[gain + d],
                QkNorm::Whole => clipped(raw(start + d) * rms * gains[gain + d]),
            };
            for i in 0..half {
                let (x, y) = (value(i), value(i + half));
                let angle = &angles[(position * half + i) * 2..];
                let turned = [x * angle[0] - y * angle[1], y * angle[0] + x * angle[1]];
                if is_query {
                    let at = (token * args.n_heads + head) * head_dim + i;
                    q[at] = turned[0];
                    q[at + half] = turned[1];
                } else {
                    let kv_head = head - args.n_heads;
                    let at = (kv_head * args.capacity + position) * head_dim + i;
                    cache[at] = turned[0];
                    cache[at + half] = turned[1];
                }
            }
        }
    }
    q
}
