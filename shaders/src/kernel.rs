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
    /// What a pipeline fixes, if anything: the weights' format, how many lanes or queries, the width.
    pub constants: &'static [&'static str],
}

use Binding::{Read, Write};

macro_rules! kernel {
    ([$($constant:literal),*], [$($binding:ident),*], $name:literal $(, $part:literal)*) => {
        Kernel {
            name: $name,
            source: concat!(
                include_str!("../wgsl/lib/run.wgsl"),
                $(include_str!(concat!("../wgsl/", $part, ".wgsl")),)*
                include_str!(concat!("../wgsl/", $name, ".wgsl")),
            ),
            bindings: &[$($binding),*],
            constants: &[$($constant),*],
        }
    };
}

/// Looks up token rows.
pub static EMBEDDING: Kernel = kernel!(["FORMAT"], [Read, Write], "embedding", "lib/weights");
/// Matrix times one token.
pub static MATVEC: Kernel = kernel!(
    ["FORMAT", "LANES"],
    [Read, Read, Read, Read, Write],
    "matvec",
    "lib/weights",
    "lib/lanes"
);
/// Matrix times many tokens.
pub static MATMUL: Kernel = kernel!(
    ["FORMAT"],
    [Read, Read, Read, Read, Write],
    "matmul",
    "lib/weights",
    "lib/tile"
);
/// A 3x3 convolution of a stem.
pub static CONVOLUTION: Kernel = kernel!([], [Read, Read, Read, Write], "convolution");
/// Mean of the normed tokens.
pub static MEAN: Kernel = kernel!([], [Read, Read, Write], "mean");
/// Norms, rotation, cache write.
pub static ROTARY: Kernel = kernel!([], [Read, Read, Read, Write, Write], "rotary");
/// Attention over the cache.
pub static ATTENTION: Kernel = kernel!(
    ["QUERIES", "WIDTH"],
    [Read, Read, Read, Write],
    "attention",
    "lib/order"
);
/// Attention over the cache, where invocations work alone.
pub static ATTENTION_ALONE: Kernel = kernel!([], [Read, Read, Read, Write], "attention_alone");
/// The routing decision, of every strategy.
pub static ROUTE: Kernel = kernel!(
    ["WIDTH"],
    [Read, Write, Write],
    "route",
    "lib/record",
    "lib/order",
    "lib/spec",
    "lib/random",
    "lib/score",
    "route/score",
    "route/restrict",
    "route/rank",
    "route/select",
    "route/count",
    "route/weigh",
    "route/finish",
    "route/write"
);
/// The routing decision of strategies that take the best scores.
pub static ROUTE_BEST: Kernel = kernel!(
    [],
    [Read, Write, Write],
    "route_best",
    "lib/record",
    "lib/order",
    "lib/spec",
    "lib/score",
    "route/write"
);
/// Gate and up projections of one token's experts.
pub static EXPERT_UP: Kernel = kernel!(
    ["FORMAT", "LANES"],
    [Read, Read, Read, Read, Write],
    "expert_up",
    "lib/weights",
    "lib/lanes",
    "lib/record"
);
/// Down projections of one token's experts, combined.
pub static EXPERT_DOWN: Kernel = kernel!(
    ["FORMAT", "LANES"],
    [Read, Read, Read, Read, Write],
    "expert_down",
    "lib/weights",
    "lib/lanes",
    "lib/record"
);
/// Sorts tokens by expert.
pub static GATHER: Kernel = kernel!([], [Read, Write], "gather", "lib/record", "lib/groups");
/// Gate and up projections of many tokens' experts.
pub static GROUPED_UP: Kernel = kernel!(
    ["FORMAT"],
    [Read, Read, Read, Read, Write],
    "grouped_up",
    "lib/weights",
    "lib/tile",
    "lib/groups"
);
/// Down projections of many tokens' experts.
pub static GROUPED_DOWN: Kernel = kernel!(
    ["FORMAT"],
    [Read, Read, Read, Read, Write],
    "grouped_down",
    "lib/weights",
    "lib/tile",
    "lib/groups"
);
/// Adds experts' outputs up.
pub static COMBINE: Kernel = kernel!(
    [],
    [Read, Read, Read, Write],
    "combine",
    "lib/record",
    "lib/groups"
);
/// The next token, or the log-probability of a given one.
pub static SAMPLE: Kernel = kernel!(
    [],
    [Read, Write],
    "sample",
    "lib/order",
    "sample/sums",
    "sample/cut"
);

/// All kernels.
pub static KERNELS: [&Kernel; 17] = [
    &EMBEDDING,
    &MATVEC,
    &MATMUL,
    &ROTARY,
    &ATTENTION,
    &ATTENTION_ALONE,
    &ROUTE,
    &ROUTE_BEST,
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
