//! The seam between the training loop and what is trained: text or images.
//!
//! The loop knows schedules, threads, gradients, checkpoints and routing losses; a task knows its model and its data.

use std::fmt::Debug;
use std::ops::Range;

use burn::module::{Module, ParamId};
use burn::tensor::{Device, Tensor};
use moescope_model::ModelError;
use moescope_model::checkpoint::{TensorList, Tensors};
use moescope_model::moe::Router;
use moescope_routing::RouterSpec;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::recipe::TrainRecipe;

/// Something to learn.
pub trait Task: Sync {
    /// The model.
    type Model: Module;
    /// What the run depends on; a run goes on under an equal one only.
    type Recipe: Clone + Debug + PartialEq + Serialize + DeserializeOwned;

    /// What a checkpoint holds.
    type Config: TensorList;

    /// The recipe.
    fn recipe(&self) -> &Self::Recipe;

    /// How it is trained.
    fn schedule(&self) -> &TrainRecipe;

    /// The routing to train with.
    fn spec(&self) -> &RouterSpec;

    /// The configuration.
    fn config(&self) -> &Self::Config;

    /// E of the MoE layers; 0 without any.
    fn n_experts(&self) -> usize;

    /// Index of the transformer layer of each MoE layer.
    fn moe_layers(&self) -> Vec<usize>;

    /// Random first weights.
    fn random_tensors(&self) -> Tensors;

    /// The model with the weights given.
    ///
    /// # Errors
    /// Weights that are not those of the configuration.
    fn build(&self, tensors: &Tensors, device: &Device) -> Result<Self::Model, ModelError>;

    /// The weights in published names and layout.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the device cannot read.
    fn export(&self, model: &Self::Model) -> Result<Tensors, ModelError>;

    /// Matrices that take AdamW whatever the recipe says: what is looked up, and what decides.
    fn adamw_matrices(&self, model: &Self::Model) -> Vec<ParamId>;

    /// Mean loss, without routing losses, of some of a step's sequences.
    ///
    /// # Errors
    /// Those of the router.
    fn loss<R: Router>(
        &self,
        model: &Self::Model,
        step: usize,
        sequences: Range<usize>,
        router: &mut R,
        device: &Device,
    ) -> Result<Tensor<1>, ModelError>;
}
