//! Root-mean-square norm of rows (Zhang and Sennrich 2019, arXiv:1910.07467).
//!
//! y_i = g_i x_i / sqrt(mean(x^2) + epsilon); forward keeps one factor a row.

use super::math::{dot, vectorised};

/// Size of a row and what is added to its mean square.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    /// D.
    pub width: usize,
    /// Keeps rows of zeros finite.
    pub epsilon: f32,
}

/// Normed rows, and the factor of each before its scale.
///
/// # Shapes
/// `x`: [T, D]; `gamma`: [D]; returns [T, D] and [T]
pub fn forward(norm: Norm, x: &[f32], gamma: &[f32]) -> (Vec<f32>, Vec<f32>) {
    let mut out = Vec::with_capacity(x.len());
    let mut factors = Vec::with_capacity(x.len() / norm.width);
    vectorised(|| {
        for row in x.chunks_exact(norm.width) {
            let factor = (dot(row, row) / norm.width as f32 + norm.epsilon)
                .sqrt()
                .recip();
            out.extend(row.iter().zip(gamma).map(|(x, g)| x * factor * g));
            factors.push(factor);
        }
    });
    (out, factors)
}

/// Gradients of rows and scale: with n_i = factor x_i and h_i = g_i grad_i, dx_i = factor (h_i - n_i mean(h n)).
///
/// # Shapes
/// `grad`: [T, D]; returns [T, D] and [D]
pub fn backward(
    norm: Norm,
    [x, gamma]: [&[f32]; 2],
    factors: &[f32],
    grad: &[f32],
) -> [Vec<f32>; 2] {
    let width = norm.width;
    let (mut grad_x, mut grad_gamma) = (vec![0.0; x.len()], vec![0.0; width]);
    vectorised(|| {
        let rows = x.chunks_exact(width).zip(grad.chunks_exact(width));
        let rows = rows.zip(grad_x.chunks_exact_mut(width)).zip(factors);
        for (((x, grad), target), &factor) in rows {
            for (target, (g, grad)) in target.iter_mut().zip(gamma.iter().zip(grad)) {
                *target = g * grad;
            }
            let mean = dot(target, x) * factor / width as f32;
            for (target, x) in target.iter_mut().zip(x) {
                *target = factor * (*target - factor * x * mean);
            }
            for (sum, (x, grad)) in grad_gamma.iter_mut().zip(x.iter().zip(grad)) {
                *sum += factor * x * grad;
            }
        }
    });
    [grad_x, grad_gamma]
}
