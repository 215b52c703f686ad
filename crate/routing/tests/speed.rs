//! The time budget: every preset that decides token by token costs at most 1.3 times plain top-8.
//!
//! All presets take turns in one process and the fastest of many turns counts, so that a busy machine slows all of
//! them or none; the absolute budget, 15 ms for the same work, is measured by `benches/route.rs`.
//! `--nocapture` prints the table.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use std::hint::black_box;
use std::time::{Duration, Instant};

use moescope_routing::presets::PRESETS;
use moescope_routing::{Need, RouterContext, RouterInput, RouterSpec, route_with};

const N_TOKENS: usize = 4096;
const N_EXPERTS: usize = 64;
const N_NULLS: usize = 16;
const N_TURNS: usize = 30;
const BUDGET: f64 = 1.3;

/// Numbers from -2 to 2 without a pattern that a branch predictor could learn.
fn numbers(n: usize) -> Vec<f32> {
    (0..n as u32)
        .map(|cell| {
            let hash = cell.wrapping_mul(0x9E37_79B9) ^ cell.rotate_left(16);
            (hash.wrapping_mul(0x85EB_CA6B) >> 8) as f32 / 4_194_304.0 - 2.0
        })
        .collect()
}

/// A strategy that is timed.
struct Run {
    name: &'static str,
    spec: RouterSpec,
    n_experts: usize,
    fastest: Duration,
    /// Index of the run that it is held to.
    base: usize,
}

/// Plain top-8, and the presets that decide token by token.
///
/// A gate with trained null experts has columns of its own for them; its preset is held to top-8 over as many columns.
fn runs() -> Vec<Run> {
    let run = |name, spec, n_experts, base| Run {
        name,
        spec,
        n_experts,
        fastest: Duration::MAX,
        base,
    };
    let mut runs = vec![
        run("top_k=8", RouterSpec::top_k(8), N_EXPERTS, 0),
        run(
            "top_k=8, wide",
            RouterSpec::top_k(8),
            N_EXPERTS + N_NULLS,
            1,
        ),
    ];
    for preset in PRESETS {
        let spec = preset.spec().unwrap();
        let needs = spec.needs();
        if !needs.contains(&Need::WholeBatch) {
            let base = usize::from(needs.contains(&Need::LearnedNulls));
            runs.push(run(preset.name, spec, N_EXPERTS, base));
        }
    }
    runs
}

#[test]
#[cfg_attr(
    debug_assertions,
    ignore = "the budget holds for optimised code; run with --release"
)]
fn every_preset_that_decides_token_by_token_keeps_the_budget() {
    let logits = numbers(N_TOKENS * (N_EXPERTS + N_NULLS));
    let context = RouterContext {
        null_logits_tm: &numbers(N_TOKENS * N_NULLS),
        ..RouterContext::default()
    };
    let token_ids: Vec<u32> = (0..N_TOKENS as u32).map(|t| t * 31 % 997).collect();
    let mut runs = runs();
    assert!(runs.len() > 15, "only {} strategies are timed", runs.len());
    for _ in 0..N_TURNS {
        for run in &mut runs {
            let input = RouterInput {
                logits_te: &logits[..N_TOKENS * run.n_experts],
                n_tokens: N_TOKENS,
                n_experts: run.n_experts,
                layer: 0,
                token_ids: &token_ids,
            };
            // The first decision of a turn only brings memory into the state that this spec leaves it in.
            for _ in 0..2 {
                let start = Instant::now();
                black_box(route_with(&context, &run.spec, &input).unwrap());
                run.fastest = start.elapsed().min(run.fastest);
            }
        }
    }
    let ratio = |run: &Run| run.fastest.as_secs_f64() / runs[run.base].fastest.as_secs_f64();
    let line = |run: &Run| {
        let ms = run.fastest.as_secs_f64() * 1e3;
        let base = runs[run.base].name;
        format!(
            "{:15} {ms:6.2} ms, {:.2} times {base}",
            run.name,
            ratio(run)
        )
    };
    runs.iter().for_each(|run| println!("{}", line(run)));
    let slow: Vec<_> = runs
        .iter()
        .filter(|run| ratio(run) > BUDGET)
        .map(line)
        .collect();
    assert!(slow.is_empty(), "over {BUDGET} times: {slow:#?}");
}
