//! The model as a plan: the forward pass recorded once into dispatches over fixed buffers, then replayed token by token.
//!
//! What changes from token to token (position, ids, routing, banned experts) is data in buffers, so a change of routing
//! is a write and compiles nothing.
//! Every sequence has a place: caches of its own and passes recorded over them. Weights and kernels are shared.
//! A vision model has one pass, over the patches of one image: `vision.rs`.
//!
//! A strategy that looks at the whole batch or asks outside cannot be decided by one token's kernel. Then, and only
//! then, the plan stops in front of the decision of each layer, the host decides as it does for Burn, and the plan
//! goes on; that costs a read for each MoE layer instead of one for each token.

mod body;
mod forward;
mod record;
mod run;
mod vision;
mod weights;

use std::cell::RefCell;
use std::rc::Rc;

use moescope_shaders as gpu;

use crate::checkpoint::TensorSource;
use crate::config::LmConfig;
use crate::engine::{Ahead, Drawing, Reading};
use crate::error::ModelError;
use crate::host_router::RouterMemory;
use crate::trace::LayerTrace;

use body::Body;
use record::{Ends, Model, sizes};
use run::{Logits, Run, Runner, Wanted};

pub use moescope_shaders::{Format as WeightFormat, Gpu, KernelTime};
pub use vision::PreparedVisionPlan;
pub(crate) use vision::RecordedVit;

/// Tokens up to which a text is read one by one.
///
/// A graphics card runs them side by side, and a pass by token is fewer dispatches, of which each takes its time: on an NVIDIA
/// H100, `nine` reads 32 tokens in 0.7 ms one by one and in 1.5 in tiles, and 128 in 1.2 and 1.8. Not more than 32, for weights
/// are read for each of them, which small caches do not bear.
/// In software tiles are faster from 2 tokens on, but compiling their kernels takes longer than that saves: a short text
/// does not wait for them. It must not hang on what is compiled already, for sums round in another order.
fn short(invocations: gpu::Invocations) -> usize {
    match invocations {
        gpu::Invocations::Together => 32,
        gpu::Invocations::Alone => 16,
    }
}

/// Sequences at a time: a generation and its contrast, and both of the one that follows.
const PLACES: usize = 4;

/// A language model on a recorded plan.
#[derive(Debug)]
pub(crate) struct RecordedLm {
    config: LmConfig,
    runner: Runner,
    places: Vec<Passes>,
    /// Passes over a whole text, with the log-probability of each of its tokens.
    score: Passes,
    free: Rc<RefCell<Vec<usize>>>,
    format: WeightFormat,
}

/// A model recorded and compiled for a device, whose weights are still to come.
///
/// Compiling takes as long as a download does, and neither has to wait for the other.
#[derive(Debug)]
pub struct PreparedPlan {
    recorded: RecordedLm,
    model: Model,
}

/// The passes over the caches of one sequence, which end in the same way.
#[derive(Clone, Copy, Debug)]
struct Passes {
    /// Token by token: for decoding and short texts.
    by_token: gpu::PassId,
    /// In tiles.
    in_tiles: gpu::PassId,
    /// Tokens up to which the first is taken.
    short: usize,
}

impl Passes {
    fn for_tokens(self, n_tokens: usize) -> gpu::PassId {
        match n_tokens <= self.short {
            true => self.by_token,
            false => self.in_tiles,
        }
    }
}

/// What there is to know about a plan.
#[derive(Clone, Debug)]
pub struct PlanInfo {
    /// Kernels of one decoded token or of one image, in order, one for each dispatch.
    pub kernels: Vec<&'static str>,
    /// Pipelines made so far.
    pub n_pipelines: usize,
    /// The adapter it runs on.
    pub adapter: String,
    /// How matrices are stored, where their rows allow it; gates are always float32.
    pub weights: WeightFormat,
}

/// A sequence in its place.
#[derive(Debug)]
pub(crate) struct Sequence {
    place: usize,
    free: Rc<RefCell<Vec<usize>>>,
    pub len: usize,
    pub capacity: usize,
    /// For decisions of the host.
    pub memory: RouterMemory,
}

impl Drop for Sequence {
    fn drop(&mut self) {
        self.free.borrow_mut().push(self.place);
    }
}

/// For weights that come with another config.json than was recorded.
fn another_config() -> ModelError {
    ModelError::ConfigInvalid("it is not the one that the plan was recorded for".into())
}

/// Takes over what the device says.
fn device<T>(result: Result<T, gpu::ShaderError>) -> Result<T, ModelError> {
    result.map_err(|e| ModelError::Device(e.to_string()))
}

impl PreparedPlan {
    /// Records the model that `config` (the text of config.json) describes and compiles its kernels; `progress` is told
    /// how many are done, of how many.
    ///
    /// # Errors
    /// [`ModelError::ConfigInvalid`], and [`ModelError::Device`] if the model does not fit the device.
    pub async fn new(
        config: &str,
        format: WeightFormat,
        gpu: &Gpu,
        progress: impl FnMut(usize, usize),
    ) -> Result<Self, ModelError> {
        let config = LmConfig::from_json(config)?;
        let invocations = gpu.invocations();
        let mut recording = device(gpu::Recording::new(sizes(&config)))?.suited_to(invocations);
        let model = Model::declare(&config, &mut recording, format)?;
        let mut places = Vec::new();
        for place in 0..=PLACES {
            let caches = Body::caches(&config, &mut recording, place);
            let ends = match place < PLACES {
                true => Ends::Next,
                false => Ends::Score,
            };
            let mut pass = async |mode| {
                let pass = model.record(&config, &mut recording, &caches, mode, ends);
                pass.await
            };
            places.push(Passes {
                by_token: pass(gpu::Mode::Vector).await?,
                in_tiles: pass(gpu::Mode::Tile).await?,
                short: short(invocations),
            });
        }
        let score = places.remove(PLACES);
        let mut plan = device(gpu::Plan::new(gpu, recording))?;
        let first = [places[0].by_token, score.by_token];
        device(plan.compile(&first, progress).await)?;
        let logits = Logits {
            buffer: model.logits,
            width: config.vocab_size,
        };
        let recorded = RecordedLm {
            runner: Runner::new(&config, plan, logits),
            config,
            places,
            score,
            free: Rc::new(RefCell::new((0..PLACES).rev().collect())),
            format,
        };
        Ok(Self { recorded, model })
    }

    /// Uploads the weights, which makes it a model that runs.
    pub(crate) fn fill(
        self,
        config: &LmConfig,
        tensors: &dyn TensorSource,
    ) -> Result<RecordedLm, ModelError> {
        let Self { recorded, model } = self;
        if *config != recorded.config {
            return Err(another_config());
        }
        let upload = |plan: &_| model.upload(config, tensors, plan);
        recorded.runner.with_plan(upload)?;
        Ok(recorded)
    }
}

impl RecordedLm {
    /// What there is to know about the plan; none while a pass runs.
    pub fn info(&self) -> Option<PlanInfo> {
        self.runner.info(self.places[0].by_token, self.format)
    }

    /// Times every dispatch from the next pass on, or no longer.
    pub fn measure(&self, on: bool) -> Result<(), ModelError> {
        self.runner.measure(on)
    }

    /// What kernels took since the last call.
    pub fn take_times(&self) -> Result<Vec<KernelTime>, ModelError> {
        self.runner.take_times()
    }

    /// A place for a sequence of at most `capacity` tokens.
    pub fn sequence(&self, capacity: usize) -> Result<Sequence, ModelError> {
        let place = self.free.borrow_mut().pop();
        let place = place.ok_or_else(|| {
            ModelError::Device(format!("all {PLACES} places for sequences are taken"))
        })?;
        Ok(Sequence {
            place,
            free: Rc::clone(&self.free),
            len: 0,
            capacity,
            memory: RouterMemory::default(),
        })
    }

    /// Goes on with a sequence; returns the logits of the next token, [V].
    pub async fn feed(
        &self,
        sequence: &mut Sequence,
        reading: Reading<'_>,
        drawing: Option<Drawing>,
    ) -> Result<(Ahead, Vec<LayerTrace>), ModelError> {
        let place = self.places[sequence.place];
        let done = self
            .runner
            .run(Run {
                pass: place.for_tokens(reading.ids.len()),
                place: Some(sequence.place),
                position: sequence.len,
                memory: sequence.memory.clone(),
                wanted: drawing.map_or(Wanted::Next, Wanted::Token),
                reading,
            })
            .await?;
        sequence.len += reading.ids.len();
        sequence.memory = done.memory;
        let (logits, drawn) = (done.numbers, done.drawn);
        Ok((Ahead { logits, drawn }, done.layers))
    }

    /// Logits of every position, [T, V].
    pub async fn logits(
        &self,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        let done = self.runner.run(self.whole(reading, Wanted::Logits)).await?;
        Ok((done.numbers, done.layers))
    }

    /// Loss of every token but the first, [T - 1].
    pub async fn losses(
        &self,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        let mut done = self.runner.run(self.whole(reading, Wanted::Losses)).await?;
        // Nothing says what follows the last token.
        done.numbers.pop();
        Ok((done.numbers, done.layers))
    }

    fn whole<'a>(&self, reading: Reading<'a>, wanted: Wanted) -> Run<'a> {
        Run {
            pass: self.score.for_tokens(reading.ids.len()),
            place: None,
            position: 0,
            memory: RouterMemory::default(),
            wanted,
            reading,
        }
    }
}
