//! Vision weights: from published tensors to modules and back.
//!
//! Convolutions are stored [out, 3, 3, in], everything else as in the language models.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};

use super::config::VitConfig;
use super::stem::{Conv, Stem};
use super::{Grid, MoeVit, VitBlock};
use crate::checkpoint::{Parts, Sink, Storage, TensorList, TensorSource, Tensors};
use crate::error::ModelError;

/// Weights of a kernel for each pair of channels.
pub(crate) const TAPS: usize = 9;

impl VitConfig {
    /// Input channels, output channels and stride of each convolution of the stem.
    pub(crate) fn convs(&self) -> Vec<(usize, usize, usize)> {
        let mut widths = vec![super::CHANNELS];
        widths.extend(&self.stem_channels);
        widths.push(self.d_model);
        let last = widths.len() - 2;
        let pairs = widths.windows(2).enumerate();
        // The first and the last halve the grid.
        pairs
            .map(|(i, pair)| (pair[0], pair[1], if i == 0 || i == last { 2 } else { 1 }))
            .collect()
    }

    /// Rows of the table of relative positions, R.
    fn n_relative(&self) -> usize {
        (2 * self.grid() - 1).pow(2)
    }

    /// All parameters, and those one patch uses under the trained routing.
    pub fn parameter_counts(&self) -> (usize, usize) {
        let sizes = self.tensors().into_iter();
        let total: usize = sizes
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        let expert = 3 * self.d_model * self.d_ff_expert;
        let idle = self.moe_layers().len() * self.n_experts.saturating_sub(self.top_k()) * expert;
        (total, total - idle)
    }

    /// Multiplications and additions of one image's forward pass in matrix products, a multiply-add as two.
    pub fn flops_per_image(&self) -> usize {
        let (d, p) = (self.d_model, self.n_patches());
        let mut side = self.image_size;
        let mut products = 0;
        for (inputs, outputs, stride) in self.convs() {
            side /= stride;
            products += side * side * TAPS * inputs * outputs;
        }
        let d_attention = self.n_heads * self.head_dim;
        let attention = 4 * d * d_attention + 2 * p * d_attention;
        let moe = self.moe_layers().len();
        let experts = self.n_experts * d + 3 * d * self.top_k() * self.d_ff_expert;
        let dense = 3 * d * self.d_ff_dense;
        products += p * (self.n_layers * attention + moe * experts + (self.n_layers - moe) * dense);
        2 * (products + d * self.classes.len())
    }
}

impl TensorList for VitConfig {
    fn tensors(&self) -> Vec<(String, Vec<usize>)> {
        let d = self.d_model;
        let mut tensors = Vec::new();
        for (i, (inputs, outputs, _)) in self.convs().into_iter().enumerate() {
            tensors.push((format!("stem.{i}.weight"), vec![outputs, 3, 3, inputs]));
            tensors.push((format!("stem.{i}.bias"), vec![outputs]));
        }
        tensors.push((
            "position_embedding.weight".to_owned(),
            vec![self.n_patches(), d],
        ));
        let trunk = self.trunk();
        for layer in 0..self.n_layers {
            tensors.push((bias_name(layer), vec![self.n_heads, self.n_relative()]));
            trunk.layer_tensors(layer, &mut tensors);
        }
        let n_classes = self.classes.len();
        tensors.push(("model.norm.weight".to_owned(), vec![d]));
        tensors.push(("classifier.weight".to_owned(), vec![n_classes, d]));
        tensors.push(("classifier.bias".to_owned(), vec![n_classes]));
        tensors
    }
}

/// The tensor of biases by relative position, [H, R].
pub(crate) fn bias_name(layer: usize) -> String {
    format!("model.layers.{layer}.self_attn.relative_bias.weight")
}

/// Builds the model on a device.
///
/// # Errors
/// [`ModelError::TensorMissing`] if `tensors` lacks one that `config` calls for.
pub fn build(
    config: &VitConfig,
    tensors: &dyn TensorSource,
    device: &Device,
    storage: Storage,
) -> Result<MoeVit, ModelError> {
    let trunk = config.trunk();
    let parts = Parts::new(&trunk, tensors, device, storage);
    let vector = |name: &str, n: usize| -> Result<Param<Tensor<1>>, ModelError> {
        let values = parts.get(name, &[n])?.into_owned();
        Ok(Param::from_tensor(Tensor::from_data(
            TensorData::new(values, [n]),
            device,
        )))
    };
    let mut convs = Vec::new();
    for (i, (inputs, outputs, stride)) in config.convs().into_iter().enumerate() {
        convs.push(Conv {
            weight: parts.matrix(&format!("stem.{i}.weight"), outputs, TAPS * inputs)?,
            bias: vector(&format!("stem.{i}.bias"), outputs)?,
            stride,
        });
    }
    let mut blocks = Vec::new();
    for layer in 0..config.n_layers {
        blocks.push(VitBlock {
            relative_bias: parts.matrix(&bias_name(layer), config.n_heads, config.n_relative())?,
            block: parts.block(layer)?,
        });
    }
    let (p, d, n_classes) = (config.n_patches(), config.d_model, config.classes.len());
    let position = parts.get("position_embedding.weight", &[p, d])?;
    let position = position.into_owned();
    let position = Tensor::from_data(TensorData::new(position, [p, d]), device);
    Ok(MoeVit {
        stem: Stem { convs },
        position: Param::from_tensor(position),
        blocks,
        norm: parts.norm("model.norm.weight", d)?,
        head: parts.matrix("classifier.weight", n_classes, d)?,
        head_bias: vector("classifier.bias", n_classes)?,
        grid: Grid {
            image_size: config.image_size,
            patches: config.grid(),
        },
    })
}

/// Reads the model's weights back into published names and layout.
///
/// # Errors
/// [`ModelError::Device`] if the device cannot read.
pub async fn export(config: &VitConfig, model: &MoeVit) -> Result<Tensors, ModelError> {
    let trunk = config.trunk();
    let mut sink = Sink::default();
    for (i, conv) in model.stem.convs.iter().enumerate() {
        let [_, outputs] = conv.weight.dims();
        sink.matrix(format!("stem.{i}.weight"), outputs, &conv.weight)
            .await?;
        sink.plain(&format!("stem.{i}.bias"), &conv.bias).await?;
    }
    sink.plain("position_embedding.weight", &model.position)
        .await?;
    for (layer, block) in model.blocks.iter().enumerate() {
        sink.matrix(bias_name(layer), config.n_heads, &block.relative_bias)
            .await?;
        sink.block(&trunk, layer, &block.block).await?;
    }
    sink.plain("model.norm.weight", &model.norm.gamma).await?;
    let n_classes = config.classes.len();
    sink.matrix("classifier.weight".to_owned(), n_classes, &model.head)
        .await?;
    sink.plain("classifier.bias", &model.head_bias).await?;
    Ok(sink.into_tensors())
}
