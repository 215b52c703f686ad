//! `moescope trace`: runs a text once and writes tokens, logits, loss and every routing decision as JSON.

use std::path::PathBuf;

use moescope_model::LayerTrace;
use serde::Serialize;

use super::real::{self, Real};
use super::{ModelArgs, write_json};
use crate::Outcome;

/// Arguments of `moescope trace`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    #[command(flatten)]
    input: Input,
    /// File to write; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// What to run.
#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Input {
    /// Text, tokenised by the model's tokenizer.
    #[arg(long)]
    text: Option<String>,
    /// Token ids, separated by commas.
    #[arg(long, value_delimiter = ',')]
    tokens: Option<Vec<u32>>,
}

#[derive(Serialize)]
struct Output {
    /// [T] token ids.
    tokens: Vec<u32>,
    /// [T] what each token adds to the text.
    texts: Vec<String>,
    /// [T][V] next-token logits.
    logits: Vec<Vec<f32>>,
    /// Mean loss of the predicted tokens in nats; null for a single token.
    loss: Option<f32>,
    /// One entry for each MoE layer.
    layers: Vec<Layer>,
}

#[derive(Serialize)]
struct Layer {
    /// Index of the transformer layer.
    layer: usize,
    /// [T][E] gating logits; infinities are "inf" and "-inf".
    router_logits: Vec<Vec<Real>>,
    /// [T][E] scores.
    scores: Vec<Vec<Real>>,
    /// [T][..] selected experts, best first.
    experts: Vec<Vec<u16>>,
    /// [T][..] their combine weights.
    weights: Vec<Vec<f32>>,
}

pub fn run(args: &Args) -> Outcome {
    let engine = args.model.engine()?;
    let ids = match (&args.input.text, &args.input.tokens) {
        (Some(text), _) => engine
            .tokenize(text)?
            .iter()
            .map(|token| token.id)
            .collect(),
        (None, tokens) => tokens.clone().unwrap_or_default(),
    };
    let (logits, trace) = pollster::block_on(engine.forward_ids(&ids))?;
    let loss = pollster::block_on(engine.analyse_ids(&ids, None))?.loss;
    let vocab_size = logits.len() / ids.len();
    let output = Output {
        texts: trace.tokens.into_iter().map(|token| token.text).collect(),
        logits: logits.chunks(vocab_size).map(<[f32]>::to_vec).collect(),
        loss: loss.is_finite().then_some(loss),
        layers: trace.layers.iter().map(layer).collect(),
        tokens: ids,
    };
    write_json(&output, args.json.as_deref())
}

fn layer(trace: &LayerTrace) -> Layer {
    let rows = || {
        trace
            .offsets
            .windows(2)
            .map(|w| w[0] as usize..w[1] as usize)
    };
    Layer {
        layer: trace.layer,
        router_logits: real::rows(&trace.logits, trace.n_experts),
        scores: real::rows(&trace.scores, trace.n_experts),
        experts: rows().map(|row| trace.experts[row].to_vec()).collect(),
        weights: rows().map(|row| trace.weights[row].to_vec()).collect(),
    }
}
