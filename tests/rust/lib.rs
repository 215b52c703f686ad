//! What several tests share: the reference checkpoints and their golden results.
//!
//! The checkpoints are tiny random models with what `transformers` computes on them;
//! see `tests/checkpoints/README.md`.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]
#![allow(missing_docs, reason = "names say it; these are helpers of tests")]

pub mod traces;

use std::path::{Path, PathBuf};

use moescope_model::{Device, Engine, ModelFiles};
use safetensors::SafeTensors;
use serde::Deserialize;

/// Architectures with a reference checkpoint.
pub const ARCHITECTURES: [&str; 4] = ["olmoe", "qwen2_moe", "qwen3", "qwen3_moe"];

#[derive(Deserialize)]
pub struct Golden {
    pub prompts: Vec<Prompt>,
    pub moe_layers: Vec<GoldenLayer>,
    pub greedy: Greedy,
    pub cross_entropy: CrossEntropy,
}

#[derive(Deserialize)]
pub struct Prompt {
    pub ids: Vec<u32>,
}

#[derive(Deserialize)]
pub struct GoldenLayer {
    pub key: String,
    pub layer: usize,
}

#[derive(Deserialize)]
pub struct Greedy {
    pub prompt: usize,
    pub ids: Vec<u32>,
}

#[derive(Deserialize)]
pub struct CrossEntropy {
    pub prompt: usize,
    pub mean: f32,
}

/// A file or folder of this repository; tests run in the folder of their crate.
pub fn repository(path: &str) -> PathBuf {
    Path::new("..").join(path)
}

/// The files of a language model.
pub struct Model {
    pub config: String,
    pub tokenizer: Option<String>,
    pub weights: Vec<u8>,
}

impl Model {
    /// The smallest model that is shipped.
    pub fn first() -> Self {
        Self::read(&repository("models/first"))
    }

    fn read(folder: &Path) -> Self {
        Self {
            config: std::fs::read_to_string(folder.join("config.json")).unwrap(),
            tokenizer: std::fs::read_to_string(folder.join("tokenizer.json")).ok(),
            weights: std::fs::read(folder.join("model.safetensors")).unwrap(),
        }
    }

    pub fn files(&self) -> ModelFiles<'_> {
        ModelFiles {
            name: "tested",
            config: &self.config,
            tokenizer: self.tokenizer.as_deref(),
            weights: &self.weights,
        }
    }

    pub fn engine(&self) -> Engine {
        Engine::load(self.files(), &Device::flex()).unwrap()
    }
}

/// A reference checkpoint and what is known of it.
pub struct Checkpoint {
    pub model: Model,
    pub golden: Golden,
    tensors: Vec<u8>,
}

impl Checkpoint {
    pub fn read(architecture: &str) -> Self {
        let folder = repository("tests/checkpoints").join(architecture);
        let golden = std::fs::read_to_string(folder.join("golden.json")).unwrap();
        Self {
            model: Model::read(&folder),
            golden: serde_json::from_str(&golden).unwrap(),
            tensors: std::fs::read(folder.join("golden.safetensors")).unwrap(),
        }
    }

    pub fn engine(&self) -> Engine {
        self.model.engine()
    }

    /// A golden tensor of float32 or int32, as f32.
    pub fn golden_tensor(&self, name: &str) -> Vec<f32> {
        let file = SafeTensors::deserialize(&self.tensors).unwrap();
        let view = file.tensor(name).unwrap();
        let words = view
            .data()
            .chunks_exact(4)
            .map(|b| [b[0], b[1], b[2], b[3]]);
        match view.dtype() {
            safetensors::Dtype::I32 => words.map(|b| i32::from_le_bytes(b) as f32).collect(),
            _ => words.map(f32::from_le_bytes).collect(),
        }
    }
}

/// Largest absolute difference.
pub fn max_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}
