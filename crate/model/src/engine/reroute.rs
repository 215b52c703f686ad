//! Rerouting on the engine's model, one step at a time, so that a caller can show progress and stop.
//!
//! Nothing of the engine changes: a generation goes on, and the routing in force stays until the result is set.

use moescope_routing::ModelRouting;

use super::{Engine, Reading};
use crate::error::ModelError;
use crate::reroute::search::Search;
use crate::reroute::{
    Offsets, RerouteMethod, RerouteOptions, Rerouted, ReroutedLayer, changed_tokens, confidence,
    with_offsets,
};
use crate::trace::LayerTrace;

/// A rerouting under way.
#[derive(Debug)]
pub struct Rerouting {
    ids: Vec<u32>,
    method: RerouteMethod,
    base: ModelRouting,
    before: Vec<LayerTrace>,
    /// (layer, C) of every MoE layer.
    confidences: Vec<(usize, f32)>,
    optimiser: Optimiser,
    steps_left: usize,
    /// Offsets of the last step that was not rejected.
    offsets: Offsets,
    losses: Vec<f32>,
    kept: usize,
    best: Offsets,
}

/// What proposes the next offsets.
#[derive(Debug)]
enum Optimiser {
    #[cfg(feature = "autodiff")]
    Gradient {
        descent: crate::reroute::gradient::Descent,
        /// The gradient at the present offsets.
        slopes: Offsets,
    },
    Search(Box<Search>),
}

impl Engine {
    /// Makes ready to optimise offsets on a text, starting from `routing` or the one in force.
    ///
    /// # Errors
    /// A text of fewer than two tokens or too long, an option out of range, a routing that does not fit, and for the
    /// method gradient [`ModelError::NotDifferentiable`] and builds without it.
    pub async fn begin_reroute(
        &self,
        text: &str,
        routing: Option<&ModelRouting>,
        options: &RerouteOptions,
    ) -> Result<Rerouting, ModelError> {
        let ids = self.encode(text)?;
        self.begin_reroute_ids(&ids, routing, options).await
    }

    /// [`Self::begin_reroute`] on token ids.
    ///
    /// # Errors
    /// As [`Self::begin_reroute`], and ids outside the vocabulary.
    pub async fn begin_reroute_ids(
        &self,
        ids: &[u32],
        routing: Option<&ModelRouting>,
        options: &RerouteOptions,
    ) -> Result<Rerouting, ModelError> {
        options.check()?;
        let base = routing.unwrap_or(&self.routing).clone();
        self.check_routing(&base)?;
        self.check_text(ids)?;
        let before = self.traced(ids, &base).await?;
        let layers = before.iter();
        let confidences: Vec<(usize, f32)> = layers.map(|l| (l.layer, confidence(l))).collect();
        let offsets = self.offsets_of(&base, &options.choose(&confidences));
        let (optimiser, loss) = self.optimiser(ids, &base, &offsets, options).await?;
        Ok(Rerouting {
            ids: ids.to_vec(),
            method: options.method,
            base,
            before,
            confidences,
            optimiser,
            steps_left: options.steps,
            best: offsets.clone(),
            offsets,
            losses: vec![loss],
            kept: 0,
        })
    }

    /// Takes every step at once.
    ///
    /// # Errors
    /// Those of [`Self::begin_reroute_ids`].
    pub async fn reroute_ids(
        &self,
        ids: &[u32],
        routing: Option<&ModelRouting>,
        options: &RerouteOptions,
    ) -> Result<Rerouted, ModelError> {
        let mut rerouting = self.begin_reroute_ids(ids, routing, options).await?;
        while rerouting.step(self).await? {}
        rerouting.finish(self).await
    }

    /// Mean loss of a text and its gradient in the offsets of some MoE layers, by layer, for tests and tools.
    ///
    /// # Errors
    /// Those of [`Self::analyse_ids`], and [`ModelError::NotDifferentiable`].
    #[cfg(feature = "autodiff")]
    pub async fn loss_gradient(
        &self,
        ids: &[u32],
        routing: &ModelRouting,
        layers: &[usize],
    ) -> Result<(f32, std::collections::BTreeMap<usize, Vec<f32>>), ModelError> {
        self.check_routing(routing)?;
        self.check_text(ids)?;
        let offsets = self.offsets_of(routing, layers);
        self.loss_and_gradient(ids, routing, &offsets).await
    }

    fn check_text(&self, ids: &[u32]) -> Result<(), ModelError> {
        self.check_ids(ids, self.config.max_positions)?;
        match ids.len() {
            1 => Err(ModelError::TextTooShort),
            _ => Ok(()),
        }
    }

    /// The offsets that a routing has in these layers, zeros where it has none.
    fn offsets_of(&self, routing: &ModelRouting, layers: &[usize]) -> Offsets {
        let start = |&layer: &usize| {
            let mut offsets = routing.for_layer(layer).adjust.offsets.clone();
            offsets.resize(self.config.n_experts, 0.0);
            (layer, offsets)
        };
        layers.iter().map(start).collect()
    }

    async fn optimiser(
        &self,
        ids: &[u32],
        base: &ModelRouting,
        offsets: &Offsets,
        options: &RerouteOptions,
    ) -> Result<(Optimiser, f32), ModelError> {
        match options.method {
            RerouteMethod::Search => {
                let loss = self.loss(ids, &with_offsets(base, offsets)).await?;
                Ok((Optimiser::Search(Box::new(Search::new(options))), loss))
            }
            #[cfg(feature = "autodiff")]
            RerouteMethod::Gradient => {
                let (loss, slopes) = self.loss_and_gradient(ids, base, offsets).await?;
                let descent = crate::reroute::gradient::Descent::new(options);
                Ok((Optimiser::Gradient { descent, slopes }, loss))
            }
            #[cfg(not(feature = "autodiff"))]
            RerouteMethod::Gradient => Err(no_gradient(
                "search in this build, which has no automatic differentiation",
            )),
        }
    }

    /// Mean loss of a text of at least two tokens, in nats.
    async fn loss(&self, ids: &[u32], routing: &ModelRouting) -> Result<f32, ModelError> {
        let reading = Reading {
            tracing: false,
            ..self.reading(ids, routing)
        };
        Ok(mean(&self.machine.losses(reading).await?.0))
    }

    /// How a text is routed, whether the engine traces or not.
    async fn traced(
        &self,
        ids: &[u32],
        routing: &ModelRouting,
    ) -> Result<Vec<LayerTrace>, ModelError> {
        let reading = Reading {
            tracing: true,
            ..self.reading(ids, routing)
        };
        Ok(self.machine.losses(reading).await?.1)
    }

    /// The same with its gradient in these offsets.
    #[cfg(feature = "autodiff")]
    async fn loss_and_gradient(
        &self,
        ids: &[u32],
        base: &ModelRouting,
        offsets: &Offsets,
    ) -> Result<(f32, Offsets), ModelError> {
        use crate::host_router::{ExpertPath, read_f32};
        use crate::reroute::gradient::{GradientRouter, gradient};

        let machine = self.machine.burn();
        let machine = machine
            .ok_or_else(|| no_gradient("search in this engine, which runs a recorded plan"))?;
        let routing = with_offsets(base, offsets);
        let reading = Reading {
            path: ExpertPath::Selected,
            tracing: false,
            ..self.reading(ids, &routing)
        };
        let host = reading.router();
        let mut router = GradientRouter::new(host, &routing, offsets, &machine.device);
        let tokens_bs = machine.upload(ids);
        let forward = machine.model.forward(tokens_bs, None, &mut router);
        let losses = machine.losses(forward.await?, ids);
        let slopes = gradient(&losses.clone().mean(), &router.offsets).await?;
        let loss = mean(&read_f32(losses.without_autodiff()).await?);
        Ok((loss, slopes))
    }
}

impl Rerouting {
    /// Mean loss in nats per token before, then after each step so far.
    pub fn losses(&self) -> &[f32] {
        &self.losses
    }

    /// Takes a step; false if all are taken.
    ///
    /// # Errors
    /// A pass that failed.
    pub async fn step(&mut self, engine: &Engine) -> Result<bool, ModelError> {
        if self.steps_left == 0 {
            return Ok(false);
        }
        self.steps_left -= 1;
        let lowest = self.losses[self.kept];
        let loss = match &mut self.optimiser {
            Optimiser::Search(search) => {
                let child = search.child(&self.offsets);
                let routing = with_offsets(&self.base, &child);
                let loss = engine.loss(&self.ids, &routing).await?;
                search.judge(loss < lowest);
                if loss < lowest {
                    self.offsets = child;
                }
                loss
            }
            #[cfg(feature = "autodiff")]
            Optimiser::Gradient { descent, slopes } => {
                self.offsets = descent.step(&self.offsets, slopes);
                let (loss, next) = engine
                    .loss_and_gradient(&self.ids, &self.base, &self.offsets)
                    .await?;
                *slopes = next;
                loss
            }
        };
        self.losses.push(loss);
        if loss < lowest {
            self.kept = self.losses.len() - 1;
            self.best.clone_from(&self.offsets);
        }
        Ok(true)
    }

    /// Ends with the offsets of the lowest loss so far.
    ///
    /// # Errors
    /// A pass that failed.
    pub async fn finish(self, engine: &Engine) -> Result<Rerouted, ModelError> {
        let routing = match self.kept {
            0 => self.base.clone(),
            _ => with_offsets(&self.base, &self.best),
        };
        let after = engine.traced(&self.ids, &routing).await?;
        let traces = self.before.iter().zip(&after);
        let changes: Vec<Vec<bool>> = traces.map(|(b, a)| changed_tokens(b, a)).collect();
        let anywhere: Vec<bool> = (0..self.ids.len())
            .map(|token| changes.iter().any(|layer| layer[token]))
            .collect();
        let layers = self.confidences.iter().zip(&changes);
        let layer = |(&(layer, confidence), changed): (&(usize, f32), &Vec<bool>)| ReroutedLayer {
            layer,
            confidence,
            chosen: self.best.contains_key(&layer),
            offsets: routing.for_layer(layer).adjust.offsets.clone(),
            changed: share(changed),
        };
        Ok(Rerouted {
            method: self.method,
            layers: layers.map(layer).collect(),
            changed: share(&anywhere),
            routing,
            losses: self.losses,
            kept: self.kept,
        })
    }
}

fn no_gradient(allowed: &'static str) -> ModelError {
    ModelError::OptionInvalid {
        name: "method",
        got: "gradient".into(),
        allowed,
    }
}

fn mean(losses: &[f32]) -> f32 {
    let total: f64 = losses.iter().map(|&loss| f64::from(loss)).sum();
    (total / losses.len() as f64) as f32
}

fn share(flags: &[bool]) -> f32 {
    let set = flags.iter().filter(|&&flag| flag).count();
    set as f32 / flags.len() as f32
}
