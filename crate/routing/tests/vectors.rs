//! Runs the vectors of the second implementation (`tests/oracle`) through `route_with`.
//!
//! Choices and verdicts must be equal, weights within 1e-5 or what the case says.
//! A failing case leaves what came out beside its file, with the ending `.actual`.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use std::path::{Path, PathBuf};

use moescope_routing::presets::PRESETS;
use moescope_routing::{RouterContext, RouterInput, RouterSpec, Routing, RoutingPlan, route_with};
use serde_json::{Value, json};

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/routing");

fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(FOLDER)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files
}

fn cases(path: &Path) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A number, or one of the infinities, which JSON writes as strings.
fn real(value: &Value) -> f32 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap() as f32,
    }
}

fn reals(value: &Value) -> Vec<f32> {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    items.iter().map(real).collect()
}

fn whole(value: &Value) -> usize {
    value.as_u64().unwrap() as usize
}

fn rows(value: &Value) -> impl Iterator<Item = &Value> + Clone {
    value
        .as_array()
        .map(Vec::as_slice)
        .unwrap_or_default()
        .iter()
}

/// The text of a field in a link.
fn link_value(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(link_value).collect::<Vec<_>>().join("+"),
        other => other.to_string(),
    }
}

fn spec_of(case: &Value) -> RouterSpec {
    let fields = case["fields"].as_object().unwrap();
    let items = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", link_value(value)));
    let preset = case["preset"].as_str().map(str::to_owned);
    let link: Vec<String> = preset.into_iter().chain(items).collect();
    RouterSpec::from_link(&link.join(",")).unwrap()
}

fn plan_of(value: &Value) -> RoutingPlan {
    let mut plan = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for row in rows(value) {
        plan.expert_idx.extend(rows(row).map(|e| whole(e) as u16));
        plan.offsets.push(plan.expert_idx.len() as u32);
    }
    plan.combine_weights = vec![1.0; plan.expert_idx.len()];
    plan
}

fn decide(case: &Value) -> Routing {
    let logits_te: Vec<f32> = rows(&case["logits"]).flat_map(reals).collect();
    let n_tokens = rows(&case["logits"]).count();
    let token_ids: Vec<u32> = rows(&case["token_ids"])
        .map(|id| whole(id) as u32)
        .collect();
    let given = &case["context"];
    let null_logits_tm: Vec<f32> = rows(&given["null_logits"]).flat_map(reals).collect();
    let modality_t: Vec<u8> = rows(&given["modality"]).map(|m| whole(m) as u8).collect();
    let importance_t = reals(&given["importance"]);
    let previous_token: Vec<u16> = rows(&given["previous_token"])
        .map(|e| whole(e) as u16)
        .collect();
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
    assert!(n_cases > 800, "only {n_cases} cases were found in {FOLDER}");
}

/// Whether an expert has the same logit as another of its token.
fn has_ties(logits: &Value) -> bool {
    rows(logits).any(|row| {
        let row: Vec<&Value> = rows(row).collect();
        (1..row.len()).any(|i| row[..i].contains(&row[i]))
    })
}

#[test]
fn every_preset_has_twenty_cases_of_all_sizes_with_ties_and_infinities() {
    for preset in PRESETS {
        let cases = cases(&Path::new(FOLDER).join(format!("preset_{}.json", preset.name)));
        let name = preset.name;
        assert!(cases.len() >= 20, "{name} has {} cases", cases.len());
        let logits = || cases.iter().map(|case| &case["logits"]);
        let n_tokens: Vec<usize> = logits().map(|z| rows(z).count()).collect();
        let n_experts: Vec<usize> = logits().map(|z| rows(&z[0]).count()).collect();
        for size in [1, 64] {
            assert!(n_tokens.contains(&size), "{name} never has {size} tokens");
        }
        for size in [2, 128] {
            assert!(n_experts.contains(&size), "{name} never has {size} experts");
        }
        assert!(logits().any(has_ties), "{name} has no ties");
        let is_infinite = |logits: &Value| rows(logits).any(|row| rows(row).any(Value::is_string));
        assert!(logits().any(is_infinite), "{name} has no infinities");
    }
}
