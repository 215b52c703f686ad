//! Training learns, repeats itself exactly, and survives a stop; what it writes loads again.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::{Path, PathBuf};

use moescope_model::Device;
use moescope_model::checkpoint::{
    Storage, Tensors, build, export, read_safetensors, write_safetensors,
};
use moescope_routing::ModelRouting;
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
    changed(&[("\"muon\"", &format!("\"{optimizer}\""))])
}

fn changed(changes: &[(&str, &str)]) -> Recipe {
    let mut text = RECIPE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
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

/// What a recipe starts from is looked up here.
const RECIPE_FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(RECIPE_FOLDER).join(name);
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
        recipe_folder: RECIPE_FOLDER.into(),
        threads,
        stop_after,
    };
    let mut losses = Vec::new();
    let shards = shards();
    let task = TextTask::new(recipe, &shards).unwrap();
    let trained = train(&task, &options, &mut |r| losses.push(r.report.loss)).unwrap();
    (trained.tensors, losses)
}

const UNBALANCED: (&str, &str) = ("load_balancing_coef = 0.01", "load_balancing_coef = 0.0");
const BIASED: (&str, &str) = (
    "snapshots = []",
    "snapshots = []\nselection_bias_step = 0.01",
);
const WARM: (&str, &str) = (
    "snapshots = []",
    "snapshots = []\ndense_to_sparse = { steps = 20, temperature = 4.0 }",
);

#[test]
fn sixty_steps_lower_the_loss_in_every_layout_with_every_optimizer_and_balance() {
    let dense = [
        ("\"qwen3_moe\"", "\"qwen3\""),
        (
            "n_experts = 4\ntop_k = 2\nmoe_d_ff = 16",
            "n_experts = 0\ntop_k = 0\nmoe_d_ff = 0",
        ),
        ("dense_d_ff = 0", "dense_d_ff = 32"),
    ];
    let shared = [
        ("\"qwen3_moe\"", "\"qwen2_moe\""),
        ("shared_d_ff = 0", "shared_d_ff = 8"),
    ];
    let cases: [(&str, &[(&str, &str)]); 8] = [
        ("muon", &[]),
        ("adamw", &[("\"muon\"", "\"adamw\"")]),
        ("dense", &dense),
        ("shared", &shared),
        ("sequence", &[("\"batch\"", "\"sequence\"")]),
        ("unbalanced", &[UNBALANCED]),
        ("biased", &[UNBALANCED, BIASED]),
        ("warm", &[WARM]),
    ];
    for (name, changes) in cases {
        let (_, losses) = run(
            &changed(changes),
            &folder(&format!("learns-{name}")),
            2,
            None,
        );
        assert_eq!(losses.len(), 60);
        let (first, last) = (losses[0], losses[59]);
        assert!(last < 0.5 * first, "{name}: {first} to {last}");
    }
}

/// Busiest expert's share of the selections of the last ten steps of the first layer, and the routing learnt.
fn last_load(recipe: &Recipe, name: &str) -> (f64, Option<ModelRouting>) {
    let (shards, options) = (
        shards(),
        RunOptions {
            folder: folder(name),
            recipe_folder: RECIPE_FOLDER.into(),
            threads: 1,
            stop_after: None,
        },
    );
    let task = TextTask::new(recipe, &shards).unwrap();
    let mut sums = [0_u64; 4];
    let trained = train(&task, &options, &mut |r| {
        if r.step > 50 {
            let counts = r.report.selections[0].iter();
            sums.iter_mut().zip(counts).for_each(|(sum, n)| *sum += n);
        }
    });
    let share = *sums.iter().max().unwrap() as f64 / sums.iter().sum::<u64>() as f64;
    (share, trained.unwrap().routing)
}

#[test]
fn biases_even_the_load_without_a_loss_and_are_written_as_a_routing() {
    let (uneven, none) = last_load(&changed(&[UNBALANCED]), "bias-without");
    let (even, routing) = last_load(&changed(&[UNBALANCED, BIASED]), "bias-with");
    assert_eq!(none, None);
    assert!(
        even < uneven,
        "busiest expert: {even} with biases, {uneven} without"
    );
    let routing = routing.unwrap();
    assert_eq!(routing.layers.keys().copied().collect::<Vec<_>>(), [0, 1]);
    for spec in routing.layers.values() {
        let biases = &spec.score.selection_bias;
        assert_eq!(biases.len(), 4);
        assert!(biases.iter().any(|&bias| bias != 0.0), "{biases:?}");
        assert!(spec.validate(4).is_ok());
    }
}

#[test]
fn a_warm_start_takes_all_experts_first_and_the_trained_number_after() {
    let recipe = changed(&[WARM]);
    let (shards, options) = (
        shards(),
        RunOptions {
            folder: folder("warm-counts"),
            recipe_folder: RECIPE_FOLDER.into(),
            threads: 1,
            stop_after: Some(25),
        },
    );
    let task = TextTask::new(&recipe, &shards).unwrap();
    let mut per_token = Vec::new();
    train(&task, &options, &mut |r| {
        let selected: u64 = r.report.selections[0].iter().sum();
        per_token.push(selected / r.tokens_per_step);
    })
    .unwrap();
    assert_eq!((per_token[0], per_token[10], per_token[20]), (4, 3, 2));
    assert!(per_token.is_sorted_by(|a, b| a >= b), "{per_token:?}");
}

/// Turns a stopped run into one killed later, while it wrote its next checkpoint.
fn kill_while_saving(folder: &Path) {
    let half = folder.join("checkpoint.new");
    std::fs::create_dir_all(&half).unwrap();
    std::fs::write(half.join("model.bpk"), b"half a file").unwrap();
    let log = folder.join("log.csv");
    let lines = std::fs::read_to_string(&log).unwrap() + "16,9.9,9.9,9.9,9.9,0.001\n17,9";
    std::fs::write(log, lines).unwrap();
}

#[test]
fn a_killed_run_ends_with_the_weights_of_one_never_killed() {
    let warm_and_biased = [
        WARM,
        (
            "seed = 1\ncheckpoint",
            "seed = 1\nselection_bias_step = 0.01\ncheckpoint",
        ),
    ];
    for (name, changes) in [("plain", &[][..]), ("warm-biased", &warm_and_biased[..])] {
        let recipe = changed(changes);
        let (whole, losses) = run(&recipe, &folder(&format!("whole-{name}")), 2, None);
        let stopped = folder(&format!("stopped-{name}"));
        let (_, first) = run(&recipe, &stopped, 2, Some(15));
        kill_while_saving(&stopped);
        let (resumed, rest) = run(&recipe, &stopped, 2, None);
        assert_eq!([first, rest].concat(), losses, "{name}");
        assert!(resumed == whole, "{name}: the weights differ");
        let log = std::fs::read_to_string(stopped.join("log.csv")).unwrap();
        assert_eq!(
            log.lines().count(),
            61,
            "{name}: a line for each step, and the header"
        );
    }
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
        recipe_folder: RECIPE_FOLDER.into(),
        threads: 1,
        stop_after: Some(2),
    };
    let (other, shards) = (recipe("adamw"), shards());
    let task = TextTask::new(&other, &shards).unwrap();
    let error = train(&task, &options, &mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("another recipe"), "{error}");
}

#[test]
fn a_recipe_goes_on_from_the_weights_of_another_model() {
    let (first, model) = (recipe("muon"), folder("begun-model"));
    let (tensors, losses) = run(&first, &folder("begun"), 1, None);
    std::fs::create_dir_all(&model).unwrap();
    let bytes = write_safetensors(&lm_config(&first), &tensors).unwrap();
    std::fs::write(model.join("model.safetensors"), bytes).unwrap();

    let mut second = first.clone();
    second.train.start_from = Some("begun-model".into());
    second.train.seed = 2;
    let (_, gone_on) = run(&second, &folder("gone-on"), 1, Some(1));
    let (begin, end) = (losses[0], losses[59]);
    assert!(
        (gone_on[0] - end).abs() < 0.1 * (begin - end),
        "{begin} to {end}, then {}",
        gone_on[0]
    );
}

#[test]
fn a_model_to_start_from_that_is_missing_or_of_another_shape_is_refused() {
    let (wide, model) = (
        changed(&[("moe_d_ff = 16", "moe_d_ff = 32")]),
        folder("wide"),
    );
    let tensors = initial_tensors(&lm_config(&wide), 1);
    std::fs::create_dir_all(&model).unwrap();
    let bytes = write_safetensors(&lm_config(&wide), &tensors).unwrap();
    std::fs::write(model.join("model.safetensors"), bytes).unwrap();
    for (start, expected) in [("nowhere", "nowhere/model.safetensors"), ("wide", "shape")] {
        let (mut recipe, shards) = (recipe("muon"), shards());
        recipe.train.start_from = Some(start.into());
        let options = RunOptions {
            folder: folder("not-started"),
            recipe_folder: RECIPE_FOLDER.into(),
            threads: 1,
            stop_after: Some(1),
        };
        let task = TextTask::new(&recipe, &shards).unwrap();
        let error = train(&task, &options, &mut |_| ()).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn weights_survive_the_way_through_the_model_and_the_file() {
    let config = lm_config(&recipe("muon"));
    let tensors = initial_tensors(&config, 7);
    let model = build(&config, &tensors, &Device::flex(), Storage::Reals).unwrap();
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
