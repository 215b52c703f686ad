//! One training step: forward, loss, backward on several threads, one update.
//!
//! Each thread takes an equal part of the batch and its own graph; gradients are averaged in thread order,
//! so a run depends on its seed and on the number of threads, not on timing.
//! Loss = cross-entropy + load balancing + router z-loss (`balance`).

use std::borrow::Cow;
use std::ops::Range;

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::{GradientsParams, ModuleOptimizer};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::dispatch::Dispatch;
use moescope_model::host_router::read_f32;
use moescope_model::moe::{Routed, Router};
use moescope_routing::{RouterInput, RouterSpec, Routing, RoutingPlan, Verdict, route};

use crate::TrainError;
use crate::balance::{BalanceOver, Exchange, count_selections, load_balancing_loss, router_z_loss};
use crate::task::Task;

/// What the loss is made of.
#[derive(Clone, Debug)]
pub struct Objective {
    /// The routing to train with.
    pub spec: RouterSpec,
    /// What the gating logits are divided by before the routing sees them.
    pub temperature: f64,
    /// [L][E] biases of the selection scores of each MoE layer; empty where there are none.
    pub biases_le: Vec<Vec<f32>>,
    /// Weight of the load balancing loss.
    pub load_balancing_coef: f64,
    /// What it balances.
    pub load_balancing_over: BalanceOver,
    /// Weight of the router z-loss.
    pub z_loss_coef: f64,
}

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

impl Objective {
    /// The routing of the MoE layer at a place among them.
    fn spec_at(&self, place: usize) -> Cow<'_, RouterSpec> {
        let Some(biases_e) = self.biases_le.get(place) else {
            return Cow::Borrowed(&self.spec);
        };
        let mut spec = self.spec.clone();
        spec.score.selection_bias.clone_from(biases_e);
        Cow::Owned(spec)
    }
}

/// A router that decides as at inference and keeps the graph of what it decided.
struct TrainRouter<'a> {
    objective: &'a Objective,
    exchange: &'a Exchange,
    n_sequences: usize,
    balance: Vec<Tensor<1>>,
    z: Vec<Tensor<1>>,
    selections: Vec<Vec<u64>>,
}

impl Router for TrainRouter<'_> {
    async fn route(&mut self, layer: usize, logits_te: Tensor<2>) -> Result<Routed, ModelError> {
        let [n_tokens, n_experts] = logits_te.dims();
        let place = self.balance.len();
        // Where there is no warm start, the graph has no division that changes nothing.
        let logits_te = match self.objective.temperature {
            1.0 => logits_te,
            temperature => logits_te / temperature,
        };
        let logits = read_f32(logits_te.clone().inner()).await?;
        let input = RouterInput {
            logits_te: &logits,
            n_tokens,
            n_experts,
            layer,
            token_ids: &[],
        };
        let routing = route(&self.objective.spec_at(place), &input)
            .map_err(|source| ModelError::Routing { layer, source })?;
        let dispatch = Dispatch::new(&routing.plan, n_experts);

        // The plan is a constant; gradients reach the gate through the weights of what it chose.
        let scores_te = softmax(logits_te.clone(), 1);
        let over = choices_before_capacity(&routing);
        let weights_tk = self.weights(&scores_te, &dispatch, over.as_ref());

        let asked = over.as_ref().unwrap_or(&routing.plan);
        let counts = count_selections(asked, 0..n_tokens, n_experts);
        let balanced = match self.objective.load_balancing_over {
            BalanceOver::Batch => vec![self.exchange.sum(place, &counts)],
            BalanceOver::Sequence => {
                let len = n_tokens / self.n_sequences;
                let starts = (0..self.n_sequences).map(|sequence| sequence * len);
                let of = |start| count_selections(asked, start..start + len, n_experts);
                starts.map(of).collect()
            }
        };
        self.balance.push(load_balancing_loss(&balanced, scores_te));
        self.z.push(router_z_loss(logits_te));
        self.selections.push(counts);
        Ok(Routed::Selected {
            dispatch,
            weights_tk,
        })
    }
}

impl TrainRouter<'_> {
    /// Combine weights that pass gradients on to the gate; `asked` is the plan before a capacity took from it.
    ///
    /// # Shapes
    /// `scores_te`: [T, E]; returns [T, K]
    fn weights(
        &self,
        scores_te: &Tensor<2>,
        dispatch: &Dispatch,
        asked: Option<&RoutingPlan>,
    ) -> Tensor<2> {
        let ([n_tokens, n_experts], device) = (scores_te.dims(), scores_te.device());
        let shape = [n_tokens, dispatch.width];
        let chosen = TensorData::new(dispatch.expert_of_choice.clone(), shape);
        let chosen_tk = Tensor::<2, Int>::from_data(chosen, &device);
        let weights_tk = scores_te.clone().gather(1, chosen_tk);
        let is_renormalized = self.objective.spec.weigh.renormalize;
        let Some(asked) = asked else {
            return match is_renormalized {
                true => weights_tk.clone() / weights_tk.sum_dim(1),
                false => weights_tk,
            };
        };
        let ones = |cells: usize, places: &mut dyn Iterator<Item = usize>| {
            let mut ones = vec![0.0_f32; cells];
            places.for_each(|place| ones[place] = 1.0);
            ones
        };
        let kept = ones(
            n_tokens * dispatch.width,
            &mut dispatch.choices_by_expert.iter().copied(),
        );
        let kept_tk = Tensor::from_data(TensorData::new(kept, shape), &device);
        let weights_tk = weights_tk * kept_tk;
        if !is_renormalized {
            return weights_tk;
        }
        // A choice that found its expert full counts in the sum: the others do not make up for it.
        let cells = |token: usize| {
            let experts = asked.experts(token).iter();
            experts.map(move |&expert| token * n_experts + usize::from(expert))
        };
        let asked = ones(n_tokens * n_experts, &mut (0..n_tokens).flat_map(cells));
        let asked_te = Tensor::from_data(TensorData::new(asked, [n_tokens, n_experts]), &device);
        weights_tk / (scores_te.clone() * asked_te).sum_dim(1)
    }
}

/// What was chosen before a capacity dropped some of it; none where nothing was dropped.
fn choices_before_capacity(routing: &Routing) -> Option<RoutingPlan> {
    let trace = &routing.trace;
    if !trace.verdicts_te.contains(&Verdict::OverCapacity) {
        return None;
    }
    let mut asked = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for verdicts in trace.verdicts_te.chunks_exact(trace.n_experts) {
        for (expert, verdict) in verdicts.iter().enumerate() {
            if verdict.acts() || *verdict == Verdict::OverCapacity {
                asked.expert_idx.push(expert as u16);
            }
        }
        asked.offsets.push(asked.expert_idx.len() as u32);
    }
    Some(asked)
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
    let mut router = TrainRouter {
        objective,
        exchange,
        n_sequences: sequences.len(),
        balance: Vec::new(),
        z: Vec::new(),
        selections: Vec::new(),
    };
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
