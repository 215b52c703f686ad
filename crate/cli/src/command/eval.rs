//! `moescope eval MODEL`: held-out figures, written as eval.json and into the model card.

use std::path::{Path, PathBuf};

use moescope_model::{Device, Engine, GenerateOptions, ModelError, ModelFiles};
use moescope_train::AnyRecipe;
use moescope_train::card::{Card, Excerpt, Sample, figures, fill_card};
use moescope_train::data::{DataFolder, Split};
use moescope_train::evaluate::{Baselines, Evaluator};
use moescope_train::progress::Progress;
use moescope_train::recipe::Recipe;
use moescope_train::shards::{Shard, ShardCache};
use moescope_train::tokenizer::TextTokenizer;
use serde::Serialize;

use super::{read_bytes, read_text};
use crate::Outcome;
use crate::progress::ProgressLine;

/// What each sample in the card continues.
const SAMPLE_PROMPTS: [&str; 4] = [
    "Once upon a time there was a",
    "Il était une fois",
    "def read(self, size=-1):\n    \"\"\"",
    "Q: What is 17 + 25?\nA:",
];
const SAMPLE_TOKENS: usize = 80;
/// Tokens of each held-out excerpt, its mark of the document included.
const EXCERPT_TOKENS: usize = 300;

/// Arguments of `moescope eval`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the model, with the recipe that made it.
    pub model: PathBuf,
    /// Folder of the text; else the environment variable MOESCOPE_DATA.
    #[arg(long)]
    pub data: Option<PathBuf>,
    /// Folder of the image sets of a vision model; else images in the data folder.
    #[arg(long, conflicts_with = "data")]
    pub images: Option<PathBuf>,
    /// Threads.
    #[arg(long, default_value_t = 2)]
    pub threads: usize,
    /// File to write the figures to; else eval.json in the model's folder, and its card is filled in too.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub fn run(args: &Args) -> Outcome {
    match AnyRecipe::load(&args.model.join("recipe.toml"))? {
        AnyRecipe::Text(recipe) => evaluate_text(args, &recipe),
        AnyRecipe::Vision(recipe) => super::eval_vision::run(args, &recipe),
    }
}

fn evaluate_text(args: &Args, recipe: &Recipe) -> Outcome {
    let folder = &args.model;
    let tokenizer = TextTokenizer::load(&folder.join("tokenizer.json"))?;
    let config = read_text(&folder.join("config.json"))?;
    let weights = read_bytes(&folder.join("model.safetensors"))?;
    let evaluator = Evaluator::load(&config, &weights)?;
    let mut line = ProgressLine::new();
    let mut on_progress = |p: &Progress<'_>| {
        let text = format!("{}: {} of {} {}", p.what, p.done, p.total, p.unit);
        line.show(&text, p.done == p.total);
    };
    let (data, cache) = (
        DataFolder::find(args.data.as_deref())?,
        ShardCache::of_user()?,
    );
    let domains = recipe.domain_names();
    let mut load = |split| cache.load_domains(&data, &tokenizer, &domains, split, &mut on_progress);
    let (train, test) = (load(Split::Train)?, load(Split::Test)?);
    let texts = |split| -> Result<Vec<_>, _> {
        let documents = domains.iter().map(|domain| data.documents(domain, split));
        documents.collect()
    };
    eprintln!("counting n-grams");
    let baselines = Baselines::count(&texts(Split::Train)?, &train, tokenizer.vocab_size())?;
    let test_texts = texts(Split::Test)?;
    let threads = args.threads.max(1);
    let measured: Result<Vec<_>, _> = test
        .iter()
        .zip(&test_texts)
        .map(|(shard, text)| evaluator.domain(text, shard, &baselines, threads, &mut on_progress))
        .collect();
    let (n_parameters, n_active_parameters) = evaluator.config().parameter_counts();
    let mut engine = engine(folder, &config, tokenizer.json(), &weights)?;
    let card = Card {
        name: recipe.name.clone(),
        n_parameters,
        n_active_parameters,
        weight_bytes: weights.len(),
        domains: measured?,
        excerpts: excerpts(&engine, &tokenizer, &test)?,
        samples: samples(&mut engine)?,
    };
    write_figures(args, &card, &figures(&card))
}

/// Writes `--json`, or eval.json and the card beside the model.
pub fn write_figures<T: Serialize>(args: &Args, card: &T, markdown: &str) -> Outcome {
    let json = serde_json::to_string_pretty(card)? + "\n";
    let Some(path) = &args.json else {
        std::fs::write(args.model.join("eval.json"), json)?;
        let path = args.model.join("README.md");
        std::fs::write(&path, fill_card(&read_text(&path)?, markdown)?)?;
        return Ok(());
    };
    Ok(std::fs::write(path, json)?)
}

fn engine(
    folder: &Path,
    config: &str,
    tokenizer: &str,
    weights: &[u8],
) -> Result<Engine, ModelError> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let files = ModelFiles {
        name: &name,
        config,
        tokenizer: Some(tokenizer),
        weights,
    };
    Engine::load(files, &Device::flex())
}

fn excerpts(
    engine: &Engine,
    tokenizer: &TextTokenizer,
    test: &[Shard],
) -> Result<Vec<Excerpt>, Box<dyn std::error::Error>> {
    let mut excerpts = Vec::new();
    for shard in test {
        // The first token only marks the beginning of a document.
        let end = shard.tokens.len().min(EXCERPT_TOKENS);
        let text = tokenizer.decode(&shard.tokens[1..end])?;
        let analysis = pollster::block_on(engine.analyse(&text, None))?;
        excerpts.push(Excerpt {
            domain: shard.domain.clone(),
            text,
            loss_nats_per_token: analysis.loss,
            bits_per_byte: analysis.bits_per_byte,
        });
    }
    Ok(excerpts)
}

fn samples(engine: &mut Engine) -> Result<Vec<Sample>, ModelError> {
    let options = GenerateOptions {
        max_tokens: SAMPLE_TOKENS,
        temperature: 0.7,
        seed: 1,
        contrast: None,
    };
    let mut samples = Vec::new();
    for prompt in SAMPLE_PROMPTS {
        let mut text = String::new();
        pollster::block_on(engine.begin(prompt, options.clone()))?;
        while let Some(step) = pollster::block_on(engine.next())? {
            text.push_str(&step.token.text);
        }
        let prompt = prompt.to_owned();
        samples.push(Sample { prompt, text });
    }
    Ok(samples)
}
