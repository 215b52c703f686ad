//! Loss of every prediction straight from the hidden states, so that no tensor of the vocabulary's width is passed on.
//!
//! loss_t = log sum_v exp(h_t e_v) - h_t e_target; its gradient in the logits is softmax minus the target's one.

use super::math::{exp, vectorised};
use super::product::{Into, View, multiply};

/// Rows whose logits are turned into gradients at a time.
const CHUNK: usize = 256;

/// Sizes of the head and what it should have predicted.
#[derive(Clone, Debug)]
pub struct Head {
    /// T.
    pub n_tokens: usize,
    /// D.
    pub d_model: usize,
    /// V.
    pub vocab_size: usize,
    /// [T]
    pub targets: Vec<i32>,
}

/// What backward needs of forward.
pub struct Kept {
    /// [T, V]
    logits: Vec<f32>,
    /// [T] log of the softmax's denominator.
    log_sums: Vec<f32>,
}

/// Losses in nats.
///
/// # Shapes
/// `hidden`: [T, D]; `table`: [V, D], one row a token; returns [T]
pub fn forward(head: &Head, hidden: &[f32], table: &[f32]) -> (Vec<f32>, Kept) {
    let (n_tokens, d_model, vocab_size) = (head.n_tokens, head.d_model, head.vocab_size);
    let mut logits = vec![0.0; n_tokens * vocab_size];
    let hidden = View::new(hidden, n_tokens, d_model);
    let table = View::new(table, vocab_size, d_model).transposed();
    multiply(&mut logits, Into::Set, 1.0, hidden, table);
    let log_sums: Vec<f32> =
        vectorised(|| logits.chunks_exact(vocab_size).map(log_sum_exp).collect());
    let losses = head
        .targets
        .iter()
        .enumerate()
        .map(|(token, &target)| log_sums[token] - logits[token * vocab_size + target as usize])
        .collect();
    (losses, Kept { logits, log_sums })
}

#[inline(always)]
fn log_sum_exp(logits: &[f32]) -> f32 {
    let mut maxima = [f32::NEG_INFINITY; 16];
    for chunk in logits.chunks(16) {
        for (max, &logit) in maxima.iter_mut().zip(chunk) {
            *max = if logit > *max { logit } else { *max };
        }
    }
    let max = maxima.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mut sums = [0.0_f32; 16];
    for chunk in logits.chunks(16) {
        for (sum, &logit) in sums.iter_mut().zip(chunk) {
            *sum += exp(logit - max);
        }
    }
    max + sums.iter().sum::<f32>().ln()
}

/// Gradients of hidden states [T, D] and table [V, D] from those of the losses [T].
pub fn backward(
    head: &Head,
    hidden: &[f32],
    table: &[f32],
    kept: &Kept,
    grad: &[f32],
) -> [Vec<f32>; 2] {
    let (d, v) = (head.d_model, head.vocab_size);
    let (mut grad_hidden, mut grad_table) = (vec![0.0; hidden.len()], vec![0.0; table.len()]);
    let mut grad_logits = vec![0.0; CHUNK.min(head.n_tokens) * v];
    for start in (0..head.n_tokens).step_by(CHUNK) {
        let rows = CHUNK.min(head.n_tokens - start);
        let logits = &kept.logits[start * v..][..rows * v];
        vectorised(|| {
            let rows = logits.chunks_exact(v).zip(grad_logits.chunks_exact_mut(v));
            for (row, (logits, grads)) in rows.enumerate() {
                let (log_sum, factor) = (kept.log_sums[start + row], grad[start + row]);
                for (grad, &logit) in grads.iter_mut().zip(logits) {
                    *grad = factor * exp(logit - log_sum);
                }
                grads[head.targets[start + row] as usize] -= factor;
            }
        });
        let grads = View::new(&grad_logits, rows, v);
        let target = &mut grad_hidden[start * d..][..rows * d];
        multiply(target, Into::Set, 1.0, grads, View::new(table, v, d));
        let hidden = View::new(&hidden[start * d..], rows, d);
        multiply(&mut grad_table, Into::Add, 1.0, grads.transposed(), hidden);
    }
    [grad_hidden, grad_table]
}
