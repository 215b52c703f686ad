//! The training loop: batches in order, one update each, checkpoints that a killed run resumes from.
//!
//! A run folder holds `model.bpk`, `optimizer.bpk` and `run.json` of the last checkpoint, and `log.csv`.
//! A resumed run sees the same batches and the same weights as one that was never stopped.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::module::{Module, ModuleVisitor, Param, ParamGroup, ParamId};
use burn::optim::{AdamWConfig, ModuleOptimizer};
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::{Device, Tensor};
use moescope_model::checkpoint::{Tensors, build, export};
use moescope_model::config::{Architecture, LmConfig};
use moescope_model::lm::{FeedForward, MoeLm};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::batches::BatchPlan;
use crate::init::initial_tensors;
use crate::muon::Muon;
use crate::recipe::{OptimizerKind, Recipe};
use crate::shards::Shard;
use crate::step::{Objective, StepReport, Update, train_step};

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
    /// Threads; must divide the recipe's `batch_sequences`.
    pub threads: usize,
    /// Stop after this many steps of the schedule, for trials; none runs to the end.
    pub stop_after: Option<usize>,
}

/// Progress of a run, beside its weights.
#[derive(Debug, Serialize, Deserialize)]
struct RunState {
    recipe: Recipe,
    threads: usize,
    steps_done: usize,
    seconds: f64,
}

/// The configuration that a recipe describes.
pub fn lm_config(recipe: &Recipe) -> LmConfig {
    let m = &recipe.model;
    let crate::recipe::Architecture::Qwen3Moe = m.architecture;
    LmConfig {
        architecture: Architecture::Qwen3Moe,
        vocab_size: m.vocab_size,
        d_model: m.d_model,
        n_layers: m.n_layers,
        n_heads: m.n_heads,
        n_kv_heads: m.n_kv_heads,
        head_dim: m.head_dim,
        n_experts: m.n_experts,
        top_k: m.top_k,
        d_ff_expert: m.moe_d_ff,
        d_ff_dense: m.moe_d_ff * m.top_k,
        moe_layers: (0..m.n_layers).collect(),
        renormalize: true,
        clip_qkv: None,
        rope_theta: m.rope_theta,
        rms_norm_eps: 1e-6,
        tied_head: m.tie_embeddings,
        max_positions: m.max_positions,
        eos_token_id: Some(0),
    }
}

/// Trains a recipe to its end and returns the weights, with the seconds that it took.
///
/// # Errors
/// A run folder that belongs to another recipe, a full disk, a loss that is not finite.
pub fn train(
    recipe: &Recipe,
    shards: &[Shard],
    options: &RunOptions,
    on_step: &mut dyn FnMut(&Report<'_>),
) -> Result<(Tensors, f64), TrainError> {
    let config = lm_config(recipe);
    check_threads(recipe, options.threads)?;
    let plan = BatchPlan::new(recipe, shards)?;
    let objective = Objective {
        spec: config.trained_routing().default,
        load_balancing_coef: recipe.train.load_balancing_coef,
        z_loss_coef: recipe.train.z_loss_coef,
    };
    let mut run = Run::open(recipe, &config, options)?;
    let mut log = Log::open(&options.folder, run.state.steps_done)?;
    let (started, earlier) = (Instant::now(), run.state.seconds);
    let (first, mut saved) = (run.state.steps_done, Instant::now());
    let last = options
        .stop_after
        .map_or(plan.steps(), |stop| stop.min(plan.steps()));
    for step in first..last {
        let learning_rate = recipe.train.learning_rate_at(step);
        let update = Update {
            learning_rate,
            grad_clip: recipe.train.grad_clip,
            threads: options.threads,
        };
        let batch = plan.batch(step, shards);
        let report = run.step(&batch, &objective, update)?;
        run.state.steps_done = step + 1;
        run.state.seconds = earlier + started.elapsed().as_secs_f64();
        let pace = started.elapsed().as_secs_f64() / (step + 1 - first) as f64;
        let report = Report {
            step: step + 1,
            steps: plan.steps(),
            tokens_per_step: recipe.train.tokens_per_step(),
            learning_rate,
            report: &report,
            seconds: run.state.seconds,
            seconds_left: pace * (last - step - 1) as f64,
        };
        log.write(&report)?;
        on_step(&report);
        if saved.elapsed().as_secs() >= recipe.train.checkpoint_seconds || step + 1 == last {
            run.save(&options.folder)?;
            saved = Instant::now();
        }
    }
    let tensors = pollster::block_on(export(&config, run.model()?))?;
    Ok((tensors, run.state.seconds))
}

fn check_threads(recipe: &Recipe, threads: usize) -> Result<(), TrainError> {
    let sequences = recipe.train.batch_sequences;
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

/// A model in training.
struct Run {
    /// None only while a step has it.
    model: Option<MoeLm>,
    optimizer: ModuleOptimizer,
    device: Device,
    state: RunState,
}

impl Run {
    /// Resumes the run in the folder, or starts one.
    fn open(recipe: &Recipe, config: &LmConfig, options: &RunOptions) -> Result<Self, TrainError> {
        let device = Device::flex().autodiff();
        let folder = &options.folder;
        create_folder(folder)?;
        let tensors = initial_tensors(config, recipe.train.seed);
        let mut model = build(config, &tensors, &device)?;
        let state_path = folder.join("run.json");
        if !state_path.is_file() {
            let optimizer = optimizer(recipe, &model);
            let state = RunState {
                recipe: recipe.clone(),
                threads: options.threads,
                steps_done: 0,
                seconds: 0.0,
            };
            return Ok(Self {
                model: Some(model),
                optimizer,
                device,
                state,
            });
        }
        let text = std::fs::read_to_string(&state_path).map_err(io("read", &state_path))?;
        let state: RunState =
            serde_json::from_str(&text).map_err(|e| run_invalid(&state_path, e.to_string()))?;
        if state.recipe != *recipe || state.threads != options.threads {
            let problem = "it was begun with another recipe or number of threads";
            return Err(run_invalid(&state_path, problem.into()));
        }
        let record = |e: RecordError| run_invalid(folder, e.to_string());
        let saved = ModuleRecord::load(folder.join("model.bpk")).map_err(record)?;
        model = model.try_load_record(saved).map_err(record)?;
        let optimizer = optimizer(recipe, &model)
            .load(folder.join("optimizer.bpk"))
            .map_err(record)?;
        Ok(Self {
            model: Some(model),
            optimizer,
            device,
            state,
        })
    }

    fn model(&self) -> Result<&MoeLm, TrainError> {
        self.model.as_ref().ok_or(TrainError::Diverged {
            loss: f64::NAN,
            grad_norm: f64::NAN,
        })
    }

    fn step(
        &mut self,
        batch: &crate::batches::Batch,
        objective: &Objective,
        update: Update,
    ) -> Result<StepReport, TrainError> {
        let model = self.model()?.clone();
        self.model = None;
        let (model, report) = train_step(
            model,
            &mut self.optimizer,
            batch,
            objective,
            update,
            &self.device,
        )?;
        self.model = Some(model);
        Ok(report)
    }

    /// Writes beside the old files and renames, so that a kill at any moment leaves one whole checkpoint.
    fn save(&self, folder: &Path) -> Result<(), TrainError> {
        let record = |e: RecordError| run_invalid(folder, e.to_string());
        self.model()?
            .clone()
            .save_file(folder.join("model.new.bpk"))
            .map_err(record)?;
        self.optimizer
            .save(folder.join("optimizer.new.bpk"))
            .map_err(record)?;
        let state = serde_json::to_string_pretty(&self.state)
            .map_err(|e| run_invalid(folder, e.to_string()))?;
        let state_path = folder.join("run.new.json");
        std::fs::write(&state_path, state).map_err(io("write", &state_path))?;
        for name in ["model.bpk", "optimizer.bpk", "run.json"] {
            let (stem, extension) = name.split_once('.').unwrap_or((name, ""));
            let from = folder.join(format!("{stem}.new.{extension}"));
            std::fs::rename(&from, folder.join(name)).map_err(io("rename", &from))?;
        }
        Ok(())
    }
}

/// Matrices of the blocks by the recipe's optimizer; embedding, head and gates by AdamW; norms without decay.
fn optimizer(recipe: &Recipe, model: &MoeLm) -> ModuleOptimizer {
    let train = &recipe.train;
    let adamw = |weight_decay: f64| {
        AdamWConfig::new()
            .with_beta_1(train.beta1 as f32)
            .with_beta_2(train.beta2 as f32)
            .with_epsilon(1e-8)
            .with_weight_decay(weight_decay as f32)
    };
    let mut groups = Groups::default();
    model.visit(&mut groups);
    for block in &model.blocks {
        if let FeedForward::Moe(moe) = &block.feed_forward {
            groups.matrices.retain(|&id| id != moe.gate.id);
        }
    }
    let ends = [
        Some(model.embedding.id),
        model.head.as_ref().map(|head| head.id),
    ];
    groups.matrices.retain(|&id| !ends.contains(&Some(id)));
    let optimizer = adamw(train.weight_decay).init().with_group(
        ParamGroup::from_ids(groups.vectors),
        adamw(0.0).build(),
        None,
    );
    match train.optimizer {
        OptimizerKind::Adamw => optimizer,
        OptimizerKind::Muon => {
            let muon = Muon::new(train.weight_decay);
            optimizer.with_group(ParamGroup::from_ids(groups.matrices), muon, None)
        }
    }
}

/// Parameters by rank.
#[derive(Default)]
struct Groups {
    vectors: Vec<ParamId>,
    matrices: Vec<ParamId>,
}

impl ModuleVisitor for Groups {
    fn visit_float<const N: usize>(&mut self, param: &Param<Tensor<N>>) {
        match N {
            1 => self.vectors.push(param.id),
            _ => self.matrices.push(param.id),
        }
    }
}

/// One line a step, for plots.
struct Log {
    file: std::fs::File,
    path: PathBuf,
}

impl Log {
    const HEADER: &'static str = "step,seconds,loss,load_balancing_loss,grad_norm,learning_rate";

    /// Keeps the lines of the steps that a resumed run has behind it.
    fn open(folder: &Path, steps_done: usize) -> Result<Self, TrainError> {
        let path = folder.join("log.csv");
        let old = std::fs::read_to_string(&path).unwrap_or_default();
        let kept: Vec<&str> = old.lines().skip(1).take(steps_done).collect();
        let mut file = std::fs::File::create(&path).map_err(io("write", &path))?;
        for line in std::iter::once(Self::HEADER).chain(kept) {
            writeln!(file, "{line}").map_err(io("write", &path))?;
        }
        Ok(Self { file, path })
    }

    fn write(&mut self, r: &Report<'_>) -> Result<(), TrainError> {
        let line = format!(
            "{},{:.1},{:.5},{:.5},{:.4},{:.6}",
            r.step,
            r.seconds,
            r.report.loss,
            r.report.load_balancing_loss,
            r.report.grad_norm,
            r.learning_rate
        );
        writeln!(self.file, "{line}").map_err(io("write", &self.path))
    }
}

fn create_folder(folder: &Path) -> Result<(), TrainError> {
    std::fs::create_dir_all(folder).map_err(io("create", folder))
}

fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(std::io::Error) -> TrainError + 'a {
    move |source| TrainError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

fn run_invalid(path: &Path, problem: String) -> TrainError {
    TrainError::RunInvalid {
        path: path.to_path_buf(),
        problem,
    }
}
