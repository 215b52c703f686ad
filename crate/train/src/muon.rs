//! Muon for stacks of matrices (Jordan et al. 2024, "Muon: an optimizer for hidden layers in neural networks").
//!
//! Each update is the nearest orthogonal matrix to the momentum, found by a quintic Newton-Schulz iteration,
//! and scaled by 0.2 sqrt(max(rows, columns)) to the step size of AdamW (Liu et al. 2025, arXiv:2502.16982).
//! Burn's own Muon takes rank 2 only; experts are stacked in rank 3, and each must be made orthogonal by itself.

use burn::optim::Optimizer;
use burn::optim::momentum::{Momentum, MomentumConfig, MomentumState};
use burn::tensor::{Device, Tensor};

/// Coefficients of the published iteration, and its number of rounds.
const NEWTON_SCHULZ: (f64, f64, f64) = (3.4445, -4.775, 2.0315);
const ROUNDS: usize = 5;

/// The optimizer of the matrices inside the blocks.
#[derive(Clone)]
pub struct Muon {
    momentum: Momentum,
    weight_decay: f64,
}

impl Muon {
    /// Nesterov momentum 0.95 and decoupled weight decay.
    pub fn new(weight_decay: f64) -> Self {
        let momentum = MomentumConfig {
            momentum: 0.95,
            dampening: 0.0,
            nesterov: true,
        };
        Self {
            momentum: Momentum::new(&momentum),
            weight_decay,
        }
    }
}

impl Optimizer for Muon {
    type State<const N: usize> = MomentumState<N>;

    fn step<const N: usize>(
        &self,
        learning_rate: f64,
        tensor: Tensor<N>,
        grad: Tensor<N>,
        state: Option<Self::State<N>>,
    ) -> (Tensor<N>, Option<Self::State<N>>) {
        let (direction, state) = self.momentum.transform(grad, state);
        let dims = direction.dims();
        let longer = dims[N - 2].max(dims[N - 1]) as f64;
        let update = orthogonal(direction) * (learning_rate * 0.2 * longer.sqrt());
        let decayed = tensor * (1.0 - learning_rate * self.weight_decay);
        (decayed - update, Some(state))
    }

    fn to_device<const N: usize>(state: Self::State<N>, device: &Device) -> Self::State<N> {
        state.to_device(device)
    }
}

/// Makes the matrices in the last two dimensions orthogonal, roughly: singular values end up near 1.
///
/// # Shapes
/// `x`: [.., A, B], returns the same.
fn orthogonal<const N: usize>(x: Tensor<N>) -> Tensor<N> {
    let dims = x.dims();
    let is_tall = dims[N - 2] > dims[N - 1];
    let turned = |x: Tensor<N>| {
        if is_tall {
            x.swap_dims(N - 2, N - 1)
        } else {
            x
        }
    };
    let x = turned(x);
    let norm = x
        .clone()
        .square()
        .sum_dim(N - 1)
        .sum_dim(N - 2)
        .sqrt()
        .clamp_min(1e-7);
    let mut x = x / norm;
    let (a, b, c) = NEWTON_SCHULZ;
    for _ in 0..ROUNDS {
        let gram = x.clone().matmul(x.clone().swap_dims(N - 2, N - 1));
        let polynomial = gram.clone() * b + gram.clone().matmul(gram) * c;
        x = x.clone() * a + polynomial.matmul(x);
    }
    turned(x)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::TensorData;

    #[test]
    fn each_matrix_of_a_stack_becomes_orthogonal_by_itself() {
        let device = Device::flex();
        let mut random = crate::shuffle::SplitMix64::new(3);
        // The second matrix is a thousand times larger, which must not matter.
        let values: Vec<f32> = (0..2 * 6 * 4)
            .map(|i| (random.below(2001) as f32 - 1000.0) * if i < 24 { 1e-3 } else { 1.0 })
            .collect();
        let x = Tensor::<3>::from_data(TensorData::new(values, [2, 6, 4]), &device);
        let q = orthogonal(x);
        let gram = q.clone().swap_dims(1, 2).matmul(q);
        let values: Vec<f32> = gram.into_data().try_into_vec().unwrap();
        for (i, value) in values.iter().enumerate() {
            let (row, column) = (i / 4 % 4, i % 4);
            let (low, high) = if row == column {
                (0.4, 1.5)
            } else {
                (-0.35, 0.35)
            };
            assert!((low..high).contains(value), "[{row}, {column}] is {value}");
        }
    }
}
