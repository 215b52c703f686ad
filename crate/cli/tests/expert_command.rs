//! `moescope expert` as a program.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use program::{REPOSITORY, list, printed, refused};
use serde_json::Value;

fn args<'a>(model: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let fixed = ["expert", "--model", model, "--text", "Hello", "--layer"];
    [&fixed[..], more].concat()
}

#[test]
fn an_expert_is_asked_about_the_last_token_or_another() {
    let model = format!("{REPOSITORY}/tests/checkpoints/qwen3_moe");
    let asked = |more: &[&str]| -> Value { printed(&args(&model, more)) };
    let last = asked(&["2", "--expert", "4"]);
    let (units, predictions) = (list(&last["units"]), list(&last["predictions"]));
    assert_eq!((units.len(), last["n_units"].as_u64()), (6, Some(24)));
    assert!(predictions.len() >= 6, "{predictions:?}");
    let first = asked(&["2", "--expert", "4", "--position", "0"]);
    assert_ne!(first["token"], last["token"]);
    assert_ne!(asked(&["2", "--expert", "5"])["units"], last["units"]);
}

#[test]
fn a_question_without_an_answer_is_refused() {
    let model = format!("{REPOSITORY}/tests/checkpoints/qwen3_moe");
    let no = |more: &[&str], named: &[&str]| refused(&args(&model, more), named);
    no(
        &["1", "--expert", "0"],
        &["layer 1 has no experts", "[0, 2]"],
    );
    no(&["0", "--expert", "8"], &["expert 8", "0 to 7"]);
    no(
        &["0", "--expert", "0", "--position", "99"],
        &["position 99", "0 to"],
    );
}
