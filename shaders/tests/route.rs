//! The route kernel against the host interpreter: on all vectors, and on random specs and logits.
//!
//! Same experts, same verdicts, weights within 1e-5. Where two selection scores are so near that rounding may swap
//! them, the token is left out and counted.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

#[path = "../../tests/vectors/cases.rs"]
mod cases;
mod common;

use cases::{cases, files, plan_of, reals, rows, spec_of};
use common::{Rng, one_pass, plan, run};
use moescope_routing::presets::PRESETS;
use moescope_routing::stage::adjust::NoiseKind;
use moescope_routing::stage::select::Select;
use moescope_routing::{RouterContext, RouterInput, RouterSpec, Routing, route_with};
use moescope_shaders::{
    Buffer, LayerRecord, Mode, PassId, Plan, Recording, Route, Sizes, Step, refusal, takes_the_best,
};
use serde_json::Value;

const MAX_TOKENS: usize = 64;
const CAPACITY: usize = 4096;
/// Two scores nearer than this, relative to the larger, count as a tie that rounding decides.
const NEAR: f32 = 2e-6;

/// One or two routers over the same number of experts, with logits that tests write.
struct Router {
    plan: Plan,
    pass: PassId,
    logits: Vec<Buffer>,
    n_experts: usize,
    layers: Vec<usize>,
}

impl Router {
    fn new(n_experts: usize, layers: &[usize]) -> Self {
        let sizes = Sizes {
            max_tokens: MAX_TOKENS,
            capacity: CAPACITY,
            n_experts,
            n_shared: 0,
            n_moe_layers: layers.len(),
            expert_rows: MAX_TOKENS * n_experts,
            spec_words: 1 << 16,
        };
        let mut recording = Recording::new(sizes).unwrap();
        let logits: Vec<Buffer> = layers
            .iter()
            .map(|_| recording.activations("logits", n_experts))
            .collect();
        let pass = one_pass(&mut recording, Mode::Vector, |p| {
            for (moe_layer, layer) in layers.iter().enumerate() {
                p.route(Route {
                    logits: logits[moe_layer],
                    layer: *layer,
                    moe_layer,
                });
            }
        });
        let plan = plan(recording);
        Self {
            plan,
            pass,
            logits,
            n_experts,
            layers: layers.to_vec(),
        }
    }

    fn route(
        &mut self,
        specs: &[&RouterSpec],
        logits: &[&[f32]],
        step: &Step<'_>,
    ) -> Vec<LayerRecord> {
        self.plan.set_routing(specs, &self.layers).unwrap();
        for (buffer, logits) in self.logits.iter().zip(logits) {
            self.plan.write_reals(*buffer, 0, logits).unwrap();
        }
        run(
            &mut self.plan,
            self.pass,
            &Step {
                trace: true,
                ..*step
            },
        )
        .layers
    }
}

/// What the comparison of one decision found.
#[derive(Default)]
struct Tally {
    tokens: usize,
    near_ties: usize,
    failures: Vec<String>,
}

impl Tally {
    fn compare(&mut self, what: &str, gpu: &LayerRecord, host: &Routing) {
        let n_experts = host.trace.n_experts;
        for token in 0..host.plan.n_tokens() {
            self.tokens += 1;
            let row = token * n_experts..(token + 1) * n_experts;
            let range = gpu.offsets[token] as usize..gpu.offsets[token + 1] as usize;
            let same_experts = gpu.experts[range.clone()] == *host.plan.experts(token);
            let verdicts = host.trace.verdicts_te[row.clone()].iter().map(|v| v.code());
            let same_verdicts = gpu.verdicts[row.clone()].iter().copied().eq(verdicts);
            let nulls = host.trace.null_picks_t.get(token).copied().unwrap_or(0);
            let same = same_experts && same_verdicts && gpu.null_picks[token] == nulls;
            let weights = gpu.weights[range].iter().zip(host.plan.weights(token));
            let error = weights
                .map(|(a, b)| (a - b).abs() / b.abs().max(1.0))
                .fold(0.0, f32::max);
            if same && error <= 1e-5 {
                continue;
            }
            if is_near_tie(&host.trace.selection_scores_te[row.clone()]) {
                self.near_ties += 1;
                continue;
            }
            self.failures.push(format!(
                "{what}, token {token}: experts {:?} verdicts {:?} nulls {} weight error {error}; expected {:?} {:?} {nulls}",
                &gpu.experts[gpu.offsets[token] as usize..gpu.offsets[token + 1] as usize],
                &gpu.verdicts[row.clone()],
                gpu.null_picks[token],
                host.plan.experts(token),
                host.trace.verdicts_te[row].iter().map(|v| v.code()).collect::<Vec<_>>(),
            ));
        }
    }

    /// Fails if anything differs, or if near-ties are so many that they could hide something.
    fn check(&self) {
        let n = self.failures.len();
        let first = self
            .failures
            .iter()
            .take(8)
            .cloned()
            .collect::<Vec<_>>()
            .join("\n");
        assert!(n == 0, "{n} of {} tokens differ:\n{first}", self.tokens);
        println!(
            "{} tokens agree, {} near-ties left out",
            self.tokens, self.near_ties
        );
        assert!(
            self.near_ties * 100 <= self.tokens,
            "{} near-ties of {}",
            self.near_ties,
            self.tokens
        );
    }
}

/// Whether two of a token's scores differ, but by less than rounding may.
fn is_near_tie(scores: &[f32]) -> bool {
    let mut sorted: Vec<f32> = scores.iter().copied().filter(|s| s.is_finite()).collect();
    sorted.sort_by(f32::total_cmp);
    sorted
        .windows(2)
        .any(|pair| pair[0] != pair[1] && pair[1] - pair[0] <= NEAR * pair[1].abs())
}

/// What the plan of a model never has: tokens of several modalities.
fn is_beyond_plans(case: &Value) -> bool {
    rows(&case["context"]["modality"])
        .iter()
        .any(|m| m.as_u64() != Some(0))
}

/// A spec of the layer before that replays its plan, so that `previous_layer` has something to look at.
fn replay_of(value: &Value, position: usize) -> RouterSpec {
    let mut plan = plan_of(value);
    plan.offsets.splice(0..0, vec![0; position]);
    RouterSpec {
        select: Select::Replay {
            plan,
            recorded_weights: true,
        },
        ..RouterSpec::default()
    }
}

struct Case<'a> {
    name: String,
    spec: RouterSpec,
    logits: Vec<f32>,
    n_tokens: usize,
    position: usize,
    layer: usize,
    token_ids: Vec<u32>,
    previous_token: Vec<u16>,
    previous_layer: Option<&'a Value>,
}

fn case_of(case: &Value) -> Case<'_> {
    let context = &case["context"];
    Case {
        name: format!("{} {}", case["name"], case["fields"]),
        spec: spec_of(case),
        logits: rows(&case["logits"]).iter().flat_map(reals).collect(),
        n_tokens: rows(&case["logits"]).len(),
        position: context["first_position"].as_u64().unwrap_or(0) as usize,
        layer: case["layer"].as_u64().unwrap_or(0) as usize,
        token_ids: cases::wholes(&case["token_ids"]),
        previous_token: cases::wholes(&context["previous_token"]),
        previous_layer: context.get("previous_layer"),
    }
}

fn host(case: &Case<'_>, n_experts: usize) -> Routing {
    let before = case.previous_layer.map(plan_of);
    let context = RouterContext {
        first_position: case.position,
        previous_layer: before.as_ref(),
        previous_token: &case.previous_token,
        ..RouterContext::default()
    };
    let input = RouterInput {
        logits_te: &case.logits,
        n_tokens: case.n_tokens,
        n_experts,
        layer: case.layer,
        token_ids: &case.token_ids,
    };
    route_with(&context, &case.spec, &input).unwrap()
}

fn device(router: &mut Router, case: &Case<'_>) -> LayerRecord {
    // What the token before chose is in the plan's memory, which a run of its own fills.
    if !case.previous_token.is_empty() {
        let row = case
            .previous_token
            .iter()
            .map(|e| Value::from(*e))
            .collect();
        let spec = replay_of(&Value::Array(vec![Value::Array(row)]), 0);
        let zeros = vec![0.0; router.n_experts];
        let n = router.layers.len();
        router.route(
            &vec![&spec; n],
            &vec![&zeros[..]; n],
            &Step {
                tokens: &[0],
                ..Step::default()
            },
        );
    }
    let mut tokens = case.token_ids.clone();
    tokens.resize(case.n_tokens, 0);
    let step = Step {
        tokens: &tokens,
        position: case.position,
        previous: !case.previous_token.is_empty(),
        ..Step::default()
    };
    let before = case
        .previous_layer
        .map(|value| replay_of(value, case.position));
    let mut specs = vec![&case.spec];
    specs.extend(before.as_ref());
    specs.reverse();
    let logits = vec![&case.logits[..]; specs.len()];
    router.route(&specs, &logits, &step).pop().unwrap()
}

#[test]
fn every_vector_that_the_kernel_takes_agrees() {
    let mut tally = Tally::default();
    let (mut n_cases, mut n_refused, mut n_beyond) = (0, 0, 0);
    let mut routers: std::collections::BTreeMap<(usize, usize, bool), Router> = Default::default();
    for path in files() {
        for value in &cases(&path) {
            let case = case_of(value);
            let n_experts = case.logits.len() / case.n_tokens;
            if refusal(&case.spec, n_experts).is_some() {
                n_refused += 1;
                continue;
            }
            if is_beyond_plans(value) {
                n_beyond += 1;
                continue;
            }
            n_cases += 1;
            let has_before = case.previous_layer.is_some();
            let layers = if has_before {
                vec![900, case.layer]
            } else {
                vec![case.layer]
            };
            let router = routers
                .entry((n_experts, case.layer, has_before))
                .or_insert_with(|| Router::new(n_experts, &layers));
            let gpu = device(router, &case);
            tally.compare(&case.name, &gpu, &host(&case, n_experts));
        }
    }
    println!("{n_cases} cases, {n_refused} left to the host, {n_beyond} with modalities");
    tally.check();
    assert!(
        n_cases > 650,
        "only {n_cases} cases were run; {n_refused} refused, {n_beyond} beyond"
    );
    assert!(n_beyond < 20, "{n_beyond} cases have modalities");
}

/// A random strategy that the kernel takes.
fn random_spec(rng: &mut Rng, n_experts: usize) -> RouterSpec {
    loop {
        let mut fields: Vec<String> = vec![rng.pick(PRESETS).fields.to_owned()];
        let k = rng.between(1, n_experts);
        let expert = rng.between(0, n_experts - 1);
        let other = rng.between(0, n_experts - 1);
        let options = [
            format!("top_k={k}"),
            format!("top_p={}", rng.between(1, 99) as f32 / 100.0),
            format!(
                "min_p={},max_experts={k}",
                rng.between(1, 99) as f32 / 100.0
            ),
            format!("method=gap,min_experts=1,max_experts={k}"),
            format!("method=threshold,threshold={}", rng.real()),
            format!("n_sigma={}", rng.between(0, 30) as f32 / 10.0),
            format!("method=random,top_k={k}"),
            format!("method=hash,top_k={k}"),
            format!("method=round_robin,top_k={k}"),
            format!(
                "method=sticky,top_k={k},margin={}",
                rng.between(0, 10) as f32 / 20.0
            ),
            format!("ranks={expert}"),
            "method=dense".into(),
            format!("disabled={expert}"),
            format!("disabled={expert},disabled_keep_place=true"),
            format!("forced={other}"),
            format!("forced={other},count_forced=false"),
            format!("temperature={}", rng.between(1, 40) as f32 / 10.0),
            "score=sigmoid".into(),
            "score=relu".into(),
            "score=identity".into(),
            "weights=softmax_selected".into(),
            "weights=sigmoid".into(),
            "weights=equal".into(),
            "weights=sparse_mixer,mixer_jitter=0.5".into(),
            "renormalize=false".into(),
            "renormalize=true,epsilon=0.001".into(),
            format!("prune_ratio={}", rng.between(0, 9) as f32 / 10.0),
            format!(
                "prune_share={},sum_over=chosen",
                rng.between(0, 5) as f32 / 20.0
            ),
            format!("per_token={}", rng.between(0, 4)),
            format!("null_logit={},null_experts=3", rng.real()),
            format!(
                "null_rule=quantile,null_logit={}",
                rng.between(0, 10) as f32 / 10.0
            ),
            format!(
                "null_rule=below_best,null_logit={}",
                rng.between(0, 10) as f32 / 5.0
            ),
            "jitter=0.1".into(),
            "noise=0.5".into(),
            "noise=0.5,noise_kind=gumbel".into(),
            format!("seed={}", rng.next()),
            "scale=2.5".into(),
        ];
        for _ in 0..rng.between(0, 5) {
            fields.push(rng.pick(&options).clone());
        }
        if n_experts.is_multiple_of(4) {
            fields.push("n_groups=4,topk_groups=2".into());
        }
        let link = fields.join(",");
        let Ok(spec) = RouterSpec::from_link(&link) else {
            continue;
        };
        if spec.validate(n_experts).is_ok() && refusal(&spec, n_experts).is_none() {
            return spec;
        }
    }
}

/// The same spec with something that has no effect, at which the short router does not look.
fn for_the_router_of_all(spec: &RouterSpec) -> RouterSpec {
    let mut spec = spec.clone();
    spec.adjust.noise_kind = NoiseKind::Gumbel;
    spec
}

#[test]
fn both_routers_decide_alike_what_both_interpret() {
    let mut rng = Rng::new(12);
    let mut tally = Tally::default();
    for n_experts in [1, 2, 3, 8, 13, 16, 60, 127, 128] {
        let mut router = Router::new(n_experts, &[3]);
        for case in 0..12 {
            let spec = best_spec(&mut rng, n_experts);
            let full = for_the_router_of_all(&spec);
            assert!(takes_the_best(&spec) && !takes_the_best(&full));
            let n_tokens = *rng.pick(&[1, 2, 33, 64]);
            let mut logits = rng.reals(n_tokens * n_experts);
            // Ties, and experts that the gate has masked.
            logits
                .iter_mut()
                .for_each(|z| *z = (*z * 64.0).round() / 64.0);
            if case % 3 == 0 {
                logits
                    .iter_mut()
                    .step_by(5)
                    .for_each(|z| *z = f32::NEG_INFINITY);
            }
            let [own, all] = [spec, full].map(|spec| Case {
                name: format!("case {case} of {n_experts} experts, {}", spec.to_link()),
                spec,
                logits: logits.clone(),
                n_tokens,
                position: 5,
                layer: 3,
                token_ids: vec![0; n_tokens],
                previous_token: Vec::new(),
                previous_layer: None,
            });
            let found = device(&mut router, &own);
            assert_eq!(found, device(&mut router, &all), "{}", own.name);
            tally.compare(&own.name, &found, &host(&own, n_experts));
        }
        assert_eq!(router.plan.n_pipelines(), 2, "a pipeline for each router");
    }
    tally.check();
}

/// A random strategy that takes the best scores.
fn best_spec(rng: &mut Rng, n_experts: usize) -> RouterSpec {
    loop {
        let mut fields = vec![format!("top_k={}", rng.between(1, n_experts.min(9)))];
        let options = [
            format!("temperature={}", rng.between(1, 40) as f32 / 10.0),
            format!("disabled={}", rng.between(0, n_experts - 1)),
            "score=sigmoid".into(),
            "score=relu".into(),
            "score=identity".into(),
            "renormalize=false".into(),
            "epsilon=0.001".into(),
            "min_sum=0.5".into(),
            "scale=2.5".into(),
        ];
        for _ in 0..rng.between(0, 3) {
            fields.push(rng.pick(&options).clone());
        }
        // A field twice is no link.
        let Ok(mut spec) = RouterSpec::from_link(&fields.join(",")) else {
            continue;
        };
        if rng.next().is_multiple_of(3) {
            spec.score.selection_bias = rng.reals(n_experts);
        }
        if spec.validate(n_experts).is_ok() {
            return spec;
        }
    }
}

#[test]
fn random_specs_agree() {
    let mut rng = Rng::new(11);
    let mut tally = Tally::default();
    for n_experts in [1, 2, 8, 13, 16, 60, 64, 127, 128] {
        let mut router = Router::new(n_experts, &[3]);
        for case in 0..40 {
            let spec = random_spec(&mut rng, n_experts);
            let n_tokens = *rng.pick(&[1, 2, 9, 33]);
            let mut logits = rng.reals(n_tokens * n_experts);
            if rng.next().is_multiple_of(4) {
                // Coarse logits tie often; ties go to the lower index on both sides.
                logits
                    .iter_mut()
                    .for_each(|z| *z = (*z * 4.0).round() / 4.0);
            }
            let case = Case {
                name: format!("case {case} of {n_experts} experts, {}", spec.to_link()),
                spec,
                logits,
                n_tokens,
                position: rng.between(0, 100),
                layer: 3,
                token_ids: (0..n_tokens).map(|_| rng.next() % 4096).collect(),
                previous_token: Vec::new(),
                previous_layer: None,
            };
            // A weight that is not finite is an error on the host.
            let input = RouterInput {
                logits_te: &case.logits,
                n_tokens,
                n_experts,
                layer: 3,
                token_ids: &case.token_ids,
            };
            let context = RouterContext {
                first_position: case.position,
                ..RouterContext::default()
            };
            if let Ok(expected) = route_with(&context, &case.spec, &input) {
                tally.compare(&case.name, &device(&mut router, &case), &expected);
            }
        }
    }
    tally.check();
    assert!(tally.tokens > 3000, "only {} tokens", tally.tokens);
}
