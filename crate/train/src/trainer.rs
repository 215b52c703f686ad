//! The training loop: batches in order, one update each, a checkpoint now and then.
//!
//! A resumed run sees the same batches and ends with the same weights as one that was never stopped.

use std::path::PathBuf;
use std::time::Instant;

use moescope_model::checkpoint::Tensors;
use moescope_model::config::{Architecture, LmConfig};
use moescope_routing::ModelRouting;
use moescope_routing::stage::select::Select;

use crate::TrainError;
pub use crate::log::LOG_FILE;
use crate::log::Log;
use crate::recipe::{Architecture as Layout, Recipe};
use crate::run::Run;
use crate::step::{StepReport, Update};
use crate::task::Task;
use crate::tokenizer::DOCUMENT_ID;
use crate::train_router::Objective;

/// What a caller is told after every step.
#[derive(Clone, Debug)]
pub struct Report<'a> {
    /// Steps done.
    pub step: usize,
    /// Steps in all.
    pub steps: usize,
    /// Tokens in one step.
    pub tokens_per_step: u64,
    /// Learning rate of the step.
    pub learning_rate: f64,
    /// Means over the step.
    pub report: &'a StepReport,
    /// Seconds since the run began, earlier parts of a resumed run included.
    pub seconds: f64,
    /// Seconds to go at the pace of this part of the run.
    pub seconds_left: f64,
}

/// Where a run keeps its state, and how it is run.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Folder of checkpoints and log.
    pub folder: PathBuf,
    /// Folder of the recipe, which its `start_from` begins at.
    pub recipe_folder: PathBuf,
    /// Threads; must divide the recipe's `batch_sequences`.
    pub threads: usize,
    /// Stop after this many steps of the schedule, for trials; none runs to the end.
    pub stop_after: Option<usize>,
}

/// The configuration that a recipe describes.
pub fn lm_config(recipe: &Recipe) -> LmConfig {
    let m = &recipe.model;
    let (architecture, n_moe_layers) = match m.architecture {
        Layout::Qwen3Moe => (Architecture::Qwen3Moe, m.n_layers),
        Layout::Qwen2Moe => (Architecture::Qwen2Moe, m.n_layers),
        Layout::Qwen3 => (Architecture::Qwen3, 0),
    };
    LmConfig {
        architecture,
        vocab_size: m.vocab_size,
        d_model: m.d_model,
        n_layers: m.n_layers,
        n_heads: m.n_heads,
        n_kv_heads: m.n_kv_heads,
        head_dim: m.head_dim,
        n_experts: m.n_experts,
        top_k: m.top_k,
        d_ff_expert: m.moe_d_ff,
        d_ff_shared: m.shared_d_ff,
        // No layer of an MoE layout is dense; the published files hold a width all the same.
        d_ff_dense: m.dense_d_ff.max(m.moe_d_ff * m.top_k),
        moe_layers: (0..n_moe_layers).collect(),
        renormalize: m.architecture != Layout::Qwen2Moe,
        qkv_bias: m.architecture == Layout::Qwen2Moe,
        clip_qkv: None,
        rope_theta: m.rope_theta,
        rms_norm_eps: 1e-6,
        tied_head: m.tie_embeddings,
        max_positions: m.max_positions,
        eos_token_id: Some(DOCUMENT_ID.into()),
    }
}

/// What a training ends with.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights.
    pub tensors: Tensors,
    /// The routing with the biases that were learnt, where the recipe has them; else the configuration says all.
    pub routing: Option<ModelRouting>,
    /// Seconds that it took.
    pub seconds: f64,
}

/// Trains a recipe to its end.
///
/// # Errors
/// A run folder that belongs to another recipe, a full disk, a loss that is not finite.
pub fn train<T: Task>(
    task: &T,
    options: &RunOptions,
    on_step: &mut dyn FnMut(&Report<'_>),
) -> Result<Trained, TrainError> {
    let schedule = task.schedule();
    check_threads(schedule.batch_sequences, options.threads)?;
    let steps = schedule.steps();
    let mut run = Run::open(task, options)?;
    let mut log = Log::open(&options.folder, run.state.steps_done)?;
    let (started, earlier) = (Instant::now(), run.state.seconds);
    let (first, mut saved) = (run.state.steps_done, Instant::now());
    let snapshots = schedule.snapshot_steps();
    let last = options.stop_after.map_or(steps, |stop| stop.min(steps));
    for step in first..last {
        let learning_rate = schedule.learning_rate_at(step);
        let update = Update {
            learning_rate,
            grad_clip: schedule.grad_clip,
            threads: options.threads,
        };
        let objective = objective_at(task, step, &run.state.biases_le);
        let report = run.step(task, &objective, update)?;
        run.state.seconds = earlier + started.elapsed().as_secs_f64();
        let pace = started.elapsed().as_secs_f64() / (step + 1 - first) as f64;
        let report = Report {
            step: step + 1,
            steps,
            tokens_per_step: schedule.tokens_per_step(),
            learning_rate,
            report: &report,
            seconds: run.state.seconds,
            seconds_left: pace * (last - step - 1) as f64,
        };
        log.write(&report)?;
        on_step(&report);
        if snapshots.contains(&(step + 1)) {
            run.snapshot(task)?;
        }
        if saved.elapsed().as_secs() >= schedule.checkpoint_seconds || step + 1 == last {
            run.save()?;
            saved = Instant::now();
        }
    }
    Ok(Trained {
        tensors: task.export(run.model()?)?,
        routing: biased_routing(task, &run.state.biases_le),
        seconds: run.state.seconds,
    })
}

/// What a step minimises, and the routing it does so under.
fn objective_at<T: Task>(task: &T, step: usize, biases_le: &[Vec<f32>]) -> Objective {
    let (schedule, mut spec) = (task.schedule(), task.spec().clone());
    let mut temperature = 1.0;
    if let Some(warm) = schedule.dense_to_sparse {
        temperature = warm.temperature_at(step);
        if let Select::TopK { top_k } = spec.select {
            spec = spec.with_top_k(warm.top_k_at(step, task.n_experts(), top_k));
        }
    }
    Objective {
        spec,
        temperature,
        biases_le: biases_le.to_vec(),
        load_balancing_coef: schedule.load_balancing_coef,
        load_balancing_over: schedule.load_balancing_over,
        z_loss_coef: schedule.z_loss_coef,
    }
}

fn biased_routing<T: Task>(task: &T, biases_le: &[Vec<f32>]) -> Option<ModelRouting> {
    if biases_le.is_empty() {
        return None;
    }
    let mut routing = ModelRouting::from(task.spec().clone());
    for (layer, biases_e) in task.moe_layers().into_iter().zip(biases_le) {
        let mut spec = task.spec().clone();
        spec.score.selection_bias.clone_from(biases_e);
        routing.layers.insert(layer, spec);
    }
    Some(routing)
}

fn check_threads(sequences: usize, threads: usize) -> Result<(), TrainError> {
    if threads > 0 && sequences.is_multiple_of(threads) {
        return Ok(());
    }
    let allowed = format!("a divisor of train.batch_sequences = {sequences}");
    Err(TrainError::RecipeField {
        field: "threads",
        got: threads.to_string(),
        allowed,
    })
}
