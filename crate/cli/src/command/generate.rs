//! `moescope generate`: continues a prompt on standard output, and records the run if asked to.

use std::io::Write;
use std::path::PathBuf;

use moescope_model::{GenerateOptions, Token, Trace};
use serde::Serialize;

use super::ModelArgs;
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
    /// Seed of the sampler.
    #[arg(long, default_value_t = 0)]
    seed: u32,
    /// Print token ids, one list as JSON, instead of text.
    #[arg(long)]
    ids: bool,
    /// File for the run with all its routing, as the page plays it back.
    #[arg(long)]
    record: Option<PathBuf>,
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
    },
}

pub fn run(args: &Args) -> Outcome {
    let mut engine = args.model.engine()?;
    let options = GenerateOptions {
        max_tokens: args.max_tokens,
        temperature: args.temperature,
        seed: args.seed,
    };
    let mut out = std::io::stdout();
    let mut ids = Vec::new();
    let trace = pollster::block_on(engine.begin(&args.prompt, options))?;
    let mut recorded = vec![RecordedStep::Prompt { text: "", trace }];
    if !args.ids {
        write!(out, "{}", args.prompt)?;
    }
    while let Some(step) = pollster::block_on(engine.next())? {
        ids.push(step.token.id);
        if !args.ids {
            write!(out, "{}", step.token.text)?;
            out.flush()?;
        }
        recorded.push(RecordedStep::Token {
            text: step.token.text.clone(),
            token: step.token,
            log_prob: step.log_prob,
            trace: step.trace,
        });
    }
    match args.ids {
        true => writeln!(out, "{}", serde_json::to_string(&ids)?)?,
        false => writeln!(out)?,
    }
    if let Some(path) = &args.record {
        std::fs::write(path, serde_json::to_string(&recorded)?)?;
    }
    Ok(())
}
