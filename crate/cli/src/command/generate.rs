//! `moescope generate`: continues a prompt on standard output.

use std::io::Write;

use moescope_model::GenerateOptions;

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
    pollster::block_on(engine.begin(&args.prompt, options))?;
    if !args.ids {
        write!(out, "{}", args.prompt)?;
    }
    while let Some(step) = pollster::block_on(engine.next())? {
        if args.ids {
            ids.push(step.token.id);
        } else {
            write!(out, "{}", step.token.text)?;
            out.flush()?;
        }
    }
    match args.ids {
        true => writeln!(out, "{}", serde_json::to_string(&ids)?)?,
        false => writeln!(out)?,
    }
    Ok(())
}
