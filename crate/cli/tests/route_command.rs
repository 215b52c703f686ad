//! `moescope route` as a user runs it: links and files, decisions, refusals.
//!
//! The vectors of the second implementation (`tests/oracle`) run through it too, each in a process of its own.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use std::path::Path;
use std::process::Command;

use moescope_routing::RouterSpec;
use program::{REPOSITORY, agree, folder, list, moescope, printed, read, refused, write};
use serde_json::{Map, Value, json};

/// The text of a field in a link.
fn link_value(value: &Value) -> String {
    match value {
        Value::Null => "none".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(link_value).collect::<Vec<_>>().join("+"),
        other => other.to_string(),
    }
}

fn link_of(case: &Value) -> String {
    let fields = case["fields"].as_object().unwrap().iter();
    let items = fields.map(|(name, value)| format!("{name}={}", link_value(value)));
    let preset = case["preset"].as_str().map(str::to_owned);
    preset
        .into_iter()
        .chain(items)
        .collect::<Vec<_>>()
        .join(",")
}

/// What the program prints about a vector, in the form of the vectors.
fn outcome(case: &Value, spec: &str, folder: &Path) -> Value {
    let asked = ["logits", "token_ids", "layer", "context"];
    let given = asked
        .iter()
        .filter_map(|key| Some((key.to_string(), case.get(key)?.clone())));
    let logits = write(
        &folder.join("logits.json"),
        &Value::Object(given.collect::<Map<_, _>>()),
    );
    let decided = printed(&["route", "--spec", spec, "--logits", &logits]);
    let tokens = list(&decided["tokens"]);
    let each = |key: &str| -> Value {
        let row = |token: &Value| {
            list(&token["experts"])
                .iter()
                .map(|e| e[key].clone())
                .collect::<Value>()
        };
        tokens.iter().map(row).collect()
    };
    let mut outcome = json!({ "experts": each("expert"), "weights": each("weight") });
    if case["expected"].get("verdicts").is_some() {
        outcome["verdicts"] = tokens
            .iter()
            .map(|token| token["verdicts"].clone())
            .collect();
    }
    if case["expected"].get("shared").is_some() {
        let shared = |token: &Value| token["shared_weight"].as_f64().unwrap_or(0.0);
        outcome["shared"] = tokens.iter().map(shared).collect();
    }
    outcome
}

#[test]
fn every_vector_agrees_when_routed_by_the_program() {
    let folder = folder("vectors");
    let mut wrong = Vec::new();
    let mut n_cases = 0;
    for entry in std::fs::read_dir(Path::new(REPOSITORY).join("tests/vectors/routing")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        for case in list(&read(&path)) {
            n_cases += 1;
            // Links and files by turns.
            let link = link_of(case);
            let spec = match n_cases % 2 {
                0 => link,
                _ => {
                    let spec = serde_json::to_value(RouterSpec::from_link(&link).unwrap()).unwrap();
                    write(&folder.join("spec.json"), &spec)
                }
            };
            let tolerance = case["tolerance"].as_f64().unwrap_or(1e-5);
            if !agree(&case["expected"], &outcome(case, &spec, &folder), tolerance) {
                wrong.push(format!("{} in {}", case["name"], path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(n_cases > 800, "only {n_cases} cases were found");
}

#[test]
fn a_decision_is_printed_and_written_in_the_same_form() {
    let folder = folder("form");
    let logits = write(
        &folder.join("logits.json"),
        &json!({ "logits": [[0.0, "-inf", 1.0], [0, "-Infinity", "Infinity"]], "layer": 2 }),
    );
    let args = ["route", "--spec", "mixtral;2:top_k=1", "--logits", &logits];
    let expected = json!({ "tokens": [
        { "experts": [{ "expert": 2, "weight": 1.0 }], "verdicts": ["outside_top_k", "masked_by_gate", "selected"] },
        { "experts": [{ "expert": 2, "weight": 1.0 }], "verdicts": ["outside_top_k", "masked_by_gate", "selected"] },
    ] });
    assert_eq!(printed(&args), expected);
    let file = folder.join("decision.json");
    let output = moescope(&[&args[..], &["--json", file.to_str().unwrap()]].concat());
    assert!(output.status.success() && output.stdout.is_empty());
    assert_eq!(read(&file), expected);
}

#[test]
fn a_file_comes_before_a_preset_of_the_same_name() {
    let folder = folder("precedence");
    std::fs::write(folder.join("mixtral"), r#"{"select": {"method": "dense"}}"#).unwrap();
    std::fs::write(folder.join("logits.json"), r#"{"logits": [[1, 2, 3]]}"#).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_moescope"))
        .args(["route", "--spec", "mixtral", "--logits", "logits.json"])
        .current_dir(folder)
        .output()
        .unwrap();
    let decided: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(list(&decided["tokens"][0]["experts"]).len(), 3);
}

#[test]
fn what_cannot_be_routed_is_refused_with_what_came_and_what_is_allowed() {
    let folder = folder("refused");
    let file = |name: &str, text: &str| -> String {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let good = file("good.json", r#"{"logits": [[1, 2, 3, 4], [4, 3, 2, 1]]}"#);
    let typo = file("typo.json", r#"{"select": {"method": "top_k", "topk": 2}}"#);
    let specs: [(&str, &[&str]); 11] = [
        ("mixtrall", &["no such file", "\"mixtrall\"", "mixtral,"]),
        ("missing.json", &["missing.json", "no such file"]),
        ("top_k=5", &["top_k is 5", "1 to", "4"]),
        ("top_k=0", &["top_k is 0", "from 1"]),
        ("mixtral,topk=2", &["topk", "top_k"]),
        ("top_p=x", &["top_p is \"x\"", "a number"]),
        ("mixtral;two:top_k=1", &["layer is \"two\"", "2:top_k=1"]),
        ("disabled=0+1+2+3", &["all 4 experts are disabled"]),
        ("forced=1,disabled=1", &["expert 1", "forced and disabled"]),
        ("n_groups=3", &["n_groups is 3", "divide", "4"]),
        ("hash", &["token ids"]),
    ];
    for (spec, named) in specs {
        refused(&["route", "--spec", spec, "--logits", &good], named);
    }
    refused(
        &["route", "--spec", &typo, "--logits", &good],
        &["typo.json", "topk", "top_k"],
    );

    let inputs: [(&str, &[&str]); 9] = [
        (
            r#"{"logits": [[1, null]]}"#,
            &["null", "\"-inf\"", "line 1"],
        ),
        (r#"{"logits": [[1, "NaN"]]}"#, &["NaN", "\"-inf\""]),
        (r#"{"logits": [[1, 1e60]]}"#, &["1e+60", "32 bits"]),
        (
            r#"{"logits": [[1, 2], [3]]}"#,
            &["row 1 has 1", "must have 2"],
        ),
        (r#"{"logits": []}"#, &["no rows", "at least 1"]),
        (r#"{"logits": [[]]}"#, &["experts is 0", "from 1"]),
        (
            r#"{"logits": [[1, 2]], "token_ids": [1, 2]}"#,
            &["2 token ids", "1 tokens"],
        ),
        (
            r#"{"logits": [[1, 2]], "tokens": [1]}"#,
            &["`tokens`", "`token_ids`"],
        ),
        ("{", &["line 1"]),
    ];
    for (i, (text, named)) in inputs.into_iter().enumerate() {
        let logits = file(&format!("bad{i}.json"), text);
        refused(
            &["route", "--spec", "mixtral,top_k=1", "--logits", &logits],
            named,
        );
    }
    refused(
        &["route", "--spec", "mixtral", "--logits", "nowhere.json"],
        &["nowhere.json", "No such file"],
    );
}
