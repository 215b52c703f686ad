//! `moescope metrics` as a user runs it, and the traces that it reads.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use std::path::Path;

use program::{REPOSITORY, agree, folder, list, moescope, printed, read, refused, write};
use serde_json::{Value, json};

/// One run of a case of the metric vectors.
struct Run {
    plan: &'static str,
    weights: &'static str,
    logits: &'static str,
    next_logits: &'static str,
}

const FIRST: Run = Run {
    plan: "plan",
    weights: "weights",
    logits: "logits",
    next_logits: "next_logits",
};
const OTHER: Run = Run {
    plan: "other_plan",
    weights: "other_weights",
    logits: "other_logits",
    next_logits: "other_next_logits",
};

/// A trace from a case in the form that `moescope trace` writes: the runs are its layers, and the first predicts.
fn trace_of(case: &Value, runs: &[Run]) -> Value {
    let layer = |(index, run): (usize, &Run)| {
        json!({ "layer": index, "router_logits": case[run.logits], "experts": case[run.plan],
            "weights": case[run.weights] })
    };
    json!({ "tokens": case["labels"], "logits": case[runs[0].next_logits],
        "layers": runs.iter().enumerate().map(layer).collect::<Vec<_>>() })
}

#[test]
fn metrics_agree_with_the_vectors() {
    let folder = folder("metrics");
    let cases = read(&Path::new(REPOSITORY).join("tests/vectors/metrics.json"));
    assert!(list(&cases).len() >= 12);
    for (i, case) in list(&cases).iter().enumerate() {
        let file = |name: &str, value: &Value| write(&folder.join(name), value);
        let trace = file("trace.json", &trace_of(case, &[FIRST, OTHER]));
        let other = file("other.json", &trace_of(case, &[OTHER, FIRST]));
        let labels = file("labels.json", &case["labels"]);
        let got = printed(&[
            "metrics",
            &trace,
            "--against",
            &other,
            "--labels",
            &labels,
            "--min-tokens",
            "2",
        ]);
        let check = |what: &str, expected: &Value, actual: &Value| {
            assert!(
                agree(expected, actual, 2e-5),
                "{what} of case {i}: {expected} against {actual}"
            );
        };
        let layer = &got["layers"][0];
        for (name, expected) in case["expected"].as_object().unwrap() {
            check(name, expected, &layer[name]);
        }
        let compared = &case["compared"];
        check("labels", &compared["labels"], &layer["by_input_id"]);
        let mut flow = compared["flow"].clone();
        (flow["from"], flow["to"]) = (json!(0), json!(1));
        check("flow", &flow, &got["flows"][0]);
        let mut first = json!({ "layer": 0 });
        for name in ["saturation", "divergence"] {
            first[name] = compared[name].clone();
        }
        check("against", &first, &got["against"][0]);
        check("predictions", &compared["predictions"], &got["predictions"]);
        let n_labelled = |list: &Value| -> u64 {
            self::list(list)
                .iter()
                .filter_map(|l| l["n_tokens"].as_u64())
                .sum()
        };
        assert_eq!(
            n_labelled(&layer["by_label"]),
            list(&case["labels"]).len() as u64
        );
    }
}

#[test]
fn flows_between_all_layers_are_listed_on_demand() {
    let folder = folder("flows");
    let case = &read(&Path::new(REPOSITORY).join("tests/vectors/metrics.json"))[0];
    let trace = write(
        &folder.join("trace.json"),
        &trace_of(case, &[FIRST, OTHER, FIRST]),
    );
    let pairs = |args: &[&str]| -> Vec<Value> {
        let got = printed(args);
        let flows = list(&got["flows"]).iter();
        flows
            .map(|flow| json!([flow["from"], flow["to"]]))
            .collect()
    };
    assert_eq!(pairs(&["metrics", &trace]), [json!([0, 1]), json!([1, 2])]);
    let all = pairs(&["metrics", &trace, "--all-flows"]);
    assert_eq!(all, [json!([0, 1]), json!([0, 2]), json!([1, 2])]);
}

#[test]
fn a_trace_that_does_not_fit_together_is_refused() {
    let folder = folder("bad_traces");
    let good = json!({ "tokens": [5, 6], "logits": [[0, 1], [1, 0]], "layers": [{ "layer": 3,
        "router_logits": [[1, 2], [2, 1]], "scores": [[0.5, 0.5], [0.5, 0.5]], "experts": [[1], [0]],
        "weights": [[1], [1]] }] });
    let path = write(&folder.join("good.json"), &good);
    assert_eq!(
        printed(&["metrics", &path])["layers"][0]["load"]["counts"],
        json!([1, 1])
    );
    let changes: [(&str, Value, &[&str]); 9] = [
        ("/tokens", json!([]), &["tokens", "at least 1"]),
        ("/logits", json!([[0, 1]]), &["logits has 1", "must have 2"]),
        (
            "/logits",
            json!([[0, 1], [0]]),
            &["logits: row 1 has 1", "must have 2"],
        ),
        (
            "/layers/0/experts",
            json!([[1]]),
            &["layer 3", "experts has 1", "must have 2"],
        ),
        (
            "/layers/0/experts",
            json!([[1], [2]]),
            &["layer 3", "token 1", "expert 2"],
        ),
        (
            "/layers/0/weights",
            json!([[1], []]),
            &["token 1", "0 weights"],
        ),
        (
            "/layers/0/scores",
            json!([[1], [1]]),
            &["scores has 1 columns", "must have 2"],
        ),
        (
            "/layers/0/router_logits",
            json!([[], []]),
            &["router_logits", "empty"],
        ),
        (
            "/layers/0/router_logits",
            json!([[1, 2], [2, null]]),
            &["null", "\"-inf\""],
        ),
    ];
    for (i, (place, value, named)) in changes.into_iter().enumerate() {
        let mut bad = good.clone();
        *bad.pointer_mut(place).unwrap() = value;
        let bad = write(&folder.join(format!("bad{i}.json")), &bad);
        refused(&["metrics", &bad], &[named, &[bad.as_str()]].concat());
    }
    let mut other = good.clone();
    other["tokens"] = json!([5, 7]);
    let other = write(&folder.join("other.json"), &other);
    refused(
        &["metrics", &path, "--against", &other],
        &["other.json", "tokens differ"],
    );
    let mut wider = good.clone();
    wider["logits"] = json!([[0, 1, 2], [1, 0, 2]]);
    let wider = write(&folder.join("wider.json"), &wider);
    refused(
        &["metrics", &path, "--against", &wider],
        &["wider.json", "next-token logits differ"],
    );
    let labels = write(&folder.join("labels.json"), &json!([1]));
    refused(
        &["metrics", &path, "--labels", &labels],
        &["labels.json", "got 1 labels", "must be 2"],
    );
}

#[test]
fn trace_takes_a_link_with_layers_and_metrics_reads_what_it_writes() {
    let folder = folder("trace");
    let file = folder.join("trace.json");
    let file = file.to_str().unwrap();
    let model = format!("{REPOSITORY}/tests/checkpoints/olmoe");
    let tokens: Vec<String> = (1..=24).map(|id| id.to_string()).collect();
    let spec = "olmoe,top_k=3;1:top_k=1,disabled=0";
    let args = [
        "trace",
        "--model",
        &model,
        "--tokens",
        &tokens.join(","),
        "--spec",
        spec,
        "--json",
        file,
    ];
    let output = moescope(&args);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let got = printed(&["metrics", file]);
    assert_eq!(got["n_tokens"], json!(24));
    let layers = list(&got["layers"]);
    assert!(layers.len() > 1 && list(&got["flows"]).len() == layers.len() - 1);
    for layer in layers {
        let is_own = layer["layer"] == json!(1);
        assert_eq!(layer["mean_experts"], json!(if is_own { 1.0 } else { 3.0 }));
        assert_eq!(layer["load"]["counts"][0] == json!(0), is_own);
    }
    refused(
        &[&args[..5], &["--spec", "olmoe,top_k=99"]].concat(),
        &["top_k is 99", "from 1"],
    );
}

#[test]
fn generate_takes_a_link() {
    let file = folder("generate").join("run.json");
    let model = format!("{REPOSITORY}/tests/checkpoints/qwen3_moe");
    let output = moescope(&[
        "generate",
        "--model",
        &model,
        "--prompt",
        "a",
        "--max-tokens",
        "2",
        "--spec",
        "top_p=0.3",
        "--record",
        file.to_str().unwrap(),
    ]);
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let select = &read(&file)[0]["trace"]["routing"]["default"]["select"];
    assert_eq!(select["method"], json!("top_p"));
}
