//! Training learns, repeats itself exactly, and survives a stop; what it writes loads again.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::{Path, PathBuf};

use moescope_model::Device;
use moescope_model::checkpoint::{Tensors, build, export, read_safetensors, write_safetensors};
use moescope_train::data::Split;
use moescope_train::init::initial_tensors;
use moescope_train::recipe::Recipe;
use moescope_train::shards::Shard;
use moescope_train::text_task::TextTask;
use moescope_train::trainer::{RunOptions, lm_config, train};
use pollster::block_on;

const RECIPE: &str = r#"
name = "tiny"
[data]
domains = [{ name = "counting", weight = 1.0 }]
[tokenizer]
sample_bytes = 1000
seed = 1
[model]
architecture = "qwen3_moe"
n_layers = 2
d_model = 16
n_heads = 2
n_kv_heads = 1
head_dim = 8
n_experts = 4
top_k = 2
moe_d_ff = 16
shared_d_ff = 0
dense_d_ff = 0
vocab_size = 300
rope_theta = 10000.0
tie_embeddings = true
max_positions = 32
[train]
tokens = 7680
batch_sequences = 4
seq_len = 32
optimizer = "muon"
learning_rate = 1e-2
min_learning_rate = 1e-3
warmup_steps = 5
weight_decay = 0.1
beta1 = 0.9
beta2 = 0.95
grad_clip = 1.0
load_balancing_coef = 0.01
load_balancing_over = "batch"
z_loss_coef = 0.001
seed = 1
checkpoint_seconds = 3600
snapshots = []
"#;

fn recipe(optimizer: &str) -> Recipe {
    let text = RECIPE.replace("\"muon\"", &format!("\"{optimizer}\""));
    Recipe::parse(&text, Path::new("tiny.toml")).unwrap()
}

/// A stream that counts in a circle of eleven.
fn shards() -> Vec<Shard> {
    vec![Shard {
        domain: "counting".into(),
        split: Split::Train,
        tokens: (0..4000).map(|i| 7 + i % 11).collect(),
        text_bytes: 4000,
        documents: 1,
    }]
}

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn run(
    recipe: &Recipe,
    folder: &Path,
    threads: usize,
    stop_after: Option<usize>,
) -> (Tensors, Vec<f64>) {
    let options = RunOptions {
        folder: folder.to_path_buf(),
        threads,
        stop_after,
    };
    let mut losses = Vec::new();
    let shards = shards();
    let task = TextTask::new(recipe, &shards).unwrap();
    let (tensors, _) = train(&task, &options, &mut |r| losses.push(r.report.loss)).unwrap();
    (tensors, losses)
}

#[test]
fn sixty_steps_lower_the_loss_with_either_optimizer() {
    for optimizer in ["muon", "adamw"] {
        let (_, losses) = run(
            &recipe(optimizer),
            &folder(&format!("learns-{optimizer}")),
            2,
            None,
        );
        assert_eq!(losses.len(), 60);
        assert!(
            losses[59] < 0.5 * losses[0],
            "{optimizer}: {} to {}",
            losses[0],
            losses[59]
        );
    }
}

#[test]
fn a_stopped_run_ends_with_the_weights_of_one_never_stopped() {
    let recipe = recipe("muon");
    let (whole, losses) = run(&recipe, &folder("whole"), 2, None);
    let stopped = folder("stopped");
    let (_, first) = run(&recipe, &stopped, 2, Some(25));
    let (resumed, rest) = run(&recipe, &stopped, 2, None);
    assert_eq!([first, rest].concat(), losses);
    assert!(resumed == whole, "the weights differ");
}

#[test]
fn the_same_seed_gives_the_same_losses_and_another_seed_others() {
    let recipe = recipe("muon");
    let (_, first) = run(&recipe, &folder("seed-a"), 1, Some(5));
    let (_, again) = run(&recipe, &folder("seed-b"), 1, Some(5));
    assert_eq!(first, again);
    let mut other = recipe.clone();
    other.train.seed = 2;
    let (_, others) = run(&other, &folder("seed-c"), 1, Some(5));
    assert_ne!(first, others);
}

#[test]
fn a_run_folder_of_another_recipe_is_refused() {
    let folder = folder("refused");
    run(&recipe("muon"), &folder, 1, Some(2));
    let options = RunOptions {
        folder,
        threads: 1,
        stop_after: Some(2),
    };
    let (other, shards) = (recipe("adamw"), shards());
    let task = TextTask::new(&other, &shards).unwrap();
    let error = train(&task, &options, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("another recipe"), "{error}");
}

#[test]
fn weights_survive_the_way_through_the_model_and_the_file() {
    let config = lm_config(&recipe("muon"));
    let tensors = initial_tensors(&config, 7);
    let model = build(&config, &tensors, &Device::flex()).unwrap();
    assert!(block_on(export(&config, &model)).unwrap() == tensors);
    let bytes = write_safetensors(&config, &tensors).unwrap();
    let stored = read_safetensors(&config, &bytes).unwrap();
    for (name, values) in &tensors {
        for (value, stored) in values.iter().zip(&stored[name]) {
            assert!(
                (value - stored).abs() <= value.abs() / 256.0,
                "{name}: {value} became {stored}"
            );
        }
    }
}
