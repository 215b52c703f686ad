//! First weights of a vision model.
//!
//! Matrices are normal with standard deviation 1/sqrt(inputs), as in the language models.
//! Each attention head begins with a preference for patches on one side of its own: the bias falls with the squared
//! distance from a point one patch away (after `ConViT`, arXiv:2103.10697, equation 8), so that attention starts as a
//! convolution with a soft kernel.

use std::f64::consts::TAU;

use moescope_model::checkpoint::{TensorList, Tensors};
use moescope_model::vision::VitConfig;

use crate::init::random_tensors;

/// How fast the first bias falls with the squared distance in patches.
const LOCALITY: f64 = 0.5;
/// Standard deviation of the position embedding.
const POSITION: f64 = 0.02;

/// Random tensors for every entry of the configuration.
pub fn initial_vision_tensors(config: &VitConfig, seed: u64) -> Tensors {
    let depth = (2.0 * config.n_layers as f64).sqrt();
    let mut tensors = random_tensors(config.tensors(), seed, |name, shape| {
        let inputs: usize = shape[1..].iter().product();
        let base = (inputs as f64).sqrt().recip();
        match name {
            _ if name.ends_with("bias") => Some(0.0),
            _ if shape.len() == 1 => None,
            _ if name.starts_with("position_embedding") => Some(POSITION),
            _ if name.contains("o_proj") || name.contains("down_proj") => Some(base / depth),
            _ => Some(base),
        }
    });
    let bias = first_bias(config.n_heads, config.grid());
    for (name, values) in &mut tensors {
        if name.contains("relative_bias") {
            values.copy_from_slice(&bias);
        }
    }
    tensors
}

/// # Shapes
/// returns [H, (2 G - 1)^2]
fn first_bias(n_heads: usize, grid: usize) -> Vec<f32> {
    let reach = grid as i32 - 1;
    let mut bias = Vec::new();
    for head in 0..n_heads {
        let angle = TAU * head as f64 / n_heads as f64;
        let (down, right) = (angle.sin(), angle.cos());
        for row in -reach..=reach {
            for column in -reach..=reach {
                let (y, x) = (f64::from(row) - down, f64::from(column) - right);
                bias.push((-LOCALITY * (y * y + x * x)) as f32);
            }
        }
    }
    bias
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_head_first_prefers_another_neighbour() {
        let (grid, width) = (4, 7);
        let bias = first_bias(4, grid);
        let best: Vec<usize> = bias
            .chunks_exact(width * width)
            .map(|head| {
                (0..head.len())
                    .max_by(|&a, &b| head[a].total_cmp(&head[b]))
                    .unwrap()
            })
            .collect();
        let own = 3 * width + 3;
        assert_eq!(best, [own + 1, own + width, own - 1, own - width]);
    }
}
