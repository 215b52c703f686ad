//! `moescope generate` with self-contrast and rerouting, and `moescope reroute`, as programs.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use program::{REPOSITORY, folder, list, moescope, printed, read, refused};
use serde_json::Value;

fn model() -> String {
    format!("{REPOSITORY}/tests/checkpoints/qwen3_moe")
}

/// Token ids of a greedy continuation.
fn greedy(more: &[&str]) -> Value {
    continued(&[&["--temperature", "0"], more].concat())
}

/// Token ids of a continuation.
fn continued(more: &[&str]) -> Value {
    let model = model();
    let fixed = [
        "generate",
        "--model",
        &model,
        "--prompt",
        "Hello",
        "--ids",
        "--max-tokens",
        "12",
    ];
    printed(&[&fixed[..], more].concat())
}

#[test]
fn one_token_to_draw_from_is_the_greedy_one_and_few_are_others_than_all() {
    let drawn = |more: &[&str]| continued(&[&["--temperature", "3", "--seed", "1"], more].concat());
    let all = drawn(&[]);
    assert_eq!(drawn(&["--sampler-top-k", "1"]), greedy(&[]));
    assert_eq!(drawn(&["--sampler-top-p", "0.000001"]), greedy(&[]));
    assert_eq!(drawn(&["--sampler-top-k", "100000"]), all);
    assert_ne!(drawn(&["--sampler-top-k", "3"]), all);
    assert_ne!(drawn(&["--sampler-top-p", "0.1"]), all);
}

#[test]
fn a_share_of_nothing_is_refused() {
    let model = model();
    let args = ["generate", "--model", &model, "--prompt", "Hello"];
    refused(
        &[&args[..], &["--sampler-top-p", "0"]].concat(),
        &["sampler_top_p is 0; allowed is above 0 to 1"],
    );
}

#[test]
fn contrast_changes_the_text_unless_beta_is_zero() {
    let plain = greedy(&[]);
    assert_eq!(list(&plain).len(), 12);
    assert_ne!(
        greedy(&["--contrast", "--beta", "2", "--alpha", "0.01"]),
        plain
    );
    assert_eq!(greedy(&["--contrast", "--beta", "0"]), plain);
    assert_eq!(
        greedy(&["--contrast", "method=rank,ranks=2", "--alpha", "1"]),
        plain
    );
}

#[test]
fn the_default_weak_routing_is_the_third_best_alone() {
    let settings = ["--beta", "2", "--alpha", "0.01"];
    let weak = |spec: &[&str]| greedy(&[&["--contrast"], spec, &settings].concat());
    assert_eq!(weak(&[]), weak(&["method=rank,ranks=2"]));
    assert_ne!(weak(&[]), weak(&["method=rank,ranks=7"]));
}

#[test]
fn a_recorded_run_says_what_contrast_did() {
    let record = folder("contrast").join("run.json");
    let path = record.to_str().unwrap();
    greedy(&["--contrast", "--record", path]);
    let steps = read(&record);
    let [prompt, tokens @ ..] = list(&steps) else {
        panic!("an empty run")
    };
    assert!(prompt.get("contrast").is_none());
    for step in tokens {
        assert!(step["contrast"]["divergence"].as_f64().unwrap() > 0.0);
        assert!(list(&step["contrast"]["candidates"]).len() >= 4);
    }
    greedy(&["--record", path]);
    assert!(list(&read(&record))[1].get("contrast").is_none());
}

#[test]
fn bad_settings_of_contrast_are_refused() {
    let model = model();
    let generate = |more: &[&str], named: &[&str]| {
        refused(
            &[&["generate", "--model", &model, "--prompt", "a"], more].concat(),
            named,
        );
    };
    generate(
        &["--contrast", "--alpha", "0"],
        &["contrast.alpha is 0", "above 0 to 1"],
    );
    generate(
        &["--contrast", "--beta=-1"],
        &["contrast.beta is -1", "from 0"],
    );
    generate(&["--contrast", "top_k=9"], &["top_k is 9", "8"]);
    generate(
        &["--contrast", "no_such"],
        &["--contrast no_such", "there is no such file"],
    );
    generate(
        &["--contrast", "method=external"],
        &["external router", "none is set"],
    );
    // Without --contrast they would mean nothing.
    let stray = moescope(&[
        "generate", "--model", &model, "--prompt", "a", "--alpha", "0.5",
    ]);
    assert_eq!(stray.status.code(), Some(2));
}

#[test]
fn a_rerouting_lowers_the_loss_and_is_a_spec_of_other_commands() {
    let model = format!("{REPOSITORY}/models/first");
    let text = "Once upon a time there was a little girl who lived by the sea.";
    let file = folder("reroute").join("rerouted.json");
    let path = file.to_str().unwrap();
    for method in ["gradient", "search"] {
        let args = [
            "reroute",
            "--model",
            &model,
            "--text",
            text,
            "--steps",
            "8",
            "--method",
            method,
            "--layers-share",
            "0.5",
            "--order",
            "lowest",
            "--json",
            path,
        ];
        let output = moescope(&args);
        assert!(
            output.status.success(),
            "{:?}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            String::from_utf8(output.stderr)
                .unwrap()
                .starts_with("loss on ")
        );
        let rerouted = read(&file);
        let loss = |at: usize| rerouted["losses"][at].as_f64().unwrap();
        let kept = rerouted["kept"].as_u64().unwrap() as usize;
        assert!(kept > 0 && loss(kept) < loss(0), "{method}: {rerouted}");
        let chosen = list(&rerouted["layers"])
            .iter()
            .filter(|layer| layer["chosen"] == true);
        assert_eq!(chosen.count(), 2);
        let trace = printed(&["trace", "--model", &model, "--text", text, "--spec", path]);
        assert!((trace["loss"].as_f64().unwrap() - loss(kept)).abs() < 1e-4);
    }
}

#[test]
fn rerouting_while_generating_begins_before_the_first_token_and_repeats() {
    let output = moescope(&[
        "generate",
        "--model",
        &model(),
        "--prompt",
        "Hello there",
        "--ids",
        "--max-tokens",
        "6",
        "--temperature",
        "0",
        "--reroute-every",
        "3",
        "--steps",
        "2",
    ]);
    assert!(output.status.success());
    let lines = String::from_utf8(output.stderr).unwrap();
    assert_eq!(lines.lines().count(), 3, "{lines}");
    assert!(
        lines.lines().all(|line| line.starts_with("loss on ")),
        "{lines}"
    );
}

#[test]
fn what_cannot_be_rerouted_is_refused() {
    let model = model();
    let reroute = |more: &[&str], named: &[&str]| {
        refused(
            &[
                &["reroute", "--model", &model, "--text", "Hello there"],
                more,
            ]
            .concat(),
            named,
        );
    };
    reroute(&["--rate", "0"], &["rate is 0", "above 0"]);
    reroute(
        &["--layers-share", "2"],
        &["layers_share is 2", "above 0 to 1"],
    );
    reroute(
        &["--spec", "method=hash,weights=equal"],
        &["no gradient", "search"],
    );
}
