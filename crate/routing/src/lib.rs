//! Mixture-of-experts routing decisions: logits in, a plan and the reasons for it out.
//!
//! This crate is pure.
//! It knows no tensor type, no model, no file and no browser, so that the same code
//! decides natively, in wasm and in tests, and can be read as the reference for a shader.
//! A whole strategy is one value, [`RouterSpec`], with one field per stage:
//!
//! ```text
//! logits [T, E] -> adjust -> score -> restrict -> select -> prune -> limit -> weigh
//!               -> RoutingPlan + RouterTrace
//! ```
//!
//! The README of this crate finds any mechanism by file, field and paper.
//!
//! # Shape legend
//!
//! T tokens, E experts, M null experts, W = E + M columns, K experts chosen for a token,
//! N = sum of K over tokens.
//! Matrices are row-major slices and carry their shape as a suffix: `logits_te` is `[T, E]`.
//!
//! # Conventions
//!
//! Excluded means a selection score of minus infinity.
//! A logit of minus infinity excludes its expert for that token.
//! Ties go to the lower expert index.
//! Everything is computed in float32.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests stop on the first surprise")
)]

mod batch;
mod context;
mod error;
mod fields;
mod link;
mod matrix;
pub mod metrics;
mod model_routing;
mod named;
mod needs;
mod packed;
mod plan;
pub mod presets;
mod rng;
mod route;
mod soft;
mod spec;
pub mod stage;
mod trace;

pub use context::{ExternalRouter, RouterContext, RouterInput};
pub use error::RoutingError;
pub use model_routing::ModelRouting;
pub use needs::Need;
pub use plan::RoutingPlan;
pub use route::{Routing, route, route_with};
pub use soft::SoftPlan;
pub use spec::RouterSpec;
pub use trace::{RouterTrace, Verdict};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct ReadmeExamples;
