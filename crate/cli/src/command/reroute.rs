//! `moescope reroute`: optimises offsets of the gating logits on a text and writes the routing that has them.
//!
//! What it writes is a routing for `--spec` of the other commands, with the losses on the way beside it.

use std::path::PathBuf;
use std::time::Instant;

use clap::ValueEnum;
use moescope_model::{LayerOrder, RerouteMethod, RerouteOptions, Rerouted};

use super::{ModelArgs, write_json};
use crate::Outcome;

/// Arguments of `moescope reroute`.
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    model: ModelArgs,
    /// Text to predict better.
    #[arg(long)]
    text: String,
    #[command(flatten)]
    settings: Settings,
    /// File to write; standard output if absent.
    #[arg(long)]
    json: Option<PathBuf>,
}

/// How to optimise.
#[derive(clap::Args)]
pub struct Settings {
    /// Steps of the optimiser.
    #[arg(long, default_value_t = RerouteOptions::default().steps)]
    steps: usize,
    /// How far a step goes, in logits.
    #[arg(long, default_value_t = RerouteOptions::default().rate)]
    rate: f32,
    /// No offset goes further from 0 than this.
    #[arg(long, default_value_t = RerouteOptions::default().clamp)]
    clamp: f32,
    /// Share of the MoE layers that get offsets.
    #[arg(long, default_value_t = RerouteOptions::default().layers_share)]
    layers_share: f32,
    /// Which layers: those with the highest or lowest mean -ln p of the chosen experts.
    #[arg(long, value_enum, default_value_t = Order::Highest)]
    order: Order,
    /// Down the gradient, or random steps that are kept where the loss falls.
    #[arg(long, value_enum, default_value_t = Method::Gradient)]
    method: Method,
    /// Seed of the search.
    #[arg(long, default_value_t = RerouteOptions::default().seed)]
    search_seed: u32,
}

#[derive(Clone, Copy, ValueEnum)]
enum Order {
    Highest,
    Lowest,
}

#[derive(Clone, Copy, ValueEnum)]
enum Method {
    Gradient,
    Search,
}

impl Settings {
    /// The options of the engine.
    pub fn options(&self) -> RerouteOptions {
        RerouteOptions {
            steps: self.steps,
            rate: self.rate,
            clamp: self.clamp,
            layers_share: self.layers_share,
            order: match self.order {
                Order::Highest => LayerOrder::Highest,
                Order::Lowest => LayerOrder::Lowest,
            },
            method: match self.method {
                Method::Gradient => RerouteMethod::Gradient,
                Method::Search => RerouteMethod::Search,
            },
            seed: self.search_seed,
        }
    }
}

/// One line of what came out.
pub fn summary(rerouted: &Rerouted, n_tokens: usize) -> String {
    format!(
        "loss on {n_tokens} tokens {:.4} before, {:.4} after step {} of {}; experts changed for {:.0} % of tokens",
        rerouted.losses[0],
        rerouted.losses[rerouted.kept],
        rerouted.kept,
        rerouted.losses.len() - 1,
        100.0 * rerouted.changed,
    )
}

pub fn run(args: &Args) -> Outcome {
    let engine = args.model.engine()?;
    let ids: Vec<u32> = engine
        .tokenize(&args.text)?
        .iter()
        .map(|token| token.id)
        .collect();
    let start = Instant::now();
    let rerouted = pollster::block_on(engine.reroute_ids(&ids, None, &args.settings.options()))?;
    let seconds = start.elapsed().as_secs_f32();
    eprintln!("{} ({seconds:.2} s)", summary(&rerouted, ids.len()));
    write_json(&rerouted, args.json.as_deref())
}
