//! `moescope eval MODEL`: held-out figures, written as eval.json and into the model card.
//!
//! Under another routing, in 8 bits or on a text of one's own the figures are no figures of the card: they go to `--json`
//! or to standard output, and nothing in the model's folder changes.

use std::path::PathBuf;

use moescope_model::WeightFormat;
use moescope_model::checkpoint::Storage;
use moescope_routing::ModelRouting;
use moescope_train::AnyRecipe;
use moescope_train::card::fill_card;
use serde::Serialize;

use super::{choose_routing, eval_text, eval_vision, read_text, write_json};
use crate::Outcome;

/// Arguments of `moescope eval`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the model, with the recipe that made it (not needed for --text).
    pub model: PathBuf,
    /// The routing to evaluate instead of the trained one: a JSON file, or a preset with changes and layers of their own, as in olmoe,top_k=4;2:top_k=1.
    #[arg(long, value_name = "FILE|PRESET[,field=value...]")]
    spec: Option<String>,
    /// How matrices are kept: f32, or q8 for what 8 bits cost.
    #[arg(long, default_value_t)]
    weights: WeightFormat,
    /// Measure this UTF-8 text instead of the test splits.
    #[arg(long, conflicts_with = "images")]
    pub text: Option<PathBuf>,
    /// Folder of the text; else the environment variable MOESCOPE_DATA.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folder of the image sets of a vision model; else images in the data folder.
    #[arg(long, conflicts_with = "data")]
    pub images: Option<PathBuf>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    threads: usize,
    /// File to write the figures to; else eval.json in the model's folder, and its card and map are written too.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// Figures of a model in the forms in which they are kept.
pub struct Figures<T> {
    /// What eval.json holds.
    pub card: T,
    /// The measured part of README.md.
    pub markdown: String,
    /// experts.svg, for a model that has experts.
    pub map: Option<String>,
}

pub fn run(args: &Args) -> Outcome {
    if let Some(path) = &args.text {
        let report = eval_text::own_text(args, &read_text(path)?)?;
        return write_json(&report, args.json.as_deref());
    }
    match AnyRecipe::load(&args.model.join("recipe.toml"))? {
        AnyRecipe::Text(recipe) => write_figures(args, &eval_text::run(args, &recipe)?),
        AnyRecipe::Vision(recipe) => write_figures(args, &eval_vision::run(args, &recipe)?),
    }
}

impl Args {
    /// The routing to evaluate, where config.json does not say it.
    pub fn routing(&self) -> Result<Option<ModelRouting>, Box<dyn std::error::Error>> {
        choose_routing(self.spec.as_deref(), &self.model)
    }

    /// How matrices are kept.
    pub fn storage(&self) -> Result<Storage, String> {
        match self.weights {
            WeightFormat::F32 => Ok(Storage::Reals),
            WeightFormat::Q8 => Ok(Storage::Packed),
            other => Err(format!("--weights is {other}; allowed here are f32 and q8")),
        }
    }

    /// At least one.
    pub fn threads(&self) -> usize {
        self.threads.max(1)
    }
}

fn write_figures<T: Serialize>(args: &Args, figures: &Figures<T>) -> Outcome {
    let of_the_card = args.spec.is_none() && args.weights == WeightFormat::F32;
    if args.json.is_some() || !of_the_card {
        return write_json(&figures.card, args.json.as_deref());
    }
    let json = serde_json::to_string_pretty(&figures.card)? + "\n";
    std::fs::write(args.model.join("eval.json"), json)?;
    if let Some(map) = &figures.map {
        std::fs::write(args.model.join("experts.svg"), map)?;
    }
    let path = args.model.join("README.md");
    std::fs::write(&path, fill_card(&read_text(&path)?, &figures.markdown)?)?;
    Ok(())
}
