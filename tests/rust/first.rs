//! The shipped model is the one its card speaks of.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::GenerateOptions;
use moescope_tests::{Model, repository};
use pollster::block_on;
use serde_json::Value;

fn text(path: &str) -> String {
    std::fs::read_to_string(repository(path)).unwrap()
}

fn json(path: &str) -> Value {
    serde_json::from_str(&text(path)).unwrap()
}

#[test]
fn it_writes_the_greedy_tokens_that_the_browser_is_held_to() {
    let fixture = json("tests/browser/fixtures/first-greedy.json");
    let mut engine = Model::first().engine();
    let options = GenerateOptions {
        max_tokens: 32,
        temperature: 0.0,
        seed: 0,
        ..GenerateOptions::default()
    };
    block_on(engine.begin(fixture["prompt"].as_str().unwrap(), options)).unwrap();
    let ids: Vec<u64> = std::iter::from_fn(|| block_on(engine.next()).unwrap())
        .map(|step| step.token.id.into())
        .collect();
    let expected: Vec<u64> = fixture["ids"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| id.as_u64().unwrap())
        .collect();
    assert_eq!(ids, expected);
}

#[test]
fn it_is_small_and_every_expert_works() {
    let weights = std::fs::metadata(repository("models/first/model.safetensors"))
        .unwrap()
        .len();
    let tokenizer = std::fs::metadata(repository("models/first/tokenizer.json"))
        .unwrap()
        .len();
    assert!(
        weights + tokenizer < 10_000_000,
        "{weights} + {tokenizer} bytes"
    );
    let info = Model::first().engine().info();
    assert!(info.moe_layers.len() >= 4 && info.n_experts == 8 && info.top_k == 2);
    let eval = json("models/first/eval.json");
    let domains = eval["domains"].as_array().unwrap();
    for layer in 0..info.moe_layers.len() {
        for expert in 0..info.n_experts {
            let load = |domain: &Value| domain["expert_load"][layer][expert].as_f64().unwrap();
            let mean = domains.iter().map(load).sum::<f64>() / domains.len() as f64;
            assert!(
                mean > 0.02,
                "expert {expert} of layer {layer} takes {mean} of the tokens"
            );
        }
    }
}

#[test]
fn it_beats_counting_in_every_domain() {
    for domain in json("models/first/eval.json")["domains"]
        .as_array()
        .unwrap()
    {
        let bits = |name: &str| domain[name].as_f64().unwrap();
        let model = bits("bits_per_byte");
        assert!(
            model < bits("unigram_bits_per_byte"),
            "{}",
            domain["domain"]
        );
        assert!(
            model < bits("five_gram_bits_per_byte"),
            "{}: {model}",
            domain["domain"]
        );
    }
}
