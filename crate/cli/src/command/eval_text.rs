//! `moescope eval MODEL` for a language model: losses beside counting, use of experts, samples; or a text of one's own.

use std::path::Path;

use moescope_model::checkpoint::Storage;
use moescope_model::config::LmConfig;
use moescope_model::{Device, Engine, GenerateOptions, ModelError, ModelFiles};
use moescope_routing::ModelRouting;
use moescope_train::card::{Card, Excerpt, Sample, expert_map, figures};
use moescope_train::data::{DataFolder, Split};
use moescope_train::evaluate::{Baselines, CountingFigures, Evaluator, Text, TextFigures};
use moescope_train::progress::Progress;
use moescope_train::recipe::Recipe;
use moescope_train::shards::{Shard, ShardCache};
use moescope_train::tokenizer::TextTokenizer;
use serde::Serialize;

use super::eval::{Args, Figures};
use super::{read_bytes, read_json, read_text, write_json};
use crate::progress::ProgressLine;

/// What the samples in the card continue, by domain.
const SAMPLE_PROMPTS: [(&str, &str); 9] = [
    ("tales", "Once upon a time there was a"),
    ("novels", "She looked out of the window, and"),
    ("shakespeare", "HAMLET.\n"),
    ("french", "Il était une fois"),
    ("german", "Der alte Mann"),
    ("python", "def read(self, size=-1):\n    \"\"\""),
    ("rust", "    /// Returns `true` if"),
    ("math", "Q: What is 17 + 25?\nA:"),
    ("wordproblems", "Q: Tom has 3 apples. He buys"),
];
const SAMPLE_TOKENS: usize = 80;
/// Tokens of each held-out excerpt, its mark of the document included.
const EXCERPT_TOKENS: usize = 300;

type Failure = Box<dyn std::error::Error>;

/// Figures of a text of one's own.
#[derive(Serialize)]
pub struct OwnText {
    /// Name of the model.
    name: String,
    /// The routing they were measured under.
    routing: ModelRouting,
    #[serde(flatten)]
    figures: TextFigures,
}

/// A model folder in memory.
struct Files {
    name: String,
    config: String,
    tokenizer: String,
    weights: Vec<u8>,
}

impl Files {
    fn read(folder: &Path) -> Result<Self, Failure> {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Ok(Self {
            name: name.into_owned(),
            config: read_text(&folder.join("config.json"))?,
            tokenizer: read_text(&folder.join("tokenizer.json"))?,
            weights: read_bytes(&folder.join("model.safetensors"))?,
        })
    }

    fn engine(
        &self,
        routing: Option<&ModelRouting>,
        storage: Storage,
    ) -> Result<Engine, ModelError> {
        let files = ModelFiles {
            name: &self.name,
            config: &self.config,
            tokenizer: Some(&self.tokenizer),
            weights: &self.weights,
        };
        let mut engine = match storage {
            Storage::Reals => Engine::load(files, &Device::flex())?,
            Storage::Packed => Engine::load_packed(files)?,
        };
        if let Some(routing) = routing {
            engine.set_routing(routing.clone())?;
        }
        Ok(engine)
    }

    fn evaluator(
        &self,
        routing: Option<&ModelRouting>,
        storage: Storage,
    ) -> Result<Evaluator, Failure> {
        let evaluator = Evaluator::load(&self.config, &self.weights, storage)?;
        Ok(match routing {
            Some(routing) => evaluator.with_routing(routing.clone())?,
            None => evaluator,
        })
    }
}

/// Figures of a text without a recipe; a text that fits one window gives what the browser gives.
pub fn own_text(args: &Args, text: &str) -> Result<OwnText, Failure> {
    let (files, routing, storage) = (Files::read(&args.model)?, args.routing()?, args.storage()?);
    let engine = files.engine(routing.as_ref(), storage)?;
    let tokens = engine.tokenize(text)?;
    // The first token is given, and markers are no bytes of the text, as in `Engine::analyse`.
    let predicted = tokens.iter().skip(1).filter(|token| !token.special);
    let text = Text {
        name: "text".to_owned(),
        bytes: predicted.map(|token| token.text.len() as u64).sum(),
        tokens: tokens.iter().map(|token| token.id).collect(),
        counting: None,
    };
    let evaluator = files.evaluator(routing.as_ref(), storage)?;
    let mut progress = progress();
    Ok(OwnText {
        figures: evaluator.figures(&[text], args.threads(), &mut progress)?,
        routing: engine.routing().clone(),
        name: files.name,
    })
}

/// Figures on the test splits.
pub fn run(args: &Args, recipe: &Recipe) -> Result<Figures<Card>, Failure> {
    let (files, routing, storage) = (Files::read(&args.model)?, args.routing()?, args.storage()?);
    let tokenizer = TextTokenizer::load(&args.model.join("tokenizer.json"))?;
    let evaluator = files.evaluator(routing.as_ref(), storage)?;
    let mut progress = progress();
    let (texts, test) = held_out(args, recipe, &tokenizer, &mut progress)?;
    let measured = evaluator.figures(&texts, args.threads(), &mut progress)?;
    let config: &LmConfig = evaluator.config();
    let (n_parameters, n_active_parameters) = config.parameter_counts();
    let mut engine = files.engine(routing.as_ref(), storage)?;
    let card = Card {
        name: recipe.name.clone(),
        n_parameters,
        n_active_parameters,
        weight_bytes: files.weights.len(),
        n_experts: config.n_experts,
        top_k: config.top_k,
        figures: measured,
        excerpts: excerpts(&engine, &tokenizer, &test)?,
        samples: samples(&mut engine, recipe)?,
    };
    Ok(Figures {
        markdown: figures(&card),
        map: expert_map(&card),
        card,
    })
}

fn progress() -> impl FnMut(&Progress<'_>) {
    let mut line = ProgressLine::new();
    move |p: &Progress<'_>| {
        let text = format!("{}: {} of {} {}", p.what, p.done, p.total, p.unit);
        line.show(&text, p.done == p.total);
    }
}

/// The test split of every domain, with what counting the training split reaches on it.
fn held_out(
    args: &Args,
    recipe: &Recipe,
    tokenizer: &TextTokenizer,
    progress: &mut dyn FnMut(&Progress<'_>),
) -> Result<(Vec<Text>, Vec<Shard>), Failure> {
    let data = DataFolder::find(args.data.as_deref())?;
    let (cache, domains) = (ShardCache::of_user()?, recipe.domain_names());
    let mut load = |split| cache.load_domains(&data, tokenizer, &domains, split, &mut *progress);
    let (train, test) = (load(Split::Train)?, load(Split::Test)?);
    // Counting takes longer than the model, and models of the same text and tokens share it.
    let path = cache.counting_path(&data, tokenizer, &domains)?;
    let counting: Vec<CountingFigures> = match path.is_file() {
        true => read_json(&path)?,
        false => {
            let counting = count(&data, &domains, &train, &test, tokenizer)?;
            write_json(&counting, Some(&path))?;
            counting
        }
    };
    let texts = test.iter().zip(counting).map(|(shard, counting)| Text {
        name: shard.domain.clone(),
        tokens: shard.tokens.iter().copied().map(u32::from).collect(),
        bytes: shard.text_bytes,
        counting: Some(counting),
    });
    Ok((texts.collect(), test))
}

/// What counting the training text reaches on each domain's test split.
fn count(
    data: &DataFolder,
    domains: &[&str],
    train: &[Shard],
    test: &[Shard],
    tokenizer: &TextTokenizer,
) -> Result<Vec<CountingFigures>, Failure> {
    eprintln!("counting n-grams");
    let documents = |split| -> Result<Vec<_>, _> {
        let domains = domains.iter();
        domains
            .map(|domain| data.documents(domain, split))
            .collect()
    };
    let baselines = Baselines::count(&documents(Split::Train)?, train, tokenizer.vocab_size())?;
    let pairs = test.iter().zip(documents(Split::Test)?);
    Ok(pairs
        .map(|(shard, documents)| baselines.figures(&documents, shard))
        .collect())
}

fn excerpts(
    engine: &Engine,
    tokenizer: &TextTokenizer,
    test: &[Shard],
) -> Result<Vec<Excerpt>, Failure> {
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

fn samples(engine: &mut Engine, recipe: &Recipe) -> Result<Vec<Sample>, ModelError> {
    let options = GenerateOptions {
        max_tokens: SAMPLE_TOKENS,
        temperature: 0.7,
        seed: 1,
        ..GenerateOptions::default()
    };
    let domains = recipe.domain_names();
    let mut samples = Vec::new();
    for (_, prompt) in SAMPLE_PROMPTS
        .iter()
        .filter(|(domain, _)| domains.contains(domain))
    {
        let mut text = String::new();
        pollster::block_on(engine.begin(prompt, options.clone()))?;
        while let Some(step) = pollster::block_on(engine.next())? {
            text.push_str(&step.token.text);
        }
        let prompt = (*prompt).to_owned();
        samples.push(Sample { prompt, text });
    }
    Ok(samples)
}
