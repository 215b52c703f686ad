//! Holds the analyses to the vectors of the second implementation and to the papers' examples.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::RoutingPlan;
use moescope_routing::metrics::{
    Cache, LayerView, balance_loss, divergence, drops, flow, hit_rate, importance_loss, load,
    prediction_change, report, saturation, segment_routing, share_by_label, token_figures, z_loss,
};
use moescope_routing::stage::limit::Priority;
use serde_json::{Value, json};

// Tests run in the folder of their crate.
const VECTORS: &str = "../../tests/vectors/metrics.json";

fn vectors() -> Vec<Value> {
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    assert!(cases.len() >= 12);
    cases
}

fn plan_of(rows: &[Vec<u16>]) -> RoutingPlan {
    let mut plan = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for row in rows {
        plan.expert_idx.extend(row);
        plan.offsets.push(plan.expert_idx.len() as u32);
    }
    plan.combine_weights = vec![1.0; plan.expert_idx.len()];
    plan
}

fn plan(experts: &Value, weights: &Value) -> RoutingPlan {
    RoutingPlan {
        combine_weights: matrix(weights),
        ..plan_of(&serde_json::from_value::<Vec<Vec<u16>>>(experts.clone()).unwrap())
    }
}

fn matrix(value: &Value) -> Vec<f32> {
    serde_json::from_value::<Vec<Vec<f32>>>(value.clone())
        .unwrap()
        .concat()
}

fn softmax(logits: &[f32], n_experts: usize) -> Vec<f32> {
    let row = |row: &[f32]| {
        let sum: f32 = row.iter().map(|z| z.exp()).sum();
        row.iter().map(|z| z.exp() / sum).collect::<Vec<_>>()
    };
    logits.chunks_exact(n_experts).flat_map(row).collect()
}

/// Where two values differ; every field of an object counts, also one that is there only once.
fn differences(place: &str, expected: &Value, actual: &Value, found: &mut Vec<String>) {
    let differs = || format!("{place}: {expected} against {actual}");
    match (expected, actual) {
        (Value::Object(a), Value::Object(b)) => {
            let names = a
                .keys()
                .chain(b.keys().filter(|name| !a.contains_key(*name)));
            names.for_each(|name| {
                differences(
                    &format!("{place}.{name}"),
                    &expected[name],
                    &actual[name],
                    found,
                );
            });
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                differences(&format!("{place}[{i}]"), a, b, found);
            }
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            if (a - b).abs() > 2e-5 * a.abs().max(1.0) {
                found.push(differs());
            }
        }
        _ if expected == actual => {}
        _ => found.push(differs()),
    }
}

fn assert_agree(case: usize, expected: &Value, actual: impl serde::Serialize) {
    let mut found = Vec::new();
    let actual = serde_json::to_value(actual).unwrap();
    differences(&format!("case {case}"), expected, &actual, &mut found);
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn reports_agree_with_the_vectors_in_every_field() {
    for (i, case) in vectors().iter().enumerate() {
        let n_experts = case["logits"][0].as_array().unwrap().len();
        let logits_te = matrix(&case["logits"]);
        let view = LayerView {
            plan: &plan(&case["plan"], &case["weights"]),
            n_experts,
            logits_te: &logits_te,
            scores_te: &softmax(&logits_te, n_experts),
        };
        assert_agree(i, &case["expected"], report(&view).unwrap());
    }
}

#[test]
fn comparisons_agree_with_the_vectors() {
    for (i, case) in vectors().iter().enumerate() {
        let a = plan(&case["plan"], &case["weights"]);
        let b = plan(&case["other_plan"], &case["other_weights"]);
        let n_experts = case["logits"][0].as_array().unwrap().len();
        let scores = |name: &str| softmax(&matrix(&case[name]), n_experts);
        let labels: Vec<u32> = serde_json::from_value(case["labels"].clone()).unwrap();
        let n_vocab = case["next_logits"][0].as_array().unwrap().len();
        let next = |name: &str| matrix(&case[name]);
        let actual = json!({
            "saturation": saturation(&a, &b, n_experts),
            "divergence": divergence(&scores("logits"), &scores("other_logits"), n_experts),
            "predictions": prediction_change(&next("next_logits"), &next("other_next_logits"), n_vocab),
            "flow": flow(&a, &b, n_experts),
            "labels": share_by_label(&a, n_experts, &labels, 2),
        });
        assert_agree(i, &case["compared"], actual);
    }
}

fn close(a: f32, b: f32) {
    assert!((a - b).abs() < 1e-5, "{a} against {b}");
}

#[test]
fn balance_losses_of_the_papers() {
    let gates = [
        0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.55, 0.25, 0.2, 0.9, 0.05, 0.05,
    ];
    let top_1 = plan_of(&[vec![0], vec![0], vec![0], vec![0]]);
    let view = LayerView {
        plan: &top_1,
        n_experts: 3,
        logits_te: &gates,
        scores_te: &gates,
    };
    close(balance_loss(&view), 2.0625);
    close(importance_loss(&view), 0.575_937);
    close(z_loss(&[1.0, 2.0, 3.0, 0.0, 0.0, 0.0], 3).value, 6.409_364);
    // All tokens of a batch on one expert, then both batches together: 1.8 and 1.
    let batch = plan_of(&[vec![0]]);
    let view = LayerView {
        plan: &batch,
        n_experts: 2,
        logits_te: &[0.0; 2],
        scores_te: &[0.9, 0.1],
    };
    close(balance_loss(&view), 1.8);
    let both = plan_of(&[vec![0], vec![1]]);
    let scores_te = [0.9, 0.1, 0.1, 0.9];
    let view = LayerView {
        plan: &both,
        n_experts: 2,
        logits_te: &[0.0; 4],
        scores_te: &scores_te,
    };
    close(balance_loss(&view), 1.0);
}

#[test]
fn the_balance_loss_is_one_for_uniform_scores_whatever_the_load() {
    let plan = plan_of(&[vec![0], vec![0], vec![0], vec![1]]);
    let scores_te = [0.25; 16];
    let view = LayerView {
        plan: &plan,
        n_experts: 4,
        logits_te: &[0.0; 16],
        scores_te: &scores_te,
    };
    close(balance_loss(&view), 1.0);
    close(load(&plan, 4).evenness.max_over_mean, 3.0);
}

#[test]
fn the_balance_loss_is_not_bounded_by_one() {
    let firsts = [vec![0; 7], vec![1, 2, 3]].concat();
    let plan = plan_of(&firsts.iter().map(|e| vec![*e]).collect::<Vec<_>>());
    let loss = |scores: [f32; 4]| {
        let scores_te = scores.repeat(10);
        balance_loss(&LayerView {
            plan: &plan,
            n_experts: 4,
            logits_te: &[0.0; 40],
            scores_te: &scores_te,
        })
    };
    close(loss([0.25; 4]), 1.0);
    close(loss([0.7, 0.1, 0.1, 0.1]), 2.08);
    close(loss([0.1, 0.3, 0.3, 0.3]), 0.64);
}

#[test]
fn entropies_of_the_paper() {
    let logits_te = [2.0, 1.0, 0.5, -1.0, 0.3, 0.2, 0.1, 0.0];
    let figures = token_figures(&LayerView {
        plan: &plan_of(&[vec![0], vec![0, 1]]),
        n_experts: 4,
        logits_te: &logits_te,
        scores_te: &softmax(&logits_te, 4),
    });
    close(figures.entropy[0], 1.014_403);
    close(figures.entropy[1], 1.380_071);
}

#[test]
fn drops_of_the_papers() {
    let gates = [
        0.7, 0.2, 0.1, 0.6, 0.3, 0.1, 0.55, 0.25, 0.2, 0.9, 0.05, 0.05,
    ];
    let mut plan = plan_of(&[vec![0], vec![0], vec![0], vec![0]]);
    plan.combine_weights = vec![0.7, 0.6, 0.55, 0.9];
    let view = LayerView {
        plan: &plan,
        n_experts: 3,
        logits_te: &gates,
        scores_te: &gates,
    };
    let by = |priority| drops(&view, 1.5, priority).unwrap();
    assert_eq!(by(Priority::Order).capacity, 2);
    assert_eq!(by(Priority::Order).lost, [0, 0, 1, 1]);
    assert_eq!(by(Priority::BatchPriority).lost, [0, 1, 1, 0]);
    let error = drops(&view, 0.0, Priority::Order).unwrap_err();
    assert_eq!(error.code(), "capacity_invalid");
}

fn local() -> RoutingPlan {
    plan_of(&[
        vec![0, 1],
        vec![0, 2],
        vec![0, 1],
        vec![3, 1],
        vec![3, 2],
        vec![3, 2],
    ])
}

#[test]
fn segment_routing_of_the_paper() {
    let segment = segment_routing(&local(), 4, 2).unwrap();
    close(segment.srp.value, 0.833_333);
    assert_eq!(segment.threshold, 1);
    close(segment.size_ratio, 1.4);
    assert_eq!(segment_routing(&local(), 4, 7), None);
}

#[test]
fn cache_hit_rates_of_the_paper() {
    let rate = |size, cache, warm| hit_rate(&local(), 4, size, cache, warm);
    let segment = Cache::Segment { length: 3 };
    for (size, expected) in [
        (2, [0.5, 0.666_667, 0.5, 0.583_333]),
        (3, [0.666_667, 0.916_667, 0.583_333, 0.666_667]),
    ] {
        close(rate(size, segment, false), expected[0]);
        close(rate(size, segment, true), expected[1]);
        close(rate(size, Cache::Lru, false), expected[2]);
        close(rate(size, Cache::Belady, false), expected[3]);
    }
}

#[test]
fn an_empty_plan_has_a_report_without_nan() {
    let plan = plan_of(&[]);
    let view = LayerView {
        plan: &plan,
        n_experts: 4,
        logits_te: &[],
        scores_te: &[],
    };
    let json = serde_json::to_string(&report(&view).unwrap()).unwrap();
    // serde_json writes NaN and infinities as null.
    assert!(!json.contains("null"), "{json}");
}

#[test]
fn a_view_that_does_not_fit_together_is_refused() {
    let code = |plan: &RoutingPlan, logits_te: &[f32]| {
        let view = LayerView {
            plan,
            n_experts: 2,
            logits_te,
            scores_te: &logits_te[..2],
        };
        report(&view).unwrap_err().code()
    };
    assert_eq!(code(&plan_of(&[vec![2]]), &[0.0; 2]), "plan_invalid");
    assert_eq!(code(&plan_of(&[vec![1]]), &[0.0; 3]), "logits_shape");
    assert_eq!(code(&plan_of(&[vec![1]]), &[0.0, f32::NAN]), "logit_nan");
    assert_eq!(
        code(&plan_of(&[vec![1], vec![0]]), &[0.0; 4]),
        "context_shape"
    );
}
