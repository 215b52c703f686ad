//! Twin of `convolution.wgsl`.

use super::silu;
use crate::operations::Grid;

/// # Shapes
/// `weights`: `[C_out, 3, 3, C_in]`; `bias`: `[1 or n^2, C_out]`; `input`: `[side^2, C_in]`; returns `[n^2, C_out]`.
#[must_use]
pub fn convolution(
    grid: Grid,
    weights: &[f32],
    bias: &[f32],
    input: &[f32],
    has_silu: bool,
) -> Vec<f32> {
    let Grid { side, stride } = grid;
    let inputs = input.len() / (side * side);
    let outputs = weights.len() / (9 * inputs);
    let n = grid.cells();
    let near = |center: usize, tap: usize| (center + tap).max(1) - 1;
    let mut output = Vec::with_capacity(n * n * outputs);
    for cell in 0..n * n {
        for channel in 0..outputs {
            let mut sum = bias[(cell * outputs + channel) % bias.len()];
            for tap in 0..9 {
                let row = near(cell / n * stride, tap / 3).min(side - 1);
                let column = near(cell % n * stride, tap % 3).min(side - 1);
                let x = (row * side + column) * inputs;
                let w = (channel * 9 + tap) * inputs;
                for i in 0..inputs {
                    sum += weights[w + i] * input[x + i];
                }
            }
            output.push(if has_silu { silu(sum) } else { sum });
        }
    }
    output
}
