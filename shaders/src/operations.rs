//! [`PassBuilder`]: the operations of a transformer, each as the dispatches of its kernels.
//!
//! The same calls record both modes of a pass; the mode chooses kernels, never results.

use crate::error::{ShaderError, size};
use crate::kernel::{
    ATTENTION, COMBINE, EMBEDDING, EXPERT_DOWN, EXPERT_UP, GATHER, GROUPED_DOWN, GROUPED_UP,
    Kernel, MATMUL, MATVEC, ROTARY, ROUTE, SAMPLE,
};
use crate::record::RecordLayout;
use crate::recorder::{Buffer, Count, Dispatch, Matrix, Mode, PassId, Recording, TILE};

/// RMS norm of an operation's input.
#[derive(Clone, Copy, Debug)]
pub struct Norm {
    /// Gains, one for each column.
    pub gain: Buffer,
    /// Added to the mean square.
    pub epsilon: f32,
}

/// Which tokens an operation computes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Rows {
    /// All of the run.
    All,
    /// The last one, into row 0 of the output.
    Last,
}

/// output = weights · norm(input) + bias.
#[derive(Clone, Copy, Debug)]
pub struct Linear {
    /// `[N, K]`
    pub weights: Matrix,
    /// `[T, K]`
    pub input: Buffer,
    /// Norm of the input.
    pub norm: Option<Norm>,
    /// `[N]`
    pub bias: Option<Buffer>,
    /// `[T, N]`, not the input.
    pub output: Buffer,
    /// Adds to the output instead of replacing it.
    pub add: bool,
    /// Which tokens.
    pub rows: Rows,
}

/// What the norms of queries and keys are taken over.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum QkNorm {
    /// There are none.
    None,
    /// Each head by itself.
    PerHead,
    /// All heads together.
    Whole,
}

/// Norms and rotation of queries and keys; keys and values into the cache.
#[derive(Clone, Copy, Debug)]
pub struct Rotary {
    /// `[T, (H + 2 H_kv) * head_dim]`
    pub qkv: Buffer,
    /// `[T, H * head_dim]`
    pub q: Buffer,
    /// `[2, H_kv, capacity, head_dim]`
    pub cache: Buffer,
    /// From [`Recording::rotary_table`].
    pub table: Buffer,
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// What the norms are taken over.
    pub norm: QkNorm,
    /// Gains of queries, then of keys; as many as `norm` says.
    pub gains: Option<Buffer>,
    /// Added to the mean square.
    pub epsilon: f32,
    /// Bound on queries, keys and values.
    pub clip: Option<f32>,
}

/// Causal attention over the cache.
#[derive(Clone, Copy, Debug)]
pub struct Attention {
    /// `[T, H * head_dim]`
    pub q: Buffer,
    /// `[2, H_kv, capacity, head_dim]`
    pub cache: Buffer,
    /// `[T, H * head_dim]`
    pub output: Buffer,
    /// H.
    pub n_heads: usize,
    /// H_kv.
    pub n_kv_heads: usize,
    /// Width of a head: a multiple of 4 up to 256.
    pub head_dim: usize,
}

/// A routing decision.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `[T, E]`, or `[T, E + 1]` with the logit of the shared expert's gate behind.
    pub logits: Buffer,
    /// Index of the transformer layer.
    pub layer: usize,
    /// Index among the routers.
    pub moe_layer: usize,
}

/// The chosen experts, added to the output.
#[derive(Clone, Copy, Debug)]
pub struct Experts {
    /// `[S * 2 F, D]`: of each expert F gate rows, then F up rows.
    pub gate_up: Matrix,
    /// `[S * D, F]`
    pub down: Matrix,
    /// `[T, D]`
    pub input: Buffer,
    /// Norm of the input.
    pub norm: Option<Norm>,
    /// `[T, D]`, added to; may be the input.
    pub output: Buffer,
    /// Whose choice; none for the one network of a dense layer.
    pub moe_layer: Option<usize>,
}

/// The end of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Sample {
    /// `[1, V]` to sample from, `[T, V]` to score.
    pub logits: Buffer,
    /// V.
    pub vocab: usize,
}

/// Records the operations of one pass, in order.
#[derive(Debug)]
pub struct PassBuilder<'a> {
    recording: &'a mut Recording,
    pass: PassId,
}

/// Who acts, and how many could: of a router, or of a dense layer.
struct Choice {
    records: Buffer,
    layout: RecordLayout,
    moe_layer: usize,
    slots: Count,
    tiles: Count,
}

impl<'a> PassBuilder<'a> {
    pub(crate) fn new(recording: &'a mut Recording, pass: PassId) -> Self {
        Self { recording, pass }
    }

    /// The recording, for more buffers.
    pub fn recording(&mut self) -> &mut Recording {
        self.recording
    }

    /// `output[t] = table[token t]`. One dispatch.
    pub fn embedding(&mut self, table: Matrix, output: Buffer) {
        let columns = groups(table.columns, 4 * 64);
        self.push(
            &EMBEDDING,
            table.format.code(),
            &[table.buffer, output],
            &[table.columns, table.scales()].map(word),
            [columns, Count::Tokens(1), Count::Fixed(1)],
        );
    }

    /// A matrix product. One dispatch.
    pub fn linear(&mut self, linear: Linear) {
        let nothing = self.recording.common.nothing;
        let weights = linear.weights;
        let is_last = linear.rows == Rows::Last;
        let flags = [
            linear.norm.is_some(),
            linear.bias.is_some(),
            linear.add,
            is_last,
        ];
        let flags = flags
            .iter()
            .enumerate()
            .map(|(bit, on)| u32::from(*on) << bit)
            .sum();
        let (gain, epsilon) = norm_parts(linear.norm, nothing);
        let args = [
            word(weights.rows),
            word(weights.columns),
            word(weights.scales()),
            flags,
            epsilon,
        ];
        let bias = linear.bias.unwrap_or(nothing);
        let buffers = [weights.buffer, linear.input, gain, bias, linear.output];
        let (kernel, x, y) = match (self.mode(), linear.rows) {
            (_, Rows::Last) => (&MATVEC, 8, Count::Fixed(1)),
            (Mode::Vector, Rows::All) => (&MATVEC, 8, Count::Tokens(1)),
            (Mode::Tile, Rows::All) => (&MATMUL, 64, Count::Tokens(TILE)),
        };
        let grid = [groups(weights.rows, x), y, Count::Fixed(1)];
        self.push(kernel, weights.format.code(), &buffers, &args, grid);
    }

    /// Norms, rotation and the write into the cache. One dispatch.
    pub fn rotary(&mut self, rotary: Rotary) {
        let gains = rotary.gains.unwrap_or(self.recording.common.nothing);
        let args = [
            word(rotary.n_heads),
            word(rotary.n_kv_heads),
            word(rotary.head_dim),
            word(self.recording.sizes.capacity),
            rotary.norm as u32,
            rotary.epsilon.to_bits(),
            rotary.clip.unwrap_or(0.0).to_bits(),
        ];
        let heads = rotary.n_heads + 2 * rotary.n_kv_heads;
        let buffers = [rotary.qkv, gains, rotary.table, rotary.q, rotary.cache];
        let grid = [Count::Fixed(heads), Count::Tokens(1), Count::Fixed(1)];
        self.push(&ROTARY, 0, &buffers, &args, grid);
    }

    /// Attention. One dispatch.
    ///
    /// # Errors
    /// [`ShaderError::Size`] for a head that is too wide or not made of quads.
    pub fn attention(&mut self, attention: Attention) -> Result<(), ShaderError> {
        let head_dim = attention.head_dim;
        if head_dim == 0 || head_dim > 256 || !head_dim.is_multiple_of(4) {
            return Err(size("head_dim", head_dim, "a multiple of 4 from 4 to 256"));
        }
        let queries = match self.mode() {
            Mode::Vector => 1,
            Mode::Tile => 4,
        };
        let args = [
            attention.n_heads,
            attention.n_kv_heads,
            head_dim,
            self.recording.sizes.capacity,
        ];
        let buffers = [attention.q, attention.cache, attention.output];
        let grid = [
            Count::Fixed(attention.n_heads),
            Count::Tokens(queries),
            Count::Fixed(1),
        ];
        self.push(&ATTENTION, queries as u32, &buffers, &args.map(word), grid);
        Ok(())
    }

    /// A routing decision. One dispatch.
    pub fn route(&mut self, route: Route) {
        let sizes = self.recording.sizes;
        let common = self.recording.common;
        let args = [
            sizes.n_experts,
            sizes.n_shared,
            route.layer,
            route.moe_layer,
            sizes.layout().words(),
            sizes.n_experts + usize::from(sizes.n_shared > 0),
        ];
        let buffers = [route.logits, common.records, common.memory];
        let grid = [Count::Tokens(1), Count::Fixed(1), Count::Fixed(1)];
        let width = word(crate::routing::width(sizes.n_experts));
        self.push(&ROUTE, width, &buffers, &args.map(word), grid);
    }

    /// The chosen experts. Two dispatches, or four in tiles.
    pub fn experts(&mut self, experts: Experts) {
        let choice = self.choice(experts.moe_layer);
        match self.mode() {
            Mode::Vector => self.experts_by_token(&experts, &choice),
            Mode::Tile => self.experts_by_expert(&experts, &choice),
        }
    }

    fn experts_by_token(&mut self, experts: &Experts, choice: &Choice) {
        let common = self.recording.common;
        let (gate_up, down) = (experts.gate_up, experts.down);
        let (d_model, d_ff) = (gate_up.columns, down.columns);
        let rows = self
            .recording
            .sizes
            .expert_rows
            .max(self.recording.sizes.max_tokens);
        self.recording.reserve(common.hidden, rows * d_ff);
        let (gain, epsilon) = norm_parts(experts.norm, common.nothing);
        let (layer, words) = (word(choice.moe_layer), word(choice.layout.words()));
        let has_norm = u32::from(experts.norm.is_some());
        let up = [
            word(d_ff),
            word(d_model),
            word(gate_up.scales()),
            has_norm,
            epsilon,
            layer,
            words,
        ];
        self.push(
            &EXPERT_UP,
            gate_up.format.code(),
            &[
                gate_up.buffer,
                experts.input,
                gain,
                choice.records,
                common.hidden,
            ],
            &up,
            [groups(d_ff, 8), choice.slots, Count::Tokens(1)],
        );
        let n_slots = word(choice.layout.slots());
        self.push(
            &EXPERT_DOWN,
            down.format.code(),
            &[down.buffer, common.hidden, choice.records, experts.output],
            &[
                word(d_model),
                word(d_ff),
                word(down.scales()),
                layer,
                words,
                n_slots,
            ],
            [groups(d_model, 8), Count::Tokens(1), Count::Fixed(1)],
        );
    }

    fn experts_by_expert(&mut self, experts: &Experts, choice: &Choice) {
        let common = self.recording.common;
        let (gate_up, down) = (experts.gate_up, experts.down);
        let (d_model, d_ff) = (gate_up.columns, down.columns);
        let max_tiles = self.recording.sizes.max_tiles();
        self.recording
            .reserve(common.hidden, max_tiles * TILE * d_ff);
        self.recording
            .reserve(common.expert_out, max_tiles * TILE * d_model);
        let (gain, epsilon) = norm_parts(experts.norm, common.nothing);
        let (layer, words) = (word(choice.moe_layer), word(choice.layout.words()));
        let (n_slots, tiles) = (word(choice.layout.slots()), word(max_tiles));
        let one = Count::Fixed(1);
        let gather = [layer, words, n_slots, tiles];
        self.push(
            &GATHER,
            0,
            &[choice.records, common.groups],
            &gather,
            [one; 3],
        );
        let has_norm = u32::from(experts.norm.is_some());
        self.push(
            &GROUPED_UP,
            gate_up.format.code(),
            &[
                gate_up.buffer,
                experts.input,
                gain,
                common.groups,
                common.hidden,
            ],
            &[
                word(d_ff),
                word(d_model),
                word(gate_up.scales()),
                has_norm,
                epsilon,
                tiles,
            ],
            [groups(d_ff, 32), choice.tiles, one],
        );
        self.push(
            &GROUPED_DOWN,
            down.format.code(),
            &[
                down.buffer,
                common.hidden,
                common.nothing,
                common.groups,
                common.expert_out,
            ],
            &[word(d_model), word(d_ff), word(down.scales()), tiles],
            [groups(d_model, 64), choice.tiles, one],
        );
        self.push(
            &COMBINE,
            0,
            &[
                common.expert_out,
                common.groups,
                choice.records,
                experts.output,
            ],
            &[word(d_model), layer, words, n_slots, tiles],
            [groups(d_model, 4 * 64), Count::Tokens(1), one],
        );
    }

    /// The next token, from row 0 of the logits. One dispatch.
    pub fn sample(&mut self, sample: Sample) {
        self.end(sample, false);
    }

    /// The log-probability of the step's target at every token. One dispatch.
    pub fn score(&mut self, sample: Sample) {
        self.end(sample, true);
    }

    fn end(&mut self, sample: Sample, is_score: bool) {
        let sizes = self.recording.sizes;
        let trace_words = sizes.n_moe_layers * sizes.layout().words();
        let args = [word(sample.vocab), u32::from(is_score), word(trace_words)];
        let tokens = if is_score {
            Count::Tokens(1)
        } else {
            Count::Fixed(1)
        };
        let buffers = [sample.logits, self.recording.common.records];
        self.push(
            &SAMPLE,
            0,
            &buffers,
            &args,
            [tokens, Count::Fixed(1), Count::Fixed(1)],
        );
    }

    fn choice(&self, moe_layer: Option<usize>) -> Choice {
        let common = &self.recording.common;
        match moe_layer {
            Some(moe_layer) => Choice {
                records: common.records,
                layout: self.recording.sizes.layout(),
                moe_layer,
                slots: Count::Slots,
                tiles: Count::Tiles,
            },
            None => Choice {
                records: common.dense_records,
                layout: RecordLayout {
                    n_experts: 1,
                    n_shared: 0,
                },
                moe_layer: 0,
                slots: Count::Fixed(1),
                tiles: Count::Tokens(TILE),
            },
        }
    }

    fn mode(&self) -> Mode {
        self.recording.passes[self.pass.0].mode
    }

    fn push(
        &mut self,
        kernel: &'static Kernel,
        constant: u32,
        buffers: &[Buffer],
        args: &[u32],
        grid: [Count; 3],
    ) {
        self.recording.passes[self.pass.0]
            .dispatches
            .push(Dispatch {
                kernel,
                constant,
                buffers: buffers.to_vec(),
                args: args.to_vec(),
                grid,
            });
    }
}

/// Sizes are checked where buffers are made: none comes near 2^32.
fn word(n: usize) -> u32 {
    n as u32
}

fn groups(n: usize, per_group: usize) -> Count {
    Count::Fixed(n.div_ceil(per_group))
}

fn norm_parts(norm: Option<Norm>, nothing: Buffer) -> (Buffer, u32) {
    norm.map_or((nothing, 0), |norm| (norm.gain, norm.epsilon.to_bits()))
}
