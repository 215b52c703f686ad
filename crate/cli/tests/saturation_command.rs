//! `moescope saturation` as a program: snapshots of a run beside the model that it ended with.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

mod program;

use std::path::PathBuf;

use moescope_model::checkpoint::write_safetensors;
use moescope_model::config::LmConfig;
use moescope_train::init::initial_tensors;
use program::{REPOSITORY, folder, moescope, read, refused};

/// A copy of `models/first`, which the command writes to, and a folder for a run.
fn model_and_run(name: &str) -> (PathBuf, PathBuf) {
    let folder = folder(name);
    let (model, run) = (folder.join("first"), folder.join("run"));
    std::fs::create_dir_all(&model).unwrap();
    std::fs::create_dir_all(run.join("snapshots")).unwrap();
    for file in [
        "recipe.toml",
        "config.json",
        "tokenizer.json",
        "eval.json",
        "model.safetensors",
    ] {
        let from = format!("{REPOSITORY}/models/first/{file}");
        std::fs::copy(from, model.join(file)).unwrap();
    }
    (model, run)
}

#[test]
fn random_weights_overlap_by_chance_and_the_trained_ones_wholly() {
    let (model, run) = model_and_run("saturation");
    let config = std::fs::read_to_string(model.join("config.json")).unwrap();
    let config = LmConfig::from_json(&config).unwrap();
    let random = write_safetensors(&config, &initial_tensors(&config, 9)).unwrap();
    let snapshot = |step: usize| run.join(format!("snapshots/{step}.safetensors"));
    std::fs::write(snapshot(9), random).unwrap();
    std::fs::copy(model.join("model.safetensors"), snapshot(10)).unwrap();
    let (model_arg, run_arg) = (model.to_str().unwrap(), run.to_str().unwrap());
    assert!(
        moescope(&["saturation", model_arg, "--run", run_arg])
            .status
            .success()
    );

    let report = read(&model.join("saturation.json"));
    assert_eq!(report["steps"], serde_json::json!([9, 10]));
    let layers = report["layers"].as_array().unwrap();
    assert_eq!(layers.len(), 4);
    for layer in layers {
        let overlap = |snapshot: usize| layer["overlap"][snapshot]["value"].as_f64().unwrap();
        assert!((0.05..0.6).contains(&overlap(0)), "{layer}");
        assert!((overlap(1) - 1.0).abs() < 1e-6, "{layer}");
        assert_eq!(layer["overlap"][0]["chance"], 0.25);
    }
    let picture = std::fs::read_to_string(model.join("saturation.svg")).unwrap();
    assert!(picture.contains("first: how its routing settled"));
}

#[test]
fn a_run_without_snapshots_is_refused_with_what_keeps_them() {
    let (model, run) = model_and_run("saturation-none");
    let (model, run) = (model.to_str().unwrap(), run.to_str().unwrap());
    refused(
        &["saturation", model, "--run", run],
        &["snapshots holds no snapshot", "train.snapshots"],
    );
}
