//! Matrix products over slices, with bounds checked once.
//!
//! The `gemm` crate computes them, as it does for Burn's Flex backend.

use super::threads::parallelism;

/// A matrix inside a slice: element (row, column) at `row * row_stride + column * column_stride`.
#[derive(Clone, Copy)]
pub struct View<'a> {
    data: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> View<'a> {
    /// The row-major matrix [rows, columns] at the beginning of `data`.
    pub fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        assert!(data.len() >= rows * columns, "a matrix outside its slice");
        Self {
            data,
            rows,
            columns,
            row_stride: columns,
            column_stride: 1,
        }
    }

    /// The same numbers, rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Self {
            data: self.data,
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
        }
    }
}

/// What a product does with its target.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Into {
    /// target = factor * left * right
    Set,
    /// target += factor * left * right
    Add,
}

/// Multiplies two matrices.
///
/// # Shapes
/// `left`: [M, K]; `right`: [K, N]; `target`: [M, N], row-major.
pub fn multiply(target: &mut [f32], into: Into, factor: f32, left: View, right: View) {
    let (m, n, k) = (left.rows, right.columns, left.columns);
    assert_eq!(k, right.rows, "inner sizes of a product");
    assert!(target.len() >= m * n, "a product larger than its target");
    if m == 0 || n == 0 {
        return;
    }
    // SAFETY: both views lie inside their slices, whose last element is at (rows - 1, columns - 1) for either
    // order of strides, and the target holds m * n numbers that nobody else can see.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            target.as_mut_ptr(),
            1,
            n as isize,
            into == Into::Add,
            left.data.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.data.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0_f32,
            factor,
            false,
            false,
            false,
            parallelism(m * n * k),
        );
    }
}
