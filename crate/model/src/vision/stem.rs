//! The convolutional stem: 3x3 convolutions that turn pixels into patch embeddings.
//!
//! Xiao et al. 2021 ("Early convolutions help transformers see better", arXiv:2106.14881) put a few of them where
//! a vision transformer has one large patch projection; small models learn much faster with them.
//! A convolution is a gather of nine rows and one matrix product, so that it needs no operation of its own on any
//! device; beyond the border the nearest pixel stands in.

use burn::module::{Module, Param};
use burn::tensor::{Int, Tensor, TensorData, activation::silu};

/// Rows and columns of a kernel.
const KERNEL: usize = 3;

/// One 3x3 convolution over a square grid.
#[derive(Module, Debug)]
pub struct Conv {
    /// Taps row by row, channels within a tap, [9 * `C_in`, `C_out`].
    pub weight: Param<Tensor<2>>,
    /// [`C_out`]
    pub bias: Param<Tensor<1>>,
    /// Grid cells from one output to the next; not a parameter.
    #[module(skip)]
    pub stride: usize,
}

impl Conv {
    /// # Shapes
    /// `x_nc`: [B * side * side, `C_in`]; returns [B * (side / stride)^2, `C_out`].
    pub fn forward(&self, x_nc: Tensor<2>, side: usize) -> Tensor<2> {
        #[cfg(feature = "fused")]
        if let Some(y_nc) = crate::fused::convolution(
            x_nc.clone(),
            self.weight.val(),
            self.bias.val(),
            side,
            self.stride,
        ) {
            return y_nc;
        }
        let [n, channels] = x_nc.dims();
        let taps = taps(n / (side * side), side, self.stride);
        let n_outputs = taps.len() / (KERNEL * KERNEL);
        let device = x_nc.device();
        let taps = Tensor::<1, Int>::from_data(TensorData::from(taps.as_slice()), &device);
        let windows = x_nc.select(0, taps);
        let windows = windows.reshape([n_outputs, KERNEL * KERNEL * channels]);
        windows.matmul(self.weight.val()) + self.bias.val().unsqueeze()
    }
}

/// All convolutions, a SiLU between one and the next.
#[derive(Module, Debug)]
pub struct Stem {
    /// In order.
    pub convs: Vec<Conv>,
}

impl Stem {
    /// # Shapes
    /// `pixels_nc`: [B * side * side, 3]; returns [B * P, D].
    pub fn forward(&self, pixels_nc: Tensor<2>, mut side: usize) -> Tensor<2> {
        let mut x_nc = pixels_nc;
        for (index, conv) in self.convs.iter().enumerate() {
            if index > 0 {
                x_nc = silu(x_nc);
            }
            x_nc = conv.forward(x_nc, side);
            side /= conv.stride;
        }
        x_nc
    }
}

/// Rows that each output gathers, for `n_images` grids one after the other.
fn taps(n_images: usize, side: usize, stride: usize) -> Vec<i32> {
    let outputs = side / stride;
    let mut taps = Vec::with_capacity(n_images * outputs * outputs * KERNEL * KERNEL);
    let near = |center: usize, tap: usize| (center + tap).saturating_sub(1).min(side - 1);
    for image in 0..n_images {
        for y in 0..outputs {
            for x in 0..outputs {
                for tap in 0..KERNEL * KERNEL {
                    let row = near(y * stride, tap / KERNEL);
                    let column = near(x * stride, tap % KERNEL);
                    taps.push(((image * side + row) * side + column) as i32);
                }
            }
        }
    }
    taps
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    #[test]
    fn a_convolution_sums_nine_neighbours_and_repeats_the_border() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 16).map(|i| i as f32).collect();
        let x = Tensor::<2>::from_data(TensorData::new(values, [32, 1]), &device);
        // The kernel tells its taps apart by powers of ten.
        let kernel: Vec<f32> = (0..9)
            .map(|tap| {
                if tap == 3 {
                    100.0
                } else {
                    f32::from(u8::from(tap == 4))
                }
            })
            .collect();
        let conv = Conv {
            weight: Param::from_tensor(Tensor::from_data(TensorData::new(kernel, [9, 1]), &device)),
            bias: Param::from_tensor(Tensor::from_data([0.5], &device)),
            stride: 2,
        };
        let y = conv.forward(x, 4);
        assert_eq!(y.dims(), [8, 1]);
        let y: Vec<f32> = y.into_data().try_into_vec().unwrap();
        // Centre plus a hundred times the left neighbour, which at the border is the pixel itself.
        let expected = [0.0, 102.0, 808.0, 910.0, 1616.0, 1718.0, 2424.0, 2526.0].map(|v| v + 0.5);
        assert_eq!(y, expected);
    }
}
