//! Every shipped model is the one that its figures and the index speak of.
//!
//! A folder below `models` is a shipped model once it has an `eval.json`; others hold a recipe only.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::fmt::Write;
use std::path::PathBuf;

use moescope_model::checkpoint::Storage;
use moescope_model::vision::{RgbImage, VisionEngine};
use moescope_model::{Device, Engine, ModelFiles, Tokenizer};
use moescope_tests::repository;
use moescope_train::evaluate::{Evaluator, Text};
use pollster::block_on;
use serde_json::Value;
use sha2::{Digest, Sha256};

const MOST_MODEL_BYTES: usize = 40_000_000;
const MOST_BYTES: usize = 150_000_000;

struct Shipped {
    name: String,
    folder: PathBuf,
    weights: Vec<u8>,
    eval: Value,
}

impl Shipped {
    fn text(&self, file: &str) -> String {
        std::fs::read_to_string(self.folder.join(file)).unwrap()
    }

    fn excerpts(&self) -> &[Value] {
        self.eval["excerpts"].as_array().unwrap()
    }

    fn is_vision(&self) -> bool {
        self.excerpts()[0]["pixels"].is_string()
    }
}

fn shipped() -> Vec<Shipped> {
    let folders = std::fs::read_dir(repository("models")).unwrap();
    let mut models: Vec<Shipped> = folders
        .map(|entry| entry.unwrap().path())
        .filter(|folder| folder.join("eval.json").is_file())
        .map(|folder| Shipped {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            weights: std::fs::read(folder.join("model.safetensors")).unwrap(),
            eval: serde_json::from_slice(&std::fs::read(folder.join("eval.json")).unwrap())
                .unwrap(),
            folder,
        })
        .collect();
    models.sort_by(|a, b| a.name.cmp(&b.name));
    assert!(models.len() >= 2, "first and nine are shipped");
    models
}

fn agrees(model: &Shipped, what: &str, measured: f32, expected: &Value) {
    let expected = expected.as_f64().unwrap();
    assert!(
        (f64::from(measured) - expected).abs() < 1e-3,
        "{}, {what}: {measured}, eval.json says {expected}",
        model.name
    );
}

#[test]
fn the_excerpts_of_every_language_model_are_predicted_as_its_figures_say() {
    for model in shipped().iter().filter(|model| !model.is_vision()) {
        let files = ModelFiles {
            name: &model.name,
            config: &model.text("config.json"),
            tokenizer: Some(&model.text("tokenizer.json")),
            weights: &model.weights,
        };
        let engine = Engine::load(files, &Device::flex()).unwrap();
        for excerpt in model.excerpts() {
            let text = excerpt["text"].as_str().unwrap();
            let analysis = block_on(engine.analyse(text, None)).unwrap();
            let domain = excerpt["domain"].as_str().unwrap();
            agrees(
                model,
                domain,
                analysis.loss,
                &excerpt["loss_nats_per_token"],
            );
            agrees(
                model,
                domain,
                analysis.bits_per_byte,
                &excerpt["bits_per_byte"],
            );
        }
    }
}

#[test]
fn evaluation_finds_the_same_loss_with_and_without_experts() {
    for model in shipped().iter().filter(|model| !model.is_vision()) {
        let config = model.text("config.json");
        let tokenizer = Tokenizer::from_json(&model.text("tokenizer.json")).unwrap();
        let evaluator = Evaluator::load(&config, &model.weights, Storage::Reals).unwrap();
        let excerpt = &model.excerpts()[0];
        let text = excerpt["text"].as_str().unwrap();
        let text = Text {
            name: "excerpt".into(),
            tokens: tokenizer.encode(text).unwrap(),
            bytes: text.len() as u64,
            counting: None,
        };
        let figures = evaluator.figures(&[text], 1, &mut |_| {}).unwrap();
        let loss = figures.loss_nats_per_token as f32;
        agrees(model, "evaluated", loss, &excerpt["loss_nats_per_token"]);
        assert_eq!(
            figures.layers.len(),
            evaluator.config().moe_layers.len(),
            "{}",
            model.name
        );
    }
}

#[test]
fn the_images_of_every_vision_model_are_seen_as_its_figures_say() {
    for model in shipped().iter().filter(|model| model.is_vision()) {
        let files = ModelFiles {
            name: &model.name,
            config: &model.text("config.json"),
            tokenizer: None,
            weights: &model.weights,
        };
        let engine = VisionEngine::load(files, &Device::flex()).unwrap();
        let side = engine.info().image_size;
        for excerpt in model.excerpts() {
            let digits = excerpt["pixels"].as_str().unwrap();
            let byte = |at: usize| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap();
            let pixels = (0..digits.len() / 2).map(byte).collect();
            let image = RgbImage::new(side, side, pixels).unwrap();
            let class = excerpt["class"].as_u64().unwrap() as usize;
            let seen = block_on(engine.classify(&image, Some(class), None)).unwrap();
            let set = excerpt["set"].as_str().unwrap();
            agrees(model, set, seen.loss.unwrap(), &excerpt["loss_nats"]);
        }
    }
}

#[test]
fn the_index_names_every_model_with_its_hash_and_sizes_keep_the_bounds() {
    let index = std::fs::read_to_string(repository("models/README.md")).unwrap();
    let models = shipped();
    for model in &models {
        let mut hash = String::new();
        for byte in Sha256::digest(&model.weights) {
            write!(hash, "{byte:02x}").unwrap();
        }
        let row = index
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", model.name)));
        let row = row.unwrap_or_else(|| panic!("models/README.md has no row for {}", model.name));
        assert!(row.contains(&hash), "{}: its hash is {hash}", model.name);
        assert!(model.weights.len() <= MOST_MODEL_BYTES, "{}", model.name);
    }
    let total: usize = models.iter().map(|model| model.weights.len()).sum();
    assert!(total <= MOST_BYTES, "{total} bytes");
}

#[test]
fn every_card_holds_the_figures_of_eval_json() {
    for model in shipped() {
        let card = model.text("README.md");
        let weights = format!("{:.1} MB of weights", model.weights.len() as f64 / 1e6);
        assert!(card.contains(&weights), "{}: {weights}", model.name);
        let has_experts = !model.eval["layers"].as_array().unwrap().is_empty();
        assert_eq!(
            model.folder.join("experts.svg").is_file(),
            has_experts,
            "{}",
            model.name
        );
    }
}
