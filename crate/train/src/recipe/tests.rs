//! Recipes that are read, and recipes that are refused with a reason.

use super::*;

const FIRST: &str = include_str!("../../../../models/first/recipe.toml");

fn parse(text: &str) -> Result<Recipe, TrainError> {
    Recipe::parse(text, Path::new("recipe.toml"))
}

/// The message for the first recipe with one line changed.
fn refused(line: &str, changed: &str) -> String {
    let line_start = format!("\n{line}");
    assert_eq!(
        FIRST.matches(&line_start).count(),
        1,
        "one line starts with {line}"
    );
    let begin = FIRST.find(&line_start).unwrap() + 1;
    let end = begin + FIRST[begin..].find('\n').unwrap();
    parse(&format!("{}{changed}{}", &FIRST[..begin], &FIRST[end..]))
        .unwrap_err()
        .to_string()
}

#[test]
fn the_first_models_recipe_is_valid_and_survives_writing() {
    let recipe = parse(FIRST).unwrap();
    assert_eq!(recipe.domain_names(), ["tales", "french", "python", "math"]);
    assert_eq!(parse(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
}

#[test]
fn unknown_and_missing_fields_are_named() {
    assert!(refused("top_k", "top_k = 2\ntop_kk = 2").contains("top_kk"));
    assert!(refused("rope_theta", "").contains("missing field `rope_theta`"));
    assert!(refused("architecture", "architecture = \"gpt\"").contains("qwen3_moe"));
}

#[test]
fn senseless_values_are_refused_with_what_is_allowed() {
    for (line, changed, expected) in [
        (
            "top_k",
            "top_k = 9000",
            "model.top_k: got 9000, allowed is 1 to model.n_experts",
        ),
        (
            "n_kv_heads",
            "n_kv_heads = 9999",
            "model.n_kv_heads: got 9999, allowed is a divisor of",
        ),
        (
            "head_dim",
            "head_dim = 31",
            "model.head_dim: got 31, allowed is an even number",
        ),
        (
            "n_layers",
            "n_layers = 0",
            "model.n_layers: got 0, allowed is at least 1",
        ),
        (
            "vocab_size",
            "vocab_size = 100",
            "model.vocab_size: got 100, allowed is 257 to 65536",
        ),
        (
            "seq_len",
            "seq_len = 100000",
            "train.seq_len: got 100000, allowed is at most model.max_positions",
        ),
        (
            "learning_rate",
            "learning_rate = nan",
            "train.learning_rate: got NaN, allowed is above 0",
        ),
        (
            "min_learning_rate",
            "min_learning_rate = 9.0",
            "train.min_learning_rate: got 9, allowed is 0 to",
        ),
        (
            "warmup_steps",
            "warmup_steps = 99999999",
            "train.warmup_steps: got 99999999, allowed is below the",
        ),
        (
            "beta2",
            "beta2 = 1.0",
            "train.beta2: got 1, allowed is 0 to below 1",
        ),
        (
            "z_loss_coef",
            "z_loss_coef = -1.0",
            "train.z_loss_coef: got -1, allowed is 0 or above",
        ),
        (
            "batch_sequences",
            "batch_sequences = 0",
            "train.batch_sequences: got 0, allowed is at least 1",
        ),
        (
            "name",
            "name = \"../up\"",
            "name: got ../up, allowed is lower-case letters",
        ),
    ] {
        let message = refused(line, changed);
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn domains_are_checked() {
    let with = |list: &str| {
        let begin = FIRST.find("domains = [").unwrap();
        let end = begin + FIRST[begin..].find("\n]").unwrap() + 2;
        parse(&format!(
            "{}domains = [{list}]{}",
            &FIRST[..begin],
            &FIRST[end..]
        ))
        .unwrap_err()
        .to_string()
    };
    assert!(with("").contains("data.domains: got an empty list"));
    assert!(with("{ name = \"a\", weight = 0.0 }").contains("data.domains.weight: got 0"));
    assert!(with("{ name = \"a/b\", weight = 1.0 }").contains("data.domains.name: got a/b"));
    let twice = "{ name = \"a\", weight = 1.0 }, { name = \"a\", weight = 2.0 }";
    assert!(with(twice).contains("got a, allowed is each domain once"));
}

#[test]
fn the_learning_rate_warms_up_and_falls_to_its_minimum() {
    let mut train = parse(FIRST).unwrap().train;
    (
        train.tokens,
        train.batch_sequences,
        train.seq_len,
        train.warmup_steps,
    ) = (10_999, 10, 10, 10);
    (train.learning_rate, train.min_learning_rate) = (1.0, 0.1);
    assert_eq!(train.steps(), 110);
    let rates: Vec<f64> = (0..110).map(|step| train.learning_rate_at(step)).collect();
    assert!((rates[0] - 0.1).abs() < 1e-12 && (rates[9] - 1.0).abs() < 1e-12);
    assert!((rates[10] - 1.0).abs() < 1e-12 && (rates[109] - 0.1).abs() < 1e-12);
    assert!(rates[10..].is_sorted_by(|earlier, later| earlier > later));
    assert!(
        (train.learning_rate_at(500) - 0.1).abs() < 1e-12,
        "past the end it stays"
    );
}
