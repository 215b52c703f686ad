//! The recorded plan sees in an image what the model sees on Burn: probabilities and the experts of every patch.
//!
//! Runs on whatever adapter there is; software Vulkan (Debian `mesa-vulkan-drivers`) is enough, and none is a failure.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::checkpoint::write_safetensors;
use moescope_model::vision::{Classification, RgbImage, VisionEngine, VitConfig};
use moescope_model::{Device, Gpu, ModelFiles, PreparedVisionPlan, WeightFormat};
use moescope_routing::{ModelRouting, RouterInput, RouterSpec, RoutingPlan, Verdict};
use moescope_tests::traces::{LOGITS, compare};
use moescope_tests::{max_difference, repository};
use moescope_train::vision::initial_vision_tensors;
use pollster::block_on;

const SIDE: usize = 32;
/// Strategies that the plan decides, and below the line those that it leaves to the host.
const ALONE: [&str; 8] = [
    "mixtral",
    "mixtral,top_k=1",
    "mixtral,top_k=8",
    "mixtral,disabled=0+2",
    "method=top_p,top_p=0.5",
    "method=hash",
    "method=sticky,margin=0.05",
    "method=previous_layer",
];
const HOSTED: [&str; 4] = [
    "mixtral,capacity=10",
    "mixtral,capacity_factor=0.5,priority=batch_priority",
    "method=expert_choice",
    "score=sinkhorn",
];

struct Files {
    config: String,
    weights: Vec<u8>,
}

impl Files {
    fn read(folder: &str) -> Self {
        let folder = repository(folder);
        Self {
            config: std::fs::read_to_string(folder.join("config.json")).unwrap(),
            weights: std::fs::read(folder.join("model.safetensors")).unwrap(),
        }
    }

    /// Random weights for a config.json.
    fn random(config: String) -> Self {
        let parsed = VitConfig::from_json(&config).unwrap();
        let tensors = initial_vision_tensors(&parsed, 5);
        let weights = write_safetensors(&parsed, &tensors).unwrap();
        Self { config, weights }
    }

    fn files(&self) -> ModelFiles<'_> {
        ModelFiles {
            name: "eyes",
            config: &self.config,
            tokenizer: None,
            weights: &self.weights,
        }
    }

    fn burn(&self) -> VisionEngine {
        VisionEngine::load(self.files(), &Device::flex()).unwrap()
    }

    fn recorded(&self, format: WeightFormat) -> VisionEngine {
        let gpu = block_on(Gpu::new()).unwrap();
        let plan = PreparedVisionPlan::new(&self.config, format, &gpu, |_, _| {});
        VisionEngine::load_recorded(self.files(), block_on(plan).unwrap()).unwrap()
    }

    fn both(&self) -> [VisionEngine; 2] {
        [self.burn(), self.recorded(WeightFormat::F32)]
    }
}

/// A picture with large shapes and small ones, another one for every seed.
fn image(seed: usize) -> RgbImage {
    let byte = |i: usize| {
        let (row, column, channel) = (i / 3 / SIDE, i / 3 % SIDE, i % 3);
        let shape = (row / 8 + column / 11 + seed) % 3 * 70;
        let grain = (row * 13 + column * 7 + channel * 29 + seed * 31) % 64;
        (shape + grain) as u8
    };
    RgbImage::new(SIDE, SIDE, (0..SIDE * SIDE * 3).map(byte).collect()).unwrap()
}

fn routing(link: &str) -> ModelRouting {
    RouterSpec::from_link(link).unwrap().into()
}

fn classify(engine: &VisionEngine, seed: usize, link: &str) -> Classification {
    block_on(engine.classify(&image(seed), Some(3), Some(&routing(link)))).unwrap()
}

/// Compares both engines on one image; returns how many patches were near-ties that went the other way.
fn agree(what: &str, engines: &[VisionEngine; 2], seed: usize, link: &str) -> usize {
    let what = format!("{what}, image {seed}, {link}");
    let [expected, found] = engines.each_ref().map(|e| classify(e, seed, link));
    let near_ties = compare(&what, &expected.layers, &found.layers);
    if near_ties == 0 {
        let logits = |seen: &Classification| -> Vec<f32> {
            // Up to a constant, which both have in common.
            seen.probabilities
                .iter()
                .map(|p| p.max(1e-6).ln())
                .collect()
        };
        let difference = max_difference(&logits(&expected), &logits(&found));
        assert!(difference < LOGITS, "{what}: logits differ by {difference}");
        let difference = (expected.loss.unwrap() - found.loss.unwrap()).abs();
        assert!(
            difference < LOGITS,
            "{what}: the loss differs by {difference}"
        );
    }
    assert_eq!(expected.pixels, found.pixels);
    near_ties
}

#[test]
fn classes_and_the_experts_of_every_patch_are_those_of_burn_whoever_decides() {
    let cases = [
        ("models/trio-small", &[0, 1, 2][..]),
        ("tests/checkpoints/vit_moe", &[0]),
    ];
    let (mut near_ties, mut compared) = (0, 0);
    for (folder, seeds) in cases {
        let engines = Files::read(folder).both();
        for link in ALONE.into_iter().chain(HOSTED) {
            for &seed in seeds {
                near_ties += agree(folder, &engines, seed, link);
                compared += 3 * 64;
            }
        }
    }
    println!("{near_ties} of {compared} patches went the other way, all near-ties");
    assert!(near_ties * 1000 < compared, "{near_ties} of {compared}");
}

/// Patch p goes to expert p modulo E, whatever its logits.
fn by_place(input: &RouterInput) -> Result<RoutingPlan, String> {
    let n = input.n_tokens as u32;
    let expert = |place: &u32| (*place as usize % input.n_experts) as u16;
    Ok(RoutingPlan {
        offsets: (0..=n).collect(),
        expert_idx: input.token_ids.iter().map(expert).collect(),
        combine_weights: vec![1.0; input.n_tokens],
    })
}

#[test]
fn a_router_from_outside_decides_for_all_patches_on_burn_and_on_the_plan() {
    let mut engines = Files::read("tests/checkpoints/vit_moe").both();
    let external = "method=external";
    for engine in &mut engines {
        let refused = engine.set_routing(routing(external)).unwrap_err();
        assert_eq!(refused.code(), "no_external_router");
        engine.set_external_router(Some(Box::new(by_place)));
    }
    assert_eq!(agree("by place", &engines, 0, external), 0);
    let seen = classify(&engines[1], 0, external);
    for layer in &seen.layers {
        let expected = (0..64).map(|patch| patch % layer.n_experts as u16);
        assert!(layer.experts.iter().copied().eq(expected));
    }
    engines[1].set_external_router(None);
    let refused = block_on(engines[1].classify(&image(0), None, Some(&routing(external))));
    assert_eq!(refused.unwrap_err().code(), "no_external_router");
}

#[test]
fn layers_without_experts_and_longer_stems_are_those_of_burn() {
    let base = Files::read("tests/checkpoints/vit_moe").config;
    let mut config: serde_json::Value = serde_json::from_str(&base).unwrap();
    config["mlp_only_layers"] = serde_json::json!([1]);
    config["stem_channels"] = serde_json::json!([3, 5, 6]);
    let mixed = Files::random(config.to_string()).both();
    assert_eq!(agree("mixed", &mixed, 0, "mixtral"), 0);
    config["mlp_only_layers"] = serde_json::json!([0, 1, 2]);
    let dense = Files::random(config.to_string()).both();
    assert_eq!(agree("dense", &dense, 0, "mixtral"), 0);
}

#[test]
fn a_live_change_of_routing_changes_what_is_seen_and_makes_one_pipeline_at_most() {
    let mut engine = Files::read("models/trio-small").recorded(WeightFormat::F32);
    let info = engine.plan_info().unwrap();
    // Two convolutions, ten dispatches for each of three blocks, mean and classifier.
    assert_eq!(info.kernels.len(), 2 + 3 * 10 + 2, "{:?}", info.kernels);
    let mut before = Vec::new();
    for link in ALONE.into_iter().chain(HOSTED) {
        engine.set_routing(routing(link)).unwrap();
        let seen = block_on(engine.classify(&image(1), None, None)).unwrap();
        assert_ne!(seen.probabilities, before, "{link} changes nothing");
        before = seen.probabilities;
    }
    let seen = classify(&engine, 1, "mixtral,capacity=10");
    let dropped = Verdict::OverCapacity.code();
    assert!(
        seen.layers[0].verdicts.contains(&dropped),
        "nothing is dropped"
    );
    // The router for all strategies, made when the first of them came.
    let made = engine.plan_info().unwrap().n_pipelines - info.n_pipelines;
    assert_eq!(made, 1);
}

#[test]
fn packed_weights_lose_the_less_the_more_bits_they_have() {
    let files = Files::read("models/trio-small");
    let loss = |format| {
        let engine = files.recorded(format);
        assert_eq!(engine.plan_info().unwrap().weights, format);
        classify(&engine, 0, "mixtral").loss.unwrap()
    };
    let exact = loss(WeightFormat::F32);
    let [f16, q8, q4] =
        [WeightFormat::F16, WeightFormat::Q8, WeightFormat::Q4].map(|f| (loss(f) - exact).abs());
    println!("of a loss of {exact}: f16 {f16}, q8 {q8}, q4 {q4}");
    assert!(f16 < 1e-2, "f16 changes the loss of {exact} by {f16}");
    assert!(
        q8 > f16 && q8 < 0.1,
        "q8 changes the loss of {exact} by {q8}"
    );
    assert!(
        q4 > q8 && q4 < 1.0,
        "q4 changes the loss of {exact} by {q4}"
    );
}

#[test]
fn a_plan_refuses_the_weights_of_another_model_and_images_of_another_size() {
    let gpu = block_on(Gpu::new()).unwrap();
    let [own, other] = ["models/trio-small", "tests/checkpoints/vit_moe"].map(Files::read);
    let prepare = || {
        block_on(PreparedVisionPlan::new(
            &own.config,
            WeightFormat::F32,
            &gpu,
            |_, _| {},
        ))
    };
    let error = VisionEngine::load_recorded(other.files(), prepare().unwrap()).unwrap_err();
    assert_eq!(error.code(), "config_invalid");
    assert!(error.to_string().contains("recorded for"), "{error}");
    let engine = VisionEngine::load_recorded(own.files(), prepare().unwrap()).unwrap();
    let small = RgbImage::new(4, 4, vec![9; 4 * 4 * 3]).unwrap();
    let error = block_on(engine.classify(&small, None, None)).unwrap_err();
    assert_eq!(error.code(), "image_size");
}
