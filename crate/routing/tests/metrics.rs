//! Holds the analyses to the vectors of the second implementation and to the papers' examples.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::RoutingPlan;
use moescope_routing::metrics::{
    Cache, LayerView, Share, balance_loss, divergence, flow, hit_rate, importance_loss, load,
    report, saturation, segment_routing, share_by_label, z_loss,
};
use serde_json::Value;

const VECTORS: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../tests/vectors/metrics.json"
);

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

fn plan(value: &Value) -> RoutingPlan {
    plan_of(&serde_json::from_value::<Vec<Vec<u16>>>(value.clone()).unwrap())
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

/// Compares numbers, lists and lists of lists.
fn check(what: &str, case: usize, expected: &Value, actual: impl serde::Serialize) {
    fn close(a: &Value, b: &Value) -> bool {
        match (a, b) {
            (Value::Array(a), Value::Array(b)) => {
                a.len() == b.len() && a.iter().zip(b).all(|(a, b)| close(a, b))
            }
            _ => {
                let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
                (a - b).abs() <= 2e-5 * a.abs().max(1.0)
            }
        }
    }
    let actual = serde_json::to_value(actual).unwrap();
    assert!(
        close(expected, &actual),
        "{what} of case {case}: {expected} against {actual}"
    );
}

fn triple(share: Share) -> [f32; 3] {
    [share.value, share.low, share.high]
}

#[test]
fn reports_agree_with_the_vectors() {
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    assert!(cases.len() >= 10);
    for (i, case) in cases.iter().enumerate() {
        let plan = plan(&case["plan"]);
        let n_experts = case["logits"][0].as_array().unwrap().len();
        let logits_te = matrix(&case["logits"]);
        let scores_te = softmax(&logits_te, n_experts);
        let view = LayerView {
            plan: &plan,
            n_experts,
            logits_te: &logits_te,
            scores_te: &scores_te,
        };
        let got = report(&view);
        let expected = &case["expected"];
        let eq = |what: &str, actual: Value| check(what, i, &expected[what], actual);
        let number = |x: f32| Value::from(f64::from(x));
        check("counts", i, &expected["counts"], &got.load.counts);
        check(
            "share_0",
            i,
            &expected["share_0"],
            triple(got.load.shares[0]),
        );
        eq("variation", number(got.load.variation));
        eq("max_over_mean", number(got.load.max_over_mean));
        eq("effective_experts", number(got.load.effective_experts));
        eq("dead", number(got.load.dead));
        eq("balance_loss", number(got.balance_loss));
        eq("first_choice_loss", number(got.first_choice_loss));
        eq("importance_loss", number(got.importance_loss));
        eq("z_loss", number(got.z_loss));
        check("entropy", i, &expected["entropy"], &got.tokens.entropy);
        check(
            "top_share",
            i,
            &expected["top_share"],
            &got.tokens.top_share,
        );
        check("margin", i, &expected["margin"], &got.tokens.margin);
        check(
            "co_activation",
            i,
            &expected["co_activation"],
            &got.co_activation.counts,
        );
        check(
            "conditional",
            i,
            &expected["conditional"],
            &got.co_activation.conditional,
        );
        check(
            "jaccard",
            i,
            &expected["jaccard"],
            &got.co_activation.jaccard,
        );
        let with_chance = |s: Share| [s.value, s.low, s.high, s.chance];
        check(
            "repeat_first",
            i,
            &expected["repeat_first"],
            with_chance(got.repetition.first),
        );
        check(
            "repeat_any",
            i,
            &expected["repeat_any"],
            with_chance(got.repetition.any),
        );
        let segments: Vec<_> = got
            .segments
            .iter()
            .map(|s| (s.length, s.srp, s.threshold, s.size_ratio, &s.srp_by_expert))
            .collect();
        check("segments", i, &expected["segments"], segments);
        let caches: Vec<_> = got
            .caches
            .iter()
            .map(|c| (c.size, c.lru, c.lfu, c.segment, c.belady))
            .collect();
        check("caches", i, &expected["caches"], caches);
    }
}

#[test]
fn comparisons_agree_with_the_vectors() {
    let cases: Vec<Value> =
        serde_json::from_str(&std::fs::read_to_string(VECTORS).unwrap()).unwrap();
    for (i, case) in cases.iter().enumerate() {
        let (a, b) = (plan(&case["plan"]), plan(&case["other_plan"]));
        let n_experts = case["logits"][0].as_array().unwrap().len();
        let scores = |name: &str| softmax(&matrix(&case[name]), n_experts);
        let expected = &case["compared"];
        check("saturation", i, &expected["saturation"], saturation(&a, &b));
        let js = divergence(&scores("logits"), &scores("other_logits"), n_experts);
        check("divergence", i, &expected["divergence"], js);
        check("flow", i, &expected["flow"], flow(&a, &b, n_experts));
        let labels: Vec<u32> = serde_json::from_value(case["labels"].clone()).unwrap();
        let by_label: Vec<_> = share_by_label(&a, n_experts, &labels, 2)
            .into_iter()
            .map(|l| {
                (
                    l.label,
                    l.n_tokens,
                    l.shares.iter().map(|s| s.value).collect::<Vec<_>>(),
                )
            })
            .collect();
        check("labels", i, &expected["labels"], by_label);
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
    close(z_loss(&[1.0, 2.0, 3.0, 0.0, 0.0, 0.0], 3), 6.409_364);
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
    close(load(&plan, 4).max_over_mean, 3.0);
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
    close(segment.srp, 0.833_333);
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
    let json = serde_json::to_string(&report(&view)).unwrap();
    // serde_json writes NaN and infinities as null.
    assert!(!json.contains("null"), "{json}");
}
