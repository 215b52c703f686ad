//! Images as a [`Task`]: a vision model learns to name the class.

use std::ops::Range;

use burn::module::ParamId;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::checkpoint::{Storage, Tensors};
use moescope_model::lm::FeedForward;
use moescope_model::moe::Router;
use moescope_model::vision::{MoeVit, VitConfig, build, export};
use moescope_routing::RouterSpec;

use super::batches::{ImageBatch, ImagePlan};
use super::init::initial_vision_tensors;
use super::recipe::VisionRecipe;
use super::sets::ImageSet;
use crate::TrainError;
use crate::recipe::TrainRecipe;
use crate::task::Task;

/// A recipe with its images.
pub struct VisionTask<'a> {
    recipe: &'a VisionRecipe,
    config: VitConfig,
    plan: ImagePlan,
    sets: &'a [ImageSet],
}

impl<'a> VisionTask<'a> {
    /// Deals out the training split of the recipe's sets, given in the recipe's order.
    ///
    /// # Errors
    /// A set that the model cannot read.
    pub fn new(recipe: &'a VisionRecipe, sets: &'a [ImageSet]) -> Result<Self, TrainError> {
        Ok(Self {
            recipe,
            config: recipe.config()?,
            plan: ImagePlan::new(recipe, sets)?,
            sets,
        })
    }
}

impl Task for VisionTask<'_> {
    type Model = MoeVit;
    type Recipe = VisionRecipe;
    type Config = VitConfig;

    fn recipe(&self) -> &VisionRecipe {
        self.recipe
    }

    fn schedule(&self) -> &TrainRecipe {
        &self.recipe.train
    }

    fn spec(&self) -> &RouterSpec {
        &self.config.router
    }

    fn config(&self) -> &VitConfig {
        &self.config
    }

    fn n_experts(&self) -> usize {
        self.config.n_experts
    }

    fn moe_layers(&self) -> Vec<usize> {
        self.config.moe_layers()
    }

    fn random_tensors(&self) -> Tensors {
        initial_vision_tensors(&self.config, self.recipe.train.seed)
    }

    fn build(&self, tensors: &Tensors, device: &Device) -> Result<MoeVit, ModelError> {
        build(&self.config, tensors, device, Storage::Reals)
    }

    fn export(&self, model: &MoeVit) -> Result<Tensors, ModelError> {
        pollster::block_on(export(&self.config, model))
    }

    fn adamw_matrices(&self, model: &MoeVit) -> Vec<ParamId> {
        let mut ids = vec![model.position.id, model.head.id];
        // The first convolution sees pixels, as an embedding sees tokens.
        ids.extend(model.stem.convs.first().map(|conv| conv.weight.id));
        for block in &model.blocks {
            ids.push(block.relative_bias.id);
            if let FeedForward::Moe(moe) = &block.block.feed_forward {
                ids.push(moe.gate.id);
            }
        }
        ids
    }

    fn loss<R: Router>(
        &self,
        model: &MoeVit,
        step: usize,
        sequences: Range<usize>,
        router: &mut R,
        device: &Device,
    ) -> Result<Tensor<1>, ModelError> {
        let batch = self
            .plan
            .batch(self.recipe, &self.config, self.sets, step, sequences);
        let ImageBatch { pixels, targets } = batch;
        let (b, side) = (targets.len(), self.config.image_size);
        let pixels_bhwc = Tensor::from_data(TensorData::new(pixels, [b, side, side, 3]), device);
        let targets_b = Tensor::<1, Int>::from_data(TensorData::new(targets, [b]), device);
        let logits_bn = pollster::block_on(model.forward(pixels_bhwc, router))?;
        Ok(smoothed_cross_entropy(
            logits_bn,
            targets_b,
            self.recipe.augment.label_smoothing,
        ))
    }
}

/// Mean loss in nats against targets that give `smoothing` to all classes alike and the rest to the right one.
///
/// # Shapes
/// `logits_bn`: [B, N]; `targets_b`: [B]
fn smoothed_cross_entropy(
    logits_bn: Tensor<2>,
    targets_b: Tensor<1, Int>,
    smoothing: f64,
) -> Tensor<1> {
    let [b, _] = logits_bn.dims();
    let log_probs_bn = log_softmax(logits_bn, 1);
    let right = log_probs_bn
        .clone()
        .gather(1, targets_b.reshape([b, 1]))
        .mean();
    let all = log_probs_bn.mean();
    (right * (1.0 - smoothing) + all * smoothing).neg()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_mixes_the_right_class_with_all_classes() {
        let device = Device::flex();
        let logits = Tensor::from_data([[0.0_f32, 0.0, 3_f32.ln()]], &device);
        let targets = Tensor::<1, Int>::from_data([2], &device);
        // Probabilities 1/5, 1/5, 3/5.
        let loss = |smoothing| -> f32 {
            smoothed_cross_entropy(logits.clone(), targets.clone(), smoothing).into_scalar()
        };
        let (right, all) = (-(0.6_f32.ln()), -(2.0 * 0.2_f32.ln() + 0.6_f32.ln()) / 3.0);
        assert!((loss(0.0) - right).abs() < 1e-6);
        assert!((loss(0.25) - (0.75 * right + 0.25 * all)).abs() < 1e-6);
    }
}
