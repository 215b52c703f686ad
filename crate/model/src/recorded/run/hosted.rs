//! Chunks whose routing the host decides, because no kernel does: layer by layer, with the router that Burn has too.

use std::ops::Range;

use moescope_routing::RoutingPlan;
use moescope_shaders as gpu;

use super::{Run, Runner, Running};
use crate::engine::Reading;
use crate::error::ModelError;
use crate::host_router::HostRouter;
use crate::recorded::device;
use crate::trace::LayerTrace;

/// Lets the host decide, layer by layer.
struct Host<'a> {
    router: HostRouter<'a>,
    moe_layers: &'a [usize],
    n_experts: usize,
    /// Why it could not.
    error: Option<ModelError>,
}

impl gpu::Decider for Host<'_> {
    async fn decide(
        &mut self,
        moe_layer: usize,
        logits_te: Vec<f32>,
    ) -> Result<RoutingPlan, String> {
        let layer = self.moe_layers[moe_layer];
        let decided = self
            .router
            .decide_on(layer, logits_te, self.n_experts)
            .await;
        decided.map_err(|error| {
            let message = error.to_string();
            self.error = Some(error);
            message
        })
    }
}

impl Runner {
    /// Runs a chunk that the host routes.
    pub(super) async fn run_hosted(
        &self,
        running: &mut Running,
        run: &mut Run<'_>,
        step: gpu::Step<'_>,
        tokens: Range<usize>,
    ) -> Result<(gpu::Reading, Vec<LayerTrace>), ModelError> {
        let reading = Reading {
            ids: &run.reading.ids[tokens],
            ..run.reading
        };
        let mut host = Host {
            router: reading.router().resume(run.memory.clone()),
            moe_layers: &self.moe_layers,
            n_experts: self.n_experts,
            error: None,
        };
        let outcome = running.plan.run_with(run.pass, &step, &mut host).await;
        if let Some(error) = host.error {
            return Err(error);
        }
        let (layers, memory) = host.router.finish();
        run.memory = memory;
        Ok((device(outcome)?, layers))
    }
}
