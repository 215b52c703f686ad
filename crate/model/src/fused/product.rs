//! Matrix products over slices, with bounds checked once.
//!
//! The `gemm` crate computes them, as it does for Burn's Flex backend, except for a single row in a browser, where the
//! loops below take two thirds of its time; natively a token of `nine` took a quarter longer with them.

use super::math::{dot, vectorised};
use super::threads::{for_each_chunk, parallelism};

/// Whether a single row is multiplied by the loops of this file.
pub const ROWS_ALONE: bool = cfg!(target_family = "wasm");
/// Outputs of a single row that are computed together.
const CUT: usize = 512;

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
    if ROWS_ALONE && m == 1 && left.column_stride == 1 {
        return multiply_row(&mut target[..n], into, factor, &left.data[..k], right);
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

/// A row times a matrix.
///
/// # Shapes
/// `row`: [K]; `right`: [K, N]; `target`: [N]
fn multiply_row(target: &mut [f32], into: Into, factor: f32, row: &[f32], right: View) {
    let work = row.len() * target.len();
    for_each_chunk(target, CUT, work, |chunk, target| {
        if into == Into::Set {
            target.fill(0.0);
        }
        let first = chunk * CUT;
        vectorised(|| match right.column_stride {
            1 => add_rows(target, factor, row, &right.data[first..], right.row_stride),
            stride => {
                for (output, target) in target.iter_mut().enumerate() {
                    let column = &right.data[(first + output) * stride..][..row.len()];
                    *target += factor * long_dot(row, column);
                }
            }
        });
    });
}

/// Sum of products, with as many running sums as hide how long an addition takes.
#[inline(always)]
fn long_dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0_f32; 16];
    let ((a16, a), (b16, b)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    for (a, b) in a16.iter().zip(b16) {
        for i in 0..16 {
            sums[i] += a[i] * b[i];
        }
    }
    sums.iter().sum::<f32>() + dot(a, b)
}

/// Adds the rows of a matrix, each times its number: four at a time, so that the sums are written a quarter as often.
///
/// # Shapes
/// `numbers`: [K]; `rows`: [K, ..] from one beginning to the next `stride`; `target`: [N]
#[inline(always)]
fn add_rows(target: &mut [f32], factor: f32, numbers: &[f32], rows: &[f32], stride: usize) {
    let n = target.len();
    let row = |i: usize| &rows[i * stride..][..n];
    let (fours, rest) = numbers.as_chunks::<4>();
    for (i, four) in fours.iter().enumerate() {
        let [a, b, c, d] = four.map(|number| number * factor);
        let columns = row(4 * i).iter().zip(row(4 * i + 1));
        let columns = columns.zip(row(4 * i + 2).iter().zip(row(4 * i + 3)));
        for (target, ((w, x), (y, z))) in target.iter_mut().zip(columns) {
            *target += (a * w + b * x) + (c * y + d * z);
        }
    }
    for (i, number) in rest.iter().enumerate() {
        for (target, w) in target.iter_mut().zip(row(4 * fours.len() + i)) {
            *target += number * factor * w;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As written in a textbook.
    fn plain(left: &[f32], right: impl Fn(usize, usize) -> f32, n: usize) -> Vec<f32> {
        let output = |j| left.iter().enumerate().map(|(i, x)| x * right(i, j)).sum();
        (0..n).map(output).collect()
    }

    #[test]
    fn a_row_times_a_matrix_is_what_it_is_either_way_round() {
        // Four numbers at a time with a rest and without, fewer outputs than are taken together and more.
        for (k, n) in [(1, 1), (4, 7), (6, 33), (35, 1100)] {
            let row: Vec<f32> = (0..k).map(|i| (i as f32 * 0.7).sin()).collect();
            let matrix: Vec<f32> = (0..k * n).map(|i| (i as f32 * 0.3).cos()).collect();
            for transposed in [false, true] {
                let right = match transposed {
                    true => View::new(&matrix, n, k).transposed(),
                    false => View::new(&matrix, k, n),
                };
                let at = |i: usize, j: usize| match transposed {
                    true => matrix[j * k + i],
                    false => matrix[i * n + j],
                };
                let expected = plain(&row, at, n);
                let mut set = vec![9.0; n];
                multiply_row(&mut set, Into::Set, 2.0, &row, right);
                let mut added = vec![1.0; n];
                multiply_row(&mut added, Into::Add, -1.0, &row, right);
                for ((set, added), expected) in set.iter().zip(&added).zip(&expected) {
                    assert!(
                        (set - 2.0 * expected).abs() < 1e-4,
                        "{k} x {n}: {set}, {expected}"
                    );
                    assert!((added - 1.0 + expected).abs() < 1e-4, "{k} x {n}: {added}");
                }
            }
        }
    }
}
