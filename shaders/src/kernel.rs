//! The table of kernels: name, source, bindings. Sources are the files under `wgsl/`, joined, with nothing replaced.

/// What a binding of a kernel is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Binding {
    /// A storage buffer that is read.
    Read,
    /// A storage buffer that is written, or read and written.
    Write,
}

/// One compute shader. Binding 0 is [`crate::Step`]'s buffer, 1 the arguments of the dispatch, then `bindings`.
#[derive(Debug)]
pub struct Kernel {
    /// File name without ending.
    pub name: &'static str,
    /// WGSL.
    pub source: &'static str,
    /// From binding 2.
    pub bindings: &'static [Binding],
    /// The constant that a pipeline fixes, if any: the weights' format, the number of queries or the width.
    pub constant: Option<&'static str>,
}

use Binding::{Read, Write};

macro_rules! kernel {
    ($constant:expr, [$($binding:ident),*], $name:literal $(, $part:literal)*) => {
        Kernel {
            name: $name,
            source: concat!(
                include_str!("../wgsl/lib/run.wgsl"),
                $(include_str!(concat!("../wgsl/", $part, ".wgsl")),)*
                include_str!(concat!("../wgsl/", $name, ".wgsl")),
            ),
            bindings: &[$($binding),*],
            constant: $constant,
        }
    };
}

const FORMAT: Option<&str> = Some("FORMAT");

/// Looks up token rows.
pub static EMBEDDING: Kernel = kernel!(FORMAT, [Read, Write], "embedding", "lib/weights");
/// Matrix times one token.
pub static MATVEC: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Read, Write],
    "matvec",
    "lib/weights"
);
/// Matrix times many tokens.
pub static MATMUL: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Read, Write],
    "matmul",
    "lib/weights",
    "lib/tile"
);
/// A 3x3 convolution of a stem.
pub static CONVOLUTION: Kernel = kernel!(None, [Read, Read, Read, Write], "convolution");
/// Mean of the normed tokens.
pub static MEAN: Kernel = kernel!(None, [Read, Read, Write], "mean");
/// Norms, rotation, cache write.
pub static ROTARY: Kernel = kernel!(None, [Read, Read, Read, Write, Write], "rotary");
/// Attention over the cache.
pub static ATTENTION: Kernel = kernel!(
    Some("QUERIES"),
    [Read, Read, Read, Write],
    "attention",
    "lib/order"
);
/// The routing decision.
pub static ROUTE: Kernel = kernel!(
    Some("WIDTH"),
    [Read, Write, Write],
    "route",
    "lib/record",
    "lib/order",
    "lib/spec",
    "lib/random",
    "route/score",
    "route/restrict",
    "route/rank",
    "route/select",
    "route/count",
    "route/weigh",
    "route/finish"
);
/// Gate and up projections of one token's experts.
pub static EXPERT_UP: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Read, Write],
    "expert_up",
    "lib/weights",
    "lib/record"
);
/// Down projections of one token's experts, combined.
pub static EXPERT_DOWN: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Write],
    "expert_down",
    "lib/weights",
    "lib/record"
);
/// Sorts tokens by expert.
pub static GATHER: Kernel = kernel!(None, [Read, Write], "gather", "lib/record", "lib/groups");
/// Gate and up projections of many tokens' experts.
pub static GROUPED_UP: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Read, Write],
    "grouped_up",
    "lib/weights",
    "lib/tile",
    "lib/groups"
);
/// Down projections of many tokens' experts.
pub static GROUPED_DOWN: Kernel = kernel!(
    FORMAT,
    [Read, Read, Read, Read, Write],
    "grouped_down",
    "lib/weights",
    "lib/tile",
    "lib/groups"
);
/// Adds experts' outputs up.
pub static COMBINE: Kernel = kernel!(
    None,
    [Read, Read, Read, Write],
    "combine",
    "lib/record",
    "lib/groups"
);
/// The next token, or the log-probability of a given one.
pub static SAMPLE: Kernel = kernel!(
    None,
    [Read, Write],
    "sample",
    "lib/order",
    "sample/sums",
    "sample/cut"
);

/// All kernels.
pub static KERNELS: [&Kernel; 15] = [
    &EMBEDDING,
    &MATVEC,
    &MATMUL,
    &ROTARY,
    &ATTENTION,
    &ROUTE,
    &EXPERT_UP,
    &EXPERT_DOWN,
    &GATHER,
    &GROUPED_UP,
    &GROUPED_DOWN,
    &COMBINE,
    &SAMPLE,
    &CONVOLUTION,
    &MEAN,
];
