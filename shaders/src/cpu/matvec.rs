//! Twin of `matvec.wgsl`.

use super::{Gain, inverse_rms, row_product};

/// Adds `W (x / rms(x) * gain) + bias` to the output.
///
/// # Shapes
/// `weights`: `[N, columns]`; `input`: `[T, columns]`; `bias`: `[N]` or empty; `output`: `[T, N]`.
pub fn matvec(
    weights: &[f32],
    columns: usize,
    input: &[f32],
    gain: Gain<'_>,
    bias: &[f32],
    output: &mut [f32],
) {
    let rows = weights.len() / columns;
    for (token, x) in input.chunks_exact(columns).enumerate() {
        for row in 0..rows {
            let weights = &weights[row * columns..(row + 1) * columns];
            let (sum, squares) = row_product(weights, x, gain);
            let mut y = sum * inverse_rms(squares, columns, gain);
            y += bias.get(row).copied().unwrap_or(0.0);
            output[token * rows + row] += y;
        }
    }
}
