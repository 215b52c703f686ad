//! Twin of `grouped_down.wgsl`.

use super::Groups;
use super::gather::TILE;
use super::matmul::multiply;

/// The output of its expert for every row of the groups.
///
/// # Shapes
/// `weights`: `[S * d_model, columns]`; `input`: `[rows, columns]`; returns `[rows, d_model]`.
#[must_use]
pub fn grouped_down(
    weights: &[f32],
    d_model: usize,
    columns: usize,
    input: &[f32],
    groups: &Groups,
) -> Vec<f32> {
    let mut output = vec![0.0; groups.rows.len() * d_model];
    for (tile, expert) in groups.tile_experts.iter().enumerate() {
        let first_row = tile * TILE;
        let n_rows = groups.rows[first_row..first_row + TILE]
            .iter()
            .flatten()
            .count();
        let input_rows: Vec<&[f32]> = input[first_row * columns..]
            .chunks_exact(columns)
            .take(n_rows)
            .collect();
        let own = &weights[expert * d_model * columns..(expert + 1) * d_model * columns];
        let weight_rows: Vec<&[f32]> = own.chunks_exact(columns).collect();
        let products = multiply(&input_rows, &weight_rows, columns, None);
        for (m, products) in products.iter().enumerate() {
            output[(first_row + m) * d_model..][..d_model].copy_from_slice(products);
        }
    }
    output
}
