//! Operations of the CPU written as one piece each, forward and backward: norm, rotation, attention, experts,
//! convolution, loss.
//!
//! Composed of stock operations, each of them passes over memory a dozen times and the experts compute empty slots;
//! in training, and when a token is decoded, that costs more than the products themselves. These compute the same
//! values (tests compare them and their gradients with those of the composition) and keep little.
//! Every function answers none where the tensors are not on the Flex device, and the caller composes stock operations.

mod attention;
mod convolution;
mod cross_entropy;
mod experts;
mod math;
mod norm;
mod operation;
mod packed;
mod product;
mod rotary;
#[cfg(test)]
mod tests;
mod threads;

use burn::tensor::Tensor;

use crate::dispatch::Dispatch;
use operation::{Operation, run};
pub use packed::Packed;
pub use product::ROWS_ALONE;
use product::{Into, View, multiply};

/// Each row divided by its root mean square, times a learned scale.
///
/// # Shapes
/// `x`: [.., D]; `gamma`: [D]; returns [.., D]
pub fn norm<const N: usize>(x: Tensor<N>, gamma: Tensor<1>, epsilon: f64) -> Option<Tensor<N>> {
    let shape = x.dims();
    let norm = norm::Norm {
        width: shape[N - 1],
        epsilon: epsilon as f32,
    };
    run(norm, [x.into_dispatch(), gamma.into_dispatch()], shape)
}

impl Operation<2> for norm::Norm {
    /// [T] the factor of each row.
    type Kept = Vec<f32>;

    fn forward(&self, [x, gamma]: [&[f32]; 2]) -> (Vec<f32>, Vec<f32>) {
        norm::forward(*self, x, gamma)
    }

    fn backward(&self, inputs: [&[f32]; 2], kept: &Vec<f32>, grad: &[f32]) -> [Vec<f32>; 2] {
        norm::backward(*self, inputs, kept, grad)
    }
}

/// Queries or keys rotated by the angles of their positions.
///
/// # Shapes
/// `x`: [B, H, S, d]; `cos`, `sin`, which have no gradient: [1, 1, S, d / 2]; returns [B, H, S, d]
pub fn rotate(x: Tensor<4>, cos: Tensor<4>, sin: Tensor<4>) -> Option<Tensor<4>> {
    let shape @ [_, _, len, head_dim] = x.dims();
    let inputs = [x, cos, sin].map(Tensor::into_dispatch);
    run(rotary::Rotary { len, head_dim }, inputs, shape)
}

impl Operation<3> for rotary::Rotary {
    type Kept = ();

    fn forward(&self, inputs: [&[f32]; 3]) -> (Vec<f32>, ()) {
        (rotary::rotate(*self, inputs, false), ())
    }

    fn backward(&self, [_, cos, sin]: [&[f32]; 3], (): &(), grad: &[f32]) -> [Vec<f32>; 3] {
        let grad_x = rotary::rotate(*self, [grad, cos, sin], true);
        [grad_x, Vec::new(), Vec::new()]
    }
}

/// The selected experts of a layer.
///
/// # Shapes
/// `x_td`: [T, D]; `gate_up`: [E, D, 2 * F]; `down`: [E, F, D]; `weights_tk`: [T, K]; returns [T, D]
pub fn experts(
    x_td: Tensor<2>,
    gate_up: Tensor<3>,
    down: Tensor<3>,
    weights_tk: Tensor<2>,
    dispatch: &Dispatch,
) -> Option<Tensor<2>> {
    let ([n_tokens, d_model], [_, d_ff, _]) = (x_td.dims(), down.dims());
    let groups = groups(dispatch, [n_tokens, d_model, d_ff]);
    let inputs = [
        x_td.into_dispatch(),
        gate_up.into_dispatch(),
        down.into_dispatch(),
        weights_tk.into_dispatch(),
    ];
    run(groups, inputs, [n_tokens, d_model])
}

fn groups(dispatch: &Dispatch, [n_tokens, d_model, d_ff]: [usize; 3]) -> experts::Groups {
    let experts = dispatch.active_experts.iter();
    experts::Groups {
        n_tokens,
        d_model,
        d_ff,
        width: dispatch.width,
        experts: experts.map(|&e| e as usize).collect(),
        offsets: dispatch.choice_offsets.clone(),
        choices: dispatch.choices_by_expert.clone(),
    }
}

impl Operation<4> for experts::Groups {
    type Kept = experts::Kept;

    fn forward(&self, [x, gate_up, down, weights]: [&[f32]; 4]) -> (Vec<f32>, Self::Kept) {
        let inputs = experts::Inputs {
            x,
            gate_up,
            down,
            weights,
        };
        let groups = self;
        let products = experts::Reals { groups, inputs };
        experts::forward(self, x, weights, &products)
    }

    fn backward(
        &self,
        [x, gate_up, down, weights]: [&[f32]; 4],
        kept: &Self::Kept,
        grad: &[f32],
    ) -> [Vec<f32>; 4] {
        let inputs = experts::Inputs {
            x,
            gate_up,
            down,
            weights,
        };
        experts::backward(self, inputs, kept, grad)
    }
}

/// A single row times a matrix, as when a token is decoded; none for several rows, which Burn multiplies as well as this.
///
/// # Shapes
/// `x_td`: [1, in]; `weight`: [in, out], or [out, in] if it is `transposed`; returns [1, out]
pub fn row_product(x_td: Tensor<2>, weight: Tensor<2>, transposed: bool) -> Option<Tensor<2>> {
    let ([n_rows, _], [rows, columns]) = (x_td.dims(), weight.dims());
    if n_rows != 1 {
        return None;
    }
    let outputs = if transposed { rows } else { columns };
    let product = RowProduct {
        shape: [rows, columns],
        transposed,
    };
    let inputs = [x_td.into_dispatch(), weight.into_dispatch()];
    run(product, inputs, [1, outputs])
}

/// A row times a matrix [rows, columns].
struct RowProduct {
    shape: [usize; 2],
    transposed: bool,
}

impl RowProduct {
    fn matrix<'a>(&self, weight: &'a [f32]) -> View<'a> {
        let weight = View::new(weight, self.shape[0], self.shape[1]);
        match self.transposed {
            true => weight.transposed(),
            false => weight,
        }
    }
}

impl Operation<2> for RowProduct {
    type Kept = ();

    fn forward(&self, [x, weight]: [&[f32]; 2]) -> (Vec<f32>, ()) {
        let mut target = vec![0.0; weight.len() / x.len()];
        let row = View::new(x, 1, x.len());
        multiply(&mut target, Into::Set, 1.0, row, self.matrix(weight));
        (target, ())
    }

    fn backward(&self, [x, weight]: [&[f32]; 2], (): &(), grad: &[f32]) -> [Vec<f32>; 2] {
        let [mut grad_x, mut grad_weight] = [x, weight].map(|values| vec![0.0; values.len()]);
        let row = View::new(grad, 1, grad.len());
        let weight = self.matrix(weight).transposed();
        multiply(&mut grad_x, Into::Set, 1.0, row, weight);
        let [down, across] = match self.transposed {
            true => [grad, x],
            false => [x, grad],
        };
        let column = View::new(down, down.len(), 1);
        let across = View::new(across, 1, across.len());
        multiply(&mut grad_weight, Into::Set, 1.0, column, across);
        [grad_x, grad_weight]
    }
}

/// Rows times a packed matrix.
///
/// # Shapes
/// `x_td`: [T, in]; returns [T, out]
pub fn product(x_td: Tensor<2>, matrix: &Packed) -> Option<Tensor<2>> {
    let ([n_tokens, _], [_, outputs]) = (x_td.dims(), matrix.sizes());
    let product = packed::Product(matrix.clone());
    run(product, [x_td.into_dispatch()], [n_tokens, outputs])
}

/// The selected experts of a layer, packed.
///
/// # Shapes
/// `x_td`: [T, D]; `gate_up`: [E, 2 * F, D]; `down`: [E, D, F]; `weights_tk`: [T, K]; returns [T, D]
pub fn packed_experts(
    x_td: Tensor<2>,
    gate_up: &Packed,
    down: &Packed,
    weights_tk: Tensor<2>,
    dispatch: &Dispatch,
) -> Option<Tensor<2>> {
    let ([n_tokens, d_model], [d_ff, _]) = (x_td.dims(), down.sizes());
    let mixture = packed::Mixture {
        groups: groups(dispatch, [n_tokens, d_model, d_ff]),
        gate_up: gate_up.clone(),
        down: down.clone(),
    };
    let inputs = [x_td.into_dispatch(), weights_tk.into_dispatch()];
    run(mixture, inputs, [n_tokens, d_model])
}

/// Causal attention of the last S of N positions.
///
/// # Shapes
/// `q`: [B, H, S, d]; `k`, `v`: [B, H_kv, N, d]; returns [B, H, S, d]
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Option<Tensor<4>> {
    let (shape, sizes) = (q.dims(), sizes(&q, &k));
    let inputs = [q, k, v].map(Tensor::into_dispatch);
    run(sizes, inputs, shape)
}

fn sizes(q: &Tensor<4>, k: &Tensor<4>) -> attention::Sizes {
    let ([b, n_heads, len, head_dim], [_, n_kv_heads, n_keys, _]) = (q.dims(), k.dims());
    attention::Sizes {
        n_queries: b * n_heads,
        group: n_heads / n_kv_heads,
        len,
        n_keys,
        head_dim,
    }
}

impl Operation<3> for attention::Sizes {
    type Kept = attention::Kept;

    fn forward(&self, [q, k, v]: [&[f32]; 3]) -> (Vec<f32>, Self::Kept) {
        let sight = attention::Sight::Past;
        attention::forward(*self, attention::Inputs { q, k, v, sight })
    }

    fn backward(&self, [q, k, v]: [&[f32]; 3], kept: &Self::Kept, grad: &[f32]) -> [Vec<f32>; 3] {
        let sight = attention::Sight::Past;
        let inputs = attention::Inputs { q, k, v, sight };
        let [q, k, v, _] = attention::backward(*self, inputs, kept, grad);
        [q, k, v]
    }
}

/// Attention of every query to every key, with a bias on the scores.
///
/// # Shapes
/// `q`: [B, H, S, d]; `k`, `v`: [B, H_kv, N, d]; `bias`: [1, H, S, N]; returns [B, H, S, d]
pub fn biased_attention(
    q: Tensor<4>,
    k: Tensor<4>,
    v: Tensor<4>,
    bias: Tensor<4>,
) -> Option<Tensor<4>> {
    let (shape, sizes) = (q.dims(), sizes(&q, &k));
    let inputs = [q, k, v, bias].map(Tensor::into_dispatch);
    run(sizes, inputs, shape)
}

impl Operation<4> for attention::Sizes {
    type Kept = attention::Kept;

    fn forward(&self, [q, k, v, bias]: [&[f32]; 4]) -> (Vec<f32>, Self::Kept) {
        let sight = attention::Sight::All { bias };
        attention::forward(*self, attention::Inputs { q, k, v, sight })
    }

    fn backward(
        &self,
        [q, k, v, bias]: [&[f32]; 4],
        kept: &Self::Kept,
        grad: &[f32],
    ) -> [Vec<f32>; 4] {
        let sight = attention::Sight::All { bias };
        attention::backward(*self, attention::Inputs { q, k, v, sight }, kept, grad)
    }
}

/// A 3x3 convolution over square grids, one after the other; beyond the border the nearest cell stands in.
///
/// # Shapes
/// `x_nc`: [B * side * side, C]; `weight`: [9 * C, O]; `bias`: [O]; returns [B * (side / stride)^2, O]
pub fn convolution(
    x_nc: Tensor<2>,
    weight: Tensor<2>,
    bias: Tensor<1>,
    side: usize,
    stride: usize,
) -> Option<Tensor<2>> {
    let ([n, channels], [_, outputs]) = (x_nc.dims(), weight.dims());
    let shape = convolution::Shape {
        n_images: n / (side * side),
        side,
        stride,
        channels,
        outputs,
    };
    let inputs = [
        x_nc.into_dispatch(),
        weight.into_dispatch(),
        bias.into_dispatch(),
    ];
    run(shape, inputs, [shape.n_outputs(), outputs])
}

impl Operation<3> for convolution::Shape {
    type Kept = ();

    fn forward(&self, inputs: [&[f32]; 3]) -> (Vec<f32>, ()) {
        (convolution::forward(*self, inputs), ())
    }

    fn backward(&self, inputs: [&[f32]; 3], (): &(), grad: &[f32]) -> [Vec<f32>; 3] {
        convolution::backward(*self, inputs, grad)
    }
}

/// Loss of each prediction in nats, where the head is a table of one row a token.
///
/// # Shapes
/// `hidden_td`: [T, D]; `table_vd`: [V, D]; `targets`: [T]; returns [T]
pub fn cross_entropy(
    hidden_td: Tensor<2>,
    table_vd: Tensor<2>,
    targets: &[i32],
) -> Option<Tensor<1>> {
    let ([n_tokens, d_model], [vocab_size, _]) = (hidden_td.dims(), table_vd.dims());
    let head = cross_entropy::Head {
        n_tokens,
        d_model,
        vocab_size,
        targets: targets.to_vec(),
    };
    let inputs = [hidden_td.into_dispatch(), table_vd.into_dispatch()];
    run(head, inputs, [n_tokens])
}

impl Operation<2> for cross_entropy::Head {
    type Kept = cross_entropy::Kept;

    fn forward(&self, [hidden, table]: [&[f32]; 2]) -> (Vec<f32>, Self::Kept) {
        cross_entropy::forward(self, hidden, table)
    }

    fn backward(
        &self,
        [hidden, table]: [&[f32]; 2],
        kept: &Self::Kept,
        grad: &[f32],
    ) -> [Vec<f32>; 2] {
        cross_entropy::backward(self, hidden, table, kept, grad)
    }
}
