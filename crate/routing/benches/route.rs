//! Time of one decision for a long prompt: 4096 tokens, 64 experts, top-8, with the full trace.
//!
//! The budget is 15 ms on one core; `tests/speed.rs` holds every preset that decides token by token to 1.3 times the
//! time of plain top-8.
#![allow(
    missing_docs,
    reason = "criterion's macros write undocumented functions"
)]
#![allow(clippy::unwrap_used, reason = "a bench stops on the first surprise")]

use criterion::{Criterion, criterion_group, criterion_main};
use moescope_routing::presets::PRESETS;
use moescope_routing::{RouterContext, RouterInput, RouterSpec, route, route_with};

const N_TOKENS: usize = 4096;
const N_EXPERTS: usize = 64;

/// Logits like those of a trained gate, without a random number generator.
fn logits() -> Vec<f32> {
    (0..N_TOKENS * N_EXPERTS)
        .map(|cell| {
            let hash = (cell as u32).wrapping_mul(0x9E37_79B9) ^ (cell as u32).rotate_left(16);
            (hash.wrapping_mul(0x85EB_CA6B) >> 8) as f32 / 4_194_304.0 - 2.0
        })
        .collect()
}

fn bench(criterion: &mut Criterion) {
    let logits_te = logits();
    let token_ids: Vec<u32> = (0..N_TOKENS as u32).map(|t| t * 31 % 997).collect();
    let input = RouterInput {
        logits_te: &logits_te,
        n_tokens: N_TOKENS,
        n_experts: N_EXPERTS,
        layer: 0,
        token_ids: &token_ids,
    };
    let context = RouterContext {
        null_logits_tm: &logits_te[..N_TOKENS * 16],
        ..RouterContext::default()
    };
    let mut group = criterion.benchmark_group("route_4096x64");
    group.sample_size(20);
    group.bench_function("top_8", |bencher| {
        let spec = RouterSpec::top_k(8);
        bencher.iter(|| route(&spec, &input).unwrap());
    });
    for preset in PRESETS {
        let spec = preset.spec().unwrap();
        group.bench_function(preset.name, |bencher| {
            bencher.iter(|| route_with(&context, &spec, &input).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
