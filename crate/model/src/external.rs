//! External routers: whoever outside this crate decides for layers whose spec selects by `external`.
//!
//! An answer may take its time, because in a browser it comes from another thread.
//! What comes back is a plan like any other: `moescope-routing` validates it, and an invalid one is an error.

use std::fmt;
use std::pin::Pin;

use moescope_routing::{RouterInput, RoutingPlan};

/// A plan on its way, or why there is none.
pub type Deciding<'a> = Pin<Box<dyn Future<Output = Result<RoutingPlan, String>> + 'a>>;

/// A router from outside the engine; any closure from input to plan is one.
pub trait ExternalRouter {
    /// Decides for the tokens of one MoE layer; the message of an error ends up in the engine's.
    fn decide<'a>(&'a self, input: &'a RouterInput<'a>) -> Deciding<'a>;
}

impl<F> ExternalRouter for F
where
    F: Fn(&RouterInput) -> Result<RoutingPlan, String>,
{
    fn decide<'a>(&'a self, input: &'a RouterInput<'a>) -> Deciding<'a> {
        Box::pin(std::future::ready(self(input)))
    }
}

impl fmt::Debug for dyn ExternalRouter + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ExternalRouter")
    }
}
