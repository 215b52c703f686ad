//! `moescope saturation MODEL --run RUN`: how soon the routing of a model was what it became (OLMoE, arXiv:2409.02060).
//!
//! The excerpts of the model's `eval.json` are read by the model and by every snapshot of its run; for each MoE layer
//! the overlap of the experts of each token is written as `saturation.json` and drawn as `saturation.svg` beside it.

use std::path::{Path, PathBuf};

use moescope_model::WeightFormat;
use moescope_routing::RoutingPlan;
use moescope_routing::metrics::{Estimate, saturation};
use moescope_train::AnyRecipe;
use moescope_train::chart::Saturation;
use serde::{Deserialize, Serialize};

use super::{Backend, load_weights, read_json, write_json};
use crate::Outcome;

type Failure = Box<dyn std::error::Error>;

/// Arguments of `moescope saturation`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the model, with its recipe and eval.json.
    model: PathBuf,
    /// Folder of its training run, which `train` names when it begins.
    #[arg(long)]
    run: PathBuf,
}

/// What saturation.json holds.
#[derive(Serialize)]
struct Report {
    /// Tokens that were read.
    tokens: usize,
    /// Layers, each with one figure for each of `steps`.
    layers: Vec<LayerReport>,
    /// Steps of training after which the weights were kept.
    steps: Vec<usize>,
    /// Steps in all.
    of: usize,
}

#[derive(Serialize)]
struct LayerReport {
    /// Index of the transformer layer.
    layer: usize,
    /// For each step the mean share of a token's experts that are those of the trained model.
    overlap: Vec<Estimate>,
}

/// The part of eval.json that is used.
#[derive(Deserialize)]
struct Eval {
    excerpts: Vec<Excerpt>,
}

#[derive(Deserialize)]
struct Excerpt {
    text: String,
}

/// What every token of the excerpts chose at one MoE layer.
struct Chosen {
    layer: usize,
    n_experts: usize,
    plan: RoutingPlan,
}

pub fn run(args: &Args) -> Outcome {
    let AnyRecipe::Text(recipe) = AnyRecipe::load(&args.model.join("recipe.toml"))? else {
        return Err("saturation is of language models; this recipe is of images".into());
    };
    let snapshots = snapshots(&args.run)?;
    let eval: Eval = read_json(&args.model.join("eval.json"))?;
    let read = |weights: &Path| choices(&args.model, weights, &eval.excerpts);
    let trained = read(&args.model.join("model.safetensors"))?;
    let mut layers: Vec<LayerReport> = trained
        .iter()
        .map(|chosen| LayerReport {
            layer: chosen.layer,
            overlap: Vec::new(),
        })
        .collect();
    for (step, path) in &snapshots {
        eprintln!("reading the excerpts after {step} steps");
        for ((report, then), now) in layers.iter_mut().zip(read(path)?).zip(&trained) {
            let overlap = saturation(&then.plan, &now.plan, now.n_experts);
            report.overlap.push(overlap);
        }
    }
    let report = Report {
        tokens: trained.first().map_or(0, |layer| layer.plan.n_tokens()),
        layers,
        steps: snapshots.into_iter().map(|(step, _)| step).collect(),
        of: recipe.train.steps(),
    };
    write_json(&report, Some(&args.model.join("saturation.json")))?;
    let picture = args.model.join("saturation.svg");
    std::fs::write(picture, report.picture(&recipe.name).svg())?;
    Ok(())
}

impl Report {
    fn picture(&self, name: &str) -> Saturation {
        let figure =
            |estimate: &Estimate| [estimate.value, estimate.low, estimate.high].map(f64::from);
        let layers = self.layers.iter().map(|layer| {
            let points = layer.overlap.iter().map(figure).collect();
            (format!("L{}", layer.layer), points)
        });
        let first = self.layers.iter().find_map(|layer| layer.overlap.first());
        Saturation {
            title: format!("{name}: how its routing settled"),
            subtitle: "Share of a token's experts that are those of the trained model".to_owned(),
            parts: self
                .steps
                .iter()
                .map(|&step| step as f64 / self.of as f64)
                .collect(),
            layers: layers.collect(),
            chance: first.map_or(0.0, |estimate| f64::from(estimate.chance)),
        }
    }
}

/// Snapshots of a run by the steps done, in order.
fn snapshots(run: &Path) -> Result<Vec<(usize, PathBuf)>, Failure> {
    let folder = run.join("snapshots");
    let entries =
        std::fs::read_dir(&folder).map_err(|e| format!("cannot read {}: {e}", folder.display()))?;
    let mut found = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        if let Ok(step) = stem.parse::<usize>() {
            found.push((step, path));
        }
    }
    found.sort();
    match found.is_empty() {
        true => Err(format!(
            "{} holds no snapshot; allowed are files such as 65.safetensors, which `train` keeps where the recipe has train.snapshots",
            folder.display()
        )
        .into()),
        false => Ok(found),
    }
}

/// Reads all excerpts with these weights.
fn choices(model: &Path, weights: &Path, excerpts: &[Excerpt]) -> Result<Vec<Chosen>, Failure> {
    let engine = load_weights(model, weights, Backend::Cpu, WeightFormat::F32)?;
    let mut chosen: Vec<Chosen> = Vec::new();
    for excerpt in excerpts {
        let trace = pollster::block_on(engine.analyse(&excerpt.text, None))?.trace;
        for (place, layer) in trace.layers.into_iter().enumerate() {
            if place == chosen.len() {
                chosen.push(Chosen {
                    layer: layer.layer,
                    n_experts: layer.n_experts,
                    plan: RoutingPlan {
                        offsets: vec![0],
                        ..RoutingPlan::default()
                    },
                });
            }
            let plan = &mut chosen[place].plan;
            let before = plan.expert_idx.len() as u32;
            plan.expert_idx.extend(&layer.experts);
            let offsets = layer.offsets[1..].iter().map(|&offset| before + offset);
            plan.offsets.extend(offsets);
        }
    }
    Ok(chosen)
}
