//! Random numbers by position: the same seed, stream, layer, token and expert give the same
//! number, whatever was drawn before and in whatever order.
//!
//! The hash is pcg4d of Jarzynski and Olano 2020, "Hash Functions for GPU Rendering", JCGT 9(3):
//! 32-bit integer arithmetic only, so that a shader or a few lines of numpy draw the same.

use std::f32::consts::TAU;

/// What a number is drawn for; streams never share numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Noise = 1,
    Jitter = 2,
    Random = 3,
    Hash = 4,
    Priority = 5,
    RandomPlan = 6,
    Shuffle = 7,
    Resample = 8,
}

/// All numbers of one stream in one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rng {
    seed: u32,
    layer: u32,
}

impl Rng {
    pub fn new(seed: u32, stream: Stream, layer: usize) -> Self {
        Self {
            seed: seed ^ (stream as u32).wrapping_mul(0x9E37_79B9),
            layer: layer as u32,
        }
    }

    /// Uniform in [0, 1), a multiple of 2^-24.
    pub fn uniform(self, token: usize, expert: usize) -> f32 {
        (self.hash(token, expert)[0] >> 8) as f32 / 16_777_216.0
    }

    /// Uniform among the whole numbers below `n`.
    pub fn below(self, n: usize, token: usize, expert: usize) -> usize {
        ((u64::from(self.hash(token, expert)[0]) * n as u64) >> 32) as usize
    }

    /// Standard normal, by Box and Muller.
    pub fn gaussian(self, token: usize, expert: usize) -> f32 {
        let [x, y, ..] = self.hash(token, expert);
        (-2.0 * open_uniform(x).ln()).sqrt() * (TAU * open_uniform(y)).cos()
    }

    /// Standard Gumbel.
    pub fn gumbel(self, token: usize, expert: usize) -> f32 {
        -(-open_uniform(self.hash(token, expert)[0]).ln()).ln()
    }

    fn hash(self, token: usize, expert: usize) -> [u32; 4] {
        let mut v = [self.seed, self.layer, token as u32, expert as u32]
            .map(|word| word.wrapping_mul(1_664_525).wrapping_add(1_013_904_223));
        mix(&mut v);
        for word in &mut v {
            *word ^= *word >> 16;
        }
        mix(&mut v);
        v
    }
}

fn mix(v: &mut [u32; 4]) {
    v[0] = v[0].wrapping_add(v[1].wrapping_mul(v[3]));
    v[1] = v[1].wrapping_add(v[2].wrapping_mul(v[0]));
    v[2] = v[2].wrapping_add(v[0].wrapping_mul(v[1]));
    v[3] = v[3].wrapping_add(v[1].wrapping_mul(v[2]));
}

/// Uniform in (0, 1): 23 bits and a half, so that neither logarithm is infinite.
fn open_uniform(word: u32) -> f32 {
    ((word >> 9) as f32 + 0.5) / 8_388_608.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mean_and_variance(draw: impl Fn(usize, usize) -> f32) -> (f32, f32) {
        let values: Vec<f32> = (0..200)
            .flat_map(|token| (0..50).map(move |expert| (token, expert)))
            .map(|(token, expert)| draw(token, expert))
            .collect();
        let mean = values.iter().sum::<f32>() / values.len() as f32;
        let square = values.iter().map(|v| (v - mean).powi(2)).sum::<f32>();
        (mean, square / values.len() as f32)
    }

    #[test]
    fn a_number_depends_on_every_coordinate() {
        let base = Rng::new(1, Stream::Noise, 2).uniform(3, 4);
        assert_eq!(base, Rng::new(1, Stream::Noise, 2).uniform(3, 4));
        assert_ne!(base, Rng::new(0, Stream::Noise, 2).uniform(3, 4));
        assert_ne!(base, Rng::new(1, Stream::Jitter, 2).uniform(3, 4));
        assert_ne!(base, Rng::new(1, Stream::Noise, 0).uniform(3, 4));
        assert_ne!(base, Rng::new(1, Stream::Noise, 2).uniform(0, 4));
        assert_ne!(base, Rng::new(1, Stream::Noise, 2).uniform(3, 0));
    }

    #[test]
    fn distributions_have_the_moments_they_should() {
        let rng = Rng::new(7, Stream::Noise, 0);
        let (mean, variance) = mean_and_variance(|t, e| rng.uniform(t, e));
        assert!((mean - 0.5).abs() < 0.01 && (variance - 1.0 / 12.0).abs() < 0.005);
        let (mean, variance) = mean_and_variance(|t, e| rng.below(5, t, e) as f32);
        assert!((mean - 2.0).abs() < 0.05 && (variance - 2.0).abs() < 0.05);
        let (mean, variance) = mean_and_variance(|t, e| rng.gaussian(t, e));
        assert!(mean.abs() < 0.04 && (variance - 1.0).abs() < 0.05);
        let (mean, variance) = mean_and_variance(|t, e| rng.gumbel(t, e));
        assert!((mean - 0.577).abs() < 0.05 && (variance - 1.645).abs() < 0.15);
    }

    #[test]
    fn open_uniform_never_reaches_its_ends() {
        assert!(open_uniform(0) > 0.0);
        assert!(open_uniform(u32::MAX) < 1.0);
    }
}
