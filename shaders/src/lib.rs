//! The forward pass of a mixture-of-experts transformer as WGSL kernels, and plans that replay them.
//!
//! A [`Recording`] lists buffers and passes without a device; a [`Plan`] is the same on one, ready to be run.
//! What changes from token to token is data ([`Step`], packed routing specs): nothing is compiled or recorded again.
//! The shape of it is that of vello's `Recording` and engine: https://github.com/linebender/vello.
//! This crate knows no model; `moescope-model` says which kernels a model is made of.
//!
//! # Shape legend
//!
//! T tokens of a run, D d_model, F d_ff, E experts, S slot ids (experts and shared experts), H heads, V vocabulary,
//! N rows (outputs) and K columns (inputs) of a matrix. Matrices are `[N, K]`, row-major.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, reason = "tests stop on the first surprise")
)]

mod copy;
pub mod cpu;
mod error;
mod format;
mod gpu;
pub mod kernel;
mod operations;
mod pass;
mod plan;
mod reading;
mod record;
mod recorder;
mod routing;
mod step;

pub use copy::Copy;
pub use error::ShaderError;
pub use format::Format;
pub use gpu::Gpu;
pub use operations::{
    Attention, Convolution, Experts, Grid, Linear, Mean, Norm, QkNorm, Rotary, Route, Rows, Sample,
    Sees,
};
pub use pass::PassBuilder;
pub use plan::{Decider, KernelTime, Plan};
pub use reading::{LayerRecord, Reading};
pub use record::RecordLayout;
pub use recorder::{Buffer, Count, Dispatch, Invocations, Matrix, Mode, PassId, Recording, Sizes};
pub use routing::{most_picks, refusal, takes_the_best};
pub use step::{Sampling, Step, Words};
