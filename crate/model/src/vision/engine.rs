//! The engine for images: pixels in, class probabilities and the routing of every patch out.
//!
//! The command-line tool and the browser use this same type, as they use `Engine` for text.
//! The patches of the one image are the whole batch: a capacity is shared by them alone.

use burn::tensor::Device;
use moescope_routing::ModelRouting;
use serde::Serialize;

use super::config::MODEL_TYPE;
use super::machine::{BurnMachine, Machine};
use super::{ImageClass, RgbImage, VitConfig, build};
use crate::checkpoint::{Checkpoint, Storage};
use crate::config::refuse_external;
use crate::engine::{ModelFiles, Reading};
use crate::error::ModelError;
use crate::external::ExternalRouter;
use crate::host_router::ExpertPath;
use crate::trace::LayerTrace;

/// A loaded vision model with the routing in force.
#[derive(Debug)]
pub struct VisionEngine {
    name: String,
    config: VitConfig,
    machine: Machine,
    routing: ModelRouting,
    external: Option<Box<dyn ExternalRouter>>,
    path: ExpertPath,
    tracing: bool,
}

/// What a page wants to know about a loaded vision model.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct VisionInfo {
    /// Name of the checkpoint, if its caller gave one, else its architecture.
    pub name: String,
    /// The `model_type`.
    pub architecture: String,
    /// Pixels along one side of the image.
    pub image_size: usize,
    /// Pixels along one side of a patch.
    pub patch_size: usize,
    /// Transformer layers.
    pub n_layers: usize,
    /// Indices of those with experts.
    pub moe_layers: Vec<usize>,
    /// Experts in an MoE layer.
    pub n_experts: usize,
    /// Experts per patch under the trained routing.
    pub top_k: usize,
    /// Width of the residual stream.
    pub d_model: usize,
    /// All parameters.
    pub n_parameters: usize,
    /// Parameters one patch uses under the trained routing.
    pub n_active_parameters: usize,
    /// Operations of one image's forward pass in matrix products, a multiply-add as two.
    pub flops_per_image: usize,
    /// Classes, in the order of the probabilities.
    pub classes: Vec<ImageClass>,
    /// The routing the model was trained with.
    pub trained_routing: ModelRouting,
}

/// What the model sees in an image, and how its patches were routed.
#[derive(Clone, Debug, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Classification {
    /// [N] probability of each class.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array"))]
    pub probabilities: Vec<f32>,
    /// [side, side, 3] bytes of the image as the model read it, row by row.
    #[cfg_attr(feature = "ts", ts(type = "Uint8Array"))]
    pub pixels: Vec<u8>,
    /// -ln p(label) in nats, if a label was given.
    pub loss: Option<f32>,
    /// One entry for each MoE layer, in order, about P patches row by row; empty if not tracing.
    pub layers: Vec<LayerTrace>,
    /// The routing in force.
    pub routing: ModelRouting,
}

impl VisionEngine {
    /// Reads a model onto a device; a tokenizer among the files is not looked at.
    ///
    /// # Errors
    /// Whatever is wrong with one of the files.
    pub fn load(files: ModelFiles, device: &Device) -> Result<Self, ModelError> {
        Self::load_as(files, device, Storage::Reals)
    }

    /// Reads a model onto the CPU and packs the matrices of its blocks into 8 bits, which are read faster.
    ///
    /// # Errors
    /// As [`Self::load`].
    #[cfg(feature = "fused")]
    pub fn load_packed(files: ModelFiles) -> Result<Self, ModelError> {
        Self::load_as(files, &Device::flex(), Storage::Packed)
    }

    fn load_as(files: ModelFiles, device: &Device, storage: Storage) -> Result<Self, ModelError> {
        let config = VitConfig::from_json(files.config)?;
        let tensors = Checkpoint::open(&config, files.weights)?;
        let machine = Machine::Burn(Box::new(BurnMachine {
            model: build(&config, &tensors, device, storage)?,
            device: device.clone(),
        }));
        Ok(Self::new(files.name, config, machine))
    }

    /// Reads a model into the plan that was prepared for its config.json.
    ///
    /// # Errors
    /// Whatever is wrong with one of the files, and a plan for another model.
    #[cfg(feature = "recorded")]
    pub fn load_recorded(
        files: ModelFiles,
        plan: crate::recorded::PreparedVisionPlan,
    ) -> Result<Self, ModelError> {
        let config = VitConfig::from_json(files.config)?;
        let tensors = Checkpoint::open(&config, files.weights)?;
        let recorded = plan.fill(&config, &tensors)?;
        let machine = Machine::Recorded(Box::new(recorded));
        Ok(Self::new(files.name, config, machine))
    }

    fn new(name: &str, config: VitConfig, machine: Machine) -> Self {
        let name = match name {
            "" => MODEL_TYPE,
            name => name,
        };
        Self {
            name: name.to_owned(),
            routing: config.trained_routing(),
            config,
            machine,
            external: None,
            path: ExpertPath::default(),
            tracing: true,
        }
    }

    /// What there is to know about the recorded plan; none on Burn, or while it runs.
    #[cfg(feature = "recorded")]
    pub fn plan_info(&self) -> Option<crate::recorded::PlanInfo> {
        match &self.machine {
            Machine::Recorded(machine) => machine.info(),
            Machine::Burn(_) => None,
        }
    }

    /// What there is to know about the model.
    pub fn info(&self) -> VisionInfo {
        let c = &self.config;
        let (n_parameters, n_active_parameters) = c.parameter_counts();
        VisionInfo {
            name: self.name.clone(),
            architecture: MODEL_TYPE.to_owned(),
            image_size: c.image_size,
            patch_size: c.patch_size,
            n_layers: c.n_layers,
            moe_layers: c.moe_layers(),
            n_experts: c.n_experts,
            top_k: c.top_k(),
            d_model: c.d_model,
            n_parameters,
            n_active_parameters,
            flops_per_image: c.flops_per_image(),
            classes: c.classes.clone(),
            trained_routing: c.trained_routing(),
        }
    }

    /// The routing in force.
    pub fn routing(&self) -> &ModelRouting {
        &self.routing
    }

    /// Changes the routing from the next image on. On an error the old one stays.
    ///
    /// # Errors
    /// A spec that does not fit this model.
    pub fn set_routing(&mut self, routing: ModelRouting) -> Result<(), ModelError> {
        self.check(&routing)?;
        self.routing = routing;
        Ok(())
    }

    /// Sets or removes the router that decides where a spec selects by `external`.
    ///
    /// It is asked about all patches of an image at once; their places, row by row, stand in for token ids.
    pub fn set_external_router(&mut self, router: Option<Box<dyn ExternalRouter>>) {
        self.external = router;
    }

    /// Chooses how experts are computed; the results are equal.
    pub fn set_expert_path(&mut self, path: ExpertPath) {
        self.path = path;
    }

    /// Turns the recording of traces on or off.
    pub fn set_tracing(&mut self, tracing: bool) {
        self.tracing = tracing;
    }

    /// What this model sees of an image of any size.
    pub fn fitted(&self, image: &RgbImage) -> RgbImage {
        image.fitted(self.config.image_size)
    }

    /// Classifies an image of the model's size under `routing`, or the one in force.
    ///
    /// # Errors
    /// An image of another size ([`Self::fitted`] helps), a label that is no class, a routing that does not fit.
    pub async fn classify(
        &self,
        image: &RgbImage,
        label: Option<usize>,
        routing: Option<&ModelRouting>,
    ) -> Result<Classification, ModelError> {
        let routing = routing.unwrap_or(&self.routing);
        self.check(routing)?;
        self.check_image(image)?;
        let n_classes = self.config.classes.len();
        if let Some(got) = label
            && got >= n_classes
        {
            return Err(ModelError::ClassOutOfRange { got, n_classes });
        }
        // A patch's place stands in for a token id, for strategies that go by one.
        let places: Vec<u32> = (0..self.config.n_patches() as u32).collect();
        let reading = Reading {
            ids: &places,
            routing,
            external: self.external.as_deref(),
            path: self.path,
            tracing: self.tracing,
        };
        let pixels = self.config.normalise(image.pixels());
        let (logits, layers) = self.machine.logits(pixels, reading).await?;
        let log_probs = log_softmax(&logits);
        Ok(Classification {
            loss: label.map(|label| -log_probs[label]),
            pixels: image.pixels().to_vec(),
            probabilities: log_probs.iter().map(|log_prob| log_prob.exp()).collect(),
            layers,
            routing: routing.clone(),
        })
    }

    fn check(&self, routing: &ModelRouting) -> Result<(), ModelError> {
        self.config.check_routing(routing)?;
        match &self.external {
            Some(_) => Ok(()),
            None => refuse_external(routing, &self.config.moe_layers()),
        }
    }

    fn check_image(&self, image: &RgbImage) -> Result<(), ModelError> {
        let (width, height, side) = (image.width(), image.height(), self.config.image_size);
        match (width, height) == (side, side) {
            true => Ok(()),
            false => Err(ModelError::ImageSize {
                width,
                height,
                side,
            }),
        }
    }
}

/// Natural logarithms of the probabilities, in float32 as on a device.
fn log_softmax(logits: &[f32]) -> Vec<f32> {
    let highest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let mass: f32 = logits.iter().map(|logit| (logit - highest).exp()).sum();
    let log_mass = highest + mass.ln();
    logits.iter().map(|logit| logit - log_mass).collect()
}
