//! `moescope generate`: continues a prompt on standard output, and records the run if asked to.

use std::io::Write;
use std::num::NonZeroUsize;
use std::path::PathBuf;

use moescope_model::{Contrast, ContrastReport, Engine, GenerateOptions, Step, Token, Trace};
use serde::Serialize;

use super::reroute::{Settings, summary};
use super::{ModelArgs, read_routing};
use crate::Outcome;

/// Arguments of `moescope generate`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Text to continue.
    #[arg(long)]
    prompt: String,
    /// Tokens to generate at most.
    #[arg(long, default_value_t = 64)]
    max_tokens: usize,
    /// Sampling temperature; 0 takes the likeliest token.
    #[arg(long, default_value_t = 0.7)]
    temperature: f32,
    /// Tokens of the vocabulary to draw from, the likeliest ones; 0 is all. The router's top-k is part of --spec.
    #[arg(long, value_name = "N", default_value_t = 0)]
    sampler_top_k: usize,
    /// Draw from the fewest likeliest tokens with this share of the probability; above 0 to 1, 1 is all.
    #[arg(long, value_name = "SHARE", default_value_t = 1.0)]
    sampler_top_p: f32,
    /// Seed of the sampler.
    #[arg(long, default_value_t = 0)]
    seed: u32,
    #[command(flatten)]
    contrast: ContrastArgs,
    /// Reroute on the text so far before the first token and after every M; later tokens keep what was read before.
    #[arg(long, value_name = "M")]
    reroute_every: Option<NonZeroUsize>,
    #[command(flatten)]
    reroute: Settings,
    /// Print token ids, one list as JSON, instead of text.
    #[arg(long)]
    ids: bool,
    /// File for the run with all its routing, as the page plays it back.
    #[arg(long)]
    record: Option<PathBuf>,
}

/// Self-contrast decoding.
#[derive(clap::Args)]
struct ContrastArgs {
    /// Push scores away from this weak routing, given as for --spec; without a value the third best expert alone.
    #[arg(long, value_name = "SPEC", num_args = 0..=1)]
    contrast: Option<Option<String>>,
    /// A token is valid if its probability is at least this share of the best.
    #[arg(long, requires = "contrast", default_value_t = Contrast::default().alpha)]
    alpha: f32,
    /// How far scores move away from the weak ones.
    #[arg(long, requires = "contrast", default_value_t = Contrast::default().beta)]
    beta: f32,
}

/// A step as the npm package yields it; JSON's null stands for minus infinity.
#[derive(Serialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
enum RecordedStep {
    Prompt {
        text: &'static str,
        trace: Trace,
    },
    Token {
        text: String,
        token: Token,
        log_prob: f32,
        trace: Trace,
        #[serde(skip_serializing_if = "Option::is_none")]
        contrast: Option<ContrastReport>,
    },
}

impl ContrastArgs {
    fn contrast(&self) -> Result<Option<Contrast>, Box<dyn std::error::Error>> {
        let Some(spec) = &self.contrast else {
            return Ok(None);
        };
        let weak = match spec {
            Some(spec) => Some(read_routing("--contrast", spec)?),
            None => None,
        };
        Ok(Some(Contrast {
            weak,
            alpha: self.alpha,
            beta: self.beta,
            ..Contrast::default()
        }))
    }
}

pub fn run(args: &Args) -> Outcome {
    let mut engine = args.model.engine()?;
    let options = GenerateOptions {
        max_tokens: args.max_tokens,
        temperature: args.temperature,
        sampler_top_k: args.sampler_top_k,
        sampler_top_p: args.sampler_top_p,
        seed: args.seed,
        contrast: args.contrast.contrast()?,
    };
    let mut out = std::io::stdout();
    let mut text: Vec<u32> = engine
        .tokenize(&args.prompt)?
        .iter()
        .map(|token| token.id)
        .collect();
    let n_prompt = text.len();
    if args.reroute_every.is_some() {
        reroute(&mut engine, &text, &args.reroute)?;
    }
    let trace = pollster::block_on(engine.begin(&args.prompt, options))?;
    let mut recorded = vec![RecordedStep::Prompt { text: "", trace }];
    if !args.ids {
        write!(out, "{}", args.prompt)?;
    }
    while let Some(step) = pollster::block_on(engine.next())? {
        text.push(step.token.id);
        if !args.ids {
            write!(out, "{}", step.token.text)?;
            out.flush()?;
        }
        recorded.push(step.into());
        let n_generated = text.len() - n_prompt;
        if let Some(every) = args.reroute_every
            && n_generated.is_multiple_of(every.get())
        {
            reroute(&mut engine, &text, &args.reroute)?;
        }
    }
    match args.ids {
        true => writeln!(out, "{}", serde_json::to_string(&text[n_prompt..])?)?,
        false => writeln!(out)?,
    }
    if let Some(path) = &args.record {
        std::fs::write(path, serde_json::to_string(&recorded)?)?;
    }
    Ok(())
}

/// Puts the routing in force that predicts the text so far better.
///
/// Offsets go on from where they are; what the caches hold was computed under the former ones and stays.
fn reroute(engine: &mut Engine, ids: &[u32], settings: &Settings) -> Outcome {
    let rerouted = pollster::block_on(engine.reroute_ids(ids, None, &settings.options()))?;
    eprintln!("{}", summary(&rerouted, ids.len()));
    Ok(engine.set_routing(rerouted.routing)?)
}

impl From<Step> for RecordedStep {
    fn from(step: Step) -> Self {
        Self::Token {
            text: step.token.text.clone(),
            token: step.token,
            log_prob: step.log_prob,
            trace: step.trace,
            contrast: step.contrast,
        }
    }
}
