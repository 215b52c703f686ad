//! `moescope bench MODEL`: how fast a model reads and writes here, on the CPU engine and as a recorded plan.
//!
//! A config.json alone is a model too, with random weights: times do not depend on what weights say.
//! Decoding one token must read every active weight once, so its speed is also given as bandwidth, beside that of a
//! plain copy on the same device in the same run. Keys and values, which grow with the text, are not counted.

mod profile;

use std::path::{Path, PathBuf};
use std::time::Instant;

use moescope_model::config::LmConfig;
use moescope_model::{Engine, GenerateOptions, Gpu, ModelError, WeightFormat};
use serde::Serialize;

use super::{Backend, load, read_text, start_random, write_json};
use crate::Outcome;
use profile::Profile;

/// Bytes of a copy: larger than any cache.
const COPIED: usize = 64 << 20;
/// Copies that are timed together.
const COPIES: usize = 8;

/// Arguments of `moescope bench`.
#[derive(clap::Args)]
pub struct Args {
    /// Folder of the model, or a config.json, of which a model with random weights is made.
    model: PathBuf,
    /// Where to compute.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Backend::Cpu, Backend::Recorded])]
    backends: Vec<Backend>,
    /// How matrices are kept: f32, f16, q8, q4; several are measured one after the other, on a backend those that it has.
    #[arg(long, value_delimiter = ',', default_values_t = [WeightFormat::F32])]
    weights: Vec<WeightFormat>,
    /// Tokens to read.
    #[arg(long, default_value_t = 128)]
    prompt: usize,
    /// Tokens to write.
    #[arg(long, default_value_t = 64)]
    tokens: usize,
    /// Timed runs, after one that warms up.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Time every kernel too, by the clock of the device.
    #[arg(long)]
    profile: bool,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Report {
    model: String,
    n_parameters: usize,
    n_active_parameters: usize,
    prompt_tokens: usize,
    written_tokens: usize,
    runs: usize,
    backends: Vec<Figures>,
}

#[derive(Serialize)]
struct Figures {
    backend: &'static str,
    /// How matrices are stored.
    weights: &'static str,
    device: String,
    /// Tokens per second.
    prompt: Spread,
    decode: Spread,
    decode_without_trace: Spread,
    /// None on Burn, which dispatches as it goes.
    dispatches_per_token: Option<usize>,
    pipelines: Option<usize>,
    weight_bytes_per_token: usize,
    /// Bytes of weights per second, decoding without trace.
    bandwidth: f64,
    /// Bytes read and written per second by a copy.
    copy_bandwidth: f64,
    share_of_copy_bandwidth: f64,
    /// Of a plan, where it was asked for.
    profile: Option<Profile>,
}

/// Median and range over the runs.
#[derive(Clone, Copy, Serialize)]
pub(super) struct Spread {
    pub median: f64,
    pub lowest: f64,
    pub highest: f64,
}

impl Spread {
    pub fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        Self {
            median: values[values.len() / 2],
            lowest: values[0],
            highest: values[values.len() - 1],
        }
    }
}

pub fn run(args: &Args) -> Outcome {
    if args.runs == 0 || args.prompt == 0 || args.tokens == 0 {
        return Err("--runs, --prompt and --tokens must be 1 or more".into());
    }
    if args.profile && !args.backends.contains(&Backend::Recorded) {
        let message =
            "--profile times the kernels of a recorded plan; --backends must name recorded";
        return Err(message.into());
    }
    let mut report: Option<Report> = None;
    for (backend, format) in variants(args) {
        let mut engine = engine(&args.model, backend, format)?;
        let info = engine.info();
        let room = info.max_positions;
        if args.prompt + args.tokens > room {
            let asked = args.prompt + args.tokens;
            return Err(format!(
                "--prompt and --tokens are {asked} together; this model has {room} positions"
            )
            .into());
        }
        let figures = pollster::block_on(measure(&mut engine, backend, format, args))?;
        print(&figures);
        let report = report.get_or_insert_with(|| Report {
            model: info.name.clone(),
            n_parameters: info.n_parameters,
            n_active_parameters: info.n_active_parameters,
            prompt_tokens: args.prompt,
            written_tokens: args.tokens,
            runs: args.runs,
            backends: Vec::new(),
        });
        report.backends.push(figures);
    }
    match (&args.json, &report) {
        (Some(path), Some(report)) => write_json(report, Some(path)),
        _ => Ok(()),
    }
}

fn engine(
    model: &Path,
    backend: Backend,
    format: WeightFormat,
) -> Result<Engine, Box<dyn std::error::Error>> {
    if !model.is_file() {
        return load(model, backend, format);
    }
    let config = LmConfig::from_json(&read_text(model)?)
        .map_err(|error| format!("{}: {error}", model.display()))?;
    start_random(&config, backend, format)
}

/// Every backend asked for, once for each format that it has, or in float32.
fn variants(args: &Args) -> Vec<(Backend, WeightFormat)> {
    let of = |&backend: &Backend| {
        let wished = args.weights.iter().copied();
        let mut formats: Vec<_> = wished.filter(|&format| backend.keeps(format)).collect();
        if formats.is_empty() {
            formats.push(WeightFormat::F32);
        }
        formats.into_iter().map(move |format| (backend, format))
    };
    args.backends.iter().flat_map(of).collect()
}

async fn measure(
    engine: &mut Engine,
    backend: Backend,
    format: WeightFormat,
    args: &Args,
) -> Result<Figures, Box<dyn std::error::Error>> {
    let vocab_size = engine.info().vocab_size;
    let prompt: Vec<u32> = (0..args.prompt)
        .map(|i| ((i * 37 + 11) % vocab_size) as u32)
        .collect();
    let timed = |engine: &mut Engine, tracing| -> Result<Vec<(f64, f64)>, ModelError> {
        engine.set_tracing(tracing);
        let runs =
            (0..=args.runs).map(|_| pollster::block_on(one_run(engine, &prompt, args.tokens)));
        // The first run warms up.
        runs.collect::<Result<Vec<_>, _>>()
            .map(|runs| runs[1..].to_vec())
    };
    let traced = timed(engine, true)?;
    let untraced = timed(engine, false)?;
    let decode = |runs: &[(f64, f64)]| {
        Spread::of(runs.iter().map(|run| args.tokens as f64 / run.1).collect())
    };
    let decode_without_trace = decode(&untraced);
    let plan = engine.plan_info();
    let profile = match args.profile && plan.is_some() {
        true => Some(profile::profile(engine, &prompt, args.tokens).await?),
        false => None,
    };
    // Gates, norms and rows that fit no block stay float32; they are few.
    let weight_bytes_per_token = engine.weights_per_token() * format.bits() / 8;
    let bandwidth = decode_without_trace.median * weight_bytes_per_token as f64;
    let copy_bandwidth = match backend {
        Backend::Recorded => gpu_copy().await?,
        _ => cpu_copy(),
    };
    Ok(Figures {
        backend: backend.name(),
        weights: format.name(),
        device: plan
            .as_ref()
            .map_or("CPU".into(), |plan| plan.adapter.clone()),
        prompt: Spread::of(
            traced
                .iter()
                .map(|run| args.prompt as f64 / run.0)
                .collect(),
        ),
        decode: decode(&traced),
        decode_without_trace,
        dispatches_per_token: plan.as_ref().map(|plan| plan.kernels.len()),
        pipelines: plan.as_ref().map(|plan| plan.n_pipelines),
        weight_bytes_per_token,
        bandwidth,
        copy_bandwidth,
        share_of_copy_bandwidth: bandwidth / copy_bandwidth,
        profile,
    })
}

/// Seconds of the prompt, and of the tokens after it.
async fn one_run(
    engine: &mut Engine,
    prompt: &[u32],
    tokens: usize,
) -> Result<(f64, f64), ModelError> {
    let options = GenerateOptions {
        max_tokens: tokens,
        temperature: 0.0,
        ..GenerateOptions::default()
    };
    let begun = Instant::now();
    engine.begin_ids(prompt, options).await?;
    let read = begun.elapsed().as_secs_f64();
    // This reads the prompt once more and goes on past any end of text.
    let begun = Instant::now();
    engine.greedy_ids(prompt, tokens).await?;
    let whole = begun.elapsed().as_secs_f64();
    Ok((read, (whole - read).max(f64::MIN_POSITIVE)))
}

/// Bytes per second, read and written, of copies on the CPU by one thread.
fn cpu_copy() -> f64 {
    let from = vec![1_u8; COPIED];
    let mut to = vec![0_u8; COPIED];
    let mut seconds = 0.0;
    // The first copy brings the pages in.
    for copy in 0..=COPIES {
        let begun = Instant::now();
        to.copy_from_slice(std::hint::black_box(&from));
        std::hint::black_box(&to);
        if copy > 0 {
            seconds += begun.elapsed().as_secs_f64();
        }
    }
    (2 * COPIED * COPIES) as f64 / seconds
}

/// The same on the GPU.
async fn gpu_copy() -> Result<f64, Box<dyn std::error::Error>> {
    let copy = Gpu::new().await?.copy(COPIED)?;
    copy.run(1).await?;
    let begun = Instant::now();
    copy.run(COPIES).await?;
    Ok((2 * COPIED * COPIES) as f64 / begun.elapsed().as_secs_f64())
}

fn print(figures: &Figures) {
    let line = |what: &str, spread: Spread| {
        println!(
            "  {what:<24} {:9.1} tokens/s  ({:.1} to {:.1})",
            spread.median, spread.lowest, spread.highest
        );
    };
    println!(
        "{}, {}, on {}",
        figures.backend, figures.weights, figures.device
    );
    line("prompt", figures.prompt);
    line("decode", figures.decode);
    line("decode, no trace", figures.decode_without_trace);
    if let (Some(dispatches), Some(pipelines)) = (figures.dispatches_per_token, figures.pipelines) {
        println!("  {dispatches} dispatches a token, {pipelines} pipelines in all");
    }
    println!(
        "  {:.2} MB of weights a token: {:.2} GB/s, {:.0} % of the {:.2} GB/s of a copy",
        figures.weight_bytes_per_token as f64 / 1e6,
        figures.bandwidth / 1e9,
        100.0 * figures.share_of_copy_bandwidth,
        figures.copy_bandwidth / 1e9
    );
    if let Some(profile) = &figures.profile {
        profile.print();
    }
}
