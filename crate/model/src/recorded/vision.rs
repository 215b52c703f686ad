//! A vision model as a plan: the stem's convolutions, the layers over all patches of one image, mean and classifier.
//!
//! The layers are recorded by the forward pass of the language models, as one prompt in tiles: every patch sees every
//! other, nothing is rotated, and the bias by relative position is spread out into one number for each pair of patches
//! and head when the weights come.
//! The patches are one batch, so that whoever decides, plan or host, sees all of them at once.

use moescope_shaders as gpu;

use super::body::{Body, Places, spec_words};
use super::run::{Logits, Run, Runner, Wanted};
use super::weights::{Upload, matrix};
use super::{PlanInfo, WeightFormat, another_config, device};
use crate::checkpoint::TensorSource;
use crate::config::LmConfig;
use crate::engine::Reading;
use crate::error::ModelError;
use crate::host_router::RouterMemory;
use crate::trace::LayerTrace;
use crate::vision::{CHANNELS, TAPS, VitConfig, bias_name, relative_positions};

/// A vision model on a recorded plan.
#[derive(Debug)]
pub(crate) struct RecordedVit {
    runner: Runner,
    pass: gpu::PassId,
    /// [side^2, 3], normalised.
    pixels: gpu::Buffer,
    format: WeightFormat,
}

/// A vision model recorded and compiled for a device, whose weights are still to come.
#[derive(Debug)]
pub struct PreparedVisionPlan {
    config: VitConfig,
    recorded: RecordedVit,
    model: Model,
}

/// The weights of a vision model, and the buffers of its activations.
#[derive(Debug)]
struct Model {
    stem: Vec<Conv>,
    body: Body,
    /// Of each layer, [H, P, P].
    biases: Vec<gpu::Buffer>,
    /// [1, D]
    mean: gpu::Buffer,
    /// [N, D]
    classifier: gpu::Matrix,
    /// [N]
    classifier_bias: gpu::Buffer,
    logits: gpu::Buffer,
}

/// A convolution of the stem. The last one adds the position embedding too, which then is part of its bias.
#[derive(Debug)]
struct Conv {
    grid: gpu::Grid,
    inputs: usize,
    outputs: usize,
    weights: gpu::Buffer,
    bias: gpu::Buffer,
    bias_rows: usize,
    output: gpu::Buffer,
}

/// What a plan has room for: one image, each of whose patches may use every expert.
fn sizes(config: &VitConfig, trunk: &LmConfig) -> gpu::Sizes {
    let n_patches = config.n_patches();
    let n_moe_layers = trunk.moe_layers.len();
    gpu::Sizes {
        max_tokens: n_patches,
        capacity: n_patches,
        n_experts: trunk.n_experts,
        n_shared: 0,
        n_moe_layers,
        expert_rows: n_patches * trunk.n_experts.max(1),
        spec_words: spec_words(n_moe_layers),
    }
}

impl PreparedVisionPlan {
    /// Records the model that `config` (the text of config.json) describes and compiles its kernels; `progress` is told
    /// how many are done, of how many.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`], and [`ModelError::Device`] if the model does not fit the device.
    pub async fn new(
        config: &str,
        format: WeightFormat,
        gpu: &gpu::Gpu,
        progress: impl FnMut(usize, usize),
    ) -> Result<Self, ModelError> {
        let config = VitConfig::from_json(config)?;
        let trunk = config.trunk();
        let recording = device(gpu::Recording::new(sizes(&config, &trunk)))?;
        let mut recording = recording.suited_to(gpu.invocations());
        let side = config.image_size;
        let pixels = recording.buffer("pixels", side * side * CHANNELS);
        let model = Model::declare(&config, &trunk, &mut recording, format)?;
        let pass = model.record(&trunk, &mut recording, pixels).await?;
        let mut plan = device(gpu::Plan::new(gpu, recording))?;
        device(plan.compile(&[pass], progress).await)?;
        let logits = Logits {
            buffer: model.logits,
            width: config.classes.len(),
        };
        let recorded = RecordedVit {
            runner: Runner::new(&trunk, plan, logits),
            pass,
            pixels,
            format,
        };
        Ok(Self {
            config,
            recorded,
            model,
        })
    }

    /// Uploads the weights, which makes it a model that runs.
    pub(crate) fn fill(
        self,
        config: &VitConfig,
        tensors: &dyn TensorSource,
    ) -> Result<RecordedVit, ModelError> {
        if *config != self.config {
            return Err(another_config());
        }
        let upload = |plan: &_| self.model.upload(config, &Upload { tensors, plan });
        self.recorded.runner.with_plan(upload)?;
        Ok(self.recorded)
    }
}

impl RecordedVit {
    /// What there is to know about the plan; none while it runs.
    pub fn info(&self) -> Option<PlanInfo> {
        self.runner.info(self.pass, self.format)
    }

    /// Class logits of one image, [N]; the reading's ids are the places of its patches.
    ///
    /// # Shapes
    /// `pixels`: [side, side, 3], normalised
    pub async fn logits(
        &self,
        pixels: &[f32],
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        let upload = |plan: &gpu::Plan| device(plan.write_reals(self.pixels, 0, pixels));
        self.runner.with_plan(upload)?;
        let run = Run {
            pass: self.pass,
            place: None,
            position: 0,
            memory: RouterMemory::default(),
            wanted: Wanted::Next,
            reading,
        };
        let done = self.runner.run(run).await?;
        Ok((done.numbers, done.layers))
    }
}

impl Model {
    fn declare(
        config: &VitConfig,
        trunk: &LmConfig,
        recording: &mut gpu::Recording,
        format: WeightFormat,
    ) -> Result<Self, ModelError> {
        let (n_patches, n_classes) = (config.n_patches(), config.classes.len());
        // Angles of zero turn nothing.
        let still = [1.0_f32.to_bits(), 0.0_f32.to_bits()];
        let still = still.repeat(n_patches * config.head_dim / 2);
        let places = Places {
            table: recording.filled("no rotation", still),
            sees: gpu::Sees::All,
        };
        let body = Body::declare(trunk, recording, format, places)?;
        let bias = |layer| {
            let n_pairs = n_patches * n_patches;
            recording.buffer(format!("bias {layer}"), config.n_heads * n_pairs)
        };
        Ok(Self {
            biases: (0..config.n_layers).map(bias).collect(),
            stem: stem(config, recording, body.x),
            body,
            mean: recording.vector("mean", config.d_model),
            classifier: matrix(recording, "classifier", [n_classes, config.d_model], format)?,
            classifier_bias: recording.vector("classifier bias", n_classes),
            logits: recording.vector("logits", n_classes),
        })
    }

    async fn record(
        &self,
        trunk: &LmConfig,
        recording: &mut gpu::Recording,
        pixels: gpu::Buffer,
    ) -> Result<gpu::PassId, ModelError> {
        let caches = Body::caches(trunk, recording, 0);
        let pass = recording.add_pass("image", gpu::Mode::Tile);
        let mut builder = recording.record(pass);
        let mut input = pixels;
        for (i, conv) in self.stem.iter().enumerate() {
            builder.convolution(gpu::Convolution {
                grid: conv.grid,
                inputs: conv.inputs,
                outputs: conv.outputs,
                weights: conv.weights,
                bias: conv.bias,
                bias_rows: conv.bias_rows,
                input,
                output: conv.output,
                silu: i + 1 < self.stem.len(),
            });
            input = conv.output;
        }
        let body = &self.body;
        let layers = body.record(trunk, &mut builder, &caches, &self.biases);
        let hidden = layers.await?;
        let (input, Some(norm)) = (hidden.buffer, hidden.norm) else {
            return Err(ModelError::Device(
                "no kernel means what has no norm".into(),
            ));
        };
        builder.mean(gpu::Mean {
            columns: trunk.d_model,
            input,
            norm,
            output: self.mean,
        });
        builder.linear(gpu::Linear {
            weights: self.classifier,
            input: self.mean,
            norm: None,
            bias: Some(self.classifier_bias),
            output: self.logits,
            add: false,
            rows: gpu::Rows::First,
        });
        Ok(pass)
    }

    fn upload(&self, config: &VitConfig, upload: &Upload) -> Result<(), ModelError> {
        let positions = upload.get("position_embedding.weight")?;
        for (i, conv) in self.stem.iter().enumerate() {
            upload.reals(conv.weights, 0, &format!("stem.{i}.weight"))?;
            let name = format!("stem.{i}.bias");
            if conv.bias_rows == 1 {
                upload.reals(conv.bias, 0, &name)?;
                continue;
            }
            let bias = upload.get(&name)?;
            let sums = positions.iter().zip(bias.iter().cycle());
            let sums: Vec<f32> = sums.map(|(p, b)| p + b).collect();
            device(upload.plan.write_reals(conv.bias, 0, &sums))?;
        }
        let pairs = relative_positions(config.grid());
        for (layer, buffer) in self.biases.iter().enumerate() {
            let heads = upload.get(&bias_name(layer))?;
            let heads = heads.chunks_exact(heads.len() / config.n_heads);
            let spread = |head: &[f32]| -> Vec<f32> {
                pairs.iter().map(|&pair| head[pair as usize]).collect()
            };
            let bias: Vec<f32> = heads.flat_map(spread).collect();
            device(upload.plan.write_reals(*buffer, 0, &bias))?;
        }
        upload.rows(&self.classifier, 0, "classifier.weight")?;
        upload.reals(self.classifier_bias, 0, "classifier.bias")?;
        self.body.trunk.upload(&config.trunk(), upload)
    }
}

/// The convolutions in order, the last of which writes to `x`.
fn stem(config: &VitConfig, recording: &mut gpu::Recording, x: gpu::Buffer) -> Vec<Conv> {
    let convs = config.convs();
    let last = convs.len() - 1;
    let mut side = config.image_size;
    let mut stem = Vec::new();
    for (i, (inputs, outputs, stride)) in convs.into_iter().enumerate() {
        let grid = gpu::Grid { side, stride };
        side = grid.cells();
        let bias_rows = if i == last { side * side } else { 1 };
        stem.push(Conv {
            grid,
            inputs,
            outputs,
            weights: recording.vector(format!("stem {i}"), outputs * TAPS * inputs),
            bias: recording.vector(format!("stem bias {i}"), bias_rows * outputs),
            bias_rows,
            output: match i == last {
                true => x,
                false => recording.buffer(format!("stem cells {i}"), side * side * outputs),
            },
        });
    }
    stem
}
