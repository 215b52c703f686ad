//! The routers among the dispatches of a plan, and which of two kernels decides for each.
//!
//! `route` interprets every strategy, and software takes seconds to compile it. `route_best` takes the best scores, which is
//! what most models were trained with, and is compiled with all else; so a first token waits for no more. When a run meets
//! a spec that needs `route`, that is compiled too, and from then on any change of routing is a write.

use super::Plan;
use crate::kernel::{Kernel, ROUTE, ROUTE_BEST};
use crate::recorder::{Buffer, Count, Dispatch, Kind, PassId};
use crate::routing::takes_the_best;

/// A router among the dispatches of a pass.
#[derive(Clone, Copy, Debug)]
pub(super) struct Router {
    pub logits: Buffer,
    pub moe_layer: usize,
}

impl Router {
    /// None if a dispatch is something else.
    pub fn of(dispatch: &Dispatch) -> Option<Self> {
        (dispatch.kernel.name == ROUTE.name).then(|| Self {
            logits: dispatch.buffers[0],
            // Where `PassBuilder::route` puts it.
            moe_layer: dispatch.args[3] as usize,
        })
    }
}

impl Plan {
    /// What a dispatch runs under the present routing.
    pub(super) fn kernel_of(&self, dispatch: &Dispatch) -> (Kind, &'static Kernel) {
        match Router::of(dispatch) {
            Some(router) if self.takes_the_best(router) => {
                ((ROUTE_BEST.name, Vec::new()), &ROUTE_BEST)
            }
            _ => (dispatch.kind(), dispatch.kernel),
        }
    }

    /// Gives every router of a pass, which is bound, the kernel that its spec needs. Both have the same bindings.
    pub(super) fn choose_routers(&mut self, pass: PassId) {
        for at in 0..self.ready[pass.0].len() {
            let Some(router) = self.ready[pass.0][at].router else {
                continue;
            };
            let (kind, _) = self.kernel_of(&self.passes[pass.0].dispatches[at]);
            let tokens = if self.takes_the_best(router) { 64 } else { 1 };
            let ready = &mut self.ready[pass.0][at];
            ready.pipeline = self.pipelines[&kind].clone();
            ready.grid[0] = Count::Tokens(tokens);
        }
    }

    /// Before any routing is set, a model most likely has what it was trained with.
    fn takes_the_best(&self, router: Router) -> bool {
        let routing = self.routing.get(router.moe_layer);
        routing.is_none_or(|(spec, _)| takes_the_best(spec))
    }
}
