//! What makes an operation over slices one over tensors: on the Flex device, with its gradient where one is wanted.

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

type Tracked = Autodiff<Flex>;

/// An operation whose inputs are `N` float tensors and whose output is one.
pub trait Operation<const N: usize>: Send + Sync + 'static {
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
pub fn run<T: Operation<N>, const N: usize, const M: usize>(
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
