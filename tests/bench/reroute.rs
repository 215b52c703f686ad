//! Which optimiser of test-time rerouting lowers the loss further in the same time.
//!
//! Prints a table: `cargo bench -p moescope-tests --bench reroute`.
//! The texts are the page's examples, each with 64 tokens of the model's own behind it, as a visitor reroutes on.

#![allow(
    clippy::unwrap_used,
    reason = "a measurement stops on the first surprise"
)]

use std::time::Instant;

use moescope_model::{Device, Engine, GenerateOptions, ModelFiles, RerouteMethod, RerouteOptions};
use moescope_tests::repository;
use pollster::block_on;

const PROMPTS: [(&str, &str); 4] = [
    ("tales", "Once upon a time there was a"),
    ("french", "Il était une fois"),
    ("python", "def read(self, size=-1):\n    \"\"\""),
    ("math", "Q: What is 17 + 25?\nA:"),
];

const RUNS: [(RerouteMethod, usize); 5] = [
    (RerouteMethod::Gradient, 5),
    (RerouteMethod::Gradient, 20),
    (RerouteMethod::Search, 20),
    (RerouteMethod::Search, 60),
    (RerouteMethod::Search, 240),
];

fn engine() -> Engine {
    let text = |name: &str| std::fs::read_to_string(repository("models/first").join(name)).unwrap();
    let weights = std::fs::read(repository("models/first/model.safetensors")).unwrap();
    let files = ModelFiles {
        name: "first",
        config: &text("config.json"),
        tokenizer: Some(&text("tokenizer.json")),
        weights: &weights,
    };
    Engine::load(files, &Device::flex()).unwrap()
}

/// A prompt and what the model makes of it.
fn text(engine: &mut Engine, prompt: &str) -> Vec<u32> {
    let mut ids: Vec<u32> = engine
        .tokenize(prompt)
        .unwrap()
        .iter()
        .map(|t| t.id)
        .collect();
    block_on(engine.begin(prompt, GenerateOptions::default())).unwrap();
    while let Some(step) = block_on(engine.next()).unwrap() {
        ids.push(step.token.id);
    }
    ids
}

fn main() {
    let mut engine = engine();
    println!("text    tokens  method    steps  rate  before   after   lower  seconds  lower/s");
    for (name, prompt) in PROMPTS {
        let ids = text(&mut engine, prompt);
        for (method, steps) in RUNS {
            for rate in [0.05, 0.2] {
                let options = RerouteOptions {
                    steps,
                    rate,
                    method,
                    ..RerouteOptions::default()
                };
                let start = Instant::now();
                let rerouted = block_on(engine.reroute_ids(&ids, None, &options)).unwrap();
                let seconds = start.elapsed().as_secs_f32();
                let (before, after) = (rerouted.losses[0], rerouted.losses[rerouted.kept]);
                let method = format!("{method:?}");
                println!(
                    "{name:7} {:6}  {method:8} {steps:6}  {rate:4}  {before:6.4}  {after:6.4}  {:6.4}  {seconds:7.2}  {:7.4}",
                    ids.len(),
                    before - after,
                    (before - after) / seconds,
                );
            }
        }
    }
}
