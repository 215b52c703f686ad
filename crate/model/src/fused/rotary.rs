//! Rotation of queries and keys by the angle of their position, half of a head against the other half.
//!
//! (a, b) becomes (a cos - b sin, b cos + a sin); backward is the rotation back.

use super::math::vectorised;

/// Sizes of what is rotated: [B, H, S, d], with angles [S, d / 2].
#[derive(Clone, Copy, Debug)]
pub struct Rotary {
    /// S.
    pub len: usize,
    /// d.
    pub head_dim: usize,
}

/// Rotates, or rotates back.
///
/// # Shapes
/// `x`: [B, H, S, d]; `cos`, `sin`: [S, d / 2]; returns [B, H, S, d]
pub fn rotate(sizes: Rotary, [x, cos, sin]: [&[f32]; 3], is_back: bool) -> Vec<f32> {
    let (d, half) = (sizes.head_dim, sizes.head_dim / 2);
    let sign = if is_back { -1.0 } else { 1.0 };
    let mut out = vec![0.0; x.len()];
    vectorised(|| {
        let rows = x.chunks_exact(d).zip(out.chunks_exact_mut(d));
        for (row, (x, out)) in rows.enumerate() {
            let at = row % sizes.len * half;
            let (cos, sin) = (&cos[at..][..half], &sin[at..][..half]);
            let (a, b) = x.split_at(half);
            let (out_a, out_b) = out.split_at_mut(half);
            for i in 0..half {
                let sin = sign * sin[i];
                out_a[i] = a[i] * cos[i] - b[i] * sin;
                out_b[i] = b[i] * cos[i] + a[i] * sin;
            }
        }
    });
    out
}
