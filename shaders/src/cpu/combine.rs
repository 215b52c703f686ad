//! Twin of `combine.wgsl`.

use super::{Groups, Slots};

/// Adds the weighted rows of each token to `output`.
///
/// # Shapes
/// `y`: `[rows, d_model]`; `output`: `[T, d_model]`.
pub fn combine(
    y: &[f32],
    d_model: usize,
    tokens: &[&Slots],
    n_slots: usize,
    groups: &Groups,
    output: &mut [f32],
) {
    for (token, slots) in tokens.iter().enumerate() {
        for (expert, weight) in *slots {
            let Some(row) = groups.row_of[token * n_slots + expert] else {
                continue;
            };
            for d in 0..d_model {
                output[token * d_model + d] += weight * y[row * d_model + d];
            }
        }
    }
}
