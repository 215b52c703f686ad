//! `moescope metrics` as a user runs it, and the traces that it reads.
#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use std::path::Path;

use program::{REPOSITORY, agree, folder, list, moescope, printed, read, refused, write};
use serde_json::{Value, json};

/// A trace of two layers from a case of the metric vectors, in the form that `moescope trace` writes.
fn trace_of(case: &Value, layers: &[(&str, &str)]) -> Value {
    let layer = |(index, (plan, logits)): (usize, &(&str, &str))| {
        let weights = list(&case[plan])
            .iter()
            .map(|row| vec![1.0; list(row).len()]);
        json!({ "layer": index, "router_logits": case[logits], "experts": case[plan],
            "weights": weights.collect::<Vec<_>>() })
    };
    json!({ "tokens": case["labels"], "layers": layers.iter().enumerate().map(layer).collect::<Vec<_>>() })
}

#[test]
fn metrics_agree_with_the_vectors() {
    let folder = folder("metrics");
    let (first, second) = (("plan", "logits"), ("other_plan", "other_logits"));
    let cases = read(&Path::new(REPOSITORY).join("tests/vectors/metrics.json"));
    assert!(list(&cases).len() >= 10);
    for (i, case) in list(&cases).iter().enumerate() {
        let trace = write(
            &folder.join("trace.json"),
            &trace_of(case, &[first, second]),
        );
        let other = write(
            &folder.join("other.json"),
            &trace_of(case, &[second, first]),
        );
        let got = printed(&["metrics", &trace, "--against", &other, "--min-tokens", "2"]);
        let layer = &got["layers"][0];
        let share =
            |share: &Value| json!([share["value"], share["low"], share["high"], share["chance"]]);
        let check = |what: &str, expected: &Value, actual: &Value| {
            assert!(
                agree(expected, actual, 2e-5),
                "{what} of case {i}: {expected} against {actual}"
            );
        };
        let expected = &case["expected"];
        for what in [
            "counts",
            "variation",
            "max_over_mean",
            "effective_experts",
            "dead",
        ] {
            check(what, &expected[what], &layer["load"][what]);
        }
        for what in [
            "balance_loss",
            "first_choice_loss",
            "importance_loss",
            "z_loss",
        ] {
            check(what, &expected[what], &layer[what]);
        }
        for what in ["entropy", "top_share", "margin"] {
            check(what, &expected[what], &layer["tokens"][what]);
        }
        for what in ["conditional", "jaccard"] {
            check(what, &expected[what], &layer["co_activation"][what]);
        }
        check(
            "repeat_first",
            &expected["repeat_first"],
            &share(&layer["repetition"]["first"]),
        );
        check(
            "repeat_any",
            &expected["repeat_any"],
            &share(&layer["repetition"]["any"]),
        );
        let sizes = |c: &Value| json!([c["size"], c["lru"], c["lfu"], c["segment"], c["belady"]]);
        check(
            "caches",
            &expected["caches"],
            &list(&layer["caches"]).iter().map(sizes).collect(),
        );
        let srp = |s: &Value| {
            json!([
                s["length"],
                s["srp"],
                s["threshold"],
                s["size_ratio"],
                s["srp_by_expert"]
            ])
        };
        check(
            "segments",
            &expected["segments"],
            &list(&layer["segments"]).iter().map(srp).collect(),
        );

        let compared = &case["compared"];
        let shares = |l: &Value| {
            list(&l["shares"])
                .iter()
                .map(|s| s["value"].clone())
                .collect::<Value>()
        };
        let label = |l: &Value| json!([l["label"], l["n_tokens"], shares(l)]);
        check(
            "labels",
            &compared["labels"],
            &list(&layer["by_input_id"]).iter().map(label).collect(),
        );
        check("flow", &compared["flow"], &got["flows"][0]["counts"]);
        check(
            "saturation",
            &compared["saturation"],
            &got["against"][0]["saturation"],
        );
        check(
            "divergence",
            &compared["divergence"],
            &got["against"][0]["divergence"],
        );
    }
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
    let changes: [(&str, Value, &[&str]); 8] = [
        ("/tokens", json!([]), &["tokens", "at least 1"]),
        ("/logits", json!([[0, 1]]), &["logits has 1", "must have 2"]),
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
