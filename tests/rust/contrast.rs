//! Self-contrast decoding in the engine, held to two full passes without any cache.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::cell::Cell;
use std::rc::Rc;

use moescope_model::{Contrast, Engine, GenerateOptions, Step};
use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterInput, RouterSpec, RoutingPlan, route};
use moescope_tests::Checkpoint;
use pollster::block_on;

const PROMPT: [u32; 5] = [10, 16, 18, 234, 130];

fn engine() -> Engine {
    Checkpoint::read("qwen3_moe").engine()
}

fn greedy(contrast: Option<Contrast>) -> GenerateOptions {
    GenerateOptions {
        max_tokens: 12,
        temperature: 0.0,
        seed: 0,
        contrast,
        ..GenerateOptions::default()
    }
}

fn steps(engine: &mut Engine, options: GenerateOptions) -> Vec<Step> {
    block_on(engine.begin_ids(&PROMPT, options)).unwrap();
    std::iter::from_fn(|| block_on(engine.next()).unwrap()).collect()
}

fn ids(steps: &[Step]) -> Vec<u32> {
    steps.iter().map(|step| step.token.id).collect()
}

/// Logits after `ids` in one pass under `routing`.
fn last_logits(engine: &mut Engine, ids: &[u32], routing: &ModelRouting) -> Vec<f32> {
    let before = engine.routing().clone();
    engine.set_routing(routing.clone()).unwrap();
    let (logits, _) = block_on(engine.forward_ids(ids)).unwrap();
    engine.set_routing(before).unwrap();
    logits[logits.len() - engine.info().vocab_size..].to_vec()
}

fn rank(rank: usize) -> ModelRouting {
    RouterSpec {
        select: Select::Rank { ranks: vec![rank] },
        ..RouterSpec::default()
    }
    .into()
}

/// The token of the sheet's rule, written from the sheet.
fn expected(strong: &[f32], weak: &[f32], alpha: f32, beta: f32) -> u32 {
    let best = strong.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let score = |v: usize| (1.0 + beta) * strong[v] - beta * weak[v];
    let valid = (0..strong.len()).filter(|&v| strong[v] >= best + alpha.ln());
    let winner = valid.max_by(|&a, &b| score(a).total_cmp(&score(b)).then(b.cmp(&a)));
    winner.unwrap() as u32
}

#[test]
fn every_token_is_that_of_two_full_passes_over_the_text_so_far() {
    let mut engine = engine();
    let strong_routing = engine.routing().clone();
    let contrast = Contrast {
        alpha: 0.05,
        beta: 2.0,
        ..Contrast::default()
    };
    let steps = steps(&mut engine, greedy(Some(contrast)));
    assert_eq!(steps.len(), 12);
    let mut text = PROMPT.to_vec();
    let mut disagreed = 0;
    for step in &steps {
        let strong = last_logits(&mut engine, &text, &strong_routing);
        let weak = last_logits(&mut engine, &text, &rank(2));
        assert_eq!(step.token.id, expected(&strong, &weak, 0.05, 2.0));
        let report = step.contrast.as_ref().unwrap();
        for candidate in &report.candidates {
            let at = candidate.token.id as usize;
            assert!(
                (candidate.strong - strong[at]).abs() < 1e-3,
                "{candidate:?}"
            );
            assert!((candidate.weak - weak[at]).abs() < 1e-3, "{candidate:?}");
        }
        assert_eq!(report.strong_token.id, expected(&strong, &weak, 0.05, 0.0));
        assert!(report.divergence > 0.0);
        disagreed += usize::from(report.strong_token.id != step.token.id);
        text.push(step.token.id);
    }
    assert!(
        disagreed > 0,
        "contrast changed no token, so this proves little"
    );
}

#[test]
fn a_weak_pass_like_the_strong_one_changes_nothing() {
    let mut engine = engine();
    let plain = ids(&steps(&mut engine, greedy(None)));
    let contrast = Contrast {
        weak: Some(engine.routing().clone()),
        beta: 1.0,
        ..Contrast::default()
    };
    let contrasted = steps(&mut engine, greedy(Some(contrast)));
    assert_eq!(ids(&contrasted), plain);
    for step in contrasted {
        assert!(step.contrast.unwrap().divergence.abs() < 1e-6);
    }
}

#[test]
fn beta_zero_and_alpha_one_both_leave_the_greedy_text() {
    let mut engine = engine();
    let plain = ids(&steps(&mut engine, greedy(None)));
    for (alpha, beta) in [(0.1, 0.0), (1.0, 3.0)] {
        let contrast = Contrast {
            alpha,
            beta,
            ..Contrast::default()
        };
        assert_eq!(ids(&steps(&mut engine, greedy(Some(contrast)))), plain);
    }
}

#[test]
fn sampling_repeats_with_its_seed() {
    let mut engine = engine();
    let options = GenerateOptions {
        temperature: 1.0,
        seed: 4,
        ..greedy(Some(Contrast::default()))
    };
    let first = ids(&steps(&mut engine, options.clone()));
    assert_eq!(ids(&steps(&mut engine, options)), first);
}

#[test]
fn without_contrast_nothing_is_reported() {
    let steps = steps(&mut engine(), greedy(None));
    assert!(steps.iter().all(|step| step.contrast.is_none()));
}

#[test]
fn a_change_of_routing_acts_on_the_strong_pass_alone() {
    let mut engine = engine();
    block_on(engine.begin_ids(&PROMPT, greedy(Some(Contrast::default())))).unwrap();
    let mut text = PROMPT.to_vec();
    let mut routing = engine.routing().clone();
    routing.default = routing.default.with_top_k(1);
    engine.set_routing(routing).unwrap();
    for _ in 0..4 {
        let step = block_on(engine.next()).unwrap().unwrap();
        assert!(
            step.trace
                .layers
                .iter()
                .all(|layer| layer.experts.len() == 1)
        );
        let weak = last_logits(&mut engine, &text, &rank(2));
        for candidate in step.contrast.unwrap().candidates {
            let difference = candidate.weak - weak[candidate.token.id as usize];
            assert!(difference.abs() < 1e-3, "{difference}");
        }
        text.push(step.token.id);
    }
}

#[test]
fn settings_that_do_not_fit_are_refused_and_the_generation_goes_on() {
    let mut engine = engine();
    block_on(engine.begin_ids(&PROMPT, greedy(None))).unwrap();
    let cases = [
        (
            Contrast {
                alpha: 0.0,
                ..Contrast::default()
            },
            "option_invalid",
            "contrast.alpha is 0; allowed is above 0 to 1",
        ),
        (
            Contrast {
                weak: Some(rank(8)),
                ..Contrast::default()
            },
            "expert_out_of_range",
            "select.ranks",
        ),
        (
            Contrast {
                weak: Some(RouterSpec::from_link("method=external").unwrap().into()),
                ..Contrast::default()
            },
            "no_external_router",
            "none is set",
        ),
    ];
    for (contrast, code, part) in cases {
        let error = block_on(engine.begin_ids(&PROMPT, greedy(Some(contrast)))).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    }
    assert!(block_on(engine.next()).unwrap().is_some());
}

/// The weak pass has read the token by then, and must forget it again.
#[test]
fn a_strong_pass_that_fails_leaves_both_as_they_were() {
    let mut engine = engine();
    let trained = engine.routing().clone();
    let plain = ids(&steps(&mut engine, greedy(Some(Contrast::default()))));
    let spec = trained.default.clone();
    let fails = Rc::new(Cell::new(false));
    let failing = fails.clone();
    let as_trained = move |input: &RouterInput| -> Result<RoutingPlan, String> {
        if failing.get() {
            return Err("out of ideas".into());
        }
        route(&spec, input)
            .map(|routing| routing.plan)
            .map_err(|e| e.to_string())
    };
    engine.set_external_router(Some(Box::new(as_trained)));
    let external = RouterSpec::from_link("method=external").unwrap();
    engine.set_routing(external.into()).unwrap();
    block_on(engine.begin_ids(&PROMPT, greedy(Some(Contrast::default())))).unwrap();
    let mut text = Vec::new();
    for n in 0..plain.len() {
        if n % 3 == 1 {
            fails.set(true);
            assert_eq!(
                block_on(engine.next()).unwrap_err().code(),
                "external_failed"
            );
            fails.set(false);
        }
        text.push(block_on(engine.next()).unwrap().unwrap().token.id);
    }
    assert_eq!(text, plain);
}
