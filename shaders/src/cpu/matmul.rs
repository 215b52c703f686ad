//! Twin of `matmul.wgsl` and of `lib/tile.wgsl`.

use super::{Gain, inverse_rms};

/// Products of input rows with weight rows, normed: `[rows of input, rows of weights]`.
///
/// # Shapes
/// `input_rows` and `weight_rows`: rows of `columns` each.
pub(super) fn multiply(
    input_rows: &[&[f32]],
    weight_rows: &[&[f32]],
    columns: usize,
    gain: Gain<'_>,
) -> Vec<Vec<f32>> {
    let mut products = vec![vec![0.0; weight_rows.len()]; input_rows.len()];
    for (m, x) in input_rows.iter().enumerate() {
        let mut squares = 0.0;
        for k in 0..columns {
            squares += x[k] * x[k];
            let x = gain.map_or(x[k], |(gain, _)| x[k] * gain[k]);
            for (n, w) in weight_rows.iter().enumerate() {
                products[m][n] += x * w[k];
            }
        }
        for product in &mut products[m] {
            *product *= inverse_rms(squares, columns, gain);
        }
    }
    products
}

/// Adds `W (x / rms(x) * gain) + bias` to the output.
///
/// # Shapes
/// `weights`: `[N, columns]`; `input`: `[T, columns]`; `bias`: `[N]` or empty; `output`: `[T, N]`.
pub fn matmul(
    weights: &[f32],
    columns: usize,
    input: &[f32],
    gain: Gain<'_>,
    bias: &[f32],
    output: &mut [f32],
) {
    let input_rows: Vec<&[f32]> = input.chunks_exact(columns).collect();
    let weight_rows: Vec<&[f32]> = weights.chunks_exact(columns).collect();
    let rows = weight_rows.len();
    let products = multiply(&input_rows, &weight_rows, columns, gain);
    for (token, products) in products.iter().enumerate() {
        for (row, product) in products.iter().enumerate() {
            output[token * rows + row] += product + bias.get(row).copied().unwrap_or(0.0);
        }
    }
}
