//! Questions to one expert, held to a model of one token written as plain loops over a checkpoint's tensors, and for
//! longer texts to whole passes under a router of the test's own.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod plain;

use moescope_model::{Engine, ExpertAnswer, ExpertQuestion};
use moescope_routing::{ModelRouting, RouterInput, RouterSpec, RoutingPlan, route};
use moescope_tests::Checkpoint;
use pollster::block_on;

use plain::{Plain, product, softmax};

const MIXTURES: [&str; 3] = ["olmoe", "qwen2_moe", "qwen3_moe"];
const TEXT: [u32; 6] = [10, 16, 18, 234, 130, 150];

fn question(layer: usize, expert: usize, position: usize) -> ExpertQuestion {
    ExpertQuestion {
        layer,
        expert,
        position,
    }
}

fn ask(engine: &Engine, ids: &[u32], question: ExpertQuestion) -> ExpertAnswer {
    block_on(engine.ask_expert_ids(ids, question, None)).unwrap()
}

fn close(got: f32, expected: f64, what: &str) {
    let bound = 2e-4 * (1.0 + expected.abs());
    assert!(
        (f64::from(got) - expected).abs() < bound,
        "{what}: {got}, not {expected}"
    );
}

/// Cosine, and the length of the first over that of the second.
fn compare(a: &[f64], b: &[f64]) -> (f64, f64) {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let (length_a, length_b) = (dot(a, a).sqrt(), dot(b, b).sqrt());
    (dot(a, b) / (length_a * length_b), length_a / length_b)
}

/// Half the divergence of either distribution from their mean.
fn jensen_shannon(p: &[f64], q: &[f64]) -> f64 {
    let mean: Vec<f64> = p.iter().zip(q).map(|(p, q)| (p + q) / 2.0).collect();
    let from_mean = |x: &[f64]| -> f64 { x.iter().zip(&mean).map(|(x, m)| x * (x / m).ln()).sum() };
    (from_mean(p) + from_mean(q)) / 2.0
}

fn check_predictions(answer: &ExpertAnswer, mixture: &[f64], alone: &[f64], what: &str) {
    let (p, q) = (softmax(mixture), softmax(alone));
    close(answer.divergence, jensen_shannon(&p, &q), what);
    let shown: Vec<usize> = answer
        .predictions
        .iter()
        .map(|prediction| prediction.token.id as usize)
        .collect();
    assert!((6..=12).contains(&shown.len()), "{what}: {shown:?}");
    for (prediction, &id) in answer.predictions.iter().zip(&shown) {
        close(prediction.mixture, p[id], what);
        close(prediction.alone, q[id], what);
    }
    for distribution in [&p, &q] {
        let mut order: Vec<usize> = (0..distribution.len()).collect();
        order.sort_by(|&a, &b| distribution[b].total_cmp(&distribution[a]));
        assert!(order[..6].iter().all(|id| shown.contains(id)), "{what}");
    }
    assert!(shown.windows(2).all(|pair| p[pair[0]] >= p[pair[1]] - 1e-7));
}

fn check_units(answer: &ExpertAnswer, hidden: &[f64], plain: &Plain, at: (usize, usize)) {
    let what = format!("unit of layer {}, expert {}", at.0, at.1);
    let width = plain.config.d_model;
    let added = |unit: usize| -> Vec<f64> {
        let down = plain.expert(at.0, at.1, "down_proj");
        let row = |d: usize| hidden[unit] * f64::from(down[d * hidden.len() + unit]);
        (0..width).map(row).collect()
    };
    let length = |unit: usize| added(unit).iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut lengths: Vec<f64> = (0..hidden.len()).map(length).collect();
    for unit in &answer.units {
        close(unit.activation, hidden[unit.unit], &what);
        close(unit.strength, length(unit.unit), &what);
        let logits = plain.lens(&added(unit.unit));
        let mut sorted = logits.clone();
        sorted.sort_by(f64::total_cmp);
        for (n, token) in unit.down.iter().enumerate() {
            close(logits[token.id as usize] as f32, sorted[n], &what);
        }
        sorted.reverse();
        for (n, token) in unit.up.iter().enumerate() {
            close(logits[token.id as usize] as f32, sorted[n], &what);
        }
        assert_eq!((unit.up.len(), unit.down.len()), (4, 4));
    }
    lengths.sort_by(|a, b| b.total_cmp(a));
    for (n, unit) in answer.units.iter().enumerate() {
        close(unit.strength, lengths[n], &what);
    }
    assert_eq!((answer.units.len(), answer.n_units), (6, hidden.len()));
}

#[test]
fn every_expert_of_every_layer_does_to_a_token_what_plain_loops_say() {
    for architecture in MIXTURES {
        let checkpoint = Checkpoint::read(architecture);
        let (engine, plain) = (checkpoint.engine(), Plain::new(&checkpoint));
        for &id in &[7, 112] {
            for layer in engine.info().moe_layers {
                for expert in 0..engine.info().n_experts {
                    let what =
                        format!("{architecture}, token {id}, layer {layer}, expert {expert}");
                    let answer = ask(&engine, &[id], question(layer, expert, 0));
                    let (mixture, alone) =
                        (plain.run(id, None), plain.run(id, Some((layer, expert))));
                    check_predictions(&answer, &mixture.logits, &alone.logits, &what);
                    let routed = &mixture.layers[&layer];
                    let hidden = plain.hidden(layer, expert, &routed.entering);
                    let output = product(plain.expert(layer, expert, "down_proj"), &hidden);
                    let (cosine, length) = compare(&output, &routed.output);
                    close(answer.cosine, cosine, &what);
                    close(answer.relative_norm, length, &what);
                    let weight = routed.choices.iter().find(|(e, _)| *e == expert);
                    assert_eq!(answer.weight.is_some(), weight.is_some(), "{what}");
                    close(
                        answer.weight.unwrap_or(0.0),
                        weight.map_or(0.0, |w| w.1),
                        &what,
                    );
                    let total = routed.choices.iter().map(|choice| choice.1).sum();
                    close(answer.total_weight, total, &what);
                    assert_eq!(answer.shared, architecture == "qwen2_moe");
                    assert_eq!(answer.token.id, id);
                    check_units(&answer, &hidden, &plain, (layer, expert));
                }
            }
        }
    }
}

/// A router that decides as trained, except that the last token of one layer goes to one expert.
fn alone(
    spec: RouterSpec,
    at: ExpertQuestion,
) -> impl Fn(&RouterInput) -> Result<RoutingPlan, String> {
    move |input| {
        let mut plan = route(&spec, input).map_err(|e| e.to_string())?.plan;
        if input.layer == at.layer {
            let start = plan.offsets[input.n_tokens - 1] as usize;
            let total = plan.combine_weights[start..].iter().sum();
            plan.expert_idx.splice(start.., [at.expert as u16]);
            plan.combine_weights.splice(start.., [total]);
            plan.offsets[input.n_tokens] = start as u32 + 1;
        }
        Ok(plan)
    }
}

#[test]
fn in_a_longer_text_only_the_token_asked_about_is_routed_otherwise() {
    for architecture in MIXTURES {
        let mut engine = Checkpoint::read(architecture).engine();
        let trained = engine.info().trained_routing;
        let vocab_size = engine.info().vocab_size;
        for layer in engine.info().moe_layers {
            for (expert, position) in [(0, 5), (3, 2), (6, 0)] {
                let at = question(layer, expert, position);
                engine.set_routing(trained.clone()).unwrap();
                let answer = ask(&engine, &TEXT, at);
                let read = &TEXT[..=position];
                let last = |engine: &Engine| -> Vec<f64> {
                    let (logits, _) = block_on(engine.forward_ids(read)).unwrap();
                    let row = &logits[logits.len() - vocab_size..];
                    row.iter().map(|&logit| f64::from(logit)).collect()
                };
                let mixture = last(&engine);
                engine.set_external_router(Some(Box::new(alone(trained.default.clone(), at))));
                let external = RouterSpec::from_link("method=external").unwrap();
                engine.set_routing(external.into()).unwrap();
                let what = format!("{architecture}, {at:?}");
                check_predictions(&answer, &mixture, &last(&engine), &what);
                assert_eq!(answer.token.id, TEXT[position]);
            }
        }
    }
}

#[test]
fn what_comes_after_the_token_does_not_matter() {
    let engine = Checkpoint::read("qwen3_moe").engine();
    let at = question(2, 4, 3);
    assert_eq!(ask(&engine, &TEXT, at), ask(&engine, &TEXT[..4], at));
    assert_ne!(
        ask(&engine, &TEXT, at),
        ask(&engine, &TEXT[3..], question(2, 4, 0))
    );
}

#[test]
fn the_parts_of_the_chosen_experts_make_up_the_mixture() {
    for architecture in MIXTURES {
        let engine = Checkpoint::read(architecture).engine();
        for layer in engine.info().moe_layers {
            let part = |expert| {
                let answer = ask(&engine, &TEXT, question(layer, expert, 4));
                let weight = answer.weight?;
                Some((
                    weight,
                    weight * answer.cosine * answer.relative_norm,
                    answer.total_weight,
                ))
            };
            let parts: Vec<_> = (0..engine.info().n_experts).filter_map(part).collect();
            assert_eq!(parts.len(), engine.info().top_k);
            let sum = |of: fn(&(f32, f32, f32)) -> f32| parts.iter().map(of).sum::<f32>();
            close(sum(|part| part.1), 1.0, architecture);
            close(sum(|part| part.0), f64::from(parts[0].2), architecture);
        }
    }
}

#[test]
fn an_expert_that_is_banned_can_still_act_alone() {
    let engine = Checkpoint::read("qwen3_moe").engine();
    let at = |expert| question(0, expert, 4);
    let chosen = (0..8)
        .find(|&e| ask(&engine, &TEXT, at(e)).weight.is_some())
        .unwrap();
    let mut banned: ModelRouting = engine.info().trained_routing;
    banned.default.restrict.disabled = vec![chosen];
    let answer = block_on(engine.ask_expert_ids(&TEXT, at(chosen), Some(&banned))).unwrap();
    assert_eq!(answer.weight, None);
    assert!(answer.divergence > 0.0 && answer.cosine.is_finite());
    assert_eq!(*engine.routing(), engine.info().trained_routing);
}

#[test]
fn a_question_that_has_no_answer_is_refused_and_the_next_is_answered() {
    let engine = Checkpoint::read("qwen3_moe").engine();
    let says = |ids: &[u32], at, code: &str, part: &str| {
        let error = block_on(engine.ask_expert_ids(ids, at, None)).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.to_string().contains(part), "{error}");
    };
    says(
        &TEXT,
        question(1, 0, 0),
        "no_experts",
        "layer 1 has no experts; allowed are [0, 2]",
    );
    says(
        &TEXT,
        question(9, 0, 0),
        "no_experts",
        "layer 9 has no experts; allowed are [0, 2]",
    );
    says(
        &TEXT,
        question(0, 8, 0),
        "expert_out_of_range",
        "expert 8 does not exist; allowed are 0 to 7",
    );
    says(
        &TEXT,
        question(0, 0, 6),
        "position_out_of_range",
        "position 6 is outside the text; allowed are 0 to 5",
    );
    says(
        &[],
        question(0, 0, 0),
        "prompt_empty",
        "give at least one character",
    );
    says(
        &[320],
        question(0, 0, 0),
        "token_out_of_range",
        "token id 320",
    );
    let external = RouterSpec::from_link("method=external").unwrap().into();
    let asked = block_on(engine.ask_expert_ids(&TEXT, question(0, 0, 0), Some(&external)));
    assert_eq!(asked.unwrap_err().code(), "no_external_router");
    let text = block_on(engine.ask_expert("fox", question(0, 0, 99), None)).unwrap_err();
    assert_eq!(text.code(), "position_out_of_range");
    assert!(ask(&engine, &TEXT, question(0, 0, 0)).divergence >= 0.0);
}

#[test]
fn a_dense_model_says_that_it_has_no_experts() {
    let engine = Checkpoint::read("qwen3").engine();
    let asked = block_on(engine.ask_expert_ids(&TEXT, question(0, 0, 0), None));
    let message = asked.unwrap_err().to_string();
    assert!(
        message.ends_with("allowed are none, because this model is dense"),
        "{message}"
    );
}
