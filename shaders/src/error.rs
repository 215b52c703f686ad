//! What can go wrong between a recording and its result.

use thiserror::Error;

/// Everything this crate refuses or fails at.
#[derive(Debug, Error)]
pub enum ShaderError {
    /// No GPU, not even one in software.
    #[error(
        "no adapter for WebGPU was found ({reason}). On Linux, install a driver: \
         `apt-get install mesa-vulkan-drivers` brings one in software. In a browser, WebGPU must be on"
    )]
    NoAdapter {
        /// What the instance says.
        reason: String,
    },
    /// The adapter does not give a device.
    #[error("the adapter {adapter} gives no device: {reason}")]
    NoDevice {
        /// Its name.
        adapter: String,
        /// What it says.
        reason: String,
    },
    /// The device cannot do what a recording asks.
    #[error("{what} needs {needed} {unit}; this device has {limit}")]
    Limit {
        /// The buffer or pass.
        what: String,
        /// How much.
        needed: u64,
        /// Of what.
        unit: &'static str,
        /// How much there is.
        limit: u64,
    },
    /// The device has no timestamps.
    #[error(
        "the adapter {adapter} has no timestamps (timestamp-query), by which kernels are timed"
    )]
    NoClock {
        /// Its name.
        adapter: String,
    },
    /// The device refused a shader, a pipeline or a run.
    #[error("{what}: {reason}")]
    Device {
        /// What was asked for.
        what: String,
        /// What the device says.
        reason: String,
    },
    /// A matrix that its format cannot hold.
    #[error(
        "{columns} columns do not fit {format}, which packs {multiple} at a time; use another format"
    )]
    Columns {
        /// K.
        columns: usize,
        /// The format.
        format: crate::Format,
        /// What K must be a multiple of.
        multiple: usize,
    },
    /// A format of weights that there is not.
    #[error("the format of weights is {got:?}; allowed are f32, f16, q8 and q4")]
    UnknownFormat {
        /// What was asked for.
        got: String,
    },
    /// A number of a recording or a run outside what it may be.
    #[error("{name} is {got}; allowed is {allowed}")]
    Size {
        /// Which.
        name: &'static str,
        /// What it is.
        got: usize,
        /// What it may be.
        allowed: String,
    },
    /// A routing strategy that the kernel does not interpret.
    #[error("layer {layer}: {reason}")]
    Refused {
        /// The transformer layer.
        layer: usize,
        /// Why.
        reason: String,
    },
}

pub(crate) fn size(name: &'static str, got: usize, allowed: impl Into<String>) -> ShaderError {
    ShaderError::Size {
        name,
        got,
        allowed: allowed.into(),
    }
}
