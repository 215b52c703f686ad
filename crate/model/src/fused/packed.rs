//! Matrices in blocks of eight bits, and their products, which read a quarter of the bytes and take half the time.
//!
//! 32 weights of a row share a float32 scale, and the heaviest of them is 127, as in the plans' `q8`. Rows that come
//! in are cut into the same blocks, of 16 bits: products of both add up exactly in 32, and what the input loses by it
//! is less than a hundredth of what the weights have lost.

use std::ops::Range;
use std::sync::Arc;

use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};

use super::experts::{self, Groups, Inputs, Kept, Products};
use super::math::vectorised;
use super::operation::Operation;
use super::product::{Into, View, multiply};
use super::threads::for_each_chunk;

/// Weights that share a scale.
const BLOCK: usize = 32;
/// Rows that come in and are multiplied with a row of weights while that is at hand, four at a time.
const TOGETHER: usize = 16;
/// Outputs of a single row that a thread takes at once.
const CUT: usize = 256;
/// The heaviest weight of a block.
const WEIGHT: f32 = 127.0;
/// The largest number of a block of a row that comes in.
const INPUT: f32 = 32_767.0;

/// A stack of matrices [out, in], as they are published, in blocks of eight bits.
#[derive(Module, Debug)]
pub struct Packed {
    #[module(skip)]
    matrices: Arc<Matrices>,
}

#[derive(Debug)]
struct Matrices {
    stacked: usize,
    outputs: usize,
    inputs: usize,
    /// [S * out, in]
    weights: Vec<i8>,
    /// [S * out, in / 32]
    scales: Vec<f32>,
}

/// Rows of numbers in blocks of 16 bits.
struct Input {
    /// [T, in]
    numbers: Vec<i16>,
    /// [T, in / 32]
    scales: Vec<f32>,
}

impl Packed {
    /// Whether rows of so many numbers can be cut into blocks.
    pub fn fits(inputs: usize) -> bool {
        inputs > 0 && inputs.is_multiple_of(BLOCK)
    }

    /// Packs `stacked` matrices that stand one after the other.
    ///
    /// # Shapes
    /// `values`: [S * out, in], in as [`Self::fits`] allows
    pub fn new(values: &[f32], stacked: usize, inputs: usize) -> Self {
        assert!(Self::fits(inputs), "rows that are no blocks");
        let mut weights = Vec::with_capacity(values.len());
        let mut scales = Vec::with_capacity(values.len() / BLOCK);
        for block in values.chunks_exact(BLOCK) {
            let heaviest = largest(block);
            let step = if heaviest == 0.0 {
                0.0
            } else {
                WEIGHT / heaviest
            };
            weights.extend(block.iter().map(|x| (x * step).round() as i8));
            scales.push(heaviest / WEIGHT);
        }
        let outputs = values.len() / inputs / stacked;
        let matrices = Matrices {
            stacked,
            outputs,
            inputs,
            weights,
            scales,
        };
        Self {
            matrices: Arc::new(matrices),
        }
    }

    /// Numbers in a row that comes in, and in one that goes out.
    pub fn sizes(&self) -> [usize; 2] {
        [self.matrices.inputs, self.matrices.outputs]
    }

    /// Matrices as numbers again, input-major.
    ///
    /// # Shapes
    /// returns [S, in, out], or [in, out] where one stands alone
    pub fn unpacked<const N: usize>(&self) -> Tensor<N> {
        let m = &self.matrices;
        let stack = [m.stacked, m.inputs, m.outputs];
        let shape = std::array::from_fn(|i| stack[i + 3 - N]);
        reals(m.transposed(), shape)
    }

    /// One of them as numbers again, [out, in].
    pub fn one(&self, index: usize) -> Tensor<2> {
        let m = &self.matrices;
        reals(m.rows(m.of(index)), [m.outputs, m.inputs])
    }

    /// Some rows of the first as numbers again, [T, in].
    pub fn lookup(&self, rows: &[i32]) -> Tensor<2> {
        let m = &self.matrices;
        let values = rows.iter().flat_map(|&row| {
            let row = row as usize;
            m.rows(row..row + 1)
        });
        reals(values.collect(), [rows.len(), m.inputs])
    }
}

fn reals<const N: usize>(values: Vec<f32>, shape: [usize; N]) -> Tensor<N> {
    Tensor::from_data(TensorData::new(values, shape), &Device::flex())
}

impl Matrices {
    /// Rows of one of the stacked.
    fn of(&self, index: usize) -> Range<usize> {
        index * self.outputs..(index + 1) * self.outputs
    }

    /// Rows as numbers again.
    fn rows(&self, rows: Range<usize>) -> Vec<f32> {
        let blocks = rows.start * self.inputs / BLOCK..rows.end * self.inputs / BLOCK;
        let (weights, _) = self.weights.as_chunks::<BLOCK>();
        let scaled = weights[blocks.clone()].iter().zip(&self.scales[blocks]);
        scaled
            .flat_map(|(block, scale)| block.iter().map(move |&w| f32::from(w) * scale))
            .collect()
    }

    /// All matrices as numbers again, input-major: [S, in, out].
    fn transposed(&self) -> Vec<f32> {
        let mut values = Vec::with_capacity(self.weights.len());
        for index in 0..self.stacked {
            let matrix = self.rows(self.of(index));
            for input in 0..self.inputs {
                values.extend(matrix.iter().skip(input).step_by(self.inputs));
            }
        }
        values
    }

    /// Rows that come in times one of the stacked.
    ///
    /// # Shapes
    /// `x`: [T, in]; `target`: [T, out]
    fn multiply(&self, index: usize, x: &[f32], target: &mut [f32]) {
        let x = Input::new(x);
        let x = Rows::new(&x.numbers, &x.scales, self.inputs);
        let all = Rows::new(&self.weights, &self.scales, self.inputs);
        let weights = all.some(index * self.outputs, self.outputs);
        let work = x.len() * weights.len() * self.inputs;
        if x.len() == 1 {
            let cut = |chunk, target: &mut [f32]| {
                let weights = weights.some(chunk * CUT, target.len());
                vectorised(|| products(weights, x, target));
            };
            return for_each_chunk(target, CUT, work, cut);
        }
        let cut = |chunk, target: &mut [f32]| {
            let x = x.some(chunk * TOGETHER, target.len() / weights.len());
            vectorised(|| products(weights, x, target));
        };
        for_each_chunk(target, TOGETHER * weights.len(), work, cut);
    }
}

/// Rows in blocks with their scales.
#[derive(Clone, Copy)]
struct Rows<'a, T> {
    blocks: &'a [[T; BLOCK]],
    scales: &'a [f32],
    /// Blocks in a row.
    width: usize,
}

impl<'a, T> Rows<'a, T> {
    fn new(numbers: &'a [T], scales: &'a [f32], columns: usize) -> Self {
        let (blocks, _) = numbers.as_chunks();
        Self {
            blocks,
            scales,
            width: columns / BLOCK,
        }
    }

    fn len(self) -> usize {
        self.scales.len() / self.width
    }

    #[inline(always)]
    fn some(self, first: usize, count: usize) -> Self {
        let range = first * self.width..(first + count) * self.width;
        Self {
            blocks: &self.blocks[range.clone()],
            scales: &self.scales[range],
            width: self.width,
        }
    }
}

/// Rows that come in times rows of weights.
///
/// # Shapes
/// `weights`: [O, in]; `x`: [T, in]; `target`: [T, O]
#[inline(always)]
fn products(weights: Rows<i8>, x: Rows<i16>, target: &mut [f32]) {
    let n_outputs = weights.len();
    for output in 0..n_outputs {
        let weights = weights.some(output, 1);
        let mut targets = target.iter_mut().skip(output).step_by(n_outputs);
        let mut row = 0;
        while row + 4 <= x.len() {
            let four = [0, 1, 2, 3].map(|i| x.some(row + i, 1));
            let found = dot(weights, four);
            // In this order, because a zip asks its first half once too often.
            for (found, target) in found.into_iter().zip(targets.by_ref()) {
                *target = found;
            }
            row += 4;
        }
        for (i, target) in targets.enumerate() {
            [*target] = dot(weights, [x.some(row + i, 1)]);
        }
    }
}

impl Input {
    fn new(x: &[f32]) -> Self {
        let mut numbers = vec![0; x.len()];
        let mut scales = vec![0.0; x.len() / BLOCK];
        vectorised(|| {
            let blocks = x.chunks_exact(BLOCK).zip(numbers.chunks_exact_mut(BLOCK));
            for ((x, numbers), scale) in blocks.zip(&mut scales) {
                let heaviest = largest(x);
                let step = if heaviest == 0.0 {
                    0.0
                } else {
                    INPUT / heaviest
                };
                for (number, x) in numbers.iter_mut().zip(x) {
                    *number = (x * step).round_ties_even() as i16;
                }
                *scale = heaviest / INPUT;
            }
        });
        Self { numbers, scales }
    }
}

#[inline(always)]
fn largest(block: &[f32]) -> f32 {
    block.iter().fold(0.0, |largest, x| largest.max(x.abs()))
}

/// A row of weights times rows that come in.
#[cfg(not(all(target_arch = "wasm32", target_feature = "simd128")))]
#[inline(always)]
fn dot<const N: usize>(weights: Rows<i8>, inputs: [Rows<i16>; N]) -> [f32; N] {
    inputs.map(|x| {
        let scales = weights.scales.iter().zip(x.scales);
        let blocks = weights.blocks.iter().zip(x.blocks).zip(scales);
        blocks
            .map(|((weights, numbers), (of_w, of_x))| {
                let products = weights.iter().zip(numbers);
                let sum: i32 = products.map(|(&w, &x)| i32::from(w) * i32::from(x)).sum();
                sum as f32 * (of_w * of_x)
            })
            .sum()
    })
}

/// The same with the instruction that adds up products of 16 bits in pairs, which compilers do not find by themselves.
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
#[inline(always)]
fn dot<const N: usize>(weights: Rows<i8>, inputs: [Rows<i16>; N]) -> [f32; N] {
    use std::arch::wasm32::*;
    // As many as there are weights, so that no index below is checked.
    let n_blocks = weights.blocks.len();
    let inputs = inputs.map(|x| (&x.blocks[..n_blocks], &x.scales[..n_blocks]));
    let mut sums = [f32x4_splat(0.0); N];
    for (block, (weights, of_w)) in weights.blocks.iter().zip(weights.scales).enumerate() {
        let w = weights.as_ptr();
        // SAFETY: sixteen bytes each, from the beginning and the middle of 32; loads need no alignment.
        let [low, high] = unsafe { [v128_load(w.cast()), v128_load(w.add(16).cast())] };
        let w = [
            i16x8_extend_low_i8x16(low),
            i16x8_extend_high_i8x16(low),
            i16x8_extend_low_i8x16(high),
            i16x8_extend_high_i8x16(high),
        ];
        for (sums, (numbers, of_x)) in sums.iter_mut().zip(inputs) {
            let numbers = numbers[block].as_ptr();
            // SAFETY: eight numbers of 16 bits each, from 0, 8, 16 and 24 of 32.
            let x_at = |at| unsafe { v128_load(numbers.add(at).cast()) };
            let pairs = [0, 1, 2, 3].map(|i| i32x4_dot_i16x8(w[i], x_at(8 * i)));
            let sum = i32x4_add(i32x4_add(pairs[0], pairs[1]), i32x4_add(pairs[2], pairs[3]));
            let scale = f32x4_splat(of_w * of_x[block]);
            *sums = f32x4_add(*sums, f32x4_mul(f32x4_convert_i32x4(sum), scale));
        }
    }
    sums.map(|sums| {
        let [a, b] = [f32x4_extract_lane::<0>(sums), f32x4_extract_lane::<1>(sums)];
        let [c, d] = [f32x4_extract_lane::<2>(sums), f32x4_extract_lane::<3>(sums)];
        (a + b) + (c + d)
    })
}

/// Rows times the first matrix.
pub struct Product(pub Packed);

impl Operation<1> for Product {
    type Kept = ();

    fn forward(&self, [x]: [&[f32]; 1]) -> (Vec<f32>, ()) {
        let [inputs, outputs] = self.0.sizes();
        let mut target = vec![0.0; x.len() / inputs * outputs];
        self.0.matrices.multiply(0, x, &mut target);
        (target, ())
    }

    fn backward(&self, [x]: [&[f32]; 1], (): &(), grad: &[f32]) -> [Vec<f32>; 1] {
        let m = &self.0.matrices;
        let weights = m.rows(m.of(0));
        let mut grad_x = vec![0.0; x.len()];
        let grad = View::new(grad, x.len() / m.inputs, m.outputs);
        let weights = View::new(&weights, m.outputs, m.inputs);
        multiply(&mut grad_x, Into::Set, 1.0, grad, weights);
        [grad_x]
    }
}

/// The selected experts of a layer.
pub struct Mixture {
    pub groups: Groups,
    /// [E, 2 * F, D], gate above up.
    pub gate_up: Packed,
    /// [E, D, F]
    pub down: Packed,
}

impl Products for Mixture {
    fn gate_up(&self, expert: usize, x: &[f32], hidden: &mut [f32]) {
        self.gate_up.matrices.multiply(expert, x, hidden);
    }

    fn down(&self, expert: usize, act: &[f32], outputs: &mut [f32]) {
        self.down.matrices.multiply(expert, act, outputs);
    }
}

impl Operation<2> for Mixture {
    type Kept = Kept;

    fn forward(&self, [x, weights]: [&[f32]; 2]) -> (Vec<f32>, Kept) {
        experts::forward(&self.groups, x, weights, self)
    }

    fn backward(&self, [x, weights]: [&[f32]; 2], kept: &Kept, grad: &[f32]) -> [Vec<f32>; 2] {
        let [gate_up, down] =
            [&self.gate_up, &self.down].map(|packed| packed.matrices.transposed());
        let inputs = Inputs {
            x,
            gate_up: &gate_up,
            down: &down,
            weights,
        };
        let [x, _, _, weights] = experts::backward(&self.groups, inputs, kept, grad);
        [x, weights]
    }
}
