//! `moescope expert`: asks one expert what it does to one token of a text, and writes the answer as JSON.

use std::path::PathBuf;

use moescope_model::ExpertQuestion;

use super::{ModelArgs, write_json};
use crate::Outcome;

/// Arguments of `moescope expert`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Text that the token is in.
    #[arg(long)]
    text: String,
    /// Index of a transformer layer that has experts.
    #[arg(long)]
    layer: usize,
    /// Index of the expert.
    #[arg(long)]
    expert: usize,
    /// Index of the token; the last one if absent.
    #[arg(long)]
    position: Option<usize>,
    /// File to write; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

pub fn run(args: &Args) -> Outcome {
    let engine = args.model.engine()?;
    let tokens = engine.tokenize(&args.text)?;
    let ids: Vec<u32> = tokens.iter().map(|token| token.id).collect();
    let question = ExpertQuestion {
        layer: args.layer,
        expert: args.expert,
        position: args.position.unwrap_or(ids.len().saturating_sub(1)),
    };
    let answer = pollster::block_on(engine.ask_expert_ids(&ids, question, None))?;
    write_json(&answer, args.json.as_deref())
}
