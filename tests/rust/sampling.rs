//! A plan draws the token that the host draws, from the same logits, options and number in [0, 1).
//!
//! The host adds up in f64 and the kernel in f32, so where a draw or the edge of the nucleus falls within rounding of a
//! border between two tokens, the kernel may take a neighbour. Such cases are counted, and no others are allowed.

#![allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]

use moescope_model::Sampler;
use moescope_shaders::{Gpu, Mode, Plan, Recording, Sample, Sampling, Sizes, Step};
use pollster::block_on;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// How far a sum of the kernel may be off, as a share of all.
const ROUNDING: f32 = 2e-6;
/// Sizes of a vocabulary, and draws for each: a large one takes a processor long.
const VOCABULARIES: [(usize, usize); 3] = [(7, 200), (4096, 100), (50304, 50)];

/// Sizes of a plan that only samples.
const SIZES: Sizes = Sizes {
    max_tokens: 1,
    capacity: 1,
    n_experts: 0,
    n_shared: 0,
    n_moe_layers: 0,
    expert_rows: 0,
    spec_words: 0,
};

/// Draws from logits, on a device.
struct Kernel {
    plan: Plan,
    pass: moescope_shaders::PassId,
    logits: moescope_shaders::Buffer,
}

impl Kernel {
    fn new(vocab: usize) -> Self {
        let mut recording = Recording::new(SIZES).unwrap();
        let logits = recording.activations("logits", vocab);
        let pass = recording.add_pass("sample", Mode::Vector);
        recording.record(pass).sample(Sample { logits, vocab });
        let gpu = block_on(Gpu::new()).unwrap();
        let plan = Plan::new(&gpu, recording).unwrap();
        Self { plan, pass, logits }
    }

    /// The token and its log-probability.
    fn draw(&mut self, logits: &[f32], sampler: Sampler, draw: f32) -> (u32, f32) {
        self.plan.write_reals(self.logits, 0, logits).unwrap();
        let step = Step {
            tokens: &[0],
            sampling: Sampling {
                temperature: sampler.temperature,
                top_k: sampler.top_k,
                top_p: sampler.top_p,
                draw,
            },
            ..Step::default()
        };
        let reading = block_on(self.plan.run(self.pass, &step)).unwrap();
        (reading.token, reading.log_prob)
    }
}

/// In 24 bits, as an engine draws.
fn draw(rng: &mut StdRng) -> f32 {
    (rng.random::<u32>() >> 8) as f32 / 16_777_216.0
}

fn pick<T: Copy>(rng: &mut StdRng, of: &[T]) -> T {
    of[rng.random::<u32>() as usize % of.len()]
}

/// Logits as a head gives them, on the whole bell-shaped; sometimes in steps, so that many are equal.
fn logits(rng: &mut StdRng, vocab: usize) -> Vec<f32> {
    let spread = pick(rng, &[0.5, 2.0, 6.0]);
    let step = pick(rng, &[0.0, 0.0, 0.25]);
    let value = |rng: &mut StdRng| {
        let bell: f32 = (0..6).map(|_| draw(rng) - 0.5).sum::<f32>() * spread;
        match step > 0.0 {
            true => (bell / step).round() * step,
            false => bell,
        }
    };
    (0..vocab).map(|_| value(rng)).collect()
}

/// Whether the host takes `token` too when the draw, the nucleus or both move by the rounding of a sum.
fn is_near(logits: &[f32], sampler: Sampler, draw: f32, token: u32) -> bool {
    let steps = [-ROUNDING, 0.0, ROUNDING];
    steps.iter().any(|of_top_p| {
        let top_p = match sampler.top_p < 1.0 {
            true => sampler.top_p + of_top_p,
            false => 1.0,
        };
        let moved = Sampler { top_p, ..sampler };
        let takes = |of_draw: &f32| moved.sample(logits, (draw + of_draw).max(0.0)) == token;
        steps.iter().any(takes)
    })
}

#[test]
fn a_plan_draws_what_the_host_draws_but_for_draws_on_a_border() {
    for (vocab, draws) in VOCABULARIES {
        let mut rng = StdRng::seed_from_u64(vocab as u64);
        let mut kernel = Kernel::new(vocab);
        let mut on_border = 0;
        for case in 0..draws {
            let logits = logits(&mut rng, vocab);
            let sampler = Sampler {
                temperature: pick(&mut rng, &[0.0, 0.3, 0.7, 1.0, 1.5]),
                top_k: pick(&mut rng, &[0, 0, 1, 5, 40, 1000]),
                top_p: pick(&mut rng, &[1.0, 1.0, 0.95, 0.5, 0.01]),
            };
            let draw = draw(&mut rng);
            let expected = sampler.sample(&logits, draw);
            let (token, log_prob) = kernel.draw(&logits, sampler, draw);
            let what = format!("V {vocab}, case {case}, {sampler:?}, draw {draw}");
            if token != expected {
                assert!(sampler.temperature > 0.0, "{what}: {token}, not {expected}");
                assert!(
                    is_near(&logits, sampler, draw, token),
                    "{what}: {token}, not {expected}"
                );
                on_border += 1;
            }
            let highest = logits.iter().copied().fold(f32::MIN, f32::max);
            let mass: f64 = logits.iter().map(|l| f64::from(l - highest).exp()).sum();
            let exact = f64::from(logits[token as usize] - highest) - mass.ln();
            assert!(
                (f64::from(log_prob) - exact).abs() < 2e-5,
                "{what}: {log_prob}, not {exact}"
            );
        }
        println!("V {vocab}: {on_border} of {draws} draws on a border");
        assert!(on_border * 20 < draws, "V {vocab}: {on_border} of {draws}");
    }
}

#[test]
fn the_ends_of_the_range_of_draws_fall_on_the_first_and_the_last_token_that_may_come() {
    let mut kernel = Kernel::new(600);
    let mut logits = vec![0.0; 600];
    (logits[77], logits[78], logits[500]) = (2.0, 2.0, 2.0);
    let last = 1.0 - 1.0 / 16_777_216.0;
    let sampler = |temperature, top_k, top_p| Sampler {
        temperature,
        top_k,
        top_p,
    };
    for (sampler, first_and_last) in [
        (sampler(0.0, 0, 1.0), [77, 77]),
        (sampler(1.0, 0, 1.0), [0, 599]),
        (sampler(1.0, 1, 1.0), [77, 77]),
        (sampler(1.0, 2, 1.0), [77, 78]),
        (sampler(1.0, 3, 1.0), [77, 500]),
        (sampler(1.0, 5, 1.0), [0, 500]),
        (sampler(1.0, 3, 0.6), [77, 78]),
        (sampler(1.0, 3, 0.7), [77, 500]),
        (sampler(1.0, 0, 0.0001), [77, 77]),
    ] {
        let found = [0.0, last].map(|draw| kernel.draw(&logits, sampler, draw).0);
        assert_eq!(found, first_and_last, "{sampler:?}");
        assert_eq!(
            [0.0, last].map(|draw| sampler.sample(&logits, draw)),
            found,
            "{sampler:?}"
        );
    }
}

#[test]
fn over_many_draws_tokens_come_as_often_as_they_are_likely() {
    let shares = [0.1_f32, 0.4, 0.3, 0.2];
    let logits = shares.map(f32::ln);
    let mut kernel = Kernel::new(4);
    let mut rng = StdRng::seed_from_u64(1);
    let sampler = Sampler {
        temperature: 1.0,
        top_k: 0,
        top_p: 1.0,
    };
    let mut counts = [0; 4];
    for _ in 0..1000 {
        counts[kernel.draw(&logits, sampler, draw(&mut rng)).0 as usize] += 1;
    }
    // Four standard deviations of 1000 draws are 0.062.
    for (count, share) in counts.iter().zip(shares.map(f64::from)) {
        let found = f64::from(*count) / 1000.0;
        assert!((found - share).abs() < 0.062, "{counts:?}");
    }
}
