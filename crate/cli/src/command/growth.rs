//! `moescope growth`: how time grows with prompt, context, experts, top-k and layers.
//!
//! Each curve changes one number of a small random model and leaves the others alone; times do not depend on what
//! weights say. The exponent is the slope of log(time) over log(number) between the last two points of a curve:
//! 1 is proportional, 0 does not grow. Where fixed costs hide the growth of small numbers, the end says most.

mod curve;

use std::path::PathBuf;
use std::time::Instant;

use moescope_model::config::{Architecture, LmConfig};
use moescope_model::{Engine, GenerateOptions, ModelError, WeightFormat};
use moescope_routing::RouterSpec;

use super::bench::Spread;
use super::{Backend, start_random, write_json};
use crate::Outcome;
use curve::{Curve, Point, exponent, picture, print};

/// Tokens that are written and timed together.
const WRITTEN: usize = 8;
/// Tokens before them, where the number is another.
const CONTEXT: usize = 32;

/// Arguments of `moescope growth`.
#[derive(clap::Args)]
pub struct Args {
    /// Where to compute.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = [Backend::Cpu, Backend::Recorded])]
    backends: Vec<Backend>,
    /// Timed runs of each point, after one that warms up.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// File for the figures.
    #[arg(long)]
    json: Option<PathBuf>,
    /// File for the picture.
    #[arg(long)]
    svg: Option<PathBuf>,
}

/// A number that is changed, and what is timed.
struct Axis {
    name: &'static str,
    timed: Timed,
    values: &'static [usize],
    /// Changes the base model; none where the number is not the model's.
    model: Option<fn(&mut LmConfig, usize)>,
}

/// What is timed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Timed {
    /// Reading a prompt of so many tokens.
    Prompt,
    /// A token behind a text of so many.
    Context,
    /// A token of the changed model.
    Model,
    /// A token under a routing that chooses so many experts.
    TopK,
}

const AXES: [Axis; 5] = [
    Axis {
        name: "prompt length",
        timed: Timed::Prompt,
        values: &[16, 32, 64, 128, 256, 512, 1024],
        model: None,
    },
    Axis {
        name: "context length",
        timed: Timed::Context,
        values: &[32, 128, 512, 1024, 2000],
        model: None,
    },
    Axis {
        name: "experts",
        timed: Timed::Model,
        values: &[8, 16, 32, 64, 128],
        model: Some(|config, n| config.n_experts = n),
    },
    Axis {
        name: "top-k",
        timed: Timed::TopK,
        values: &[1, 2, 4, 8, 16],
        model: None,
    },
    Axis {
        name: "layers",
        timed: Timed::Model,
        values: &[2, 4, 8, 16],
        model: Some(|config, n| {
            config.n_layers = n;
            config.moe_layers = (0..n).collect();
        }),
    },
];

pub fn run(args: &Args) -> Outcome {
    if args.runs == 0 || args.backends.is_empty() || args.backends.len() > 4 {
        return Err("--runs must be 1 or more, and --backends name 1 to 4".into());
    }
    let mut curves = Vec::new();
    println!("seconds, median; exponent at the end");
    for axis in &AXES {
        for &backend in &args.backends {
            let curve = measure(axis, backend, args.runs)?;
            print(&curve);
            curves.push(curve);
        }
    }
    if let Some(path) = &args.svg {
        let axes: Vec<&str> = AXES.iter().map(|axis| axis.name).collect();
        let picture = picture(&curves, &axes, &args.backends).svg();
        std::fs::write(path, picture)
            .map_err(|e| format!("cannot write {}: {e}", path.display()))?;
    }
    match &args.json {
        Some(path) => write_json(&curves, Some(path)),
        None => Ok(()),
    }
}

/// The model that every curve starts from: 4 layers, width 128, 16 experts of which 2 act.
fn base() -> LmConfig {
    LmConfig {
        architecture: Architecture::Qwen3Moe,
        vocab_size: 1024,
        d_model: 128,
        n_layers: 4,
        n_heads: 4,
        n_kv_heads: 2,
        head_dim: 32,
        n_experts: 16,
        top_k: 2,
        d_ff_expert: 128,
        d_ff_shared: 0,
        d_ff_dense: 0,
        moe_layers: (0..4).collect(),
        renormalize: true,
        qkv_bias: false,
        clip_qkv: None,
        rope_theta: 10_000.0,
        rms_norm_eps: 1e-6,
        tied_head: true,
        max_positions: 2048,
        eos_token_id: None,
    }
}

fn measure(
    axis: &Axis,
    backend: Backend,
    runs: usize,
) -> Result<Curve, Box<dyn std::error::Error>> {
    let mut loaded = start_random(&base(), backend, WeightFormat::F32)?;
    let mut points = Vec::new();
    for &value in axis.values {
        if let Some(change) = axis.model {
            let mut config = base();
            change(&mut config, value);
            loaded = start_random(&config, backend, WeightFormat::F32)?;
        }
        if axis.timed == Timed::TopK {
            loaded.set_routing(RouterSpec::top_k(value).into())?;
        }
        let length = match axis.timed {
            Timed::Prompt | Timed::Context => value,
            Timed::Model | Timed::TopK => CONTEXT,
        };
        let timed = (0..=runs).map(|_| pollster::block_on(one_run(&mut loaded, length)));
        let timed = timed.collect::<Result<Vec<_>, ModelError>>()?;
        // The first run warms up.
        let seconds = timed[1..].iter().map(|(prompt, token)| match axis.timed {
            Timed::Prompt => *prompt,
            Timed::Context | Timed::Model | Timed::TopK => *token,
        });
        points.push(Point {
            value,
            seconds: Spread::of(seconds.collect()),
        });
    }
    Ok(Curve {
        backend: backend.name(),
        axis: axis.name,
        timed: match axis.timed {
            Timed::Prompt => "the prompt",
            Timed::Context | Timed::Model | Timed::TopK => "a token",
        },
        exponent: exponent(&points),
        points,
    })
}

/// Seconds of a prompt of `length` tokens, and of each token after it.
async fn one_run(engine: &mut Engine, length: usize) -> Result<(f64, f64), ModelError> {
    let vocab_size = engine.info().vocab_size;
    let ids: Vec<u32> = (0..length)
        .map(|i| ((i * 37 + 11) % vocab_size) as u32)
        .collect();
    let options = GenerateOptions {
        max_tokens: WRITTEN,
        temperature: 0.0,
        ..GenerateOptions::default()
    };
    let begun = Instant::now();
    engine.begin_ids(&ids, options).await?;
    let prompt = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    while engine.next().await?.is_some() {}
    Ok((prompt, begun.elapsed().as_secs_f64() / WRITTEN as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_random_model_runs_at_every_value_of_a_curve() {
        let curve = measure(&AXES[3], Backend::Cpu, 1).unwrap();
        let values: Vec<usize> = curve.points.iter().map(|point| point.value).collect();
        assert_eq!(values, AXES[3].values);
        assert!(curve.points.iter().all(|point| point.seconds.median > 0.0));
    }
}
