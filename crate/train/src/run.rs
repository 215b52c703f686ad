//! A run on disk: weights, optimizer state and place in the schedule.
//!
//! A checkpoint is written whole into a folder of its own, which then takes the place of the last one,
//! so that a kill at any moment leaves one to resume from.

use std::path::{Path, PathBuf};

use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use burn::tensor::Device;
use moescope_model::checkpoint::{Tensors, read_safetensors, write_safetensors};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::balance::nudge_biases;
use crate::optimizer::optimizer;
use crate::step::{StepReport, Update, train_step};
use crate::task::Task;
use crate::train_router::Objective;
use crate::trainer::RunOptions;

/// Progress of a run, beside its weights.
#[derive(Debug, Serialize, Deserialize)]
pub struct RunState<R> {
    recipe: R,
    threads: usize,
    /// Steps done.
    pub steps_done: usize,
    /// Seconds they took.
    pub seconds: f64,
    /// [L][E] biases of the selection scores, where the recipe has them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub biases_le: Vec<Vec<f32>>,
}

/// A model in training.
pub struct Run<T: Task> {
    /// None only while a step has it.
    model: Option<T::Model>,
    optimizer: ModuleOptimizer,
    device: Device,
    folder: PathBuf,
    /// Where it stands.
    pub state: RunState<T::Recipe>,
}

impl<T: Task> Run<T> {
    /// Resumes the run in the folder, or starts one.
    ///
    /// # Errors
    /// A run of another recipe or number of threads, a damaged checkpoint, or a model to start from that is not there
    /// or of another shape.
    pub fn open(task: &T, options: &RunOptions) -> Result<Self, TrainError> {
        let folder = &options.folder;
        std::fs::create_dir_all(folder).map_err(io("create", folder))?;
        let device = Device::flex().autodiff();
        let model = task.build(&first_tensors(task, &options.recipe_folder)?, &device)?;
        let state = RunState {
            recipe: task.recipe().clone(),
            threads: options.threads,
            steps_done: 0,
            seconds: 0.0,
            biases_le: match task.schedule().selection_bias_step {
                Some(_) => vec![vec![0.0; task.n_experts()]; task.moe_layers().len()],
                None => Vec::new(),
            },
        };
        let run = Self {
            optimizer: optimizer(task.schedule(), &model, &task.adamw_matrices(&model)),
            model: Some(model),
            device,
            folder: folder.clone(),
            state,
        };
        // The last one is away for a moment while a new one takes its place.
        let places = ["checkpoint", "checkpoint.old"].map(|name| folder.join(name));
        match places.iter().find(|place| place.is_dir()) {
            Some(checkpoint) => run.resume(task, checkpoint),
            None => Ok(run),
        }
    }

    fn resume(mut self, task: &T, checkpoint: &Path) -> Result<Self, TrainError> {
        let damaged = |e: RecordError| invalid(checkpoint, e.to_string());
        let path = checkpoint.join("run.json");
        let text = std::fs::read_to_string(&path).map_err(io("read", &path))?;
        let state: RunState<T::Recipe> =
            serde_json::from_str(&text).map_err(|e| invalid(&path, e.to_string()))?;
        if state.recipe != self.state.recipe || state.threads != self.state.threads {
            let problem = "it was begun with another recipe or number of threads";
            return Err(invalid(&path, problem.into()));
        }
        let saved = ModuleRecord::load(checkpoint.join("model.bpk")).map_err(damaged)?;
        let model = self
            .model()?
            .clone()
            .try_load_record(saved)
            .map_err(damaged)?;
        let optimizer = optimizer(task.schedule(), &model, &task.adamw_matrices(&model));
        self.optimizer = optimizer
            .load(checkpoint.join("optimizer.bpk"))
            .map_err(damaged)?;
        self.model = Some(model);
        self.state = state;
        Ok(self)
    }

    /// The weights.
    ///
    /// # Errors
    /// [`TrainError::Diverged`] after a step that failed.
    pub fn model(&self) -> Result<&T::Model, TrainError> {
        self.model.as_ref().ok_or(TrainError::Diverged {
            loss: f64::NAN,
            grad_norm: f64::NAN,
        })
    }

    /// One update.
    ///
    /// # Errors
    /// Those of [`train_step`]; the run cannot go on after one.
    pub fn step(
        &mut self,
        task: &T,
        objective: &Objective,
        update: Update,
    ) -> Result<StepReport, TrainError> {
        let model = self.model()?.clone();
        self.model = None;
        let (model, report) = train_step(
            task,
            model,
            &mut self.optimizer,
            self.state.steps_done,
            objective,
            update,
            &self.device,
        )?;
        self.model = Some(model);
        self.state.steps_done += 1;
        if let Some(step) = task.schedule().selection_bias_step {
            let layers = self.state.biases_le.iter_mut().zip(&report.selections);
            layers.for_each(|(biases, selections)| nudge_biases(biases, selections, step));
        }
        Ok(report)
    }

    /// Keeps the weights so far, as `snapshots/STEP.safetensors` in the run's folder.
    ///
    /// # Errors
    /// A disk that is full or read-only.
    pub fn snapshot(&self, task: &T) -> Result<(), TrainError> {
        let folder = self.folder.join("snapshots");
        std::fs::create_dir_all(&folder).map_err(io("create", &folder))?;
        let tensors = task.export(self.model()?)?;
        let path = folder.join(format!("{}.safetensors", self.state.steps_done));
        let bytes = write_safetensors(task.config(), &tensors)?;
        std::fs::write(&path, bytes).map_err(io("write", &path))
    }

    /// Writes a checkpoint.
    ///
    /// # Errors
    /// A disk that is full or read-only.
    pub fn save(&self) -> Result<(), TrainError> {
        let [new, place, old] =
            ["checkpoint.new", "checkpoint", "checkpoint.old"].map(|name| self.folder.join(name));
        let failed = |e: RecordError| invalid(&new, e.to_string());
        remove_folder(&new)?;
        std::fs::create_dir_all(&new).map_err(io("create", &new))?;
        let model = self.model()?.clone();
        model.save_file(new.join("model.bpk")).map_err(failed)?;
        self.optimizer
            .save(new.join("optimizer.bpk"))
            .map_err(failed)?;
        let state =
            serde_json::to_string_pretty(&self.state).map_err(|e| invalid(&new, e.to_string()))?;
        let path = new.join("run.json");
        std::fs::write(&path, state).map_err(io("write", &path))?;
        if place.is_dir() {
            remove_folder(&old)?;
            std::fs::rename(&place, &old).map_err(io("rename", &place))?;
        }
        std::fs::rename(&new, &place).map_err(io("rename", &new))?;
        remove_folder(&old)
    }
}

/// Random weights, or those of the model that the recipe starts from.
fn first_tensors<T: Task>(task: &T, recipe_folder: &Path) -> Result<Tensors, TrainError> {
    let Some(model) = &task.schedule().start_from else {
        return Ok(task.random_tensors());
    };
    let path = recipe_folder.join(model).join("model.safetensors");
    let bytes = std::fs::read(&path).map_err(io("read", &path))?;
    Ok(read_safetensors(task.config(), &bytes)?)
}

fn remove_folder(folder: &Path) -> Result<(), TrainError> {
    match folder.is_dir() {
        true => std::fs::remove_dir_all(folder).map_err(io("remove", folder)),
        false => Ok(()),
    }
}

/// An error of the operating system, with what was tried.
pub fn io<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(std::io::Error) -> TrainError + 'a {
    move |source| TrainError::Io {
        action,
        path: path.to_path_buf(),
        source,
    }
}

fn invalid(path: &Path, problem: String) -> TrainError {
    TrainError::RunInvalid {
        path: path.to_path_buf(),
        problem,
    }
}
