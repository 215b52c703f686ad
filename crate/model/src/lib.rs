//! Mixture-of-experts language models in Burn, with every routing decision on record.
//!
//! Start with [`Engine`], which takes text and returns traces; `forward.rs` holds the forward pass,
//! [`lm`] the model, [`moe`] the layer this project is about, [`host_router`] the place where the model asks `moescope-routing`.
//!
//! # Shape legend
//!
//! B batch, S sequence, T = B * S tokens, D d_model, F d_ff, E experts, K experts of one token,
//! A active experts, C capacity, H heads, N keys, V vocabulary, L layers.
//! Tensor names carry their layout as a suffix: `logits_te` is [T, E].

pub mod attention;
pub mod checkpoint;
pub mod config;
mod contrast;
pub mod dispatch;
mod distribution;
mod eager;
mod engine;
mod error;
mod expert;
mod external;
mod forward;
#[cfg(feature = "fused")]
pub mod fused;
pub mod host_router;
mod info;
pub mod lm;
pub mod moe;
#[cfg(feature = "recorded")]
mod recorded;
mod reroute;
mod rope;
mod sample;
mod tokenizer;
mod trace;
pub mod vision;
pub mod weight;

pub use contrast::{Candidate, Contrast, ContrastReport};
pub use engine::{Engine, ModelFiles, Rerouting};
pub use error::ModelError;
pub use expert::{ExpertAnswer, ExpertQuestion, HiddenUnit, Prediction};
pub use external::{Deciding, ExternalRouter};
pub use info::ModelInfo;
#[cfg(feature = "recorded")]
pub use recorded::{Gpu, KernelTime, PlanInfo, PreparedPlan, PreparedVisionPlan, WeightFormat};
pub use reroute::{LayerOrder, RerouteMethod, RerouteOptions, Rerouted, ReroutedLayer};
pub use sample::{GenerateOptions, Sampler};
pub use tokenizer::{TextStream, Token, Tokenizer};
pub use trace::{Analysis, LayerTrace, Step, Trace};

pub use burn::tensor::Device;
