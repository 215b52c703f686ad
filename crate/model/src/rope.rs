//! Rotary position embedding, half-rotation form (Su et al. 2021, as GPT-NeoX orders the pairs).
//!
//! Positions are data: the table is sliced, so a decode step has the same shapes at every position.

use burn::tensor::{Device, Tensor, TensorData};

/// Cosines and sines of every position up to the model's longest sequence.
#[derive(Clone, Debug)]
pub struct RopeTable {
    cos_ph: Tensor<2>,
    sin_ph: Tensor<2>,
}

/// The rows of a [`RopeTable`] for one run of positions, shaped to broadcast over heads.
#[derive(Clone, Debug)]
pub struct RopeRows {
    cos: Tensor<4>,
    sin: Tensor<4>,
}

impl RopeTable {
    /// Angle of pair i at position p is `p * theta^(-2i / head_dim)`; computed in f64, stored in f32.
    pub fn new(max_positions: usize, head_dim: usize, theta: f64, device: &Device) -> Self {
        let half = head_dim / 2;
        let angles: Vec<f64> = (0..max_positions)
            .flat_map(|p| (0..half).map(move |i| (p, i)))
            .map(|(p, i)| p as f64 * theta.powf(-2.0 * i as f64 / head_dim as f64))
            .collect();
        let table = |f: fn(f64) -> f64| {
            let values: Vec<f32> = angles.iter().map(|&angle| f(angle) as f32).collect();
            Tensor::from_data(TensorData::new(values, [max_positions, half]), device)
        };
        Self {
            cos_ph: table(f64::cos),
            sin_ph: table(f64::sin),
        }
    }

    /// Rows for positions `start..start + len`.
    pub fn rows(&self, start: usize, len: usize) -> RopeRows {
        let [_, half] = self.cos_ph.dims();
        let rows = |table: &Tensor<2>| {
            let rows = table.clone().slice([start..start + len, 0..half]);
            rows.reshape([1, 1, len, half])
        };
        RopeRows {
            cos: rows(&self.cos_ph),
            sin: rows(&self.sin_ph),
        }
    }
}

impl RopeRows {
    /// Rotates queries or keys.
    ///
    /// # Shapes
    /// `x`: [B, H, S, head_dim], returns the same.
    pub fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        #[cfg(feature = "fused")]
        if let Some(rotated) = crate::fused::rotate(x.clone(), self.cos.clone(), self.sin.clone()) {
            return rotated;
        }
        let [b, h, s, head_dim] = x.dims();
        let half = head_dim / 2;
        let first = x.clone().slice([0..b, 0..h, 0..s, 0..half]);
        let second = x.slice([0..b, 0..h, 0..s, half..head_dim]);
        let (cos, sin) = (self.cos.clone(), self.sin.clone());
        let rotated_first = first.clone() * cos.clone() - second.clone() * sin.clone();
        let rotated_second = second * cos + first * sin;
        Tensor::cat(vec![rotated_first, rotated_second], 3)
    }
}
