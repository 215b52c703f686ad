//! `moescope`: the engine without a browser.
//!
//! One file for each command in `command/`; this one only tells them apart and prints errors.

mod command;
mod progress;

use std::process::ExitCode;

use clap::Parser;

/// Tensors come and go in megabytes; this allocator keeps their pages instead of asking the system each time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train, run and look into small mixture-of-experts models.
#[derive(Parser)]
#[command(version, max_term_width = 100)]
enum Command {
    /// Train the model that a recipe describes, and write it beside the recipe.
    Train(command::train::Args),
    /// Take or download training data, verify it, and cut it into tokens.
    Data(command::data::Args),
    /// Draw the curves of a training run.
    Curves(command::curves::Args),
    /// Measure how soon a model's routing was what it became, from what its training run has kept.
    Saturation(command::saturation::Args),
    /// Measure a trained model on held-out text and fill in its card.
    Eval(command::eval::Args),
    /// Continue a prompt.
    Generate(command::generate::Args),
    /// Lower the loss on a text by offsets of the gating logits, and write down the routing that has them.
    Reroute(command::reroute::Args),
    /// Ask one expert what it does to one token of a text.
    Expert(command::expert::Args),
    /// Run a text once and write down every routing decision.
    Trace(command::trace::Args),
    /// Measure how fast a model reads and writes, on the CPU and as a recorded plan on the GPU.
    Bench(command::bench::Args),
    /// Measure how time grows with prompt, context, experts, top-k and layers, on random models.
    Growth(command::growth::Args),
    /// Decide about given logits, without a model, and say why.
    Route(command::route::Args),
    /// Analyse what `trace` has written: load, specialisation, repetition, caches and more.
    Metrics(command::metrics::Args),
}

/// Any error ends the program with its message.
type Outcome = Result<(), Box<dyn std::error::Error>>;

fn main() -> ExitCode {
    let outcome = match Command::parse() {
        Command::Train(args) => command::train::run(&args),
        Command::Data(args) => command::data::run(&args),
        Command::Curves(args) => command::curves::run(&args),
        Command::Saturation(args) => command::saturation::run(&args),
        Command::Eval(args) => command::eval::run(&args),
        Command::Generate(args) => command::generate::run(&args),
        Command::Reroute(args) => command::reroute::run(&args),
        Command::Expert(args) => command::expert::run(&args),
        Command::Trace(args) => command::trace::run(&args),
        Command::Bench(args) => command::bench::run(&args),
        Command::Growth(args) => command::growth::run(&args),
        Command::Route(args) => command::route::run(&args),
        Command::Metrics(args) => command::metrics::run(&args),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
