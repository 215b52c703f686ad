//! Runs whose routing the host decides: the pass stops in front of every router, and goes on with what was decided.
//!
//! For strategies that no kernel does, such as those that look at the whole batch. It costs a read for each router.

use moescope_routing::RoutingPlan;

use super::Plan;
use super::router::Router;
use crate::error::{ShaderError, size};
use crate::reading::Reading;
use crate::record::RESULTS;
use crate::recorder::PassId;
use crate::step::Step;

/// Decides on the host.
pub trait Decider {
    /// Decides for the tokens of one router.
    ///
    /// # Shapes
    /// `logits_te`: [T, E]
    ///
    /// # Errors
    /// Why it does not; the run ends.
    fn decide(
        &mut self,
        moe_layer: usize,
        logits_te: Vec<f32>,
    ) -> impl Future<Output = Result<RoutingPlan, String>>;
}

impl Plan {
    /// Runs a pass with the decisions of the host; neither a routing that is set nor a trace plays a part.
    ///
    /// # Errors
    /// A step that does not fit the plan, a decision that does not fit the model, or a failing device.
    pub async fn run_with<D: Decider>(
        &mut self,
        pass: PassId,
        step: &Step<'_>,
        decider: &mut D,
    ) -> Result<Reading, ShaderError> {
        let n_tokens = step.tokens.len();
        let slots = self.sizes.layout().slots().max(1);
        self.check_tokens(step, self.hosted_chunk())?;
        self.compile(&[pass], |_, _| {}).await?;
        self.write_words(self.run, 0, &step.words(self.sizes.max_tokens, slots))?;
        let mut begin = 0;
        while let Some((at, router)) = self.next_router(pass, begin) {
            let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
            self.encode(&mut encoder, pass, begin..at, n_tokens, slots);
            self.gpu.queue.submit([encoder.finish()]);
            let logits = self.gating_logits(router, n_tokens).await?;
            let decided = decider.decide(router.moe_layer, logits.routed_te);
            let plan = decided.await.map_err(|reason| ShaderError::Refused {
                layer: router.moe_layer,
                reason,
            })?;
            self.write_decision(router, n_tokens, &plan, &logits.shared_t)?;
            begin = at + 1;
        }
        let end = self.ready[pass.0].len();
        self.finish(pass, begin..end, step, slots).await
    }

    /// Tokens that one run may have when the host decides, which may choose every expert.
    #[must_use]
    pub fn hosted_chunk(&self) -> usize {
        let slots = self.sizes.layout().slots().max(1);
        self.sizes
            .max_tokens
            .min((self.sizes.expert_rows / slots).max(1))
    }

    fn next_router(&self, pass: PassId, begin: usize) -> Option<(usize, Router)> {
        let mut rest = self.ready[pass.0].iter().enumerate().skip(begin);
        rest.find_map(|(at, ready)| ready.router.map(|router| (at, router)))
    }

    async fn gating_logits(&self, router: Router, n_tokens: usize) -> Result<Gating, ShaderError> {
        let n_experts = self.sizes.n_experts;
        let stride = n_experts + usize::from(self.sizes.n_shared > 0);
        let range = 0..n_tokens * stride;
        let logits = self.read_reals(router.logits, range).await?;
        let rows = || logits.chunks_exact(stride);
        Ok(Gating {
            routed_te: rows().flat_map(|row| row[..n_experts].to_vec()).collect(),
            shared_t: rows()
                .filter_map(|row| row.get(n_experts).copied())
                .collect(),
        })
    }

    /// Writes what the route kernel would have: who acts on each token, and with which weight.
    fn write_decision(
        &self,
        router: Router,
        n_tokens: usize,
        plan: &RoutingPlan,
        shared_t: &[f32],
    ) -> Result<(), ShaderError> {
        let layout = self.sizes.layout();
        plan.validate(layout.n_experts)
            .map_err(|error| ShaderError::Refused {
                layer: router.moe_layer,
                reason: error.to_string(),
            })?;
        if plan.n_tokens() != n_tokens {
            let allowed = format!("{n_tokens}, those of the run");
            return Err(size("the tokens of a decision", plan.n_tokens(), allowed));
        }
        let mut words = Vec::with_capacity(n_tokens * layout.words());
        for token in 0..n_tokens {
            let shared = shared_t
                .get(token)
                .map_or(0.0, |z| 1.0 / (1.0 + (-z).exp()));
            words.extend(layout.decision(plan.experts(token), plan.weights(token), shared));
        }
        let first = RESULTS + router.moe_layer * n_tokens * layout.words();
        self.write_words(self.records, first, &words)?;
        self.remember(router.moe_layer, plan.experts(n_tokens - 1))
    }
}

/// The columns of a gate.
struct Gating {
    /// [T, E]
    routed_te: Vec<f32>,
    /// [T] of the shared expert; empty without one.
    shared_t: Vec<f32>,
}
