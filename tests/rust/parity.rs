//! The engine computes what `transformers` computes: logits, losses, experts, weights, greedy tokens.
//!
//! Tolerances are ten times the float32 noise measured on these checkpoints (`tests/checkpoints/README.md`).

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::collections::BTreeMap;

use moescope_model::host_router::ExpertPath;
use moescope_model::{GenerateOptions, LayerTrace};
use moescope_tests::{ARCHITECTURES, Checkpoint, max_difference, repository};
use pollster::block_on;

/// Rows whose selection margin is smaller may go either way.
const NEAR_TIE: f32 = 1e-4;

fn choices(experts: &[u16], weights: &[f32]) -> BTreeMap<u16, f32> {
    experts
        .iter()
        .copied()
        .zip(weights.iter().copied())
        .collect()
}

fn check_layer(checkpoint: &Checkpoint, prefix: &str, layer: &LayerTrace) {
    let golden = |name: &str| checkpoint.golden_tensor(&format!("{prefix}.{name}"));
    let difference = max_difference(&layer.logits, &golden("router_logits"));
    assert!(
        difference < 2e-4,
        "{prefix} router logits differ by {difference}"
    );
    let (selected, weights, margins) = (golden("selected"), golden("weights"), golden("margin"));
    let top_k = selected.len() / margins.len();
    for (token, margin) in margins.iter().enumerate() {
        if *margin < NEAR_TIE {
            continue;
        }
        let row = layer.offsets[token] as usize..layer.offsets[token + 1] as usize;
        let ours = choices(&layer.experts[row.clone()], &layer.weights[row]);
        let golden_row = token * top_k..(token + 1) * top_k;
        let experts: Vec<u16> = selected[golden_row.clone()]
            .iter()
            .map(|&e| e as u16)
            .collect();
        let theirs = choices(&experts, &weights[golden_row]);
        assert!(
            ours.keys().eq(theirs.keys()),
            "{prefix} token {token}: {ours:?}, expected {theirs:?}"
        );
        for (expert, weight) in &ours {
            let difference = (weight - theirs[expert]).abs();
            assert!(
                difference < 5e-5,
                "{prefix} token {token} expert {expert} differs by {difference}"
            );
        }
    }
}

#[test]
fn logits_and_routing_are_those_of_transformers_on_both_expert_paths() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        for path in [ExpertPath::Selected, ExpertPath::AllMasked] {
            let mut engine = checkpoint.engine();
            engine.set_expert_path(path);
            for (i, prompt) in checkpoint.golden.prompts.iter().enumerate() {
                let (logits, trace) = block_on(engine.forward_ids(&prompt.ids)).unwrap();
                let golden = checkpoint.golden_tensor(&format!("p{i}.logits"));
                let difference = max_difference(&logits, &golden);
                assert!(
                    difference < 5e-4,
                    "{architecture} {path:?} prompt {i}: logits differ by {difference}"
                );
                assert_eq!(trace.layers.len(), checkpoint.golden.moe_layers.len());
                for (layer, golden) in trace.layers.iter().zip(&checkpoint.golden.moe_layers) {
                    assert_eq!(layer.layer, golden.layer);
                    check_layer(&checkpoint, &format!("p{i}.{}", golden.key), layer);
                }
            }
        }
    }
}

#[test]
fn the_loss_is_that_of_transformers() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        let expected = &checkpoint.golden.cross_entropy;
        let ids = &checkpoint.golden.prompts[expected.prompt].ids;
        let analysis = block_on(checkpoint.engine().analyse_ids(ids, None)).unwrap();
        let difference = (analysis.loss - expected.mean).abs();
        assert!(
            difference < 1e-4,
            "{architecture}: {} and {}",
            analysis.loss,
            expected.mean
        );
        assert!(
            analysis.losses[0].is_nan() && analysis.losses[1..].iter().all(|loss| loss.is_finite())
        );
    }
}

#[test]
fn greedy_decoding_with_the_cache_gives_the_golden_tokens() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        let greedy = &checkpoint.golden.greedy;
        let prompt = &checkpoint.golden.prompts[greedy.prompt].ids;
        let mut engine = checkpoint.engine();
        let ids = block_on(engine.greedy_ids(prompt, greedy.ids.len())).unwrap();
        assert_eq!(ids, greedy.ids, "{architecture}");
    }
}

#[test]
fn a_token_decoded_with_the_cache_is_routed_as_in_one_pass() {
    for architecture in ARCHITECTURES {
        let checkpoint = Checkpoint::read(architecture);
        let mut engine = checkpoint.engine();
        let prompt = &checkpoint.golden.prompts[1].ids;
        let options = GenerateOptions {
            max_tokens: 6,
            temperature: 0.0,
            seed: 0,
            ..GenerateOptions::default()
        };
        block_on(engine.begin_ids(prompt, options)).unwrap();
        let (mut ids, mut steps) = (prompt.clone(), Vec::new());
        while let Some(step) = block_on(engine.next()).unwrap() {
            ids.push(step.token.id);
            steps.push(step);
        }
        assert_eq!(steps.len(), 6);
        let (_, trace) = block_on(engine.forward_ids(&ids)).unwrap();
        for (i, step) in steps.iter().enumerate() {
            for (whole, single) in trace.layers.iter().zip(&step.trace.layers) {
                let row =
                    (prompt.len() + i) * whole.n_experts..(prompt.len() + i + 1) * whole.n_experts;
                let difference = max_difference(&single.logits, &whole.logits[row]);
                assert!(
                    difference < 2e-4,
                    "{architecture} token {i}: router logits differ by {difference}"
                );
            }
        }
    }
}

#[test]
fn the_older_spelling_of_a_config_means_the_same() {
    for architecture in ARCHITECTURES {
        let mut checkpoint = Checkpoint::read(architecture);
        let folder = repository("tests/checkpoints").join(architecture);
        checkpoint.model.config = std::fs::read_to_string(folder.join("config_v4.json")).unwrap();
        let prompt = &checkpoint.golden.prompts[1].ids;
        let (logits, _) = block_on(checkpoint.engine().forward_ids(prompt)).unwrap();
        let difference = max_difference(&logits, &checkpoint.golden_tensor("p1.logits"));
        assert!(
            difference < 5e-4,
            "{architecture}: logits differ by {difference}"
        );
    }
}
