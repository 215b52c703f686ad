//! [`Recording`]: buffers and passes of dispatches, as data, before there is a device.
//!
//! A pass is a list of dispatches in order; passes of one recording share its buffers, such as the cache and the
//! weights. `pass.rs` says what is recorded for each operation, `plan.rs` puts a recording on a device.

use crate::error::{ShaderError, size};
use crate::format::Format;
use crate::kernel::Kernel;
use crate::pass::PassBuilder;
use crate::record::{RESULTS, RecordLayout};
use crate::routing::MOST_EXPERTS;
use crate::step::specs_start;

/// Rows of a tile of gathered tokens.
pub(crate) const TILE: usize = 4;

/// How the invocations of a workgroup share the work of one token.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Invocations {
    /// They add up what each has through workgroup memory: a graphics card reads and runs them side by side.
    #[default]
    Together,
    /// Each does its part from the first number to the last: where the processor runs the shader, they take turns, and a
    /// barrier, at which all of them stop and start again, costs more than what lies between two.
    Alone,
}

/// What a recording has room for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Sizes {
    /// Tokens of one run at most: a prompt is run in such chunks.
    pub max_tokens: usize,
    /// Positions of the cache.
    pub capacity: usize,
    /// E; 0 without experts.
    pub n_experts: usize,
    /// Slot ids that the shared expert is cut into; 0 without one.
    pub n_shared: usize,
    /// Routers.
    pub n_moe_layers: usize,
    /// Pairs of a token and a slot in one run at most; at least S.
    pub expert_rows: usize,
    /// Words of packed routing specs at most.
    pub spec_words: usize,
}

/// A buffer of 32-bit words.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Buffer(pub(crate) usize);

/// Weights `[rows, columns]`, row-major: a row makes one output.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Matrix {
    /// Where they are.
    pub buffer: Buffer,
    /// N.
    pub rows: usize,
    /// K.
    pub columns: usize,
    /// How they are packed.
    pub format: Format,
}

impl Matrix {
    /// The word where scales start.
    pub(crate) fn scales(&self) -> usize {
        self.format.value_words(self.rows * self.columns)
    }
}

/// Which kernels a pass is made of.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Matrix times one token at a time: decoding, and prompts of a few tokens.
    Vector,
    /// Tiles of 4 tokens: prompts.
    Tile,
}

/// A pass of a recording.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct PassId(pub(crate) usize);

/// How many workgroups along one side of a grid.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Count {
    /// Always so many.
    Fixed(usize),
    /// One for so many tokens of the run.
    Tokens(usize),
    /// One for each slot that a token may use under the present routing.
    Slots,
    /// As many tiles as gathered tokens could need under the present routing.
    Tiles,
}

/// A kernel and the values of its constants: what a pipeline is made of.
pub(crate) type Kind = (&'static str, Vec<u32>);

/// One dispatch.
#[derive(Clone, Debug)]
pub struct Dispatch {
    /// What runs.
    pub kernel: &'static Kernel,
    /// The values of the kernel's constants.
    pub constants: Vec<u32>,
    /// Its bindings from 2 on.
    pub buffers: Vec<Buffer>,
    /// Its arguments, at binding 1.
    pub args: Vec<u32>,
    /// Workgroups.
    pub grid: [Count; 3],
}

impl Dispatch {
    pub(crate) fn kind(&self) -> Kind {
        (self.kernel.name, self.constants.clone())
    }
}

#[derive(Debug)]
pub(crate) struct BufferSpec {
    pub label: String,
    pub words: usize,
    pub contents: Vec<u32>,
}

#[derive(Debug)]
pub(crate) struct Pass {
    pub name: &'static str,
    pub mode: Mode,
    pub dispatches: Vec<Dispatch>,
}

/// Buffers that every recording has.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Common {
    pub run: Buffer,
    pub records: Buffer,
    pub dense_records: Buffer,
    pub memory: Buffer,
    pub groups: Buffer,
    pub hidden: Buffer,
    pub expert_out: Buffer,
    /// Bound where an operation leaves something out.
    pub nothing: Buffer,
}

/// Buffers and passes, before there is a device.
#[derive(Debug)]
pub struct Recording {
    pub(crate) sizes: Sizes,
    pub(crate) invocations: Invocations,
    pub(crate) buffers: Vec<BufferSpec>,
    pub(crate) passes: Vec<Pass>,
    pub(crate) common: Common,
}

impl Recording {
    /// An empty recording.
    ///
    /// # Errors
    /// [`ShaderError::Size`] for sizes that the kernels do not have.
    pub fn new(sizes: Sizes) -> Result<Self, ShaderError> {
        check(&sizes)?;
        let layout = sizes.layout();
        let none = Buffer(0);
        let mut recording = Self {
            sizes,
            invocations: Invocations::default(),
            buffers: Vec::new(),
            passes: Vec::new(),
            common: Common {
                run: none,
                records: none,
                dense_records: none,
                memory: none,
                groups: none,
                hidden: none,
                expert_out: none,
                nothing: none,
            },
        };
        let run = specs_start(sizes.max_tokens) + sizes.n_moe_layers + sizes.spec_words;
        let records = RESULTS + sizes.max_tokens * (sizes.n_moe_layers * layout.words() + 1);
        let rows_of = sizes.max_tokens * layout.slots().max(1);
        let groups = 1 + (1 + TILE) * sizes.max_tiles() + rows_of;
        recording.common = Common {
            run: recording.buffer("run", run),
            records: recording.buffer("records", records),
            dense_records: recording.filled("dense records", RecordLayout::dense(sizes.max_tokens)),
            memory: recording.buffer("memory", 4 * sizes.n_moe_layers.max(1)),
            groups: recording.buffer("groups", groups),
            hidden: recording.buffer("hidden", 4),
            expert_out: recording.buffer("expert outputs", 4),
            nothing: recording.buffer("nothing", 4),
        };
        Ok(recording)
    }

    /// Takes the kernels that suit a device, see [`crate::Gpu::invocations`]; said before passes are recorded.
    #[must_use]
    pub fn suited_to(mut self, invocations: Invocations) -> Self {
        self.invocations = invocations;
        self
    }

    /// What it has room for.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// A buffer of zeros.
    pub fn buffer(&mut self, label: impl Into<String>, words: usize) -> Buffer {
        self.buffers.push(BufferSpec {
            label: label.into(),
            // Shaders read quads.
            words: words.max(1).next_multiple_of(4),
            contents: Vec::new(),
        });
        Buffer(self.buffers.len() - 1)
    }

    /// A buffer with these words.
    pub fn filled(&mut self, label: impl Into<String>, contents: Vec<u32>) -> Buffer {
        let buffer = self.buffer(label, contents.len());
        self.buffers[buffer.0].contents = contents;
        buffer
    }

    /// Activations `[max_tokens, width]`.
    pub fn activations(&mut self, label: impl Into<String>, width: usize) -> Buffer {
        self.buffer(label, self.sizes.max_tokens * width)
    }

    /// A vector of weights: a norm's gains or biases.
    pub fn vector(&mut self, label: impl Into<String>, length: usize) -> Buffer {
        self.buffer(label, length)
    }

    /// Weights `[rows, columns]`.
    ///
    /// # Errors
    /// [`ShaderError::Columns`] if the columns do not fit the format.
    pub fn matrix(
        &mut self,
        label: impl Into<String>,
        rows: usize,
        columns: usize,
        format: Format,
    ) -> Result<Matrix, ShaderError> {
        format.check(columns)?;
        let n = rows * columns;
        let words = format.value_words(n) + format.scale_words(n);
        Ok(Matrix {
            buffer: self.buffer(label, words),
            rows,
            columns,
            format,
        })
    }

    /// Keys and values of one layer, `[2, H_kv, capacity, head_dim]`.
    pub fn cache(
        &mut self,
        label: impl Into<String>,
        n_kv_heads: usize,
        head_dim: usize,
    ) -> Buffer {
        self.buffer(label, 2 * n_kv_heads * self.sizes.capacity * head_dim)
    }

    /// Cosines and sines of the angle `p * theta^(-2 i / head_dim)` of pair i at position p,
    /// `[capacity, head_dim / 2, 2]`; computed in f64.
    pub fn rotary_table(&mut self, head_dim: usize, theta: f64) -> Buffer {
        let half = head_dim / 2;
        let places = (0..self.sizes.capacity).flat_map(|p| (0..half).map(move |i| (p, i)));
        let angles = places.map(|(p, i)| p as f64 * theta.powf(-2.0 * i as f64 / head_dim as f64));
        let words =
            angles.flat_map(|angle| [angle.cos(), angle.sin()].map(|x| (x as f32).to_bits()));
        let words = words.collect();
        self.filled("rotary angles", words)
    }

    /// An empty pass.
    pub fn add_pass(&mut self, name: &'static str, mode: Mode) -> PassId {
        self.passes.push(Pass {
            name,
            mode,
            dispatches: Vec::new(),
        });
        PassId(self.passes.len() - 1)
    }

    /// Records more of a pass.
    pub fn record(&mut self, pass: PassId) -> PassBuilder<'_> {
        PassBuilder::new(self, pass)
    }

    /// The dispatches of a pass.
    #[must_use]
    pub fn dispatches(&self, pass: PassId) -> &[Dispatch] {
        &self.passes[pass.0].dispatches
    }

    /// Makes sure that a buffer has so many words.
    pub(crate) fn reserve(&mut self, buffer: Buffer, words: usize) {
        let spec = &mut self.buffers[buffer.0];
        spec.words = spec.words.max(words.next_multiple_of(4));
    }
}

impl Sizes {
    pub(crate) fn layout(&self) -> RecordLayout {
        RecordLayout {
            n_experts: self.n_experts,
            n_shared: self.n_shared,
        }
    }

    /// Tiles that gathered tokens could need: every slot id may leave one partly filled.
    pub(crate) fn max_tiles(&self) -> usize {
        let rows = self.expert_rows.max(self.max_tokens);
        rows.div_ceil(TILE) + self.layout().slots().max(1)
    }
}

fn check(sizes: &Sizes) -> Result<(), ShaderError> {
    let slots = sizes.layout().slots();
    if sizes.n_experts > MOST_EXPERTS {
        return Err(size(
            "n_experts",
            sizes.n_experts,
            format!("up to {MOST_EXPERTS}"),
        ));
    }
    if slots > 256 {
        return Err(size("n_experts + n_shared", slots, "up to 256"));
    }
    if sizes.max_tokens == 0 || sizes.max_tokens > sizes.capacity {
        let allowed = format!("from 1 to the capacity, {}", sizes.capacity);
        return Err(size("max_tokens", sizes.max_tokens, allowed));
    }
    if sizes.expert_rows < slots {
        let allowed = format!("at least the slots of one token, {slots}");
        return Err(size("expert_rows", sizes.expert_rows, allowed));
    }
    Ok(())
}
