//! Twins: each kernel as plain Rust with the same loops and names, to be read beside its shader and to test it.
//!
//! Loops over the grid are loops here, sums go from the first number to the last where a shader shares them among lanes, and
//! weights are plain numbers ([`crate::Format::rounded`] of what a shader unpacks). They are not fast and not meant to be.
//! The twin of `route.wgsl` is the interpreter in `moescope-routing`, which was there first.

mod attention;
mod combine;
mod convolution;
mod embedding;
mod expert_down;
mod expert_up;
mod gather;
mod grouped_down;
mod grouped_up;
mod matmul;
mod matvec;
mod mean;
mod rotary;
mod sample;

pub use attention::{AttentionArgs, attention};
pub use combine::combine;
pub use convolution::convolution;
pub use embedding::embedding;
pub use expert_down::expert_down;
pub use expert_up::expert_up;
pub use gather::{Groups, gather};
pub use grouped_down::grouped_down;
pub use grouped_up::grouped_up;
pub use matmul::matmul;
pub use matvec::matvec;
pub use mean::mean;
pub use rotary::{RotaryArgs, rotary};
pub use sample::{log_prob, sample};

/// An RMS norm: gains, and what is added to the mean square.
pub type Gain<'a> = Option<(&'a [f32], f32)>;

/// One expert's choice of a token: `(expert, weight)`, in slot order.
pub type Slots = [(usize, f32)];

/// Product of a row with normed input, and sum of squares of the input.
fn row_product(row: &[f32], input: &[f32], gain: Gain<'_>) -> (f32, f32) {
    let (mut sum, mut squares) = (0.0, 0.0);
    for (k, (weight, &x)) in row.iter().zip(input).enumerate() {
        squares += x * x;
        sum += weight * gain.map_or(x, |(gain, _)| x * gain[k]);
    }
    (sum, squares)
}

/// 1 / rms, or 1 without a norm.
fn inverse_rms(squares: f32, columns: usize, gain: Gain<'_>) -> f32 {
    gain.map_or(1.0, |(_, epsilon)| {
        1.0 / (squares / columns as f32 + epsilon).sqrt()
    })
}

/// silu(z) = z / (1 + exp(-z)).
fn silu(z: f32) -> f32 {
    z / (1.0 + (-z).exp())
}
