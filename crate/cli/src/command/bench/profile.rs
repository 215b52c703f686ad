//! Time by kernel of a recorded plan: `moescope bench --profile`.

use moescope_model::{Engine, GenerateOptions, KernelTime, ModelError};
use serde::Serialize;

/// Where the time of a prompt and of the tokens after it goes.
#[derive(Serialize)]
pub(super) struct Profile {
    prompt: Vec<Share>,
    /// Of one token, on average.
    token: Vec<Share>,
}

/// One kernel's part.
#[derive(Serialize)]
struct Share {
    kernel: &'static str,
    dispatches: f64,
    microseconds: f64,
}

/// Runs a prompt and `tokens` tokens with every dispatch timed.
pub(super) async fn profile(
    engine: &mut Engine,
    prompt: &[u32],
    tokens: usize,
) -> Result<Profile, ModelError> {
    let options = GenerateOptions {
        max_tokens: tokens,
        temperature: 0.0,
        ..GenerateOptions::default()
    };
    engine.measure_kernels(true)?;
    engine.begin_ids(prompt, options).await?;
    let of_prompt = engine.take_times()?;
    let mut written = 0;
    while engine.next().await?.is_some() {
        written += 1;
    }
    let of_tokens = engine.take_times()?;
    engine.measure_kernels(false)?;
    Ok(Profile {
        prompt: shares(&of_prompt, 1),
        token: shares(&of_tokens, written),
    })
}

/// The most expensive first.
fn shares(times: &[KernelTime], runs: usize) -> Vec<Share> {
    let per_run = |value: f64| value / runs.max(1) as f64;
    let mut shares: Vec<Share> = times
        .iter()
        .map(|time| Share {
            kernel: time.kernel,
            dispatches: per_run(time.dispatches as f64),
            microseconds: per_run(time.seconds * 1e6),
        })
        .collect();
    shares.sort_by(|a, b| b.microseconds.total_cmp(&a.microseconds));
    shares
}

impl Profile {
    pub fn print(&self) {
        for (what, shares) in [("prompt", &self.prompt), ("token", &self.token)] {
            let whole: f64 = shares.iter().map(|share| share.microseconds).sum();
            println!("  kernels of a {what}: {whole:.1} us, each dispatch timed by itself");
            for share in shares {
                println!(
                    "    {:<16} {:10.1} us  {:5.1} %  {:7.1} dispatches",
                    share.kernel,
                    share.microseconds,
                    100.0 * share.microseconds / whole,
                    share.dispatches
                );
            }
        }
    }
}
