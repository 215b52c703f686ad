//! Runs a recorded pass: in chunks where a text is long, under a routing that is written first where it changed, and
//! with the host's decisions where no kernel has any.

mod chunks;
mod hosted;

use std::cell::RefCell;
use std::ops::Range;

use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, Need, RouterSpec};
use moescope_shaders as gpu;

use super::{PlanInfo, WeightFormat, device};
use crate::config::LmConfig;
use crate::engine::{Drawing, Reading};
use crate::error::ModelError;
use crate::host_router::RouterMemory;
use crate::trace::LayerTrace;

use chunks::{append, sampling, targets, trace};

/// Runs the passes of one model.
#[derive(Debug)]
pub(super) struct Runner {
    moe_layers: Vec<usize>,
    n_experts: usize,
    logits: Logits,
    /// Borrowed while a pass runs: a second one is refused.
    running: RefCell<Running>,
}

/// What passes end with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Logits {
    /// [T, width]
    pub buffer: gpu::Buffer,
    /// Of a vocabulary, or of classes.
    pub width: usize,
}

/// A pass to run.
pub(super) struct Run<'a> {
    pub pass: gpu::PassId,
    /// Of its sequence; none for a text that nothing follows.
    pub place: Option<usize>,
    /// Of the first token.
    pub position: usize,
    pub memory: RouterMemory,
    pub wanted: Wanted,
    pub reading: Reading<'a>,
}

/// What to read at the end of a pass.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted {
    /// The token that is drawn to follow the last.
    Token(Drawing),
    /// Logits of the last token, or of the classes: [V].
    Next,
    /// Logits of all tokens, [T, V].
    Logits,
    /// Loss of the token after each, [T]; that of the last means nothing.
    Losses,
}

/// What a pass found.
#[derive(Default)]
pub(super) struct Done {
    /// What was wanted.
    pub numbers: Vec<f32>,
    /// The token that was wanted, and its log-probability.
    pub drawn: Option<(u32, f32)>,
    pub layers: Vec<LayerTrace>,
    pub memory: RouterMemory,
}

/// A plan and what its buffers hold at present.
#[derive(Debug)]
struct Running {
    plan: gpu::Plan,
    /// The routing in force.
    routing: Option<ModelRouting>,
    /// Whether the host decides under it.
    is_hosted: bool,
    /// The sequence whose token was routed last, and how long it is.
    last: Option<(usize, usize)>,
}

impl Runner {
    /// For a plan of the layers of `config`.
    pub fn new(config: &LmConfig, plan: gpu::Plan, logits: Logits) -> Self {
        Self {
            moe_layers: config.moe_layers.clone(),
            n_experts: config.n_experts,
            logits,
            running: RefCell::new(Running {
                plan,
                routing: None,
                is_hosted: false,
                last: None,
            }),
        }
    }

    /// Does something with the plan between passes, such as an upload.
    pub fn with_plan<T>(
        &self,
        act: impl FnOnce(&gpu::Plan) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let running = self.running.try_borrow().map_err(|_| is_running())?;
        act(&running.plan)
    }

    /// Times every dispatch from the next pass on, or no longer.
    pub fn measure(&self, on: bool) -> Result<(), ModelError> {
        let mut running = self.running.try_borrow_mut().map_err(|_| is_running())?;
        device(running.plan.measure(on))
    }

    /// What kernels took since the last call.
    pub fn take_times(&self) -> Result<Vec<gpu::KernelTime>, ModelError> {
        let mut running = self.running.try_borrow_mut().map_err(|_| is_running())?;
        Ok(running.plan.take_times())
    }

    /// What there is to know about the plan, of whose passes `pass` is told; none while a pass runs.
    pub fn info(&self, pass: gpu::PassId, weights: WeightFormat) -> Option<PlanInfo> {
        let running = self.running.try_borrow().ok()?;
        let plan = &running.plan;
        Some(PlanInfo {
            kernels: plan.dispatches(pass),
            n_pipelines: plan.n_pipelines(),
            adapter: plan.adapter().to_owned(),
            weights,
        })
    }

    /// Runs a pass over all its tokens.
    #[allow(
        clippy::await_holding_refcell_ref,
        reason = "the borrow says that a pass runs; another one is refused instead of waiting"
    )]
    pub async fn run(&self, mut run: Run<'_>) -> Result<Done, ModelError> {
        let Reading { ids, routing, .. } = run.reading;
        let mut running = self.running.try_borrow_mut().map_err(|_| is_running())?;
        self.write_routing(&mut running, routing);
        let chunk = self.chunk(&running, routing, ids.len())?;
        let mut done = Done::default();
        for start in (0..ids.len()).step_by(chunk) {
            let tokens = start..ids.len().min(start + chunk);
            self.run_chunk(&mut running, &mut run, tokens, &mut done)
                .await?;
        }
        done.memory = run.memory;
        Ok(done)
    }

    async fn run_chunk(
        &self,
        running: &mut Running,
        run: &mut Run<'_>,
        tokens: Range<usize>,
        done: &mut Done,
    ) -> Result<(), ModelError> {
        let ids = run.reading.ids;
        let position = run.position + tokens.start;
        let is_last = tokens.end == ids.len();
        let targets = match run.wanted {
            Wanted::Losses => targets(ids, &tokens),
            _ => Vec::new(),
        };
        let rows = match run.wanted {
            Wanted::Next => usize::from(is_last),
            Wanted::Token(_) | Wanted::Losses => 0,
            Wanted::Logits => tokens.len(),
        };
        let drawing = match run.wanted {
            Wanted::Token(drawing) => is_last.then_some(drawing),
            _ => None,
        };
        let step = gpu::Step {
            position,
            tokens: &ids[tokens.clone()],
            sampling: drawing.map(sampling).unwrap_or_default(),
            targets: &targets,
            trace: run.reading.tracing || self.is_sticky(run.reading.routing),
            previous: self.restore(running, run, position)?,
            read: (rows > 0).then_some(gpu::Words {
                buffer: self.logits.buffer,
                first: 0,
                count: rows * self.logits.width,
            }),
        };
        let alone = match running.is_hosted {
            true => None,
            false => self.run_alone(running, run, step).await?,
        };
        let (reading, layers) = match alone {
            Some(outcome) => outcome,
            None => self.run_hosted(running, run, step, tokens.clone()).await?,
        };
        running.last = run.place.map(|place| (place, run.position + tokens.end));
        if run.reading.tracing {
            append(&mut done.layers, layers);
        }
        done.drawn = drawing.map(|_| (reading.token, reading.log_prob));
        let losses = reading.log_probs.iter().map(|log_prob| -log_prob);
        let logits = reading.words.iter().map(|&word| f32::from_bits(word));
        done.numbers.extend(losses.chain(logits));
        Ok(())
    }

    /// Makes the plan remember the experts of the token before `position` in this sequence, if they are known.
    fn restore(
        &self,
        running: &mut Running,
        run: &Run<'_>,
        position: usize,
    ) -> Result<bool, ModelError> {
        if position == 0 {
            return Ok(false);
        }
        if running.last == run.place.map(|place| (place, position)) {
            return Ok(true);
        }
        let layers = self.moe_layers.iter();
        let experts: Option<Vec<&[u16]>> = layers.map(|&l| run.memory.last_experts(l)).collect();
        let Some(experts) = experts else {
            return Ok(false);
        };
        device(running.plan.set_previous(&experts))?;
        Ok(true)
    }

    /// Runs a chunk that the plan routes itself; none if it has no decision for these tokens, and nothing has run.
    async fn run_alone(
        &self,
        running: &mut Running,
        run: &mut Run<'_>,
        step: gpu::Step<'_>,
    ) -> Result<Option<(gpu::Reading, Vec<LayerTrace>)>, ModelError> {
        let outcome = running.plan.run(run.pass, &step).await;
        if let Err(gpu::ShaderError::Refused { .. }) = outcome {
            return Ok(None);
        }
        let mut reading = device(outcome)?;
        let records = std::mem::take(&mut reading.layers).into_iter();
        let layers = records.zip(&self.moe_layers);
        let layers: Vec<LayerTrace> = layers
            .map(|(record, &layer)| trace(layer, record))
            .collect();
        run.memory.follow(step.tokens.len(), &layers);
        Ok(Some((reading, layers)))
    }

    /// Tokens of one chunk.
    fn chunk(
        &self,
        running: &Running,
        routing: &ModelRouting,
        n_tokens: usize,
    ) -> Result<usize, ModelError> {
        let chunk = match running.is_hosted {
            true => running.plan.hosted_chunk(),
            false => running.plan.chunk(),
        };
        let whole = |spec: &RouterSpec| spec.needs().contains(&Need::WholeBatch);
        if n_tokens > chunk && self.specs(routing).any(whole) {
            return Err(ModelError::PromptTooLong {
                name: "a strategy that needs the whole batch at once, on a recorded plan,".into(),
                n_tokens,
                allowed: chunk,
            });
        }
        Ok(chunk)
    }

    fn specs<'a>(&'a self, routing: &'a ModelRouting) -> impl Iterator<Item = &'a RouterSpec> {
        let layers = self.moe_layers.iter();
        layers.map(|&layer| routing.for_layer(layer))
    }

    /// Whether a strategy looks at the token before.
    fn is_sticky(&self, routing: &ModelRouting) -> bool {
        let sticky = |spec: &RouterSpec| matches!(spec.select, Select::Sticky { .. });
        self.specs(routing).any(sticky)
    }

    /// Puts a routing in force, unless it is; what the plan refuses is left to the host.
    fn write_routing(&self, running: &mut Running, routing: &ModelRouting) {
        if running.routing.as_ref() == Some(routing) {
            return;
        }
        let specs: Vec<&RouterSpec> = self.specs(routing).collect();
        let written = running.plan.set_routing(&specs, &self.moe_layers);
        running.is_hosted = written.is_err();
        running.routing = Some(routing.clone());
    }
}

fn is_running() -> ModelError {
    ModelError::Device("another pass is running".into())
}
