//! A 3x3 convolution as products of gathered rows, some hundred outputs at a time.
//!
//! out_o = bias + sum over the nine taps t of x[neighbour t of o] W_t. Backward gathers the windows again.

use super::math::{add_scaled, vectorised};
use super::product::{Into, View, multiply};

/// Rows and columns of the kernel.
const KERNEL: usize = 3;
const TAPS: usize = KERNEL * KERNEL;
/// Outputs whose windows are gathered at a time.
const CHUNK: usize = 256;

/// Sizes of a convolution.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// B.
    pub n_images: usize,
    /// Cells along one side of the input.
    pub side: usize,
    /// Input cells from one output to the next.
    pub stride: usize,
    /// C.
    pub channels: usize,
    /// O.
    pub outputs: usize,
}

impl Shape {
    /// Output cells of all images.
    pub fn n_outputs(&self) -> usize {
        self.n_images * (self.side / self.stride).pow(2)
    }

    fn width(&self) -> usize {
        TAPS * self.channels
    }

    /// Input rows that an output gathers.
    fn taps(self, output: usize) -> impl Iterator<Item = usize> {
        let cells = self.side / self.stride;
        let (image, cell) = (output / (cells * cells), output % (cells * cells));
        let (y, x) = (cell / cells * self.stride, cell % cells * self.stride);
        let near =
            move |center: usize, tap: usize| (center + tap).saturating_sub(1).min(self.side - 1);
        (0..TAPS).map(move |tap| {
            let (row, column) = (near(y, tap / KERNEL), near(x, tap % KERNEL));
            (image * self.side + row) * self.side + column
        })
    }

    /// First output and number of outputs of each chunk.
    fn chunks(self) -> impl Iterator<Item = (usize, usize)> {
        let n = self.n_outputs();
        (0..n)
            .step_by(CHUNK)
            .map(move |start| (start, CHUNK.min(n - start)))
    }

    fn gather(self, x: &[f32], start: usize, rows: usize, windows: &mut [f32]) {
        let c = self.channels;
        let outputs = windows.chunks_exact_mut(self.width()).take(rows);
        for (output, window) in outputs.enumerate() {
            let cells = window.chunks_exact_mut(c);
            for (cell, row) in cells.zip(self.taps(start + output)) {
                cell.copy_from_slice(&x[row * c..(row + 1) * c]);
            }
        }
    }
}

/// Convolves.
///
/// # Shapes
/// inputs [B * side * side, C], [9 * C, O] and [O]; returns [N, O] for N outputs
pub fn forward(shape: Shape, [x, weight, bias]: [&[f32]; 3]) -> Vec<f32> {
    let (width, outputs) = (shape.width(), shape.outputs);
    let mut out: Vec<f32> = bias.repeat(shape.n_outputs());
    let mut windows = vec![0.0; CHUNK * width];
    for (start, rows) in shape.chunks() {
        shape.gather(x, start, rows, &mut windows);
        let target = &mut out[start * outputs..][..rows * outputs];
        let windows = View::new(&windows, rows, width);
        multiply(
            target,
            Into::Add,
            1.0,
            windows,
            View::new(weight, width, outputs),
        );
    }
    out
}

/// Gradients of the three inputs.
///
/// # Shapes
/// `grad`: [N, O]; returns the shapes of the inputs
pub fn backward(shape: Shape, inputs: [&[f32]; 3], grad: &[f32]) -> [Vec<f32>; 3] {
    let [x, weight, _] = inputs;
    let (width, outputs, c) = (shape.width(), shape.outputs, shape.channels);
    let [mut grad_x, mut grad_weight, mut grad_bias] = inputs.map(|values| vec![0.0; values.len()]);
    let (mut windows, mut grad_windows) = (vec![0.0; CHUNK * width], vec![0.0; CHUNK * width]);
    for (start, rows) in shape.chunks() {
        shape.gather(x, start, rows, &mut windows);
        let of_chunk = &grad[start * outputs..][..rows * outputs];
        let grad_out = View::new(of_chunk, rows, outputs);
        let gathered = View::new(&windows, rows, width).transposed();
        multiply(&mut grad_weight, Into::Add, 1.0, gathered, grad_out);
        let weight = View::new(weight, width, outputs).transposed();
        multiply(&mut grad_windows, Into::Set, 1.0, grad_out, weight);
        vectorised(|| {
            for (output, window) in grad_windows.chunks_exact(width).take(rows).enumerate() {
                for (cell, row) in window.chunks_exact(c).zip(shape.taps(start + output)) {
                    add_scaled(&mut grad_x[row * c..(row + 1) * c], 1.0, cell);
                }
            }
            for row in of_chunk.chunks_exact(outputs) {
                add_scaled(&mut grad_bias, 1.0, row);
            }
        });
    }
    [grad_x, grad_weight, grad_bias]
}
