//! Reading and writing Hugging Face weights (`model.safetensors`).
//!
//! Published checkpoints keep one matrix per projection and expert, output-major; the model keeps them stacked,
//! side by side and input-major. Both directions of that change are here, and nothing else knows about it.

mod build;
mod export;

use std::borrow::Cow;
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

/// Where tensors come from, in published names and layout.
pub trait TensorSource {
    /// The tensor of that name as float32; made when it is asked for, where it is stored as something else.
    fn tensor(&self, name: &str) -> Option<Cow<'_, [f32]>>;

    /// How many there are.
    fn count(&self) -> usize;
}

impl TensorSource for Tensors {
    fn tensor(&self, name: &str) -> Option<Cow<'_, [f32]>> {
        self.get(name).map(|values| Cow::from(values.as_slice()))
    }

    fn count(&self) -> usize {
        self.len()
    }
}

/// A safetensors file with every tensor that a configuration calls for.
///
/// Tensors become float32 one by one, so that a model takes little more room while it is read than when it runs.
#[derive(Debug)]
pub struct Checkpoint<'a>(SafeTensors<'a>);

impl<'a> Checkpoint<'a> {
    /// Looks through the file; no number is read yet.
    ///
    /// # Errors
    /// A damaged file, a missing tensor, another shape than the configuration implies, an unknown type.
    pub fn open(config: &impl TensorList, bytes: &'a [u8]) -> Result<Self, ModelError> {
        let file = SafeTensors::deserialize(bytes)
            .map_err(|e| ModelError::WeightsTruncated(format!("{e} ({} bytes)", bytes.len())))?;
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
            if !matches!(view.dtype(), Dtype::F32 | Dtype::BF16 | Dtype::F16) {
                let got = format!("{:?}", view.dtype());
                return Err(ModelError::DtypeUnsupported { name, got });
            }
        }
        Ok(Self(file))
    }
}

impl TensorSource for Checkpoint<'_> {
    fn tensor(&self, name: &str) -> Option<Cow<'_, [f32]>> {
        self.0
            .tensor(name)
            .ok()
            .and_then(|view| reals(&view))
            .map(Cow::from)
    }

    fn count(&self) -> usize {
        self.0.len()
    }
}

/// Reads the tensors that `config` calls for out of a safetensors file, all at once.
///
/// # Errors
/// Those of [`Checkpoint::open`].
pub fn read_safetensors(config: &impl TensorList, bytes: &[u8]) -> Result<Tensors, ModelError> {
    let checkpoint = Checkpoint::open(config, bytes)?;
    let names = config.tensors().into_iter().map(|(name, _)| name);
    let tensors = names.filter_map(|name| {
        let values = checkpoint.tensor(&name)?.into_owned();
        Some((name, values))
    });
    Ok(tensors.collect())
}

/// A tensor as float32; none of a type that nobody has asked for yet.
fn reals(view: &TensorView) -> Option<Vec<f32>> {
    let data = view.data();
    let pairs = data.chunks_exact(2).map(|b| [b[0], b[1]]);
    let quads = data.chunks_exact(4).map(|b| [b[0], b[1], b[2], b[3]]);
    match view.dtype() {
        Dtype::F32 => Some(quads.map(f32::from_le_bytes).collect()),
        Dtype::BF16 => Some(pairs.map(|b| bf16::from_le_bytes(b).to_f32()).collect()),
        Dtype::F16 => Some(pairs.map(|b| f16::from_le_bytes(b).to_f32()).collect()),
        _ => None,
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
