//! What the tests on a device share: the device, random numbers, comparisons.
#![allow(
    dead_code,
    clippy::unwrap_used,
    reason = "each test uses a part, and stops on the first surprise"
)]

use std::sync::OnceLock;

use moescope_routing::RouterSpec;
use moescope_shaders::{
    Buffer, Format, Gpu, Matrix, Mode, PassBuilder, PassId, Plan, Recording, Sizes, Step,
};

/// The one device of a test program; without any adapter, the test fails and says what to install.
pub fn gpu() -> &'static Gpu {
    static GPU: OnceLock<Gpu> = OnceLock::new();
    GPU.get_or_init(|| pollster::block_on(Gpu::new()).unwrap_or_else(|error| panic!("{error}")))
}

/// Sizes of a recording without experts.
pub fn sizes(max_tokens: usize) -> Sizes {
    Sizes {
        max_tokens,
        capacity: 160.max(max_tokens),
        n_experts: 0,
        n_shared: 0,
        n_moe_layers: 0,
        expert_rows: 0,
        spec_words: 0,
    }
}

/// A pass recorded by `record`, on the device.
pub fn plan(recording: Recording) -> Plan {
    Plan::new(gpu(), recording).unwrap()
}

/// A recording of one pass.
pub fn one_pass(
    recording: &mut Recording,
    mode: Mode,
    record: impl FnOnce(&mut PassBuilder<'_>),
) -> PassId {
    let pass = recording.add_pass("test", mode);
    record(&mut recording.record(pass));
    pass
}

pub fn run(plan: &mut Plan, pass: PassId, step: &Step<'_>) -> moescope_shaders::Reading {
    pollster::block_on(plan.run(pass, step)).unwrap()
}

pub fn read(plan: &Plan, buffer: Buffer, n: usize) -> Vec<f32> {
    pollster::block_on(plan.read_reals(buffer, 0..n)).unwrap()
}

/// Uploads a matrix and returns what the shader sees of it.
pub fn write(plan: &Plan, matrix: &Matrix, values: &[f32]) -> Vec<f32> {
    plan.write_matrix(matrix, 0, values).unwrap();
    matrix.format.rounded(values, matrix.columns).unwrap()
}

/// Random numbers that are the same on every run (an LCG of Numerical Recipes, upper bits).
pub struct Rng(u64);

impl Rng {
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x5851_f42d_4c95_7f2d)
    }

    pub fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as u32
    }

    /// From -1 to 1.
    pub fn real(&mut self) -> f32 {
        self.next() as f32 / (1_u32 << 30) as f32 - 1.0
    }

    pub fn reals(&mut self, n: usize) -> Vec<f32> {
        (0..n).map(|_| self.real()).collect()
    }

    /// From `low` to `high`, both included.
    pub fn between(&mut self, low: usize, high: usize) -> usize {
        low + self.next() as usize % (high - low + 1)
    }

    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.between(0, items.len() - 1)]
    }
}

/// Fails at the first number that differs by more than `tolerance` times the size of the numbers.
pub fn assert_close(what: &str, actual: &[f32], expected: &[f32], tolerance: f32) {
    assert_eq!(actual.len(), expected.len(), "{what}: lengths differ");
    let scale = expected.iter().fold(1e-3_f32, |a, b| a.max(b.abs()));
    for (i, (a, b)) in actual.iter().zip(expected).enumerate() {
        let error = (a - b).abs() / scale;
        assert!(
            error <= tolerance,
            "{what}: number {i} is {a}, expected {b} (error {error})"
        );
    }
}

/// Formats that hold rows of so many columns.
pub fn formats(columns: &[usize]) -> Vec<Format> {
    let fits = |format: &Format| columns.iter().all(|columns| format.fits(*columns));
    Format::ALL.into_iter().filter(fits).collect()
}

pub fn top_k(top_k: usize) -> RouterSpec {
    RouterSpec::top_k(top_k)
}
