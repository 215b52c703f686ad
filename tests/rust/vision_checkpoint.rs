//! The small vision checkpoint that browser tests run on, and what this engine computes on it.
//!
//! `tests/checkpoints/vit_moe` has the shape of `models/trio` at an eighth of its width, with random weights from a seed.
//! Rewrites the folder only when `MOESCOPE_BLESS=1` is set; otherwise compares.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::{Path, PathBuf};

use moescope_model::checkpoint::write_safetensors;
use moescope_model::vision::{RgbImage, VisionEngine};
use moescope_model::{Device, ModelFiles};
use moescope_routing::{ModelRouting, RouterSpec};
use moescope_tests::{max_difference, repository};
use moescope_train::vision::initial_vision_tensors;
use moescope_train::vision::recipe::VisionRecipe;
use pollster::block_on;
use serde::{Deserialize, Serialize};

const SEED: u64 = 3;
/// The size of the image that the golden results are about: neither square nor the model's.
const SIZE: (usize, usize) = (48, 40);
const ROUTINGS: [&str; 4] = [
    "mixtral",
    "mixtral,top_k=1",
    "mixtral,disabled=0+2",
    "mixtral,capacity_factor=0.5,priority=batch_priority",
];

/// What the engine computes on one image.
#[derive(Deserialize, Serialize)]
struct Golden {
    width: usize,
    height: usize,
    cases: Vec<Case>,
}

#[derive(Deserialize, Serialize)]
struct Case {
    /// As a link.
    routing: String,
    probabilities: Vec<f32>,
    /// By MoE layer: where each patch's experts start, and the experts.
    offsets: Vec<Vec<u32>>,
    experts: Vec<Vec<u16>>,
}

#[test]
fn the_vision_checkpoint_is_what_its_seed_gives() {
    let (config, weights) = checkpoint();
    hold("config.json", config.as_bytes());
    hold("model.safetensors", &weights);
}

#[test]
fn the_golden_results_are_what_the_engine_computes() {
    let path = folder().join("golden.json");
    let found = golden();
    if blessing() {
        std::fs::write(&path, serde_json::to_string(&found).unwrap() + "\n").unwrap();
    }
    let expected: Golden = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((expected.width, expected.height), SIZE);
    for (case, expected) in found.cases.iter().zip(&expected.cases) {
        assert_eq!(case.routing, expected.routing);
        assert_eq!(case.experts, expected.experts, "{}", case.routing);
        assert_eq!(case.offsets, expected.offsets, "{}", case.routing);
        assert!(max_difference(&case.probabilities, &expected.probabilities) < 1e-5);
    }
    for pair in found.cases.windows(2) {
        let apart = max_difference(&pair[0].probabilities, &pair[1].probabilities);
        assert!(apart > 1e-4, "the routing changes nothing: {apart}");
    }
}

/// config.json and model.safetensors of the recipe of `models/trio`, made small.
fn checkpoint() -> (String, Vec<u8>) {
    let small = [
        ("d_model = 128", "d_model = 16"),
        ("head_dim = 32", "head_dim = 4"),
        ("d_ff = 256", "d_ff = 16"),
        ("moe_d_ff = 128", "moe_d_ff = 16"),
        ("stem_channels = [32]", "stem_channels = [4]"),
    ];
    let mut text = std::fs::read_to_string(repository("models/trio/recipe.toml")).unwrap();
    for (from, to) in small {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let recipe = VisionRecipe::parse(&text, Path::new("vit_moe.toml")).unwrap();
    let config = recipe.config().unwrap();
    let weights = write_safetensors(&config, &initial_vision_tensors(&config, SEED)).unwrap();
    (config.to_json().unwrap(), weights)
}

fn golden() -> Golden {
    let (config, weights) = checkpoint();
    let files = ModelFiles {
        name: "vit_moe",
        config: &config,
        tokenizer: None,
        weights: &weights,
    };
    let engine = VisionEngine::load(files, &Device::flex()).unwrap();
    let image = engine.fitted(&image());
    let cases = ROUTINGS.map(|link| {
        let routing = ModelRouting::from(RouterSpec::from_link(link).unwrap());
        let seen = block_on(engine.classify(&image, None, Some(&routing))).unwrap();
        Case {
            routing: link.to_owned(),
            probabilities: seen.probabilities,
            offsets: seen
                .layers
                .iter()
                .map(|layer| layer.offsets.clone())
                .collect(),
            experts: seen
                .layers
                .iter()
                .map(|layer| layer.experts.clone())
                .collect(),
        }
    });
    Golden {
        width: SIZE.0,
        height: SIZE.1,
        cases: cases.into(),
    }
}

/// Byte i of the pixels is i * 31 modulo 251, every fourth the alpha of a solid pixel.
fn image() -> RgbImage {
    let (width, height) = SIZE;
    let rgba: Vec<u8> = (0..width * height * 4)
        .map(|i| {
            if i % 4 == 3 {
                255
            } else {
                (i * 31 % 251) as u8
            }
        })
        .collect();
    RgbImage::from_rgba(width, height, &rgba).unwrap()
}

fn folder() -> PathBuf {
    repository("tests/checkpoints/vit_moe")
}

fn blessing() -> bool {
    std::env::var("MOESCOPE_BLESS").is_ok_and(|value| value == "1")
}

fn hold(file: &str, expected: &[u8]) {
    if blessing() {
        std::fs::create_dir_all(folder()).unwrap();
        std::fs::write(folder().join(file), expected).unwrap();
    }
    assert!(
        std::fs::read(folder().join(file)).unwrap_or_default() == expected,
        "tests/checkpoints/vit_moe/{file} is stale; run\nMOESCOPE_BLESS=1 cargo test -p moescope-tests --test vision_checkpoint"
    );
}
