//! Vision models learn, repeat themselves exactly and survive a stop; what they write loads again and routes as asked.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::path::{Path, PathBuf};

use moescope_model::checkpoint::{
    Storage, TensorList, Tensors, read_safetensors, write_safetensors,
};
use moescope_model::host_router::ExpertPath;
use moescope_model::vision::{RgbImage, VisionEngine, VitConfig, build, export};
use moescope_model::{Device, ModelError, ModelFiles};
use moescope_routing::stage::limit::Priority;
use moescope_routing::{ModelRouting, RouterSpec, Verdict};
use moescope_tests::max_difference;
use moescope_train::trainer::{RunOptions, train};
use moescope_train::vision::evaluate::Group;
use moescope_train::vision::recipe::VisionRecipe;
use moescope_train::vision::sets::ImageSet;
use moescope_train::vision::{VisionEvaluator, VisionTask, initial_vision_tensors};
use pollster::block_on;

const RECIPE: &str = r#"
name = "tiny"
[data]
sets = [
    { name = "cifar10", weight = 1.0, mirror = true },
    { name = "mnist", weight = 1.0, mirror = false },
]
[augment]
crop_padding = 1
brightness = 0.02
contrast = 0.02
erase_side = 0
label_smoothing = 0.0
[model]
architecture = "moescope_vit_moe"
image_size = 16
patch_size = 4
image_mean = [0.5, 0.5, 0.5]
image_std = [0.25, 0.25, 0.25]
stem_channels = [8]
n_layers = 2
d_model = 16
n_heads = 2
head_dim = 8
dense_layers = []
d_ff = 32
n_experts = 4
moe_d_ff = 16
router = { select = { method = "top_k", top_k = 2 } }
[train]
tokens = 15360
batch_sequences = 16
seq_len = 16
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

const CAPACITY: &str =
    "limit = { capacity_factor = 0.5, priority = \"batch_priority\" }, select = { method";

fn recipe(changes: &[(&str, &str)]) -> VisionRecipe {
    let mut text = RECIPE.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    VisionRecipe::parse(&text, Path::new("tiny.toml")).unwrap()
}

/// Images whose class is a colour, or a grey with stripes; those of the second set are smaller.
fn sets() -> Vec<ImageSet> {
    let set = |name: &str, side: usize, channels: usize| {
        let labels: Vec<u8> = (0..200).map(|i| (i % 10) as u8).collect();
        let mut pixels = Vec::new();
        for (i, &label) in labels.iter().enumerate() {
            for place in 0..side * side {
                let noise = ((i * 7 + place * 13) % 20) as u8;
                let stripe = if channels == 1 && place % 2 == 0 {
                    0
                } else {
                    23 * label
                };
                let colour = [stripe, 230 - 23 * label, 100 * (label % 2)].map(|c| c + noise);
                pixels.extend(&colour[..channels]);
            }
        }
        ImageSet {
            name: name.into(),
            side,
            channels,
            pixels,
            labels,
        }
    };
    vec![set("cifar10", 16, 3), set("mnist", 12, 1)]
}

/// What a recipe starts from is looked up here.
const RECIPE_FOLDER: &str = env!("CARGO_TARGET_TMPDIR");

/// An empty folder of this test's own.
fn folder(name: &str) -> PathBuf {
    let folder = Path::new(RECIPE_FOLDER).join(format!("vision-{name}"));
    let _ = std::fs::remove_dir_all(&folder);
    folder
}

fn run(recipe: &VisionRecipe, folder: &Path, stop_after: Option<usize>) -> (Tensors, Vec<f64>) {
    let options = RunOptions {
        folder: folder.to_path_buf(),
        recipe_folder: RECIPE_FOLDER.into(),
        threads: 2,
        stop_after,
    };
    let sets = sets();
    let task = VisionTask::new(recipe, &sets).unwrap();
    let mut losses = Vec::new();
    let trained = train(&task, &options, &mut |r| losses.push(r.report.loss)).unwrap();
    (trained.tensors, losses)
}

#[test]
fn sixty_steps_lower_the_loss_with_experts_with_capacity_and_without_experts() {
    let cases: [(&str, &[(&str, &str)]); 4] = [
        ("muon", &[("mirror = true", "mirror = false")]),
        (
            "adamw",
            &[
                ("mirror = true", "mirror = false"),
                ("\"muon\"", "\"adamw\""),
            ],
        ),
        (
            "capacity",
            &[
                ("mirror = true", "mirror = false"),
                ("select = { method", CAPACITY),
            ],
        ),
        (
            "dense",
            &[
                ("mirror = true", "mirror = false"),
                ("dense_layers = []", "dense_layers = [0, 1]"),
            ],
        ),
    ];
    for (name, changes) in cases {
        let (_, losses) = run(&recipe(changes), &folder(name), None);
        assert_eq!(losses.len(), 60);
        let (first, last) = (losses[0], losses[50..].iter().sum::<f64>() / 10.0);
        assert!(last < 0.5 * first, "{name}: {first} to {last}");
    }
}

#[test]
fn a_stopped_run_ends_with_the_weights_of_one_never_stopped() {
    let recipe = recipe(&[("tokens = 15360", "tokens = 5120")]);
    let (whole, losses) = run(&recipe, &folder("whole"), None);
    let stopped = folder("stopped");
    let (_, first) = run(&recipe, &stopped, Some(8));
    let (resumed, rest) = run(&recipe, &stopped, None);
    assert_eq!([first, rest].concat(), losses);
    assert!(resumed == whole, "the weights differ");
}

fn engine(changes: &[(&str, &str)]) -> (VisionEngine, Tensors, VitConfig) {
    let config = recipe(changes).config().unwrap();
    let tensors = initial_vision_tensors(&config, 7);
    let (json, weights) = (
        config.to_json().unwrap(),
        write_safetensors(&config, &tensors).unwrap(),
    );
    let files = ModelFiles {
        name: "tiny",
        config: &json,
        tokenizer: None,
        weights: &weights,
    };
    let engine = VisionEngine::load(files, &Device::flex()).unwrap();
    (engine, tensors, config)
}

fn image() -> RgbImage {
    RgbImage::new(
        16,
        16,
        (0..16 * 16 * 3).map(|i| (i * 31 % 256) as u8).collect(),
    )
    .unwrap()
}

#[test]
fn weights_and_configuration_survive_the_way_through_model_and_files() {
    let (_, tensors, config) = engine(&[("dense_layers = []", "dense_layers = [1]")]);
    let model = build(&config, &tensors, &Device::flex(), Storage::Reals).unwrap();
    assert!(block_on(export(&config, &model)).unwrap() == tensors);
    let total: usize = config
        .tensors()
        .iter()
        .map(|(_, shape)| shape.iter().product::<usize>())
        .sum();
    assert_eq!(tensors.values().map(Vec::len).sum::<usize>(), total);
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
    assert_eq!(
        VitConfig::from_json(&config.to_json().unwrap()).unwrap(),
        config
    );
    let truncated = read_safetensors(&config, &bytes[..bytes.len() - 2]).unwrap_err();
    assert_eq!(truncated.code(), "weights_truncated");
}

#[test]
fn an_image_gives_probabilities_a_loss_and_a_trace_of_every_patch() {
    let (engine, ..) = engine(&[]);
    let seen = block_on(engine.classify(&image(), Some(13), None)).unwrap();
    assert_eq!(seen.probabilities.len(), 20);
    assert!((seen.probabilities.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    assert!((seen.loss.unwrap() + seen.probabilities[13].ln()).abs() < 1e-4);
    assert_eq!(seen.layers.len(), 2);
    for layer in &seen.layers {
        assert_eq!((layer.offsets.len(), layer.n_experts), (17, 4));
        assert_eq!((layer.experts.len(), layer.logits.len()), (32, 64));
    }
    let info = engine.info();
    assert_eq!(
        (info.classes.len(), info.classes[13].set.as_str()),
        (20, "mnist")
    );
    assert_eq!(info.classes[13].label, "3");
}

#[test]
fn routing_is_live_and_both_expert_paths_agree() {
    let (mut engine, ..) = engine(&[]);
    let links = [
        "mixtral,top_k=1",
        "mixtral,top_k=4",
        "mixtral,disabled=0+2",
        "mixtral,capacity_factor=0.5",
    ];
    let mut outcomes = Vec::new();
    for link in links {
        let routing = ModelRouting::from(RouterSpec::from_link(link).unwrap());
        engine.set_routing(routing).unwrap();
        let [selected, masked] = [ExpertPath::Selected, ExpertPath::AllMasked].map(|path| {
            engine.set_expert_path(path);
            block_on(engine.classify(&image(), None, None))
                .unwrap()
                .probabilities
        });
        assert!(max_difference(&selected, &masked) < 1e-5, "{link}");
        outcomes.push(selected);
    }
    for pair in outcomes.windows(2) {
        assert!(
            max_difference(&pair[0], &pair[1]) > 1e-6,
            "the routing changes nothing"
        );
    }
}

#[test]
fn capacity_is_shared_by_the_patches_of_the_image_in_order_or_by_priority() {
    let (engine, ..) = engine(&[]);
    let classify = |priority: &str| {
        let link = format!("mixtral,capacity=3,priority={priority}");
        let routing = ModelRouting::from(RouterSpec::from_link(&link).unwrap());
        block_on(engine.classify(&image(), None, Some(&routing))).unwrap()
    };
    let mut kept = Vec::new();
    for priority in ["order", "batch_priority"] {
        let layer = &classify(priority).layers[0];
        let mut load = [0; 4];
        for &expert in &layer.experts {
            load[usize::from(expert)] += 1;
        }
        assert!(
            load.iter().all(|&n| n <= 3) && load.contains(&3),
            "{load:?}"
        );
        let over = Verdict::OverCapacity.code();
        let dropped = layer
            .verdicts
            .iter()
            .filter(|&&verdict| verdict == over)
            .count();
        assert_eq!(dropped + layer.experts.len(), 32);
        kept.push(layer.offsets.clone());
    }
    assert_ne!(kept[0], kept[1]);
}

#[test]
fn bad_images_labels_and_routings_are_refused() {
    let (mut engine, ..) = engine(&[]);
    let says = |error: ModelError, code: &str, parts: &[&str]| {
        let message = error.to_string();
        assert_eq!(error.code(), code, "{message}");
        for part in parts {
            assert!(message.contains(part), "{message:?} lacks {part:?}");
        }
    };
    let large = RgbImage::new(32, 20, vec![9; 32 * 20 * 3]).unwrap();
    let error = block_on(engine.classify(&large, None, None)).unwrap_err();
    says(error, "image_size", &["32 x 20", "16 x 16", "resize"]);
    assert!(block_on(engine.classify(&large.resized(16), None, None)).is_ok());
    let error = block_on(engine.classify(&image(), Some(20), None)).unwrap_err();
    says(error, "class_out_of_range", &["20", "0 to 19"]);
    let before = engine.routing().clone();
    let error = engine.set_routing(RouterSpec::top_k(5).into()).unwrap_err();
    says(error, "top_k_too_large", &["5", "4"]);
    assert_eq!(engine.routing(), &before);
}

#[test]
fn configurations_that_make_no_sense_are_refused_with_the_field() {
    let (_, _, config) = engine(&[]);
    let json = config.to_json().unwrap();
    let cases = [
        ("\"moescope_vit_moe\"", "\"vit\"", "model_type"),
        ("\"patch_size\": 4", "\"patch_size\": 8", "patch_size"),
        ("\"image_size\": 16", "\"image_size\": 18", "image_size"),
        (
            "\"num_attention_heads\": 2",
            "\"num_attention_heads\": 0",
            "num_attention_heads",
        ),
        (
            "\"mlp_only_layers\": []",
            "\"mlp_only_layers\": [2]",
            "mlp_only_layers",
        ),
        ("\"top_k\": 2", "\"top_k\": 5", "router"),
        ("\"hidden_size\"", "\"hidden_sizes\"", "hidden_sizes"),
    ];
    for (from, to, field) in cases {
        assert!(json.contains(from), "{from} is not in {json}");
        let error = VitConfig::from_json(&json.replace(from, to)).unwrap_err();
        assert_eq!(error.code(), "config_invalid");
        assert!(error.to_string().contains(field), "{error}");
    }
}

#[test]
fn recipes_that_make_no_sense_are_refused_with_what_is_allowed() {
    let cases = [
        (
            "\"mnist\", weight = 1.0",
            "\"svhn\", weight = 1.0",
            "svhn, allowed is cifar10, fashion_mnist, mnist",
        ),
        (
            "\"mnist\", weight = 1.0",
            "\"mnist\", weight = 0.0",
            "data.sets.weight: got 0, allowed is above 0",
        ),
        ("\"mnist\", weight", "\"cifar10\", weight", "each set once"),
        (
            "crop_padding = 1",
            "crop_padding = 16",
            "augment.crop_padding: got 16, allowed is below",
        ),
        (
            "label_smoothing = 0.0",
            "label_smoothing = 1.0",
            "augment.label_smoothing: got 1",
        ),
        (
            "seq_len = 16",
            "seq_len = 64",
            "train.seq_len: got 64, allowed is 16, the patches",
        ),
        ("n_heads = 2", "n_heads = 0", "num_attention_heads is 0"),
        ("erase_side", "erase_sides", "erase_sides"),
    ];
    for (from, to, reason) in cases {
        assert!(RECIPE.contains(from), "{from}");
        let text = RECIPE.replacen(from, to, 1);
        let error = VisionRecipe::parse(&text, Path::new("tiny.toml")).unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
    }
}

#[test]
fn evaluation_counts_every_image_once_and_finds_a_capacity_that_drops() {
    let recipe = recipe(&[("select = { method", CAPACITY)]);
    let config = recipe.config().unwrap();
    let device = Device::flex();
    let tensors = initial_vision_tensors(&config, 7);
    let model = build(&config, &tensors, &device, Storage::Reals).unwrap();
    let evaluator = VisionEvaluator::new(config, model, device);
    let sets = sets();
    let figures = evaluator.figures(&sets, 2, &mut |_| ()).unwrap();
    let again = evaluator.figures(&sets, 1, &mut |_| ()).unwrap();
    assert_eq!(figures.layers, again.layers, "threads change nothing");
    for (figures, again) in figures.sets.iter().zip(&again.sets) {
        assert_eq!(figures.images, 200);
        assert_eq!(
            figures
                .classes
                .iter()
                .map(|class| class.images)
                .sum::<usize>(),
            200
        );
        let mean = figures
            .classes
            .iter()
            .map(|class| class.accuracy)
            .sum::<f64>()
            / 10.0;
        assert!(
            (figures.accuracy - mean).abs() < 1e-9,
            "classes have the same number of images"
        );
        assert_eq!(
            figures.expert_load, again.expert_load,
            "threads change nothing"
        );
        for layer in &figures.expert_load {
            let chosen: f64 = layer.iter().sum();
            assert!(chosen > 0.0 && chosen <= 2.0, "{layer:?}");
        }
    }
    let curve = evaluator.capacity_curve(&sets, 2, &mut |_| ()).unwrap();
    assert_eq!(curve.len(), 28);
    for group in [Group::Batch, Group::Image] {
        for priority in [Priority::Order, Priority::BatchPriority] {
            let dropped: Vec<f64> = curve
                .iter()
                .filter(|point| point.group == group && point.priority == priority)
                .map(|point| point.dropped)
                .collect();
            assert!(
                dropped[0] >= 0.74 && dropped.is_sorted_by(|a, b| a >= b),
                "{dropped:?}"
            );
        }
    }
}
