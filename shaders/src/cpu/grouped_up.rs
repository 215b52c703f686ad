//! Twin of `grouped_up.wgsl`.

use super::gather::TILE;
use super::matmul::multiply;
use super::{Gain, Groups, silu};

/// silu(G n) * (U n) for every row of the groups; rows without a token stay zero.
///
/// # Shapes
/// `weights`: `[S * 2 d_ff, columns]`; `input`: `[T, columns]`; returns `[rows, d_ff]`.
#[must_use]
pub fn grouped_up(
    weights: &[f32],
    d_ff: usize,
    columns: usize,
    input: &[f32],
    gain: Gain<'_>,
    groups: &Groups,
) -> Vec<f32> {
    let mut hidden = vec![0.0; groups.rows.len() * d_ff];
    for (tile, expert) in groups.tile_experts.iter().enumerate() {
        let first_row = tile * TILE;
        let tokens = groups.rows[first_row..first_row + TILE].iter().flatten();
        let input_rows: Vec<&[f32]> = tokens
            .map(|token| &input[token * columns..(token + 1) * columns])
            .collect();
        let own = &weights[expert * 2 * d_ff * columns..(expert + 1) * 2 * d_ff * columns];
        let weight_rows: Vec<&[f32]> = own.chunks_exact(columns).collect();
        let products = multiply(&input_rows, &weight_rows, columns, gain);
        for (m, products) in products.iter().enumerate() {
            for f in 0..d_ff {
                hidden[(first_row + m) * d_ff + f] = silu(products[f]) * products[d_ff + f];
            }
        }
    }
    hidden
}
