//! Bad input gets an error that says what, got and allowed, and the engine goes on as before.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::{Device, Engine, GenerateOptions, ModelError, ModelFiles};
use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterSpec};
use moescope_tests::{Checkpoint, Model};
use pollster::block_on;

fn load_error(change: impl FnOnce(&mut Model)) -> ModelError {
    let mut model = Checkpoint::read("qwen3_moe").model;
    change(&mut model);
    Engine::load(model.files(), &Device::flex()).unwrap_err()
}

fn replace(text: &mut String, from: &str, to: &str) {
    assert!(text.contains(from), "{from}");
    *text = text.replace(from, to);
}

fn says(error: &ModelError, code: &str, parts: &[&str]) {
    let message = error.to_string();
    assert_eq!(error.code(), code, "{message}");
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
}

#[test]
fn truncated_weights_are_refused_at_any_length() {
    let whole = Checkpoint::read("qwen3_moe").model.weights.len();
    for len in [0, 7, 100, whole / 2, whole - 1] {
        let error = load_error(|model| model.weights.truncate(len));
        says(
            &error,
            "weights_truncated",
            &[&len.to_string(), "download it again"],
        );
    }
}

#[test]
fn weights_of_another_shape_or_model_are_refused_by_name() {
    let error = load_error(|model| {
        replace(
            &mut model.config,
            "\"vocab_size\": 320",
            "\"vocab_size\": 321",
        )
    });
    says(
        &error,
        "shape_mismatch",
        &["model.embed_tokens.weight", "[320, 64]", "[321, 64]"],
    );
    let error = load_error(|model| {
        replace(
            &mut model.config,
            "\"num_hidden_layers\": 3",
            "\"num_hidden_layers\": 4",
        )
    });
    says(
        &error,
        "tensor_missing",
        &["model.layers.3.", "config.json"],
    );
}

#[test]
fn a_config_that_is_not_run_is_refused_with_the_field() {
    let cases = [
        (
            "\"model_type\": \"qwen3_moe\"",
            "\"model_type\": \"gpt2\"",
            "model_type",
        ),
        (
            "\"hidden_act\": \"silu\"",
            "\"hidden_act\": \"gelu\"",
            "hidden_act",
        ),
        (
            "\"attention_bias\": false",
            "\"attention_bias\": true",
            "attention_bias",
        ),
        (
            "\"num_experts_per_tok\": 3",
            "\"num_experts_per_tok\": 9",
            "num_experts_per_tok",
        ),
        (
            "\"num_key_value_heads\": 2",
            "\"num_key_value_heads\": 3",
            "num_key_value_heads",
        ),
        (
            "\"rope_type\": \"default\"",
            "\"rope_type\": \"yarn\"",
            "rope_type",
        ),
    ];
    for (from, to, field) in cases {
        let error = load_error(|model| replace(&mut model.config, from, to));
        says(&error, "config_invalid", &[field, "allowed"]);
    }
    says(
        &load_error(|model| model.config = "<html>".into()),
        "config_invalid",
        &["config.json"],
    );
}

#[test]
fn a_broken_tokenizer_is_refused() {
    let error = load_error(|model| model.tokenizer = Some("{}".into()));
    says(&error, "tokenizer_invalid", &["tokenizer.json"]);
}

#[test]
fn prompts_that_cannot_be_run_are_refused_and_the_generation_goes_on() {
    let mut engine = Checkpoint::read("qwen3_moe").engine();
    let options = GenerateOptions {
        max_tokens: 4,
        temperature: 0.0,
        seed: 0,
        ..GenerateOptions::default()
    };
    block_on(engine.begin("Hello", options.clone())).unwrap();
    says(
        &block_on(engine.begin("", options.clone())).unwrap_err(),
        "prompt_empty",
        &["at least one"],
    );
    let long = "tale ".repeat(2000);
    says(
        &block_on(engine.begin(&long, options.clone())).unwrap_err(),
        "prompt_too_long",
        &["255", "shorten"],
    );
    says(
        &block_on(engine.begin_ids(&[320], options.clone())).unwrap_err(),
        "token_out_of_range",
        &["320", "0 to 319"],
    );
    let cold = GenerateOptions {
        temperature: f32::NAN,
        ..options.clone()
    };
    says(
        &block_on(engine.begin("Hello", cold)).unwrap_err(),
        "option_invalid",
        &["temperature", "NaN"],
    );
    let nothing = GenerateOptions {
        sampler_top_p: 0.0,
        ..options.clone()
    };
    says(
        &block_on(engine.begin("Hello", nothing)).unwrap_err(),
        "option_invalid",
        &["sampler_top_p", "0", "above 0 to 1"],
    );
    let none = GenerateOptions {
        max_tokens: 0,
        ..options
    };
    says(
        &block_on(engine.begin("Hello", none)).unwrap_err(),
        "option_invalid",
        &["max_tokens"],
    );
    assert!(block_on(engine.next()).unwrap().is_some());
}

#[test]
fn next_without_begin_says_so() {
    let mut engine = Checkpoint::read("olmoe").engine();
    says(
        &block_on(engine.next()).unwrap_err(),
        "not_generating",
        &["begin"],
    );
}

#[test]
fn a_text_that_fills_the_model_ends_instead_of_failing() {
    let mut engine = Checkpoint::read("qwen3_moe").engine();
    let ids = vec![5; engine.info().max_positions - 2];
    let options = GenerateOptions {
        max_tokens: usize::MAX,
        temperature: 1.0,
        seed: 0,
        ..GenerateOptions::default()
    };
    block_on(engine.begin_ids(&ids, options.clone())).unwrap();
    let steps = std::iter::from_fn(|| block_on(engine.next()).unwrap()).count();
    assert_eq!(steps, 2);
}

#[test]
fn a_routing_that_does_not_fit_is_refused_and_the_old_one_stays() {
    let mut engine = Checkpoint::read("qwen3_moe").engine();
    let before = engine.routing().clone();
    let mut too_many = before.clone();
    too_many.default.select = Select::TopK { top_k: 9 };
    says(
        &engine.set_routing(too_many).unwrap_err(),
        "top_k_too_large",
        &["9", "8"],
    );
    let mut none_left = before.clone();
    none_left.default.restrict.disabled = (0..8).collect();
    assert!(engine.set_routing(none_left).is_err());
    let mut no_such_layer = ModelRouting::from(RouterSpec::default());
    no_such_layer.layers.insert(1, RouterSpec::default());
    says(
        &engine.set_routing(no_such_layer).unwrap_err(),
        "not_an_moe_layer",
        &["layer 1", "[0, 2]"],
    );
    assert_eq!(engine.routing(), &before);
}

#[test]
fn a_model_without_a_tokenizer_takes_ids_and_says_so_for_text() {
    let checkpoint = Checkpoint::read("olmoe");
    let files = ModelFiles {
        tokenizer: None,
        ..checkpoint.model.files()
    };
    let engine = Engine::load(files, &Device::flex()).unwrap();
    assert!(block_on(engine.forward_ids(&[1, 2])).is_ok());
    says(
        &block_on(engine.analyse("Hello", None)).unwrap_err(),
        "tokenizer_invalid",
        &["token ids"],
    );
}
