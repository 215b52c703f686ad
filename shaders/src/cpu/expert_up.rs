//! Twin of `expert_up.wgsl`.

use super::{Gain, Slots, inverse_rms, row_product, silu};

/// silu(G n) * (U n) for the slots of one token.
///
/// # Shapes
/// `weights`: `[S * 2 d_ff, D]`; `input`: `[D]`; returns `[slots, d_ff]`.
#[must_use]
pub fn expert_up(
    weights: &[f32],
    d_ff: usize,
    input: &[f32],
    gain: Gain<'_>,
    slots: &Slots,
) -> Vec<f32> {
    let columns = input.len();
    let row = |row: usize| &weights[row * columns..(row + 1) * columns];
    let mut hidden = Vec::new();
    for (expert, _) in slots {
        for f in 0..d_ff {
            let gate = expert * 2 * d_ff + f;
            let (z, squares) = row_product(row(gate), input, gain);
            let (up, _) = row_product(row(gate + d_ff), input, gain);
            let rms = inverse_rms(squares, columns, gain);
            hidden.push(silu(z * rms) * up * rms);
        }
    }
    hidden
}
