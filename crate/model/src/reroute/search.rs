//! Offsets without gradients: random steps, kept where the loss falls.
//!
//! An evolution strategy of one parent and one child whose step size follows the one-fifth rule (Rechenberg 1973).
//! A stand-in for the gradient descent of the paper: it needs one forward pass a step and nothing else, and sees what
//! the gradient cannot, that another expert is chosen.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::{Offsets, RerouteOptions};

/// Growth of the step size after a success; a fifth of successes keeps it as it is.
const GROWTH: f32 = 1.5;

/// The state of a search.
#[derive(Debug)]
pub(crate) struct Search {
    rng: StdRng,
    /// Standard deviation of a step, in logits.
    deviation: f32,
    clamp: f32,
}

impl Search {
    pub fn new(options: &RerouteOptions) -> Self {
        Self {
            rng: StdRng::seed_from_u64(options.seed.into()),
            deviation: options.rate,
            clamp: options.clamp,
        }
    }

    /// A random step from `parent`.
    pub fn child(&mut self, parent: &Offsets) -> Offsets {
        let mut child = parent.clone();
        for offset in child.values_mut().flatten() {
            let step = self.deviation * gaussian(&mut self.rng);
            *offset = (*offset + step).clamp(-self.clamp, self.clamp);
        }
        child
    }

    /// Learns whether the last child was better.
    pub fn judge(&mut self, better: bool) {
        self.deviation *= if better { GROWTH } else { GROWTH.powf(-0.25) };
    }
}

/// Box and Muller's transform of two uniform numbers.
fn gaussian(rng: &mut StdRng) -> f32 {
    let (radius, angle): (f64, f64) = (rng.random(), rng.random());
    let radius = (-2.0 * (1.0 - radius).ln()).sqrt();
    (radius * (std::f64::consts::TAU * angle).cos()) as f32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn search(options: &RerouteOptions, steps: usize) -> (Offsets, f32) {
        let target = [0.4, -0.3, 0.2];
        let loss = |offsets: &Offsets| -> f32 {
            let pairs = offsets[&1].iter().zip(target);
            pairs
                .map(|(offset, target)| (offset - target).powi(2))
                .sum()
        };
        let mut search = Search::new(options);
        let mut best = Offsets::from([(1, vec![0.0; 3])]);
        for _ in 0..steps {
            let child = search.child(&best);
            let better = loss(&child) < loss(&best);
            search.judge(better);
            if better {
                best = child;
            }
        }
        let loss = loss(&best);
        (best, loss)
    }

    #[test]
    fn it_finds_the_bottom_of_a_bowl_and_repeats_with_its_seed() {
        let options = RerouteOptions::default();
        let (found, loss) = search(&options, 200);
        assert!(loss < 1e-4, "{loss}");
        assert_eq!(search(&options, 200).0, found);
        let other = RerouteOptions { seed: 1, ..options };
        assert_ne!(search(&other, 200).0, found);
    }

    #[test]
    fn no_offset_leaves_the_clamp() {
        let options = RerouteOptions {
            clamp: 0.25,
            ..RerouteOptions::default()
        };
        let (found, _) = search(&options, 200);
        assert!(
            found[&1].iter().all(|offset| offset.abs() <= 0.25),
            "{found:?}"
        );
        assert!(found[&1][0] > 0.24, "{found:?}");
    }
}
