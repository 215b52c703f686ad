//! The gradient of the loss in the offsets, by automatic differentiation on whatever device the model is on.
//!
//! Decisions are the host interpreter's and constant; gradients pass through the weights of the experts that it chose,
//! and through those of all later layers. Weights are recomputed here as tensors and compared with the interpreter's,
//! so that a strategy whose weights this file does not know is refused instead of followed in a wrong direction.

use std::collections::BTreeMap;

use burn::tensor::activation::{relu, sigmoid, softmax};
use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_routing::stage::score::ScoreFunction;
use moescope_routing::stage::weigh::WeightSource;
use moescope_routing::{ModelRouting, RouterSpec, RoutingPlan};

use super::{Offsets, RerouteOptions};
use crate::dispatch::Dispatch;
use crate::error::ModelError;
use crate::host_router::{HostRouter, read_f32};
use crate::moe::{Routed, Router, upload_weights};

/// Weights may differ from the interpreter's by rounding.
const TOLERANCE: f32 = 1e-4;
/// Added to the logit of a place that holds no expert; finite, see `attention.rs`.
const NO_EXPERT: f32 = -1e30;

/// Decay of the running means of the gradient and of its square (Kingma and Ba 2015, Adam).
const DECAY: (f32, f32) = (0.9, 0.999);
/// Keeps a step finite where the gradient is 0.
const EPSILON: f32 = 1e-8;

/// The state of the descent.
#[derive(Debug, Default)]
pub(crate) struct Descent {
    rate: f32,
    clamp: f32,
    steps: i32,
    mean: Offsets,
    mean_square: Offsets,
}

impl Descent {
    pub fn new(options: &RerouteOptions) -> Self {
        Self {
            rate: options.rate,
            clamp: options.clamp,
            ..Self::default()
        }
    }

    /// One step down from `offsets`.
    pub fn step(&mut self, offsets: &Offsets, gradient: &Offsets) -> Offsets {
        self.steps += 1;
        let (decay, square_decay) = DECAY;
        let unbias = |decay: f32| 1.0 / (1.0 - decay.powi(self.steps));
        let mut next = offsets.clone();
        for (layer, offsets) in &mut next {
            let zeros = || vec![0.0; offsets.len()];
            let mean = self.mean.entry(*layer).or_insert_with(zeros);
            let mean_square = self.mean_square.entry(*layer).or_insert_with(zeros);
            for (expert, offset) in offsets.iter_mut().enumerate() {
                let slope = gradient[layer][expert];
                mean[expert] = decay * mean[expert] + (1.0 - decay) * slope;
                mean_square[expert] =
                    square_decay * mean_square[expert] + (1.0 - square_decay) * slope * slope;
                let size = (mean_square[expert] * unbias(square_decay)).sqrt() + EPSILON;
                let step = self.rate * mean[expert] * unbias(decay) / size;
                *offset = (*offset - step).clamp(-self.clamp, self.clamp);
            }
        }
        next
    }
}

/// A router that decides as at inference and keeps the graph from the offsets to the weights.
pub(crate) struct GradientRouter<'a> {
    host: HostRouter<'a>,
    routing: &'a ModelRouting,
    /// [E] tracked offsets of the layers that are optimised.
    pub offsets: BTreeMap<usize, Tensor<1>>,
}

impl<'a> GradientRouter<'a> {
    /// Tracks the offsets that `routing` has in `layers`.
    pub fn new(
        host: HostRouter<'a>,
        routing: &'a ModelRouting,
        offsets: &Offsets,
        device: &Device,
    ) -> Self {
        let tracked = |offsets: &Vec<f32>| {
            let offsets_e = Tensor::<1>::from_data(offsets.as_slice(), device);
            offsets_e.autodiff().require_grad()
        };
        Self {
            host,
            routing,
            offsets: offsets.iter().map(|(&l, o)| (l, tracked(o))).collect(),
        }
    }
}

impl Router for GradientRouter<'_> {
    async fn route(&mut self, layer: usize, logits_te: Tensor<2>) -> Result<Routed, ModelError> {
        let [_, n_experts] = logits_te.dims();
        let plain_te = logits_te.clone().without_autodiff();
        let plan = self.host.plan(layer, plain_te).await?;
        if plan.expert_idx.is_empty() {
            let dispatch = Dispatch::new(&plan, n_experts);
            let weights_tk = upload_weights(&dispatch, &logits_te.device());
            return Ok(Routed::Selected {
                dispatch,
                weights_tk,
            });
        }
        let spec = self.routing.for_layer(layer);
        let mut adjusted_te = logits_te;
        let fixed = &spec.adjust.offsets;
        if let Some(offsets_e) = self.offsets.get(&layer) {
            adjusted_te = adjusted_te + offsets_e.clone().reshape([1, n_experts]);
        } else if !fixed.is_empty() {
            let data = TensorData::new(fixed.clone(), [1, n_experts]);
            adjusted_te = adjusted_te.clone() + Tensor::from_data(data, &adjusted_te.device());
        }
        let adjusted_te = adjusted_te / spec.adjust.temperature;
        let unknown = || ModelError::NotDifferentiable { layer };
        let weights_tk = combine_weights(spec, adjusted_te, &plan).ok_or_else(unknown)?;
        let found = read_f32(weights_tk.clone().without_autodiff()).await?;
        let dispatch = Dispatch::new(&plan, n_experts);
        let expected = &dispatch.weight_of_choice;
        let far = |(a, b): (&f32, &f32)| (a - b).abs() > TOLERANCE * b.abs().max(1.0);
        if found.iter().zip(expected).any(far) {
            return Err(unknown());
        }
        Ok(Routed::Selected {
            dispatch,
            weights_tk,
        })
    }
}

/// The weights of the chosen experts as a function of the adjusted logits; none where there is no such function here.
///
/// # Shapes
/// `adjusted_te`: [T, E], returns [T, K]
fn combine_weights(
    spec: &RouterSpec,
    adjusted_te: Tensor<2>,
    plan: &RoutingPlan,
) -> Option<Tensor<2>> {
    let (chosen_tk, mask_tk) = choices(plan, &adjusted_te.device());
    let scores = |z_te: Tensor<2>| match spec.score.function {
        ScoreFunction::Softmax | ScoreFunction::Sinkhorn => softmax(z_te, 1),
        ScoreFunction::Sigmoid => sigmoid(z_te),
        ScoreFunction::Relu => relu(z_te),
        ScoreFunction::Identity => z_te,
    };
    let base_tk = match spec.weigh.from {
        WeightSource::Scores => scores(adjusted_te).gather(1, chosen_tk),
        WeightSource::Sigmoid => sigmoid(adjusted_te.gather(1, chosen_tk)),
        WeightSource::SoftmaxSelected => {
            let empty_tk = (mask_tk.clone() - 1.0) * -NO_EXPERT;
            softmax(adjusted_te.gather(1, chosen_tk) + empty_tk, 1)
        }
        WeightSource::Equal | WeightSource::SparseMixer => return None,
    };
    let mut weights_tk = base_tk * mask_tk.clone();
    if spec.weigh.renormalize || spec.weigh.from == WeightSource::SoftmaxSelected {
        // A token without experts would divide by 0.
        let idle_t1 = mask_tk.max_dim(1).neg() + 1.0;
        let sum_t1 = weights_tk.clone().sum_dim(1) + spec.weigh.epsilon + idle_t1;
        weights_tk = weights_tk / sum_t1;
    }
    Some(weights_tk * spec.weigh.scale)
}

/// The experts of each token and 1 where there is one, in the order of a dispatch's choices.
///
/// # Shapes
/// returns [T, K] twice
fn choices(plan: &RoutingPlan, device: &Device) -> (Tensor<2, Int>, Tensor<2>) {
    let tokens = || (0..plan.n_tokens()).map(|token| plan.experts(token));
    let width = tokens().map(<[u16]>::len).max().unwrap_or(0);
    let padded = |experts: &[u16], there: fn(u16) -> i32| -> Vec<i32> {
        let mut row: Vec<i32> = experts.iter().map(|&expert| there(expert)).collect();
        row.resize(width, 0);
        row
    };
    let chosen: Vec<i32> = tokens().flat_map(|row| padded(row, i32::from)).collect();
    let mask: Vec<i32> = tokens().flat_map(|row| padded(row, |_| 1)).collect();
    let shape = [plan.n_tokens(), width];
    let tensor = |values| Tensor::<2, Int>::from_data(TensorData::new(values, shape), device);
    (tensor(chosen), tensor(mask).float())
}

/// The gradient in each layer's offsets after the backward pass of `loss`.
///
/// # Shapes
/// `loss`: [1]
pub(crate) async fn gradient(
    loss: &Tensor<1>,
    offsets: &BTreeMap<usize, Tensor<1>>,
) -> Result<Offsets, ModelError> {
    let zeros = |offsets_e: &Tensor<1>| vec![0.0; offsets_e.dims()[0]];
    if !loss.is_tracked() {
        // No expert acts in any of these layers, so nothing depends on the offsets.
        return Ok(offsets.iter().map(|(&l, o)| (l, zeros(o))).collect());
    }
    let gradients = loss.backward();
    let mut slopes = Offsets::new();
    for (&layer, offsets_e) in offsets {
        let slope = match offsets_e.grad(&gradients) {
            Some(slope_e) => read_f32(slope_e).await?,
            None => zeros(offsets_e),
        };
        slopes.insert(layer, slope);
    }
    Ok(slopes)
}

#[cfg(all(test, feature = "flex"))]
#[allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]
mod tests {
    use moescope_routing::presets::PRESETS;
    use moescope_routing::{RouterInput, route};

    use super::*;

    fn plan(spec: &RouterSpec, logits_te: &[f32], n_experts: usize) -> RoutingPlan {
        let input = RouterInput {
            logits_te,
            n_tokens: logits_te.len() / n_experts,
            n_experts,
            layer: 0,
            token_ids: &[],
        };
        route(spec, &input).unwrap().plan
    }

    /// The sheet's layer: 3 experts of which 2 act, each with its own probability of the true token.
    #[test]
    fn the_worked_example_of_one_layer_comes_out() {
        let spec = RouterSpec::top_k(2);
        let logits = [1.0, 0.8, 0.2];
        let plan = plan(&spec, &logits, 3);
        let device = Device::flex();
        let tensor = |values: &[f32]| {
            Tensor::<2>::from_data(TensorData::new(values.to_vec(), [1, values.len()]), &device)
        };
        let mut delta = [0.0_f32; 3];
        let expected = [
            (0, [0.0, 0.0, 0.0], 1.660556),
            (1, [-0.013025, 0.013025, 0.0], 1.653785),
            (5, [-0.064526, 0.064526, 0.0], 1.627326),
        ];
        for step in 0..=5 {
            let offsets = Tensor::<1>::from_data(delta, &device)
                .autodiff()
                .require_grad();
            let adjusted = tensor(&logits) + offsets.clone().reshape([1, 3]);
            let weights = combine_weights(&spec, adjusted, &plan).unwrap();
            let loss = (weights * tensor(&[0.1, 0.3])).sum().log().neg();
            let value = pollster::block_on(read_f32(loss.clone().inner())).unwrap()[0];
            if let Some((_, delta_then, loss_then)) = expected.iter().find(|e| e.0 == step) {
                assert!((value - loss_then).abs() < 1e-5, "step {step}: {value}");
                for (a, b) in delta.iter().zip(delta_then) {
                    assert!((a - b).abs() < 1e-5, "step {step}: {delta:?}");
                }
            }
            let tracked = BTreeMap::from([(0, offsets)]);
            let slopes = pollster::block_on(gradient(&loss, &tracked)).unwrap();
            for (delta, slope) in delta.iter_mut().zip(&slopes[&0]) {
                *delta -= 0.05 * slope;
            }
        }
    }

    #[test]
    fn weights_are_those_of_the_interpreter_for_every_preset_it_knows() {
        let n_experts = 16;
        let logits: Vec<f32> = (0..n_experts * 6)
            .map(|i| ((i * 7919 % 113) as f32 - 56.0) / 20.0)
            .collect();
        let device = Device::flex();
        let (mut unknown, mut different) = (Vec::new(), Vec::new());
        for preset in PRESETS {
            let spec = preset.spec().unwrap();
            if !spec.needs().is_empty() {
                continue;
            }
            let plan = plan(&spec, &logits, n_experts);
            let expected = Dispatch::new(&plan, n_experts).weight_of_choice;
            let data = TensorData::new(logits.clone(), [6, n_experts]);
            let adjusted = Tensor::<2>::from_data(data, &device) / spec.adjust.temperature;
            let Some(weights) = combine_weights(&spec, adjusted, &plan) else {
                unknown.push(preset.name);
                continue;
            };
            let found = pollster::block_on(read_f32(weights)).unwrap();
            if found
                .iter()
                .zip(&expected)
                .any(|(a, b)| (a - b).abs() > 1e-5)
            {
                different.push(preset.name);
            }
        }
        assert_eq!(unknown, ["phimoe"]);
        // It divides by the sum of experts that pruning takes away; a router refuses it where that shows.
        assert_eq!(different, ["modes"]);
    }

    #[test]
    fn a_step_goes_down_by_the_rate_and_no_further_than_the_clamp() {
        let options = RerouteOptions {
            rate: 0.1,
            clamp: 0.15,
            ..RerouteOptions::default()
        };
        let mut descent = Descent::new(&options);
        let gradient = Offsets::from([(0, vec![0.02, -3.0, 0.0])]);
        let mut offsets = Offsets::from([(0, vec![0.0; 3])]);
        for expected in [[-0.1, 0.1, 0.0], [-0.15, 0.15, 0.0]] {
            offsets = descent.step(&offsets, &gradient);
            for (a, b) in offsets[&0].iter().zip(expected) {
                assert!((a - b).abs() < 1e-5, "{offsets:?}");
            }
        }
    }
}
