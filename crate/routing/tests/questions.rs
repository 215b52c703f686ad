//! Analyses asked for by name: the answers are those of the functions, and what is missing is named.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::RoutingPlan;
use moescope_routing::metrics::{
    Answer, LayerView, Question, flow, label_distances, report, saturation, share_by_label,
};
use serde_json::{Value, json};

const E: usize = 4;
/// `[T][k]`: the first half of the tokens goes to 0 and 1, the second to 2 and 3.
const EXPERTS: [[u16; 2]; 6] = [[0, 1], [1, 0], [0, 1], [2, 3], [3, 2], [2, 3]];

fn plan() -> RoutingPlan {
    RoutingPlan {
        offsets: (0..=6).map(|t| t * 2).collect(),
        expert_idx: EXPERTS.concat(),
        combine_weights: vec![0.5; 12],
    }
}

fn logits() -> Vec<f32> {
    let row = |[a, b]: [u16; 2]| {
        (0..E as u16).map(move |e| {
            if e == a {
                2.0
            } else if e == b {
                1.0
            } else {
                0.0
            }
        })
    };
    EXPERTS.into_iter().flat_map(row).collect()
}

fn scores() -> Vec<f32> {
    let logits = logits();
    let row = |row: &[f32]| {
        let sum: f32 = row.iter().map(|z| z.exp()).sum();
        row.iter().map(|z| z.exp() / sum).collect::<Vec<_>>()
    };
    logits.chunks(E).flat_map(row).collect()
}

fn layer() -> Value {
    json!({ "n_experts": E, "offsets": plan().offsets, "experts": plan().expert_idx,
        "weights": plan().combine_weights, "logits": logits(), "scores": scores() })
}

fn bare() -> Value {
    json!({ "n_experts": E, "offsets": plan().offsets, "experts": plan().expert_idx })
}

fn answer(question: Value) -> Value {
    let question: Question = serde_json::from_value(question).unwrap();
    serde_json::to_value(question.answer().unwrap()).unwrap()
}

fn refusal(question: Value) -> (&'static str, String) {
    let question: Question = serde_json::from_value(question).unwrap();
    let error = question.answer().unwrap_err();
    (error.code(), error.to_string())
}

#[test]
fn answers_are_those_of_the_report() {
    let (plan, logits, scores) = (plan(), logits(), scores());
    let view = LayerView {
        plan: &plan,
        n_experts: E,
        logits_te: &logits,
        scores_te: &scores,
    };
    let report = serde_json::to_value(report(&view).unwrap()).unwrap();
    for name in [
        "load",
        "tokens",
        "co_activation",
        "repetition",
        "segments",
        "caches",
        "drops",
    ] {
        let got = answer(json!({ "analysis": name, "layer": layer() }));
        assert_eq!(
            got,
            json!({ "analysis": name, "answer": report[name] }),
            "{name}"
        );
    }
    let balance = answer(json!({ "analysis": "balance", "layer": layer() }));
    for name in [
        "balance_loss",
        "first_choice_loss",
        "importance_loss",
        "z_loss",
    ] {
        assert_eq!(balance["answer"][name], report[name], "{name}");
    }
    assert_eq!(balance["answer"]["chance"], report["load"]["chance"]);
}

#[test]
fn a_trace_of_choices_alone_answers_what_it_can_and_names_what_is_missing() {
    for name in ["load", "co_activation", "repetition", "segments", "caches"] {
        let with_weights = answer(json!({ "analysis": name, "layer": layer() }));
        assert_eq!(
            answer(json!({ "analysis": name, "layer": bare() })),
            with_weights,
            "{name}"
        );
    }
    for (name, part) in [
        ("balance", "logits"),
        ("tokens", "scores"),
        ("labels", "labels"),
        ("flow", "a later layer"),
        ("drops", "logits"),
        ("agreement", "a second run"),
    ] {
        let (code, message) = refusal(json!({ "analysis": name, "layer": bare() }));
        assert_eq!(code, "trace_part_missing");
        assert!(
            message.contains(name) && message.contains(part),
            "{message}"
        );
    }
}

#[test]
fn labels_that_split_the_experts_are_far_from_all_tokens_and_beyond_chance() {
    let labels = [7, 7, 7, 9, 9, 9];
    let got =
        answer(json!({ "analysis": "labels", "layer": bare(), "labels": labels, "min_tokens": 3 }));
    let shares = share_by_label(&plan(), E, &labels, 3);
    assert_eq!(
        got["answer"]["shares"],
        serde_json::to_value(&shares).unwrap()
    );
    let distances = label_distances(&plan(), E, &labels, &[7, 9]);
    assert_eq!(
        got["answer"]["distances"],
        serde_json::to_value(&distances).unwrap()
    );
    for distance in distances {
        assert!((distance.distance - 0.5).abs() < 1e-6, "{distance:?}");
        assert!(distance.chance < distance.distance && distance.chance > 0.0);
        assert!(distance.chance <= distance.chance_high && distance.chance_high <= 0.5 + 1e-6);
    }
    let alike = label_distances(&plan(), E, &[1, 2, 1, 1, 2, 2], &[1, 2]);
    assert!(alike.iter().all(|d| d.distance < 0.5), "{alike:?}");
}

#[test]
fn the_flow_has_shares_of_each_experts_tokens_beside_its_counts() {
    let got = answer(json!({ "analysis": "flow", "layer": bare(), "other": bare() }));
    let expected = serde_json::to_value(flow(&plan(), &plan(), E)).unwrap();
    assert_eq!(got["answer"]["counts"], expected["counts"]);
    assert_eq!(
        got["answer"]["shares"][1],
        json!(1.0),
        "all tokens of 0 have 1"
    );
    assert_eq!(got["answer"]["shares"][2], json!(0.0));
    assert_eq!(got["answer"]["share_chance"], json!([0.5, 0.5, 0.5, 0.5]));
    assert!(
        got["answer"]["high"][2].as_f64().unwrap() > 0.5,
        "three tokens prove little"
    );
}

#[test]
fn agreement_compares_scores_only_where_both_runs_have_them() {
    let question = json!({ "analysis": "agreement", "layer": layer(), "other": layer() });
    let question: Question = serde_json::from_value(question).unwrap();
    let Answer::Agreement(same) = question.answer().unwrap() else {
        panic!("another answer")
    };
    assert_eq!(same.overlap, saturation(&plan(), &plan(), E));
    assert!(same.divergence.unwrap().value.abs() < 1e-6);
    let got = answer(json!({ "analysis": "agreement", "layer": layer(), "other": bare() }));
    assert_eq!(got["answer"]["divergence"], Value::Null);
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let changed = |name: &str, value: Value| {
        let mut layer = layer();
        layer[name] = value;
        layer
    };
    for (layer, code) in [
        (changed("n_experts", json!(0)), "expert_count_invalid"),
        (changed("n_experts", json!(70_000)), "expert_count_invalid"),
        (changed("n_experts", json!(3)), "plan_invalid"),
        (changed("offsets", json!([0, 2])), "plan_invalid"),
        (changed("weights", json!([1.0])), "plan_invalid"),
        (changed("scores", json!([1.0])), "context_shape"),
        (changed("logits", json!([])), "context_shape"),
    ] {
        assert_eq!(
            refusal(json!({ "analysis": "tokens", "layer": layer })).0,
            code
        );
    }
    let short = json!({ "n_experts": E, "offsets": [0, 1], "experts": [0] });
    let (code, message) =
        refusal(json!({ "analysis": "agreement", "layer": bare(), "other": short }));
    assert_eq!(code, "context_shape");
    assert!(
        message.contains("tokens") && message.contains('6'),
        "{message}"
    );
}
