//! Reading and writing Hugging Face weights (`model.safetensors`).
//!
//! Published checkpoints keep one matrix per projection and expert, output-major; the model keeps them stacked,
//! side by side and input-major. Both directions of that change are here, and nothing else knows about it.

mod build;
mod export;

use std::collections::HashMap;

use half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::error::ModelError;

pub(crate) use build::Parts;
pub use build::{Storage, build};
pub(crate) use export::Sink;
pub use export::export;

/// Tensors in published names and layout, as float32.
pub type Tensors = HashMap<String, Vec<f32>>;

/// A configuration that says which tensors its checkpoint holds.
pub trait TensorList {
    /// Every tensor with its shape, in published names and layout.
    fn tensors(&self) -> Vec<(String, Vec<usize>)>;
}

/// Reads the tensors that `config` calls for out of a safetensors file.
///
/// # Errors
/// A damaged file, a missing tensor, another shape than the configuration implies, an unknown type.
pub fn read_safetensors(config: &impl TensorList, bytes: &[u8]) -> Result<Tensors, ModelError> {
    let file = SafeTensors::deserialize(bytes)
        .map_err(|e| ModelError::WeightsTruncated(format!("{e} ({} bytes)", bytes.len())))?;
    let mut tensors = Tensors::new();
    for (name, expected) in config.tensors() {
        let Ok(view) = file.tensor(&name) else {
            let found = file.len();
            return Err(ModelError::TensorMissing {
                name,
                expected,
                found,
            });
        };
        if view.shape() != expected {
            let got = view.shape().to_vec();
            return Err(ModelError::ShapeMismatch {
                name,
                expected,
                got,
            });
        }
        let values = to_f32(&name, &view)?;
        tensors.insert(name, values);
    }
    Ok(tensors)
}

fn to_f32(name: &str, view: &TensorView) -> Result<Vec<f32>, ModelError> {
    let data = view.data();
    let pairs = || data.chunks_exact(2).map(|b| [b[0], b[1]]);
    match view.dtype() {
        Dtype::F32 => Ok(data
            .chunks_exact(4)
            .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
            .collect()),
        Dtype::BF16 => Ok(pairs().map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
        Dtype::F16 => Ok(pairs().map(|b| f16::from_le_bytes(b).to_f32()).collect()),
        other => Err(ModelError::DtypeUnsupported {
            name: name.to_owned(),
            got: format!("{other:?}"),
        }),
    }
}

/// Writes tensors as bfloat16 safetensors.
///
/// # Errors
/// [`ModelError::TensorMissing`] if `tensors` lacks one that `config` calls for.
pub fn write_safetensors(
    config: &impl TensorList,
    tensors: &Tensors,
) -> Result<Vec<u8>, ModelError> {
    let mut stored = Vec::new();
    for (name, shape) in config.tensors() {
        let Some(values) = tensors.get(&name) else {
            let found = tensors.len();
            return Err(ModelError::TensorMissing {
                name,
                expected: shape,
                found,
            });
        };
        let bytes: Vec<u8> = values
            .iter()
            .flat_map(|&x| bf16::from_f32(x).to_le_bytes())
            .collect();
        stored.push((name, shape, bytes));
    }
    let views: Result<Vec<_>, _> = stored
        .iter()
        .map(|(name, shape, bytes)| {
            TensorView::new(Dtype::BF16, shape.clone(), bytes).map(|view| (name, view))
        })
        .collect();
    let format = HashMap::from([("format".to_owned(), "pt".to_owned())]);
    views
        .and_then(|views| safetensors::serialize(views, Some(format)))
        .map_err(|e| ModelError::WeightsTruncated(e.to_string()))
}
