//! [`Plan`]: a recording on a device. A run is one write, one submit and one read, whatever the number of dispatches.

mod clock;
mod hosted;
mod make;
mod router;
mod run;

use std::collections::BTreeMap;

use moescope_routing::RouterSpec;

use crate::error::{ShaderError, size};
use crate::gpu::Gpu;
use crate::recorder::{Buffer, Count, Kind, Matrix, Pass, PassId, Sizes};
use crate::routing::{most_picks, pack};
use crate::step::specs_start;

use clock::Clock;
pub use clock::KernelTime;
pub use hosted::Decider;
use router::Router;
use run::Job;

/// A recording on a device, ready to be run.
#[derive(Debug)]
pub struct Plan {
    gpu: Gpu,
    sizes: Sizes,
    buffers: Vec<wgpu::Buffer>,
    passes: Vec<Pass>,
    /// Of each pass its dispatches, once it is compiled.
    ready: Vec<Vec<Ready>>,
    run: Buffer,
    records: Buffer,
    memory: Buffer,
    staging: wgpu::Buffer,
    pipelines: BTreeMap<Kind, wgpu::ComputePipeline>,
    /// Commands that are ready for a run that is like the last.
    ahead: Option<(Job, wgpu::CommandBuffer)>,
    /// While kernels are measured.
    clock: Option<Clock>,
    /// Of each MoE layer: its spec and the index of its transformer layer.
    routing: Vec<(RouterSpec, usize)>,
}

/// A dispatch with everything bound.
#[derive(Debug)]
struct Ready {
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: [Count; 3],
    /// What it decides, if it is a router.
    router: Option<Router>,
}

impl Plan {
    /// What it has room for.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// The adapter it runs on.
    #[must_use]
    pub fn adapter(&self) -> &str {
        &self.gpu.info.name
    }

    /// Pipelines made so far; a change of routing makes one other at most, the router for all strategies.
    #[must_use]
    pub fn n_pipelines(&self) -> usize {
        self.pipelines.len()
    }

    /// Names of the kernels of a pass under the present routing, in order, one for each dispatch.
    #[must_use]
    pub fn dispatches(&self, pass: PassId) -> Vec<&'static str> {
        let dispatches = self.passes[pass.0].dispatches.iter();
        dispatches
            .map(|dispatch| self.kernel_of(dispatch).1.name)
            .collect()
    }

    /// Packs whole rows of a matrix and uploads them.
    ///
    /// # Shapes
    /// `values`: `[n, columns]` for rows from `first_row`.
    ///
    /// # Errors
    /// Rows that the matrix does not have, or values that are not whole rows.
    pub fn write_matrix(
        &self,
        matrix: &Matrix,
        first_row: usize,
        values: &[f32],
    ) -> Result<(), ShaderError> {
        let n_rows = values.len() / matrix.columns;
        if !values.len().is_multiple_of(matrix.columns) || first_row + n_rows > matrix.rows {
            let allowed = format!("whole rows of {} within {}", matrix.columns, matrix.rows);
            return Err(size("values of a matrix", values.len(), allowed));
        }
        let (words, scales) = matrix.format.pack(values, matrix.columns)?;
        let before = first_row * matrix.columns;
        self.write_words(matrix.buffer, matrix.format.value_words(before), &words)?;
        let first_scale = matrix.scales() + matrix.format.scale_words(before);
        self.write_words(matrix.buffer, first_scale, bytemuck::cast_slice(&scales))
    }

    /// Uploads numbers.
    ///
    /// # Errors
    /// A place outside the buffer.
    pub fn write_reals(
        &self,
        buffer: Buffer,
        first: usize,
        values: &[f32],
    ) -> Result<(), ShaderError> {
        self.write_words(buffer, first, bytemuck::cast_slice(values))
    }

    /// Uploads words.
    ///
    /// # Errors
    /// A place outside the buffer.
    pub fn write_words(
        &self,
        buffer: Buffer,
        first: usize,
        words: &[u32],
    ) -> Result<(), ShaderError> {
        let target = &self.buffers[buffer.0];
        let end = first + words.len();
        if end as u64 * 4 > target.size() {
            let allowed = format!("up to {}", target.size() / 4);
            return Err(size("the last word of an upload", end, allowed));
        }
        let bytes = bytemuck::cast_slice(words);
        self.gpu.queue.write_buffer(target, first as u64 * 4, bytes);
        Ok(())
    }

    /// Sets the routing of all MoE layers: a write, effective from the next run.
    ///
    /// # Errors
    /// [`ShaderError::Refused`] for a spec that is invalid or that the kernel does not do; nothing is changed then.
    pub fn set_routing(
        &mut self,
        specs: &[&RouterSpec],
        layers: &[usize],
    ) -> Result<(), ShaderError> {
        let expected = self.sizes.n_moe_layers;
        if specs.len() != expected || layers.len() != expected {
            let allowed = format!("one for each of {expected} MoE layers");
            return Err(size("the number of specs", specs.len(), allowed));
        }
        let table = pack(specs, layers, &self.sizes)?;
        self.write_words(self.run, specs_start(self.sizes.max_tokens), &table)?;
        // Other routers may run now.
        self.ahead = None;
        let specs = specs.iter().copied().cloned();
        self.routing = specs.zip(layers.iter().copied()).collect();
        Ok(())
    }

    /// Slots that a token may use under the present routing.
    #[must_use]
    pub fn slots(&self) -> usize {
        let picks = self
            .routing
            .iter()
            .map(|(spec, _)| most_picks(spec, self.sizes.n_experts));
        (picks.max().unwrap_or(0) + self.sizes.n_shared).max(1)
    }

    /// Tokens that one run may have under the present routing.
    #[must_use]
    pub fn chunk(&self) -> usize {
        if self.sizes.n_moe_layers == 0 {
            return self.sizes.max_tokens;
        }
        let by_rows = self.sizes.expert_rows / self.slots();
        self.sizes.max_tokens.min(by_rows)
    }

    /// Says which experts the token before the next run used in each MoE layer, where that was another sequence's.
    ///
    /// # Errors
    /// Another number of layers, or an expert that does not exist.
    pub fn set_previous(&mut self, experts: &[&[u16]]) -> Result<(), ShaderError> {
        let n_layers = self.sizes.n_moe_layers;
        if experts.len() != n_layers {
            let allowed = format!("one list for each of {n_layers} MoE layers");
            return Err(size("the lists of experts", experts.len(), allowed));
        }
        for (moe_layer, experts) in experts.iter().enumerate() {
            self.remember(moe_layer, experts)?;
        }
        Ok(())
    }

    /// Writes the experts of a token at one router to where sticky routing looks.
    fn remember(&self, moe_layer: usize, experts: &[u16]) -> Result<(), ShaderError> {
        let mut mask = [0_u32; 4];
        for &expert in experts {
            let expert = usize::from(expert);
            if expert >= self.sizes.n_experts {
                let allowed = format!("below {}", self.sizes.n_experts);
                return Err(size("an expert", expert, allowed));
            }
            mask[expert / 32] |= 1 << (expert % 32);
        }
        self.write_words(self.memory, 4 * moe_layer, &mask)
    }
}
