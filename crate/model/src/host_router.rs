//! The reference [`Router`]: reads the logits back, lets `moescope-routing` decide on the host, uploads the plan.
//!
//! One implementation decides on every backend, so decisions cannot differ between them.
//! The price is one small read for each MoE layer.

use std::collections::BTreeMap;

use burn::tensor::{Device, Tensor, TensorData};
use moescope_routing::stage::select::Select;
use moescope_routing::{
    ModelRouting, RouterContext, RouterInput, Routing, RoutingPlan, route_with,
};

use crate::dispatch::Dispatch;
use crate::error::ModelError;
use crate::external::ExternalRouter;
use crate::moe::{Routed, Router, upload_weights};
use crate::trace::LayerTrace;

/// Which experts are computed. Results are equal; cost is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ExpertPath {
    /// The selected ones.
    #[default]
    Selected,
    /// All of them, masked by their weights: the reference.
    AllMasked,
}

/// What a sequence's routing so far means for its next tokens.
#[derive(Clone, Debug, Default)]
pub struct RouterMemory {
    /// Tokens routed so far.
    position: usize,
    /// Experts of the last token, by layer.
    last_experts: BTreeMap<usize, Vec<u16>>,
}

#[cfg(feature = "recorded")]
impl RouterMemory {
    /// Takes over what a device has decided about tokens that followed.
    pub(crate) fn follow(&mut self, n_tokens: usize, layers: &[LayerTrace]) {
        self.position += n_tokens;
        for layer in layers {
            let last = layer.offsets[layer.offsets.len() - 2] as usize;
            let experts = layer.experts[last..].to_vec();
            self.last_experts.insert(layer.layer, experts);
        }
        if layers.is_empty() {
            // Nothing was said about the last token.
            self.last_experts.clear();
        }
    }

    /// Experts of the last token in a layer, if they are known.
    pub(crate) fn last_experts(&self, layer: usize) -> Option<&[u16]> {
        self.last_experts.get(&layer).map(Vec::as_slice)
    }
}

/// Routes one pass over a sequence and keeps its trace.
#[derive(Debug)]
pub struct HostRouter<'a> {
    routing: &'a ModelRouting,
    token_ids: &'a [u32],
    external: Option<&'a dyn ExternalRouter>,
    path: ExpertPath,
    memory: RouterMemory,
    previous_layer: Option<RoutingPlan>,
    traced: Option<Vec<LayerTrace>>,
}

impl<'a> HostRouter<'a> {
    /// For a pass over `token_ids` that begins a sequence; records a trace if `tracing`.
    pub fn new(
        routing: &'a ModelRouting,
        token_ids: &'a [u32],
        path: ExpertPath,
        tracing: bool,
    ) -> Self {
        Self {
            routing,
            token_ids,
            external: None,
            path,
            memory: RouterMemory::default(),
            previous_layer: None,
            traced: tracing.then(Vec::new),
        }
    }

    /// The same with a router to ask where a spec selects by `external`.
    pub fn with_external(self, external: Option<&'a dyn ExternalRouter>) -> Self {
        Self { external, ..self }
    }

    /// The same for a pass that goes on with a sequence.
    pub fn resume(self, memory: RouterMemory) -> Self {
        Self { memory, ..self }
    }

    /// The trace of each MoE layer passed, empty if not tracing, and what the next pass must know.
    pub fn finish(mut self) -> (Vec<LayerTrace>, RouterMemory) {
        self.memory.position += self.token_ids.len();
        (self.traced.unwrap_or_default(), self.memory)
    }

    async fn decide(&self, input: &RouterInput<'_>) -> Result<Routing, ModelError> {
        let layer = input.layer;
        let spec = self.routing.for_layer(layer);
        let decided = match (&spec.select, self.external) {
            (Select::External {}, None) => return Err(ModelError::NoExternalRouter { layer }),
            (Select::External {}, Some(router)) => Some(router.decide(input).await),
            _ => None,
        };
        let answer = decided.map(|plan| move |_: &RouterInput, _: &[f32]| plan.clone());
        let previous_token = self.memory.last_experts.get(&layer);
        let context = RouterContext {
            first_position: self.memory.position,
            previous_layer: self.previous_layer.as_ref(),
            previous_token: previous_token.map(Vec::as_slice).unwrap_or_default(),
            external: answer.as_ref().map(|answer| answer as &_),
            ..RouterContext::default()
        };
        route_with(&context, spec, input).map_err(|source| ModelError::Routing { layer, source })
    }
}

impl HostRouter<'_> {
    /// Decides, remembers and records.
    ///
    /// # Shapes
    /// `logits_te`: [T, E]
    ///
    /// # Errors
    /// Logits that cannot be read back, or a decision that cannot be made.
    pub async fn plan(
        &mut self,
        layer: usize,
        logits_te: Tensor<2>,
    ) -> Result<RoutingPlan, ModelError> {
        let [_, n_experts] = logits_te.dims();
        let logits = read_f32(logits_te).await?;
        self.decide_on(layer, logits, n_experts).await
    }

    /// [`Self::plan`] for logits that are here already.
    ///
    /// # Shapes
    /// `logits`: [T, E]
    ///
    /// # Errors
    /// A decision that cannot be made.
    pub async fn decide_on(
        &mut self,
        layer: usize,
        logits: Vec<f32>,
        n_experts: usize,
    ) -> Result<RoutingPlan, ModelError> {
        let n_tokens = logits.len() / n_experts;
        let input = RouterInput {
            logits_te: &logits,
            n_tokens,
            n_experts,
            layer,
            token_ids: self.token_ids,
        };
        let routing = self.decide(&input).await?;
        let plan = routing.plan.clone();
        let last = plan.experts(n_tokens - 1).to_vec();
        self.memory.last_experts.insert(layer, last);
        self.previous_layer = Some(plan.clone());
        if let Some(layers) = &mut self.traced {
            layers.push(LayerTrace::new(layer, logits, routing));
        }
        Ok(plan)
    }
}

impl HostRouter<'_> {
    /// A plan on its way to the experts of a device.
    pub(crate) fn routed(&self, plan: &RoutingPlan, n_experts: usize, device: &Device) -> Routed {
        match self.path {
            ExpertPath::Selected => {
                let dispatch = Dispatch::new(plan, n_experts);
                let weights_tk = upload_weights(&dispatch, device);
                Routed::Selected {
                    dispatch,
                    weights_tk,
                }
            }
            ExpertPath::AllMasked => {
                let weights = dense_weights(plan, n_experts);
                let data = TensorData::new(weights, [plan.n_tokens(), n_experts]);
                let weights_te = Tensor::from_data(data, device);
                Routed::AllMasked { weights_te }
            }
        }
    }
}

impl Router for HostRouter<'_> {
    async fn route(&mut self, layer: usize, logits_te: Tensor<2>) -> Result<Routed, ModelError> {
        let [_, n_experts] = logits_te.dims();
        let device = logits_te.device();
        let plan = self.plan(layer, logits_te).await?;
        Ok(self.routed(&plan, n_experts, &device))
    }
}

/// [T, E] weights with zeros where an expert does not act.
fn dense_weights(plan: &RoutingPlan, n_experts: usize) -> Vec<f32> {
    let mut weights = vec![0.0; plan.n_tokens() * n_experts];
    for token in 0..plan.n_tokens() {
        for (&expert, &weight) in plan.experts(token).iter().zip(plan.weights(token)) {
            weights[token * n_experts + usize::from(expert)] = weight;
        }
    }
    weights
}

/// Reads a tensor back to the host without blocking, as a browser requires.
///
/// # Errors
/// [`ModelError::Device`] with the device's reason.
pub async fn read_f32<const N: usize>(tensor: Tensor<N>) -> Result<Vec<f32>, ModelError> {
    let data = tensor.into_data_async().await;
    data.map_err(|e| ModelError::Device(e.to_string()))?
        .try_into_vec::<f32>()
        .map_err(|e| ModelError::Device(format!("{e:?}")))
}
