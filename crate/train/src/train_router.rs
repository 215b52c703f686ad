//! The router of a training step: it decides as at inference and keeps the graph of what it decided.
//!
//! A plan is a constant; gradients reach the gate through the weights of what it chose, and through the losses that
//! keep it in bounds.

use std::borrow::Cow;

use burn::tensor::activation::softmax;
use burn::tensor::{Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::dispatch::Dispatch;
use moescope_model::host_router::read_f32;
use moescope_model::moe::{Routed, Router};
use moescope_routing::{RouterInput, RouterSpec, Routing, RoutingPlan, Verdict, route};

use crate::balance::{BalanceOver, Exchange, count_selections, load_balancing_loss, router_z_loss};

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
pub(crate) struct TrainRouter<'a> {
    objective: &'a Objective,
    exchange: &'a Exchange,
    n_sequences: usize,
    /// Load balancing loss of each MoE layer so far.
    pub balance: Vec<Tensor<1>>,
    /// Router z-loss of each.
    pub z: Vec<Tensor<1>>,
    /// [L][E] selections.
    pub selections: Vec<Vec<u64>>,
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

impl<'a> TrainRouter<'a> {
    /// For one pass over `n_sequences` sequences, a part of a step.
    pub fn new(objective: &'a Objective, exchange: &'a Exchange, n_sequences: usize) -> Self {
        Self {
            objective,
            exchange,
            n_sequences,
            balance: Vec::new(),
            z: Vec::new(),
            selections: Vec::new(),
        }
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
