//! Routers from outside: asked for every MoE layer, validated like any plan, and no obstacle to going on.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use std::cell::RefCell;
use std::rc::Rc;

use moescope_model::{Engine, ExternalRouter, GenerateOptions};
use moescope_routing::{RouterInput, RouterSpec, RoutingPlan, route};
use moescope_tests::Checkpoint;
use pollster::block_on;

const PROMPT: [u32; 5] = [10, 16, 18, 234, 130];

fn engine() -> Engine {
    Checkpoint::read("qwen3_moe").engine()
}

fn external() -> RouterSpec {
    RouterSpec::from_link("method=external").unwrap()
}

fn begin(engine: &mut Engine) {
    let options = GenerateOptions {
        max_tokens: 12,
        temperature: 1.0,
        seed: 3,
        ..GenerateOptions::default()
    };
    block_on(engine.begin_ids(&PROMPT, options)).unwrap();
}

fn rest(engine: &mut Engine) -> Vec<u32> {
    std::iter::from_fn(|| block_on(engine.next()).unwrap())
        .map(|step| step.token.id)
        .collect()
}

/// A router that does what `spec` says.
fn like(spec: &RouterSpec) -> Box<dyn ExternalRouter> {
    let spec = spec.clone();
    Box::new(move |input: &RouterInput| {
        let routing = route(&spec, input).map_err(|e| e.to_string())?;
        Ok(routing.plan)
    })
}

fn constant(offsets: &[u32], experts: &[u16], weights: &[f32]) -> Box<dyn ExternalRouter> {
    let plan = RoutingPlan {
        offsets: offsets.to_vec(),
        expert_idx: experts.to_vec(),
        combine_weights: weights.to_vec(),
    };
    Box::new(move |_: &RouterInput| Ok(plan.clone()))
}

#[test]
fn a_router_that_decides_as_trained_gives_the_trained_text() {
    let mut engine = engine();
    begin(&mut engine);
    let trained = rest(&mut engine);
    engine.set_external_router(Some(like(&engine.routing().default.clone())));
    engine.set_routing(external().into()).unwrap();
    begin(&mut engine);
    assert_eq!(rest(&mut engine), trained);
}

#[test]
fn it_is_asked_with_what_the_layer_knows() {
    type Asked = (usize, usize, usize, usize, Vec<u32>);
    let asked = Rc::new(RefCell::new(Vec::<Asked>::new()));
    let (log, inner) = (asked.clone(), like(&RouterSpec::top_k(1)));
    let logged = move |input: &RouterInput| {
        let ids = input.token_ids.to_vec();
        let n_logits = input.logits_te.len();
        let entry = (input.layer, input.n_tokens, input.n_experts, n_logits, ids);
        log.borrow_mut().push(entry);
        block_on(inner.decide(input))
    };
    let mut engine = engine();
    engine.set_external_router(Some(Box::new(logged)));
    engine.set_routing(external().into()).unwrap();
    begin(&mut engine);
    let id = block_on(engine.next()).unwrap().unwrap().token.id;
    let prompt = |layer| (layer, 5, 8, 40, PROMPT.to_vec());
    let token = |layer| (layer, 1, 8, 8, vec![id]);
    assert_eq!(*asked.borrow(), [prompt(0), prompt(2), token(0), token(2)]);
}

#[test]
fn only_layers_that_say_so_ask() {
    let mut engine = engine();
    engine.set_external_router(Some(constant(&[0, 1], &[6], &[1.0])));
    let mut routing = engine.routing().clone();
    routing.layers.insert(2, external());
    begin(&mut engine);
    engine.set_routing(routing).unwrap();
    let step = block_on(engine.next()).unwrap().unwrap();
    assert_eq!(step.trace.layers[0].experts.len(), engine.info().top_k);
    assert_eq!(step.trace.layers[1].experts, [6]);
}

#[test]
fn a_bad_plan_is_an_error_and_another_routing_goes_on() {
    let cases: [(Box<dyn ExternalRouter>, &str, &str); 7] = [
        (
            constant(&[0, 1], &[8], &[1.0]),
            "plan_invalid",
            "expert 8; there are 8",
        ),
        (
            constant(&[0, 2], &[3, 3], &[0.5, 0.5]),
            "plan_invalid",
            "expert 3 twice",
        ),
        (
            constant(&[0, 1, 2], &[0, 1], &[1.0, 1.0]),
            "plan_invalid",
            "2 tokens; there are 1",
        ),
        (
            constant(&[0, 1], &[0], &[f32::NAN]),
            "plan_invalid",
            "weight of NaN",
        ),
        (constant(&[0, 1], &[0], &[]), "plan_invalid", "0 weights"),
        (constant(&[0, 2], &[0], &[1.0]), "plan_invalid", "end with"),
        (
            Box::new(|_: &RouterInput| Err("no opinion".into())),
            "external_failed",
            "the external router failed: no opinion",
        ),
    ];
    let mut engine = engine();
    let trained = engine.routing().clone();
    begin(&mut engine);
    let undisturbed = rest(&mut engine);
    for (router, code, part) in cases {
        engine.set_external_router(Some(router));
        begin(&mut engine);
        let first = block_on(engine.next()).unwrap().unwrap().token.id;
        engine.set_routing(external().into()).unwrap();
        let error = block_on(engine.next()).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        let message = error.to_string();
        assert!(
            message.contains(part) && message.contains("MoE layer 0"),
            "{message}"
        );
        engine.set_routing(trained.clone()).unwrap();
        let mut text = vec![first];
        text.extend(rest(&mut engine));
        assert_eq!(text, undisturbed, "after {message}");
    }
}

#[test]
fn an_idle_token_is_allowed_and_gets_nothing() {
    let mut engine = engine();
    begin(&mut engine);
    engine.set_external_router(Some(constant(&[0, 0], &[], &[])));
    engine.set_routing(external().into()).unwrap();
    let step = block_on(engine.next()).unwrap().unwrap();
    assert!(
        step.trace
            .layers
            .iter()
            .all(|layer| layer.experts.is_empty())
    );
}

#[test]
fn without_a_router_the_routing_is_refused_and_a_running_one_says_so() {
    let mut engine = engine();
    let trained = engine.routing().clone();
    let error = engine.set_routing(external().into()).unwrap_err();
    assert_eq!(error.code(), "no_external_router");
    assert!(
        error.to_string().contains("none is set; set one first"),
        "{error}"
    );
    let error = block_on(engine.analyse_ids(&PROMPT, Some(&external().into()))).unwrap_err();
    assert_eq!(error.code(), "no_external_router");
    assert_eq!(engine.routing(), &trained);

    begin(&mut engine);
    engine.set_external_router(Some(like(&trained.default)));
    engine.set_routing(external().into()).unwrap();
    assert!(block_on(engine.next()).unwrap().is_some());
    engine.set_external_router(None);
    assert_eq!(
        block_on(engine.next()).unwrap_err().code(),
        "no_external_router"
    );
    engine.set_routing(trained).unwrap();
    assert!(block_on(engine.next()).unwrap().is_some());
}
