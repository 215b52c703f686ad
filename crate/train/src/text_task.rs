//! Text as a [`Task`]: a language model learns to predict the next token.

use std::ops::Range;

use burn::module::ParamId;
use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::checkpoint::{Storage, Tensors, build, export};
use moescope_model::config::LmConfig;
use moescope_model::lm::{FeedForward, MoeLm};
use moescope_model::moe::Router;
use moescope_model::weight::Weight;
use moescope_routing::RouterSpec;

use crate::TrainError;
use crate::batches::BatchPlan;
use crate::init::initial_tensors;
use crate::recipe::{Recipe, TrainRecipe};
use crate::shards::Shard;
use crate::task::Task;
use crate::trainer::lm_config;

/// A recipe with its token streams.
pub struct TextTask<'a> {
    recipe: &'a Recipe,
    config: LmConfig,
    spec: RouterSpec,
    plan: BatchPlan,
    shards: &'a [Shard],
}

impl<'a> TextTask<'a> {
    /// Deals out the training split of the recipe's domains, given in the recipe's order.
    ///
    /// # Errors
    /// A domain with fewer tokens than one sequence needs.
    pub fn new(recipe: &'a Recipe, shards: &'a [Shard]) -> Result<Self, TrainError> {
        let config = lm_config(recipe);
        Ok(Self {
            recipe,
            spec: config.trained_routing().default,
            config,
            plan: BatchPlan::new(recipe, shards)?,
            shards,
        })
    }
}

impl Task for TextTask<'_> {
    type Model = MoeLm;
    type Recipe = Recipe;
    type Config = LmConfig;

    fn recipe(&self) -> &Recipe {
        self.recipe
    }

    fn schedule(&self) -> &TrainRecipe {
        &self.recipe.train
    }

    fn spec(&self) -> &RouterSpec {
        &self.spec
    }

    fn config(&self) -> &LmConfig {
        &self.config
    }

    fn n_experts(&self) -> usize {
        self.config.n_experts
    }

    fn moe_layers(&self) -> Vec<usize> {
        self.config.moe_layers.clone()
    }

    fn random_tensors(&self) -> Tensors {
        initial_tensors(&self.config, self.recipe.train.seed)
    }

    fn build(&self, tensors: &Tensors, device: &Device) -> Result<MoeLm, ModelError> {
        build(&self.config, tensors, device, Storage::Reals)
    }

    fn export(&self, model: &MoeLm) -> Result<Tensors, ModelError> {
        pollster::block_on(export(&self.config, model))
    }

    fn adamw_matrices(&self, model: &MoeLm) -> Vec<ParamId> {
        let gates = model
            .blocks
            .iter()
            .filter_map(|block| match &block.feed_forward {
                FeedForward::Moe(moe) => Some(moe.gate.id),
                FeedForward::Dense(_) => None,
            });
        let ends = [
            model.embedding.id(),
            model.head.as_ref().and_then(Weight::id),
        ];
        ends.into_iter().flatten().chain(gates).collect()
    }

    fn loss<R: Router>(
        &self,
        model: &MoeLm,
        step: usize,
        sequences: Range<usize>,
        router: &mut R,
        device: &Device,
    ) -> Result<Tensor<1>, ModelError> {
        let batch = self.plan.batch(step, self.shards, sequences);
        let (t, seq_len) = (batch.inputs.len(), self.recipe.train.seq_len);
        let tokens = TensorData::new(batch.inputs, [t / seq_len, seq_len]);
        let tokens_bs = Tensor::<2, Int>::from_data(tokens, device);
        let hidden_td = pollster::block_on(model.forward(tokens_bs, None, router))?;
        Ok(model.losses(hidden_td, batch.targets).mean())
    }
}
