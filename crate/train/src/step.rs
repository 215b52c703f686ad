//! One training step: forward, loss, backward on several threads, one update.
//!
//! Each thread takes an equal part of the batch and its own graph; gradients are averaged in thread order,
//! so a run depends on its seed and on the number of threads, not on timing.
//! Loss = cross-entropy + load balancing + router z-loss (`balance`).

use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::{Device, Tensor};
use moescope_model::ModelError;
use moescope_model::host_router::read_f32;

use crate::TrainError;
use crate::balance::Exchange;
use crate::task::Task;
use crate::train_router::{Objective, TrainRouter};

/// Means over a step.
#[derive(Clone, Debug, Default)]
pub struct StepReport {
    /// Cross-entropy in nats per token.
    pub loss: f64,
    /// Load balancing loss, 1 when even, mean over layers.
    pub load_balancing_loss: f64,
    /// Norm of the gradient before clipping.
    pub grad_norm: f64,
    /// Selections of each expert in each MoE layer: [L][E].
    pub selections: Vec<Vec<u64>>,
}

/// Gradients and figures of one part of a batch.
struct Part {
    grads: GradientsParams,
    report: StepReport,
}

fn run_part<T: Task>(
    task: &T,
    model: &T::Model,
    step: usize,
    sequences: Range<usize>,
    objective: &Objective,
    exchange: &Exchange,
    device: &Device,
) -> Result<Part, ModelError> {
    let seat = exchange.seat();
    let mut router = TrainRouter::new(objective, exchange, sequences.len());
    let cross_entropy = task.loss(model, step, sequences, &mut router, device)?;
    seat.finish();
    let mean = |terms: Vec<Tensor<1>>| match terms.len() {
        0 => cross_entropy.zeros_like(),
        n_layers => Tensor::cat(terms, 0).sum() / n_layers as f64,
    };
    let (balance, z) = (mean(router.balance), mean(router.z));
    let loss = cross_entropy.clone()
        + balance.clone() * objective.load_balancing_coef
        + z * objective.z_loss_coef;
    let grads = GradientsParams::from_grads(loss.backward(), model);
    let scalar = |tensor: Tensor<1>| -> Result<f64, ModelError> {
        Ok(f64::from(pollster::block_on(read_f32(tensor.inner()))?[0]))
    };
    let report = StepReport {
        loss: scalar(cross_entropy)?,
        load_balancing_loss: scalar(balance)?,
        grad_norm: 0.0,
        selections: router.selections,
    };
    Ok(Part { grads, report })
}

/// How to update.
#[derive(Clone, Copy, Debug)]
pub struct Update {
    /// Learning rate of this step.
    pub learning_rate: f64,
    /// Largest norm of the whole gradient.
    pub grad_clip: f64,
    /// Threads to share the batch among; must divide its sequences.
    pub threads: usize,
}

/// Trains on one batch and returns the updated model.
///
/// # Errors
/// A part of the batch that could not be computed, or a loss that is not finite.
pub fn train_step<T: Task>(
    task: &T,
    model: T::Model,
    optimizer: &mut ModuleOptimizer,
    step: usize,
    objective: &Objective,
    update: Update,
    device: &Device,
) -> Result<(T::Model, StepReport), TrainError> {
    let part_len = task.schedule().batch_sequences / update.threads;
    let exchange = Exchange::new(update.threads);
    let exchange = &exchange;
    let parts: Vec<Result<Part, ModelError>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..update.threads)
            .map(|part| {
                // A fork has leaves of its own; with shared ones the backward passes would wait for each other.
                let model = model.clone().fork(device);
                let sequences = part * part_len..(part + 1) * part_len;
                scope.spawn(move || {
                    run_part(task, &model, step, sequences, objective, exchange, device)
                })
            })
            .collect();
        workers.into_iter().map(join).collect()
    });
    let parts: Vec<Part> = parts.into_iter().collect::<Result<_, _>>()?;
    let (grads, mut report) = merge(&model, parts);
    let (grads, norm) = clip(&model, grads, update.grad_clip);
    report.grad_norm = norm;
    if !report.loss.is_finite() || !norm.is_finite() {
        return Err(TrainError::Diverged {
            loss: report.loss,
            grad_norm: norm,
        });
    }
    Ok((optimizer.step(update.learning_rate, model, grads), report))
}

/// A panic of a worker goes on in the caller.
pub(crate) fn join<T>(worker: std::thread::ScopedJoinHandle<'_, T>) -> T {
    match worker.join() {
        Ok(result) => result,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// Means of the parts, in their order.
fn merge<M: Module>(model: &M, parts: Vec<Part>) -> (GradientsParams, StepReport) {
    let n_parts = parts.len() as f64;
    let mut report = StepReport::default();
    let mut all = Vec::new();
    for part in parts {
        report.loss += part.report.loss / n_parts;
        report.load_balancing_loss += part.report.load_balancing_loss / n_parts;
        match report.selections.is_empty() {
            true => report.selections = part.report.selections,
            false => add(&mut report.selections, &part.report.selections),
        }
        all.push(part.grads);
    }
    let mut visitor = Merge {
        parts: all,
        merged: GradientsParams::new(),
    };
    model.visit(&mut visitor);
    (visitor.merged, report)
}

fn add(totals_le: &mut [Vec<u64>], counts_le: &[Vec<u64>]) {
    let totals = totals_le.iter_mut().flatten();
    for (total, count) in totals.zip(counts_le.iter().flatten()) {
        *total += count;
    }
}

struct Merge {
    parts: Vec<GradientsParams>,
    merged: GradientsParams,
}

impl ModuleVisitor for Merge {
    fn visit_float<const N: usize>(&mut self, param: &Param<Tensor<N>>) {
        let n_parts = self.parts.len() as f64;
        let grads = self
            .parts
            .iter_mut()
            .filter_map(|part| part.remove::<N>(param.id));
        if let Some(sum) = grads.reduce(|sum, grad| sum + grad) {
            self.merged.register(param.id, sum / n_parts);
        }
    }
}

/// Scales the whole gradient down to `bound` where it is longer.
fn clip<M: Module>(model: &M, grads: GradientsParams, bound: f64) -> (GradientsParams, f64) {
    let mut norm = Norm {
        grads: &grads,
        sum_of_squares: 0.0,
    };
    model.visit(&mut norm);
    let norm = norm.sum_of_squares.sqrt();
    if norm <= bound {
        return (grads, norm);
    }
    let mut scale = Scale {
        grads,
        factor: bound / norm,
    };
    model.visit(&mut scale);
    (scale.grads, norm)
}

struct Norm<'a> {
    grads: &'a GradientsParams,
    sum_of_squares: f64,
}

impl ModuleVisitor for Norm<'_> {
    fn visit_float<const N: usize>(&mut self, param: &Param<Tensor<N>>) {
        if let Some(grad) = self.grads.get::<N>(param.id) {
            self.sum_of_squares += f64::from(grad.square().sum().into_scalar::<f32>());
        }
    }
}

struct Scale {
    grads: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const N: usize>(&mut self, param: &Param<Tensor<N>>) {
        if let Some(grad) = self.grads.remove::<N>(param.id) {
            self.grads.register(param.id, grad * self.factor);
        }
    }
}
