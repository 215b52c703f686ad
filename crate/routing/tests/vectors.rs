//! Runs the vectors of the second implementation (`tests/oracle`) through `route_with`.
//!
//! Choices and verdicts must be equal, weights within 1e-5 or what the case says.
//! A failing case leaves what came out beside its file, with the ending `.actual`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

#[path = "../../../tests/vectors/cases.rs"]
mod cases;

use cases::{cases, files, folder, plan_of, reals, rows, spec_of, wholes};
use moescope_routing::presets::PRESETS;
use moescope_routing::{RouterContext, RouterInput, Routing, route_with};
use serde_json::{Value, json};

fn decide(case: &Value) -> Routing {
    let logits_te: Vec<f32> = rows(&case["logits"]).iter().flat_map(reals).collect();
    let n_tokens = rows(&case["logits"]).len();
    let token_ids: Vec<u32> = wholes(&case["token_ids"]);
    let given = &case["context"];
    let null_logits_tm: Vec<f32> = rows(&given["null_logits"]).iter().flat_map(reals).collect();
    let modality_t: Vec<u8> = wholes(&given["modality"]);
    let importance_t = reals(&given["importance"]);
    let previous_token: Vec<u16> = wholes(&given["previous_token"]);
    let previous_layer = plan_of(&given["previous_layer"]);
    let context = RouterContext {
        first_position: given["first_position"].as_u64().unwrap_or(0) as usize,
        null_logits_tm: &null_logits_tm,
        modality_t: &modality_t,
        importance_t: &importance_t,
        previous_layer: given.get("previous_layer").map(|_| &previous_layer),
        previous_token: &previous_token,
        external: None,
    };
    let input = RouterInput {
        logits_te: &logits_te,
        n_tokens,
        n_experts: logits_te.len() / n_tokens,
        layer: case["layer"].as_u64().unwrap_or(0) as usize,
        token_ids: &token_ids,
    };
    route_with(&context, &spec_of(case), &input).unwrap()
}

/// What came out, in the form of the vectors.
fn outcome(case: &Value) -> Value {
    let Routing { plan, trace } = decide(case);
    plan.validate(trace.n_experts).unwrap();
    let tokens = 0..plan.n_tokens();
    let mut outcome = json!({
        "experts": tokens.clone().map(|t| plan.experts(t)).collect::<Vec<_>>(),
        "weights": tokens.map(|t| plan.weights(t)).collect::<Vec<_>>(),
    });
    if case["expected"].get("verdicts").is_some() {
        outcome["verdicts"] = trace
            .verdicts_te
            .chunks_exact(trace.n_experts)
            .map(|row| serde_json::to_value(row).unwrap())
            .collect();
    }
    if case["expected"].get("shared").is_some() {
        outcome["shared"] = json!(trace.shared_weights_t);
    }
    outcome
}

fn agree(expected: &Value, actual: &Value, tolerance: f64) -> bool {
    match (expected, actual) {
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| agree(a, b, tolerance))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(key, value)| agree(value, &b[key], tolerance))
        }
        (Value::Number(a), Value::Number(b)) => {
            let (a, b) = (a.as_f64().unwrap(), b.as_f64().unwrap());
            (a - b).abs() <= tolerance * a.abs().max(1.0)
        }
        _ => expected == actual,
    }
}

#[test]
fn every_vector_agrees() {
    let mut failures = Vec::new();
    let mut n_cases = 0;
    for path in files() {
        let mut wrong = Vec::new();
        for case in cases(&path) {
            n_cases += 1;
            let actual = outcome(&case);
            let tolerance = case["tolerance"].as_f64().unwrap_or(1e-5);
            if !agree(&case["expected"], &actual, tolerance) {
                wrong.push(json!({ "name": case["name"], "fields": case["fields"],
                    "expected": case["expected"], "actual": actual }));
            }
        }
        if !wrong.is_empty() {
            let beside = path.with_extension("json.actual");
            std::fs::write(&beside, serde_json::to_string_pretty(&wrong).unwrap()).unwrap();
            let names: Vec<String> = wrong.iter().map(|w| w["name"].to_string()).collect();
            failures.push(format!("{}: {}", beside.display(), names.join(", ")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(
        n_cases > 800,
        "only {n_cases} cases were found in {}",
        folder().display()
    );
}

/// Whether an expert has the same logit as another of its token.
fn has_ties(logits: &Value) -> bool {
    rows(logits).iter().any(|row| {
        let row = rows(row);
        (1..row.len()).any(|i| row[..i].contains(&row[i]))
    })
}

#[test]
fn every_preset_has_twenty_cases_of_all_sizes_with_ties_and_infinities() {
    for preset in PRESETS {
        let cases = cases(&folder().join(format!("preset_{}.json", preset.name)));
        let name = preset.name;
        assert!(cases.len() >= 20, "{name} has {} cases", cases.len());
        let logits = || cases.iter().map(|case| &case["logits"]);
        let n_tokens: Vec<usize> = logits().map(|z| rows(z).len()).collect();
        let n_experts: Vec<usize> = logits().map(|z| rows(&z[0]).len()).collect();
        for size in [1, 64] {
            assert!(n_tokens.contains(&size), "{name} never has {size} tokens");
        }
        for size in [2, 128] {
            assert!(n_experts.contains(&size), "{name} never has {size} experts");
        }
        assert!(logits().any(has_ties), "{name} has no ties");
        let is_infinite = |logits: &Value| {
            rows(logits)
                .iter()
                .any(|row| rows(row).iter().any(Value::is_string))
        };
        assert!(logits().any(is_infinite), "{name} has no infinities");
    }
}
