//! Which optimiser of test-time rerouting lowers the loss further in the same time.
//!
//! Prints a table: `cargo bench -p moescope-tests --bench reroute`.
//! The texts are the page's examples, each with 64 tokens of the model's own behind it, as a visitor reroutes on.
//! A row is a method with a rate; its numbers are how much lower the best loss is after so many seconds, in nats per
//! token, averaged over the texts and, for the search, over seeds.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement stops on the first surprise"
)]

use std::time::Instant;

use moescope_model::{Engine, GenerateOptions, RerouteMethod, RerouteOptions};
use moescope_tests::Model;
use pollster::block_on;

const PROMPTS: [&str; 4] = [
    "Once upon a time there was a",
    "Il était une fois",
    "def read(self, size=-1):\n    \"\"\"",
    "Q: What is 17 + 25?\nA:",
];

/// Ascending; a run ends with the last.
const SECONDS: [f32; 4] = [0.1, 0.3, 1.0, 3.0];

const RUNS: [(RerouteMethod, &[f32], u32); 2] = [
    (RerouteMethod::Gradient, &[0.02, 0.05, 0.1, 0.2], 1),
    (RerouteMethod::Search, &[0.05, 0.1, 0.2, 0.4], 3),
];

/// A prompt and what the model makes of it.
fn text(engine: &mut Engine, prompt: &str) -> Vec<u32> {
    let tokens = engine.tokenize(prompt).unwrap();
    let mut ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    block_on(engine.begin(prompt, GenerateOptions::default())).unwrap();
    while let Some(step) = block_on(engine.next()).unwrap() {
        ids.push(step.token.id);
    }
    ids
}

/// How much lower the best loss is after each of `SECONDS`, and the steps taken until the last.
fn run(engine: &Engine, ids: &[u32], options: &RerouteOptions) -> ([f32; SECONDS.len()], usize) {
    let start = Instant::now();
    let mut rerouting = block_on(engine.begin_reroute_ids(ids, None, options)).unwrap();
    let before = rerouting.losses()[0];
    let (mut lower, mut lowest) = ([0.0; SECONDS.len()], before);
    loop {
        block_on(rerouting.step(engine)).unwrap();
        let elapsed = start.elapsed().as_secs_f32();
        for (lower, seconds) in lower.iter_mut().zip(SECONDS) {
            if elapsed > seconds && *lower == 0.0 {
                *lower = before - lowest;
            }
        }
        if elapsed > SECONDS[SECONDS.len() - 1] {
            return (lower, rerouting.losses().len() - 1);
        }
        lowest = rerouting.losses().iter().copied().fold(lowest, f32::min);
    }
}

fn main() {
    let mut engine = Model::first().engine();
    let texts = PROMPTS.map(|prompt| text(&mut engine, prompt));
    let before = texts.each_ref().map(|ids| {
        let analysis = block_on(engine.analyse_ids(ids, None)).unwrap();
        format!("{:.3} on {} tokens", analysis.loss, ids.len())
    });
    println!("loss before: {}", before.join(", "));
    println!("method    rate  lower after {SECONDS:?} s   steps per second");
    for (method, rates, seeds) in RUNS {
        for &rate in rates {
            let n_runs = seeds * texts.len() as u32;
            let (mut mean, mut steps) = ([0.0; SECONDS.len()], 0);
            for (ids, seed) in texts
                .iter()
                .flat_map(|ids| (0..seeds).map(move |s| (ids, s)))
            {
                let options = RerouteOptions {
                    steps: usize::MAX,
                    rate,
                    method,
                    seed,
                    ..RerouteOptions::default()
                };
                let (lower, taken) = run(&engine, ids, &options);
                steps += taken;
                for (mean, lower) in mean.iter_mut().zip(lower) {
                    *mean += lower / n_runs as f32;
                }
            }
            let columns = mean.map(|lower| format!("{lower:6.4}")).join("  ");
            let pace = steps as f32 / n_runs as f32 / SECONDS[SECONDS.len() - 1];
            println!(
                "{:8}  {rate:4.2}  {columns}   {pace:4.0}",
                format!("{method:?}")
            );
        }
    }
}
