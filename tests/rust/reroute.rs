//! Test-time rerouting: the gradient is that of the loss, the loss falls, and nothing else moves.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::{Engine, GenerateOptions, LayerOrder, RerouteMethod};
use moescope_model::{RerouteOptions, Rerouted};
use moescope_routing::{ModelRouting, RouterSpec};
use moescope_tests::{Checkpoint, Model};
use pollster::block_on;

const METHODS: [RerouteMethod; 2] = [RerouteMethod::Gradient, RerouteMethod::Search];
const TEXT: &str =
    "Once upon a time there was a little girl who lived in a small house by the sea.";

fn first() -> Engine {
    Model::first().engine()
}

fn ids(engine: &Engine) -> Vec<u32> {
    let tokens = engine.tokenize(TEXT).unwrap();
    tokens.iter().map(|token| token.id).collect()
}

fn reroute(engine: &Engine, options: &RerouteOptions) -> Rerouted {
    block_on(engine.reroute_ids(&ids(engine), None, options)).unwrap()
}

fn options(method: RerouteMethod) -> RerouteOptions {
    RerouteOptions {
        steps: 6,
        method,
        ..RerouteOptions::default()
    }
}

fn with_offset(routing: &ModelRouting, layer: usize, expert: usize, offset: f32) -> ModelRouting {
    let mut changed = routing.clone();
    let mut spec = routing.for_layer(layer).clone();
    spec.adjust.offsets.resize(8, 0.0);
    spec.adjust.offsets[expert] += offset;
    changed.layers.insert(layer, spec);
    changed
}

/// Differences on both sides, where no decision changes within them.
fn compare_with_differences(engine: &Engine, routing: &ModelRouting, ids: &[u32]) {
    let layers = engine.info().moe_layers;
    let (loss, slopes) = block_on(engine.loss_gradient(ids, routing, &layers)).unwrap();
    let plain = block_on(engine.analyse_ids(ids, Some(routing))).unwrap();
    assert!(
        (loss - plain.loss).abs() < 1e-5,
        "{loss}, not {}",
        plain.loss
    );
    let h = 0.02;
    let mut compared = 0;
    for &layer in &layers {
        for (expert, &found) in slopes[&layer].iter().enumerate() {
            let [up, down] = [h, -h].map(|step| {
                let routing = with_offset(routing, layer, expert, step);
                block_on(engine.analyse_ids(ids, Some(&routing))).unwrap()
            });
            let same = |a: &moescope_model::Analysis| {
                let layers = a.trace.layers.iter().zip(&plain.trace.layers);
                layers
                    .map(|(a, b)| (&a.experts, &b.experts))
                    .all(|(a, b)| a == b)
            };
            if !(same(&up) && same(&down)) {
                continue;
            }
            compared += 1;
            let expected = (up.loss - down.loss) / (2.0 * h);
            let close = (found - expected).abs() < 2e-4 + 0.02 * expected.abs();
            assert!(
                close,
                "layer {layer}, expert {expert}: {found}, not {expected}"
            );
        }
    }
    assert!(compared >= 8, "only {compared} offsets changed no decision");
}

#[test]
fn the_gradient_is_that_of_finite_differences() {
    let engine = Checkpoint::read("qwen3_moe").engine();
    let ids = [10, 16, 18, 234, 130, 7, 99, 256];
    let trained = engine.info().trained_routing;
    compare_with_differences(&engine, &trained, &ids);
    let started = with_offset(&trained, 2, 3, 0.3);
    compare_with_differences(&engine, &started, &ids);
    let sigmoid = RouterSpec::from_link("top_k=3,score=sigmoid,scale=2.5,temperature=1.5").unwrap();
    compare_with_differences(&engine, &sigmoid.into(), &ids);
    let shares = RouterSpec::from_link("top_p=0.4,weights=softmax_selected").unwrap();
    compare_with_differences(&engine, &shares.into(), &ids);
    let prefix = &ids_of_first()[..12];
    compare_with_differences(&first(), &first().info().trained_routing, prefix);
}

fn ids_of_first() -> Vec<u32> {
    ids(&first())
}

#[test]
fn the_loss_falls_and_the_result_is_a_routing_that_has_it() {
    let engine = first();
    let trained = engine.routing().clone();
    let ids = ids(&engine);
    for method in METHODS {
        let rerouted = reroute(
            &engine,
            &RerouteOptions {
                steps: 12,
                ..options(method)
            },
        );
        let before = block_on(engine.analyse_ids(&ids, None)).unwrap().loss;
        let after = block_on(engine.analyse_ids(&ids, Some(&rerouted.routing))).unwrap();
        assert_eq!(rerouted.losses.len(), 13);
        assert!((rerouted.losses[0] - before).abs() < 1e-5);
        let lowest = rerouted
            .losses
            .iter()
            .copied()
            .fold(f32::INFINITY, f32::min);
        assert_eq!(rerouted.losses[rerouted.kept], lowest);
        assert!(lowest < before - 0.005, "{method:?}: {before} to {lowest}");
        assert!(
            (after.loss - lowest).abs() < 1e-4,
            "{method:?}: {}",
            after.loss
        );
        assert_eq!(engine.routing(), &trained);
        for layer in &rerouted.layers {
            let spec = rerouted.routing.for_layer(layer.layer);
            assert!(layer.chosen && layer.confidence > 0.0);
            assert_eq!(spec.adjust.offsets, layer.offsets);
            let mut without = spec.clone();
            without.adjust.offsets.clear();
            assert_eq!(without, trained.default);
        }
        assert!(
            rerouted
                .layers
                .iter()
                .all(|layer| layer.changed <= rerouted.changed)
        );
    }
}

#[test]
fn only_the_chosen_layers_get_offsets() {
    let engine = first();
    let chosen = |order| {
        let rerouted = reroute(
            &engine,
            &RerouteOptions {
                layers_share: 0.25,
                order,
                ..options(RerouteMethod::Gradient)
            },
        );
        let [layer] = rerouted.routing.layers.keys().copied().collect::<Vec<_>>()[..] else {
            panic!(
                "one layer expected, not {:?}",
                rerouted.routing.layers.keys()
            )
        };
        for l in &rerouted.layers {
            assert_eq!(l.chosen, l.layer == layer);
            assert_eq!(l.offsets.is_empty(), !l.chosen);
        }
        let confidence = rerouted.layers[layer].confidence;
        let all = rerouted.layers.iter().map(|l| l.confidence);
        (confidence, all.collect::<Vec<_>>())
    };
    let (highest, all) = chosen(LayerOrder::Highest);
    assert!(all.iter().all(|&c| c <= highest), "{highest} of {all:?}");
    let (lowest, all) = chosen(LayerOrder::Lowest);
    assert!(all.iter().all(|&c| c >= lowest), "{lowest} of {all:?}");
}

#[test]
fn a_search_repeats_with_its_seed_and_a_descent_always() {
    let engine = first();
    for method in METHODS {
        let first = reroute(&engine, &options(method));
        assert_eq!(reroute(&engine, &options(method)), first);
    }
    let seed = RerouteOptions {
        seed: 1,
        ..options(RerouteMethod::Search)
    };
    assert_ne!(
        reroute(&engine, &seed).losses,
        reroute(&engine, &options(RerouteMethod::Search)).losses
    );
}

#[test]
fn no_step_changes_nothing() {
    let engine = first();
    for method in METHODS {
        let rerouted = reroute(
            &engine,
            &RerouteOptions {
                steps: 0,
                ..options(method)
            },
        );
        assert_eq!(rerouted.routing, *engine.routing());
        assert_eq!((rerouted.kept, rerouted.changed), (0, 0.0));
        assert_eq!(rerouted.losses.len(), 1);
    }
}

#[test]
fn the_clamp_holds() {
    let engine = first();
    for method in METHODS {
        let rerouted = reroute(
            &engine,
            &RerouteOptions {
                rate: 0.5,
                clamp: 0.2,
                ..options(method)
            },
        );
        let offsets = rerouted.layers.iter().flat_map(|layer| &layer.offsets);
        assert!(offsets.into_iter().all(|offset| offset.abs() <= 0.2));
    }
}

#[test]
fn a_generation_that_runs_goes_on_undisturbed() {
    let mut engine = first();
    let options_of_text = GenerateOptions {
        max_tokens: 6,
        temperature: 0.0,
        ..Default::default()
    };
    block_on(engine.begin(TEXT, options_of_text.clone())).unwrap();
    let mut quiet = Vec::new();
    while let Some(step) = block_on(engine.next()).unwrap() {
        quiet.push(step.token.id);
    }
    block_on(engine.begin(TEXT, options_of_text)).unwrap();
    let mut disturbed = Vec::new();
    while let Some(step) = block_on(engine.next()).unwrap() {
        disturbed.push(step.token.id);
        reroute(
            &engine,
            &RerouteOptions {
                steps: 1,
                ..options(RerouteMethod::Gradient)
            },
        );
    }
    assert_eq!(disturbed, quiet);
}

#[test]
fn a_strategy_without_a_known_gradient_is_refused_by_name_and_searched() {
    let mut engine = first();
    for link in ["top_k=2,weights=equal", "phimoe", "top_k=2,noise=1"] {
        engine
            .set_routing(RouterSpec::from_link(link).unwrap().into())
            .unwrap();
        let ids = ids(&engine);
        let refused = block_on(engine.reroute_ids(&ids, None, &options(RerouteMethod::Gradient)));
        let error = refused.unwrap_err();
        assert_eq!(error.code(), "not_differentiable", "{link}: {error}");
        assert!(
            error.to_string().contains("use the method search"),
            "{error}"
        );
        let found = reroute(&engine, &options(RerouteMethod::Search));
        assert!(found.losses[found.kept] <= found.losses[0]);
    }
}

#[test]
fn where_no_expert_acts_there_is_nothing_to_lower() {
    let mut engine = first();
    let spec = RouterSpec::from_link("adamoe,null_logit=99").unwrap();
    engine.set_routing(spec.into()).unwrap();
    for method in METHODS {
        let rerouted = reroute(&engine, &options(method));
        assert_eq!(rerouted.kept, 0, "{method:?}: {:?}", rerouted.losses);
    }
}

#[test]
fn what_cannot_be_rerouted_is_refused_with_what_is_allowed() {
    let engine = first();
    let default = RerouteOptions::default;
    let cases = [
        (
            RerouteOptions {
                rate: 0.0,
                ..default()
            },
            "rate is 0",
        ),
        (
            RerouteOptions {
                clamp: f32::NAN,
                ..default()
            },
            "clamp is NaN",
        ),
        (
            RerouteOptions {
                layers_share: 1.5,
                ..default()
            },
            "layers_share is 1.5",
        ),
    ];
    for (options, part) in cases {
        let error = block_on(engine.begin_reroute(TEXT, None, &options)).unwrap_err();
        assert_eq!(error.code(), "option_invalid", "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    let short = block_on(engine.reroute_ids(&[5], None, &default())).unwrap_err();
    assert_eq!(short.code(), "text_too_short", "{short}");
    let wide: ModelRouting = RouterSpec::top_k(9).into();
    let error = block_on(engine.begin_reroute(TEXT, Some(&wide), &default())).unwrap_err();
    assert_eq!(error.code(), "top_k_too_large");
}
