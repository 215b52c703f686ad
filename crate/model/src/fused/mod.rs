//! Three operations of the CPU written as one piece each, forward and backward: experts, attention, loss.
//!
//! Composed of stock operations, each of them passes over memory a dozen times and the experts compute empty slots;
//! in training that costs more than the products themselves. These compute the same values (tests compare them with
//! the composition, and their gradients with finite differences) and keep little.
//! Every function answers none where the tensors are not on the Flex device, and the caller composes stock operations.

mod attention;
mod convolution;
mod cross_entropy;
mod experts;
mod math;
mod product;
#[cfg(test)]
mod tests;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{
    Autodiff, Backend, BackendTensor, DispatchKindConversion, DispatchTensor, Flex, TensorMetadata,
};
use burn::tensor::{DType, Tensor, TensorData};
use burn_flex::FlexTensor;

use crate::dispatch::Dispatch;

type Tracked = Autodiff<Flex>;

/// An operation whose inputs are `N` float tensors and whose output is one.
trait Operation<const N: usize>: Send + Sync + 'static {
    /// What backward needs of forward.
    type Kept: Send + Sync + 'static;

    /// Output values and what to keep.
    fn forward(&self, inputs: [&[f32]; N]) -> (Vec<f32>, Self::Kept);

    /// Gradients of the inputs from that of the output.
    fn backward(&self, inputs: [&[f32]; N], kept: &Self::Kept, grad: &[f32]) -> [Vec<f32>; N];
}

/// Inputs, operation and what forward kept, until backward wants them.
struct Saved<T: Operation<N>, const N: usize> {
    operation: T,
    inputs: [FlexTensor; N],
    kept: T::Kept,
}

impl<T: Operation<N>, const N: usize> fmt::Debug for Saved<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Saved").finish_non_exhaustive()
    }
}

/// The backward step of an [`Operation`].
struct Step<T>(PhantomData<fn() -> T>);

impl<T> fmt::Debug for Step<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Step")
    }
}

impl<T: Operation<N>, const N: usize> Backward<Flex, N> for Step<T> {
    type State = Arc<Saved<T, N>>;

    fn backward(
        self,
        ops: Ops<Self::State, N>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<Flex>(&ops.node).to_contiguous();
        let saved = &ops.state;
        let inputs = saved.inputs.each_ref().map(values);
        let of_inputs = saved.operation.backward(inputs, &saved.kept, values(&grad));
        for ((parent, grad), input) in ops.parents.into_iter().zip(of_inputs).zip(&saved.inputs) {
            if let Some(parent) = parent {
                let shape = input.layout().shape().clone();
                grads.register::<Flex>(parent.id, tensor(grad, shape.to_vec()));
            }
        }
    }
}

/// Numbers of a contiguous tensor.
fn values(tensor: &FlexTensor) -> &[f32] {
    // Every caller has made it contiguous; a tensor that is not has no numbers in order.
    tensor.as_slice::<f32>().unwrap_or_default()
}

fn tensor(values: Vec<f32>, shape: Vec<usize>) -> FlexTensor {
    FlexTensor::from_data(TensorData::new(values, shape))
}

/// Tensors as the primitives of backend `B`; none where one of them is something else.
fn primitives<B: Backend, const N: usize>(
    tensors: &[DispatchTensor; N],
) -> Option<[FloatTensor<B>; N]>
where
    DispatchTensor: DispatchKindConversion<B>,
{
    let primitive = |tensor: &DispatchTensor| {
        if tensor.dtype() != DType::F32 {
            return None;
        }
        match <DispatchTensor as DispatchKindConversion<B>>::try_into_backend(tensor.clone()) {
            Ok(BackendTensor::Float(primitive)) => Some(primitive),
            _ => None,
        }
    };
    let all: Option<Vec<FloatTensor<B>>> = tensors.iter().map(primitive).collect();
    all?.try_into().ok()
}

/// Runs an operation on the Flex device, with its gradient where one is wanted; none on another device.
fn run<T: Operation<N>, const N: usize, const M: usize>(
    operation: T,
    inputs: [DispatchTensor; N],
    shape: [usize; M],
) -> Option<Tensor<M>> {
    if let Some(inputs) = primitives::<Flex, N>(&inputs) {
        let inputs = inputs.map(|input| input.to_contiguous());
        let (output, _) = operation.forward(inputs.each_ref().map(values));
        return Some(Tensor::from_primitive::<Flex>(tensor(output, shape.into())));
    }
    let tracked = primitives::<Tracked, N>(&inputs)?;
    let nodes = tracked.each_ref().map(|input| input.node());
    let inputs = tracked.map(|input| input.into_primitive().to_contiguous());
    let (output, kept) = operation.forward(inputs.each_ref().map(values));
    let output = tensor(output, shape.into());
    let step = Step::<T>(PhantomData);
    let output = match step
        .prepare::<NoCheckpointing>(nodes)
        .compute_bound()
        .stateful()
    {
        OpsKind::Tracked(prepared) => {
            let saved = Saved {
                operation,
                inputs,
                kept,
            };
            prepared.finish(Arc::new(saved), output)
        }
        OpsKind::UnTracked(prepared) => prepared.finish(output),
    };
    Some(Tensor::from_primitive::<Tracked>(output))
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
    let groups = experts::Groups {
        n_tokens,
        d_model,
        d_ff,
        width: dispatch.width,
        experts: dispatch
            .active_experts
            .iter()
            .map(|&e| e as usize)
            .collect(),
        offsets: dispatch.choice_offsets.clone(),
        choices: dispatch.choices_by_expert.clone(),
    };
    let inputs = [
        x_td.into_dispatch(),
        gate_up.into_dispatch(),
        down.into_dispatch(),
        weights_tk.into_dispatch(),
    ];
    run(groups, inputs, [n_tokens, d_model])
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
        experts::forward(self, inputs)
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

/// Causal attention of whole sequences.
///
/// # Shapes
/// `q`: [B, H, S, d]; `k`, `v`: [B, H_kv, S, d]; returns [B, H, S, d]
pub fn attention(q: Tensor<4>, k: Tensor<4>, v: Tensor<4>) -> Option<Tensor<4>> {
    let (shape, sizes) = (q.dims(), sizes(&q, &k));
    let inputs = [q, k, v].map(Tensor::into_dispatch);
    run(sizes, inputs, shape)
}

fn sizes(q: &Tensor<4>, k: &Tensor<4>) -> attention::Sizes {
    let ([b, n_heads, len, head_dim], [_, n_kv_heads, ..]) = (q.dims(), k.dims());
    attention::Sizes {
        n_queries: b * n_heads,
        group: n_heads / n_kv_heads,
        len,
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
/// `q`: [B, H, S, d]; `k`, `v`: [B, H_kv, S, d]; `bias`: [1, H, S, S]; returns [B, H, S, d]
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
