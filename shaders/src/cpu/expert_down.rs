//! Twin of `expert_down.wgsl`.

use super::{Slots, row_product};

/// Adds the weighted outputs of one token's slots to `output`.
///
/// # Shapes
/// `weights`: `[S * D, d_ff]`; `hidden`: `[slots, d_ff]`; `output`: `[D]`.
pub fn expert_down(
    weights: &[f32],
    d_ff: usize,
    hidden: &[f32],
    slots: &Slots,
    output: &mut [f32],
) {
    let d_model = output.len();
    for (d, y) in output.iter_mut().enumerate() {
        for ((expert, weight), h) in slots.iter().zip(hidden.chunks_exact(d_ff)) {
            let first = (expert * d_model + d) * d_ff;
            *y += weight * row_product(&weights[first..first + d_ff], h, None).0;
        }
    }
}
