//! All selected experts of a batch, without a wasted slot: products of exactly as many rows as an expert has tokens.
//!
//! out_t = sum over the choices c of token t of w_c * down_e(silu(gate_e x_t) * up_e x_t), e the expert of c.
//! Backward is written by hand from the same equation; the hidden rows are kept, the activation is computed again.

use super::math::{add_scaled, dot, sigmoid, vectorised};
use super::product::{Into, View, multiply};
use super::threads::for_each;

/// Which rows belong to which expert, and the sizes of the layer.
#[derive(Clone, Debug)]
pub struct Groups {
    /// T.
    pub n_tokens: usize,
    /// D.
    pub d_model: usize,
    /// F.
    pub d_ff: usize,
    /// K, choices of every token; some may be empty.
    pub width: usize,
    /// [A] experts that have work.
    pub experts: Vec<usize>,
    /// [A + 1] where each one's choices begin.
    pub offsets: Vec<usize>,
    /// [N] choices (token * K + k), grouped by expert.
    pub choices: Vec<usize>,
}

impl Groups {
    fn n_choices(&self) -> usize {
        self.choices.len()
    }

    /// Index of each active expert with its rows.
    fn groups(&self) -> impl Iterator<Item = (usize, std::ops::Range<usize>)> {
        let ranges = self.offsets.windows(2).map(|pair| pair[0]..pair[1]);
        self.experts.iter().copied().zip(ranges)
    }
}

/// What an expert multiplies its rows with, whatever its weights are stored in.
pub trait Products {
    /// # Shapes
    /// `x`: [M, D]; `hidden`: [M, 2 * F]
    fn gate_up(&self, expert: usize, x: &[f32], hidden: &mut [f32]);

    /// # Shapes
    /// `act`: [M, F]; `outputs`: [M, D]
    fn down(&self, expert: usize, act: &[f32], outputs: &mut [f32]);
}

/// The layer's inputs, row-major.
#[derive(Clone, Copy)]
pub struct Inputs<'a> {
    /// [T, D]
    pub x: &'a [f32],
    /// [E, D, 2 * F], gate and up side by side.
    pub gate_up: &'a [f32],
    /// [E, F, D]
    pub down: &'a [f32],
    /// [T, K] combine weights.
    pub weights: &'a [f32],
}

/// Products with matrices of float32.
pub struct Reals<'a> {
    pub groups: &'a Groups,
    pub inputs: Inputs<'a>,
}

impl Products for Reals<'_> {
    fn gate_up(&self, expert: usize, x: &[f32], hidden: &mut [f32]) {
        let d = self.groups.d_model;
        let x = View::new(x, x.len() / d, d);
        let gate_up = gate_up_of(self.groups, self.inputs, expert);
        multiply(hidden, Into::Set, 1.0, x, gate_up);
    }

    fn down(&self, expert: usize, act: &[f32], outputs: &mut [f32]) {
        let f = self.groups.d_ff;
        let act = View::new(act, act.len() / f, f);
        let down = down_of(self.groups, self.inputs, expert);
        multiply(outputs, Into::Set, 1.0, act, down);
    }
}

/// What backward needs of forward.
pub struct Kept {
    /// [N, 2 * F] gate and up projections of every choice.
    hidden: Vec<f32>,
    /// [N, D] expert outputs before their weight.
    outputs: Vec<f32>,
}

/// The rows of one expert.
struct Part<'a> {
    expert: usize,
    /// [M, D]
    x: &'a [f32],
    /// [M, 2 * F]
    hidden: &'a mut [f32],
    /// [M, F]
    act: &'a mut [f32],
    /// [M, D]
    outputs: &'a mut [f32],
}

/// The first `count` numbers, which are no longer in `rest`.
fn take<'a>(rest: &mut &'a mut [f32], count: usize) -> &'a mut [f32] {
    let (first, others) = std::mem::take(rest).split_at_mut(count);
    *rest = others;
    first
}

/// Computes the layer.
///
/// # Shapes
/// `x_td`: [T, D]; `weights_tk`: [T, K]; returns [T, D]
pub fn forward(
    groups: &Groups,
    x_td: &[f32],
    weights_tk: &[f32],
    products: &(impl Products + Sync),
) -> (Vec<f32>, Kept) {
    let (n, d, f) = (groups.n_choices(), groups.d_model, groups.d_ff);
    let x_nd = gather(groups, x_td);
    let mut kept = Kept {
        hidden: vec![0.0; n * 2 * f],
        outputs: vec![0.0; n * d],
    };
    let mut act_nf = vec![0.0; n * f];
    let (mut hidden, mut act) = (kept.hidden.as_mut_slice(), act_nf.as_mut_slice());
    let mut outputs = kept.outputs.as_mut_slice();
    let mut parts = Vec::with_capacity(groups.experts.len());
    for (expert, rows) in groups.groups() {
        parts.push(Part {
            expert,
            x: &x_nd[rows.start * d..rows.end * d],
            hidden: take(&mut hidden, rows.len() * 2 * f),
            act: take(&mut act, rows.len() * f),
            outputs: take(&mut outputs, rows.len() * d),
        });
    }
    for_each(&mut parts, 3 * n * d * f, |_, part| {
        products.gate_up(part.expert, part.x, part.hidden);
        activate(part.act, part.hidden, f);
        products.down(part.expert, part.act, part.outputs);
    });
    let mut out_td = vec![0.0; groups.n_tokens * d];
    vectorised(|| {
        for (row, &choice) in groups.choices.iter().enumerate() {
            let token = choice / groups.width;
            let target = &mut out_td[token * d..][..d];
            add_scaled(target, weights_tk[choice], &kept.outputs[row * d..][..d]);
        }
    });
    (out_td, kept)
}

/// Gradients of the inputs, in their order and layout, from the gradient of the output.
///
/// # Shapes
/// `grad_td`: [T, D]
pub fn backward(groups: &Groups, inputs: Inputs, kept: &Kept, grad_td: &[f32]) -> [Vec<f32>; 4] {
    let (n, d, f) = (groups.n_choices(), groups.d_model, groups.d_ff);
    let mut grad_x = vec![0.0; groups.n_tokens * d];
    let [mut all_gate_up, mut all_down, mut grad_weights] =
        [inputs.gate_up, inputs.down, inputs.weights].map(|x| vec![0.0; x.len()]);
    let x_nd = gather(groups, inputs.x);
    let mut grad_y_nd = gather(groups, grad_td);
    vectorised(|| {
        for (row, &choice) in groups.choices.iter().enumerate() {
            let grad = &mut grad_y_nd[row * d..][..d];
            grad_weights[choice] = dot(grad, &kept.outputs[row * d..][..d]);
            let weight = inputs.weights[choice];
            grad.iter_mut().for_each(|g| *g *= weight);
        }
    });
    let mut grad_x_nd = vec![0.0; n * d];
    let busiest = groups.groups().map(|(_, rows)| rows.len()).max();
    let busiest = busiest.unwrap_or(0);
    let mut act = vec![0.0; busiest * f];
    let mut grad_act = vec![0.0; busiest * f];
    let mut grad_hidden = vec![0.0; busiest * 2 * f];
    for (expert, rows) in groups.groups() {
        let m = rows.len();
        let hidden = &kept.hidden[rows.start * 2 * f..rows.end * 2 * f];
        let grad_y = View::new(&grad_y_nd[rows.start * d..], m, d);
        let down = down_of(groups, inputs, expert);
        multiply(&mut grad_act, Into::Set, 1.0, grad_y, down.transposed());
        activate_backward(&mut act[..m * f], &mut grad_hidden, hidden, &grad_act, f);
        let grad_down = &mut all_down[expert * f * d..][..f * d];
        let act = View::new(&act, m, f).transposed();
        multiply(grad_down, Into::Set, 1.0, act, grad_y);
        let grad_hidden = View::new(&grad_hidden, m, 2 * f);
        let gate_up = gate_up_of(groups, inputs, expert);
        let grad_rows = &mut grad_x_nd[rows.start * d..rows.end * d];
        multiply(grad_rows, Into::Set, 1.0, grad_hidden, gate_up.transposed());
        let x = View::new(&x_nd[rows.start * d..], m, d).transposed();
        let grad_gate_up = &mut all_gate_up[expert * d * 2 * f..][..d * 2 * f];
        multiply(grad_gate_up, Into::Set, 1.0, x, grad_hidden);
    }
    vectorised(|| {
        for (row, &choice) in groups.choices.iter().enumerate() {
            let target = &mut grad_x[choice / groups.width * d..][..d];
            add_scaled(target, 1.0, &grad_x_nd[row * d..][..d]);
        }
    });
    [grad_x, all_gate_up, all_down, grad_weights]
}

fn gate_up_of<'a>(groups: &Groups, inputs: Inputs<'a>, expert: usize) -> View<'a> {
    let (d, f) = (groups.d_model, groups.d_ff);
    View::new(&inputs.gate_up[expert * d * 2 * f..], d, 2 * f)
}

fn down_of<'a>(groups: &Groups, inputs: Inputs<'a>, expert: usize) -> View<'a> {
    let (d, f) = (groups.d_model, groups.d_ff);
    View::new(&inputs.down[expert * f * d..], f, d)
}

/// The row of each choice's token, [T, D] to [N, D].
fn gather(groups: &Groups, x_td: &[f32]) -> Vec<f32> {
    let d = groups.d_model;
    let mut x_nd = Vec::with_capacity(groups.n_choices() * d);
    for &choice in &groups.choices {
        x_nd.extend_from_slice(&x_td[choice / groups.width * d..][..d]);
    }
    x_nd
}

/// act = silu(gate) * up, row by row.
fn activate(act: &mut [f32], hidden: &[f32], f: usize) {
    vectorised(|| {
        for (act, hidden) in act.chunks_exact_mut(f).zip(hidden.chunks_exact(2 * f)) {
            let (gate, up) = hidden.split_at(f);
            for ((act, &gate), &up) in act.iter_mut().zip(gate).zip(up) {
                *act = gate * sigmoid(gate) * up;
            }
        }
    });
}

/// The activation once more, and the gradient of gate and up.
fn activate_backward(
    act: &mut [f32],
    grad_hidden: &mut [f32],
    hidden: &[f32],
    grad_act: &[f32],
    f: usize,
) {
    vectorised(|| {
        let rows = act.chunks_exact_mut(f).zip(hidden.chunks_exact(2 * f));
        let grads = grad_act
            .chunks_exact(f)
            .zip(grad_hidden.chunks_exact_mut(2 * f));
        for ((act, hidden), (grad_act, grad_hidden)) in rows.zip(grads) {
            let (gate, up) = hidden.split_at(f);
            let (grad_gate, grad_up) = grad_hidden.split_at_mut(f);
            for i in 0..f {
                let share = sigmoid(gate[i]);
                let silu = gate[i] * share;
                act[i] = silu * up[i];
                grad_up[i] = grad_act[i] * silu;
                grad_gate[i] = grad_act[i] * up[i] * (share + silu * (1.0 - share));
            }
        }
    });
}
