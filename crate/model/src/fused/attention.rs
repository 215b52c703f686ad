//! Attention of the last S of N positions, tile by tile: the [S, N] scores are never kept.
//!
//! out_i = sum over j <= i of softmax_j(scale q_i k_j) v_j, or over all j with a bias added to the scores, for B
//! sequences of H query heads in groups that share a key head. Forward keeps one number a row, the log of the
//! softmax's denominator; backward computes the shares from it again (as FlashAttention does, Dao et al. 2022,
//! arXiv:2205.14135, algorithms 1 and 4).

use super::math::{add_scaled, dot, exp, vectorised};
use super::product::{Into, View, multiply};
use super::threads::for_each;

/// Query rows of a tile: its scores, at most 64 * N numbers, stay in the second-level cache.
const TILE: usize = 64;

/// Sizes, all tensors row-major: queries [B, H, S, d], keys and values [B, H_kv, N, d].
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// B * H.
    pub n_queries: usize,
    /// H / H_kv.
    pub group: usize,
    /// S.
    pub len: usize,
    /// N; the queries are the last S of them.
    pub n_keys: usize,
    /// d, width of a head.
    pub head_dim: usize,
}

/// What a query may see.
#[derive(Clone, Copy)]
pub enum Sight<'a> {
    /// Itself and its past.
    Past,
    /// Everything, with a bias [H, S, N] for H heads added to the scores.
    All {
        /// [H, S, N]
        bias: &'a [f32],
    },
}

impl Sizes {
    fn scale(&self) -> f32 {
        (self.head_dim as f32).sqrt().recip()
    }

    /// First query row and number of rows of each tile.
    fn tiles(self) -> impl Iterator<Item = (usize, usize)> {
        let starts = (0..self.len).step_by(TILE);
        starts.map(move |start| (start, TILE.min(self.len - start)))
    }

    /// Keys before the first query.
    fn past(&self) -> usize {
        self.n_keys - self.len
    }

    /// Keys of a tile of `rows` queries from `start`.
    fn keys_of_tile(&self, sight: Sight, start: usize, rows: usize) -> usize {
        match sight {
            Sight::Past => self.past() + start + rows,
            Sight::All { .. } => self.n_keys,
        }
    }

    /// How many keys query `row` sees.
    fn seen(&self, sight: Sight, row: usize) -> usize {
        match sight {
            Sight::Past => self.past() + row + 1,
            Sight::All { .. } => self.n_keys,
        }
    }

    /// Where the bias of a tile of `rows` queries begins; [H, S, N] repeats for every sequence.
    fn bias_at(&self, bias: &[f32], head: usize, start: usize) -> usize {
        let n_heads = bias.len() / (self.len * self.n_keys);
        (head % n_heads * self.len + start) * self.n_keys
    }
}

/// Queries, keys and values.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// [B, H, S, d]
    pub q: &'a [f32],
    /// [B, H_kv, N, d]
    pub k: &'a [f32],
    /// [B, H_kv, N, d]
    pub v: &'a [f32],
    /// What a query may see.
    pub sight: Sight<'a>,
}

/// What backward needs of forward.
pub struct Kept {
    /// [B, H, S, d]
    out: Vec<f32>,
    /// [B, H, S] log of each row's denominator.
    log_sums: Vec<f32>,
}

/// Attends.
///
/// # Shapes
/// returns [B, H, S, d]
pub fn forward(sizes: Sizes, inputs: Inputs) -> (Vec<f32>, Kept) {
    let (s, d) = (sizes.len, sizes.head_dim);
    let mut out = vec![0.0; inputs.q.len()];
    let mut log_sums = vec![0.0; sizes.n_queries * s];
    let rows_of_head = out
        .chunks_exact_mut(s * d)
        .zip(log_sums.chunks_exact_mut(s));
    let mut heads: Vec<_> = rows_of_head.collect();
    let work = 2 * inputs.q.len() * sizes.n_keys;
    for_each(&mut heads, work, |head, (out, log_sums)| {
        let mut shares = vec![0.0; TILE.min(s) * sizes.n_keys];
        let of_head = head / sizes.group * sizes.n_keys * d;
        let [k, v] = [inputs.k, inputs.v].map(|x| &x[of_head..][..sizes.n_keys * d]);
        for (start, rows) in sizes.tiles() {
            let n = sizes.keys_of_tile(inputs.sight, start, rows);
            let q = View::new(&inputs.q[(head * s + start) * d..], rows, d);
            let keys = View::new(k, n, d).transposed();
            multiply(&mut shares, Into::Set, sizes.scale(), q, keys);
            if let Sight::All { bias } = inputs.sight {
                let at = sizes.bias_at(bias, head, start);
                add_scaled(&mut shares, 1.0, &bias[at..][..rows * n]);
            }
            let log_sums = &mut log_sums[start..][..rows];
            let seen = |row| sizes.seen(inputs.sight, start + row);
            softmax_rows(&mut shares[..rows * n], n, seen, log_sums);
            let out = &mut out[start * d..][..rows * d];
            let shares = View::new(&shares, rows, n);
            multiply(out, Into::Set, 1.0, shares, View::new(v, n, d));
        }
    });
    (out.clone(), Kept { out, log_sums })
}

/// Softmax of each row over the keys that it may see; the others become zero.
fn softmax_rows(shares: &mut [f32], n: usize, seen: impl Fn(usize) -> usize, log_sums: &mut [f32]) {
    vectorised(|| {
        let rows = shares.chunks_exact_mut(n).zip(log_sums);
        for (row, (scores, log_sum)) in rows.enumerate() {
            let (seen, hidden) = scores.split_at_mut(seen(row));
            let mut maxima = [f32::NEG_INFINITY; 16];
            for chunk in seen.chunks(16) {
                for (max, &score) in maxima.iter_mut().zip(chunk) {
                    *max = if score > *max { score } else { *max };
                }
            }
            let max = maxima.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let mut sums = [0.0_f32; 16];
            for chunk in seen.chunks_mut(16) {
                for (sum, score) in sums.iter_mut().zip(chunk) {
                    *score = exp(*score - max);
                    *sum += *score;
                }
            }
            let sum: f32 = sums.iter().sum();
            let share = sum.recip();
            seen.iter_mut().for_each(|score| *score *= share);
            hidden.fill(0.0);
            *log_sum = max + sum.ln();
        }
    });
}

/// Gradients of queries, keys, values and bias; the last is empty where there is none.
///
/// # Shapes
/// `grad`: [B, H, S, d]; returns the shapes of the inputs
pub fn backward(sizes: Sizes, inputs: Inputs, kept: &Kept, grad: &[f32]) -> [Vec<f32>; 4] {
    let (s, d) = (sizes.len, sizes.head_dim);
    let [mut grad_q, mut grad_k, mut grad_v] =
        [inputs.q, inputs.k, inputs.v].map(|x| vec![0.0; x.len()]);
    let mut grad_bias = match inputs.sight {
        Sight::Past => Vec::new(),
        Sight::All { bias } => vec![0.0; bias.len()],
    };
    let tile = TILE.min(s) * sizes.n_keys;
    let (mut shares, mut grad_scores) = (vec![0.0; tile], vec![0.0; tile]);
    for head in 0..sizes.n_queries {
        let (of_head, len) = (head / sizes.group * sizes.n_keys * d, sizes.n_keys * d);
        let [k, v] = [inputs.k, inputs.v].map(|x| &x[of_head..][..len]);
        let grad_k = &mut grad_k[of_head..][..len];
        let grad_v = &mut grad_v[of_head..][..len];
        for (start, rows) in sizes.tiles() {
            let n = sizes.keys_of_tile(inputs.sight, start, rows);
            let of_tile = (head * s + start) * d;
            let q = View::new(&inputs.q[of_tile..], rows, d);
            let grad_out = View::new(&grad[of_tile..], rows, d);
            let keys = View::new(k, n, d);
            multiply(&mut shares, Into::Set, sizes.scale(), q, keys.transposed());
            if let Sight::All { bias } = inputs.sight {
                let at = sizes.bias_at(bias, head, start);
                add_scaled(&mut shares, 1.0, &bias[at..][..rows * n]);
            }
            let values = View::new(v, n, d).transposed();
            multiply(&mut grad_scores, Into::Set, 1.0, grad_out, values);
            let row_data = Rows {
                n,
                d,
                log_sums: &kept.log_sums[head * s + start..],
                out: &kept.out[of_tile..],
                grad: &grad[of_tile..],
            };
            let tile = rows * n;
            let seen = |row| sizes.seen(inputs.sight, start + row);
            score_gradients(
                &mut shares[..tile],
                &mut grad_scores[..tile],
                &row_data,
                seen,
            );
            if let Sight::All { bias } = inputs.sight {
                let target = &mut grad_bias[sizes.bias_at(bias, head, start)..][..tile];
                add_scaled(target, 1.0, &grad_scores[..tile]);
            }
            let shares = View::new(&shares, rows, n).transposed();
            multiply(grad_v, Into::Add, 1.0, shares, grad_out);
            let grad_scores = View::new(&grad_scores, rows, n);
            let target = &mut grad_q[of_tile..][..rows * d];
            multiply(target, Into::Set, sizes.scale(), grad_scores, keys);
            multiply(
                grad_k,
                Into::Add,
                sizes.scale(),
                grad_scores.transposed(),
                q,
            );
        }
    }
    [grad_q, grad_k, grad_v, grad_bias]
}

/// What the rows of a tile bring to [`score_gradients`].
struct Rows<'a> {
    n: usize,
    d: usize,
    log_sums: &'a [f32],
    out: &'a [f32],
    grad: &'a [f32],
}

/// Scores to shares, and gradients of shares to gradients of scores: share * (gradient - its mean under the shares).
fn score_gradients(
    shares: &mut [f32],
    grads: &mut [f32],
    rows: &Rows,
    seen: impl Fn(usize) -> usize,
) {
    let (n, d) = (rows.n, rows.d);
    vectorised(|| {
        let tile = shares.chunks_exact_mut(n).zip(grads.chunks_exact_mut(n));
        for (row, (shares, grads)) in tile.enumerate() {
            // The mean is the product of the output with its gradient.
            let mean = dot(&rows.out[row * d..][..d], &rows.grad[row * d..][..d]);
            let log_sum = rows.log_sums[row];
            let seen = seen(row);
            for (share, grad) in shares[..seen].iter_mut().zip(&mut grads[..seen]) {
                *share = exp(*share - log_sum);
                *grad = *share * (*grad - mean);
            }
            shares[seen..].fill(0.0);
            grads[seen..].fill(0.0);
        }
    });
}
