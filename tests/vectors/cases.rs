//! Reads the routing vectors of this folder: the one reader of all test programs that go through them.
//!
//! A test program takes it in by `#[path]`, because crates do not depend on the tests.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test program uses a part, and stops on the first surprise"
)]

use std::path::{Path, PathBuf};

use moescope_routing::{RouterSpec, RoutingPlan};
use serde_json::Value;

/// Where the vectors are, seen from whichever crate reads them.
pub fn folder() -> PathBuf {
    // Tests run in the folder of their crate.
    let crate_folder = std::env::current_dir().unwrap();
    let mut above = crate_folder.ancestors();
    above
        .find_map(|above| Some(above.join("tests/vectors/routing")).filter(|it| it.is_dir()))
        .unwrap()
}

/// The files, in the order of their names.
pub fn files() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    files.sort();
    files
}

/// The cases of a file.
pub fn cases(path: &Path) -> Vec<Value> {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

/// A number, or one of the infinities, which JSON writes as strings.
pub fn real(value: &Value) -> f32 {
    match value.as_str() {
        Some(text) => text.parse().unwrap(),
        None => value.as_f64().unwrap() as f32,
    }
}

/// A list of numbers; none where there is no list.
pub fn reals(value: &Value) -> Vec<f32> {
    rows(value).iter().map(real).collect()
}

/// A list of whole numbers; none where there is no list.
pub fn wholes<T: TryFrom<u64, Error: std::fmt::Debug>>(value: &Value) -> Vec<T> {
    rows(value)
        .iter()
        .map(|n| T::try_from(n.as_u64().unwrap()).unwrap())
        .collect()
}

/// The items of a list; none where there is no list.
pub fn rows(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

/// The spec of a case: its preset, if any, with its fields, as a link says it.
pub fn spec_of(case: &Value) -> RouterSpec {
    let fields = case["fields"].as_object().unwrap();
    let items = fields
        .iter()
        .map(|(name, value)| format!("{name}={}", link_value(value)));
    let preset = case["preset"].as_str().map(str::to_owned);
    let link: Vec<String> = preset.into_iter().chain(items).collect();
    RouterSpec::from_link(&link.join(",")).unwrap()
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

/// A plan of equal weights from a list of experts for each token.
pub fn plan_of(value: &Value) -> RoutingPlan {
    let mut plan = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for row in rows(value) {
        plan.expert_idx.extend(wholes::<u16>(row));
        plan.offsets.push(plan.expert_idx.len() as u32);
    }
    plan.combine_weights = vec![1.0; plan.expert_idx.len()];
    plan
}
