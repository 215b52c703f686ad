//! First weights, as a checkpoint in memory that the ordinary loader reads.
//!
//! Matrices are normal with standard deviation 1/sqrt(inputs), those that write to the residual stream smaller by
//! sqrt(2 L) (Radford et al. 2019), the embedding 0.02 * sqrt(512 / D) as it doubles as the head; norms are one.
//! Every tensor has a stream of its own, so adding one does not change the others.

use std::sync::atomic::{AtomicUsize, Ordering};

use moescope_model::checkpoint::{TensorList, Tensors};
use moescope_model::config::LmConfig;

use crate::shuffle::SplitMix64;

/// Random tensors for every entry of the configuration.
pub fn initial_tensors(config: &LmConfig, seed: u64) -> Tensors {
    random_tensors(config.tensors(), seed, |name, shape| {
        deviation(config, name, shape)
    })
}

/// Normal numbers of the standard deviation that `deviation` gives each tensor, or ones where it gives none.
///
/// Tensors are made side by side; each has a stream of its own, so that changes nothing about them.
pub fn random_tensors(
    tensors: Vec<(String, Vec<usize>)>,
    seed: u64,
    deviation: impl Fn(&str, &[usize]) -> Option<f64> + Sync,
) -> Tensors {
    let values = |stream: usize, name: &str, shape: &[usize]| {
        let n_values = shape.iter().product();
        let Some(deviation) = deviation(name, shape) else {
            return vec![1.0; n_values];
        };
        let mut random = SplitMix64::for_stream(seed, stream as u64);
        let normal = || (normal(&mut random) * deviation) as f32;
        std::iter::repeat_with(normal).take(n_values).collect()
    };
    let next = AtomicUsize::new(0);
    let make = || {
        let mut made = Vec::new();
        loop {
            let stream = next.fetch_add(1, Ordering::Relaxed);
            let Some((name, shape)) = tensors.get(stream) else {
                return made;
            };
            made.push((name.clone(), values(stream, name, shape)));
        }
    };
    let n_threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..n_threads).map(|_| scope.spawn(make)).collect();
        let made = threads.into_iter().flat_map(|thread| {
            let made = thread.join();
            made.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        });
        made.collect()
    })
}

/// Standard deviation of a tensor; none for norms.
fn deviation(config: &LmConfig, name: &str, shape: &[usize]) -> Option<f64> {
    let &[_, inputs] = shape else { return None };
    if name.contains("embed_tokens") {
        return Some(0.02 * (512.0 / config.d_model as f64).sqrt());
    }
    let base = (inputs as f64).sqrt().recip();
    let writes_to_residual = name.contains("o_proj") || name.contains("down_proj");
    let depth = if writes_to_residual {
        (2.0 * config.n_layers as f64).sqrt()
    } else {
        1.0
    };
    Some(base / depth)
}

/// A standard normal number (Box and Muller 1958).
fn normal(random: &mut SplitMix64) -> f64 {
    let mut uniform = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
    let (radius, angle) = (1.0 - uniform(), uniform());
    (-2.0 * radius.ln()).sqrt() * (std::f64::consts::TAU * angle).cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normal_numbers_have_mean_zero_and_deviation_one() {
        let mut random = SplitMix64::new(1);
        let n = 20_000;
        let values: Vec<f64> = (0..n).map(|_| normal(&mut random)).collect();
        let mean = values.iter().sum::<f64>() / f64::from(n);
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / f64::from(n);
        assert!(mean.abs() < 0.03, "{mean}");
        assert!((variance - 1.0).abs() < 0.05, "{variance}");
    }
}
