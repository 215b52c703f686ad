//! Mixture-of-experts routing decisions: logits in, a plan and the reasons for it out.
//!
//! This crate is pure.
//! It knows no tensor type, no model, no file and no browser, so that the same code
//! decides natively, in wasm and in tests, and can be read as the reference for a shader.
//! A whole strategy is one value, [`RouterSpec`], with one field per stage:
//!
//! ```text
//! logits [T, E] -> adjust -> score -> restrict -> select -> weigh -> RoutingPlan + RouterTrace
//! ```
//!
//! # Shape legend
//!
//! T tokens, E experts, K experts chosen for a token, N = sum of K over tokens.
//! Matrices are row-major slices and carry their shape as a suffix: `logits_te` is [T, E].
//!
//! # Conventions
//!
//! Excluded means a selection score of minus infinity.
//! A logit of minus infinity excludes its expert for that token.
//! Ties go to the lower expert index.
//! Everything is computed in float32.

mod error;
mod matrix;
mod model_routing;
mod plan;
pub mod presets;
mod route;
mod spec;
pub mod stage;
mod trace;

pub use error::RoutingError;
pub use model_routing::ModelRouting;
pub use plan::RoutingPlan;
pub use route::{RouterInput, Routing, route};
pub use spec::RouterSpec;
pub use trace::{RouterTrace, Verdict};
