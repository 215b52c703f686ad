//! [`PassBuilder`]: the operations of a transformer, each as the dispatches of its kernels.
//!
//! The same calls record both modes of a pass; the mode chooses kernels, never results.

mod experts;
mod images;

use crate::error::{ShaderError, size};
use crate::kernel::{
    ATTENTION, ATTENTION_ALONE, EMBEDDING, Kernel, MATMUL, MATVEC, ROTARY, ROUTE, SAMPLE,
};
use crate::operations::{Attention, Linear, Norm, Rotary, Route, Rows, Sample, Sees};
use crate::recorder::{Buffer, Count, Dispatch, Invocations, Matrix, Mode, PassId, Recording};

/// Mesa's software Vulkan stops the loops of an invocation after so many rounds in all, without a word
/// (`LP_MAX_TGSI_LOOP_ITERATIONS`, src/gallium/auxiliary/gallivm/lp_bld_limits.h); only attention over a long cache comes near.
const MOST_ROUNDS: usize = 65_535;

/// Records the operations of one pass, in order.
#[derive(Debug)]
pub struct PassBuilder<'a> {
    recording: &'a mut Recording,
    pass: PassId,
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
            &[table.format.code()],
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
        let format = weights.format.code();
        let one = Count::Fixed(1);
        if self.mode() == Mode::Tile && linear.rows == Rows::All {
            let grid = [groups(weights.rows, 32), Count::Tokens(32), one];
            return self.push(&MATMUL, &[format], &buffers, &args, grid);
        }
        let tokens = match linear.rows {
            Rows::All => Count::Tokens(1),
            Rows::Last | Rows::First => one,
        };
        let lanes = self.lanes(weights);
        let grid = [groups(weights.rows, 256 / lanes), tokens, one];
        self.push(&MATVEC, &[format, word(lanes)], &buffers, &args, grid);
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
        let pairs = (rotary.n_heads + 2 * rotary.n_kv_heads) * rotary.head_dim / 2;
        let buffers = [rotary.qkv, gains, rotary.table, rotary.q, rotary.cache];
        let grid = [groups(pairs, 64), Count::Tokens(1), Count::Fixed(1)];
        self.push(&ROTARY, &[], &buffers, &args, grid);
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
        let sees_all = attention.sees == Sees::All;
        let args = [
            attention.n_heads,
            attention.n_kv_heads,
            head_dim,
            self.recording.sizes.capacity,
            usize::from(attention.bias.is_some()) + 2 * usize::from(sees_all),
        ];
        let bias = attention.bias.unwrap_or(self.recording.common.nothing);
        let buffers = [attention.q, attention.cache, bias, attention.output];
        let args = args.map(word);
        let rounds = self.recording.sizes.capacity.div_ceil(4) * (1 + head_dim / 2);
        if self.recording.invocations == Invocations::Alone && rounds < MOST_ROUNDS {
            let grid = [
                groups(attention.n_heads, 4),
                Count::Tokens(16),
                Count::Fixed(1),
            ];
            self.push(&ATTENTION_ALONE, &[], &buffers, &args, grid);
            return Ok(());
        }
        let queries = match self.mode() {
            Mode::Vector => 1,
            Mode::Tile => 4,
        };
        let grid = [
            Count::Fixed(attention.n_heads),
            Count::Tokens(queries),
            Count::Fixed(1),
        ];
        let constants = [queries, 256 / queries].map(word);
        self.push(&ATTENTION, &constants, &buffers, &args, grid);
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
        self.push(&ROUTE, &[width], &buffers, &args.map(word), grid);
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
            &[],
            &buffers,
            &args,
            [tokens, Count::Fixed(1), Count::Fixed(1)],
        );
    }

    /// Invocations that share the columns of a row (lib/lanes.wgsl): as many as the row has chunks, from 8 to a workgroup.
    fn lanes(&self, weights: Matrix) -> usize {
        let chunks = (weights.columns / 4) >> weights.format.code();
        match self.recording.invocations {
            Invocations::Together => chunks.next_power_of_two().clamp(8, 64),
            Invocations::Alone => 1,
        }
    }

    fn mode(&self) -> Mode {
        self.recording.passes[self.pass.0].mode
    }

    fn push(
        &mut self,
        kernel: &'static Kernel,
        constants: &[u32],
        buffers: &[Buffer],
        args: &[u32],
        grid: [Count; 3],
    ) {
        self.recording.passes[self.pass.0]
            .dispatches
            .push(Dispatch {
                kernel,
                constants: constants.to_vec(),
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
