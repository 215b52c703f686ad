//! [`Plan`]: a recording on a device. A run is one write, one submit and one read, whatever the number of dispatches.

mod hosted;

use std::collections::BTreeMap;
use std::ops::Range;

use moescope_routing::RouterSpec;

use crate::error::{ShaderError, size};
use crate::gpu::Gpu;
use crate::kernel::{Binding, Kernel};
use crate::reading::Reading;
use crate::record::RESULTS;
use crate::recorder::{
    Buffer, BufferSpec, Count, Dispatch, Matrix, PassId, Recording, Sizes, TILE,
};
use crate::routing::{check_run, most_picks, pack};
use crate::step::{Step, Words, specs_start};

pub use hosted::Decider;
use hosted::Router;

/// Bytes between the arguments of two dispatches: what every device accepts as an offset of a uniform.
const ARGS_STRIDE: usize = 256;

/// A recording on a device, ready to be run.
#[derive(Debug)]
pub struct Plan {
    gpu: Gpu,
    sizes: Sizes,
    buffers: Vec<wgpu::Buffer>,
    passes: Vec<Vec<Ready>>,
    run: Buffer,
    records: Buffer,
    memory: Buffer,
    staging: wgpu::Buffer,
    n_pipelines: usize,
    /// Of each MoE layer: its spec and the index of its transformer layer.
    routing: Vec<(RouterSpec, usize)>,
}

/// A dispatch with everything bound.
#[derive(Debug)]
struct Ready {
    name: &'static str,
    pipeline: wgpu::ComputePipeline,
    bindings: wgpu::BindGroup,
    grid: [Count; 3],
    /// What it decides, if it is a router.
    router: Option<Router>,
}

impl Plan {
    /// Makes buffers and pipelines; tells `progress` how many of how many pipelines are there.
    ///
    /// Between pipelines it waits without blocking, so that weights can arrive meanwhile.
    ///
    /// # Errors
    /// Buffers beyond the device's limits, or a device that refuses a shader.
    pub async fn new(
        gpu: &Gpu,
        recording: Recording,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, ShaderError> {
        let limits = gpu.device.limits();
        let buffers = recording
            .buffers
            .iter()
            .map(|spec| make_buffer(gpu, &limits, spec));
        let buffers: Vec<wgpu::Buffer> = buffers.collect::<Result<_, _>>()?;
        let mut kinds: BTreeMap<(&'static str, u32), &'static Kernel> = BTreeMap::new();
        for dispatch in recording.passes.iter().flat_map(|pass| &pass.dispatches) {
            kinds.insert((dispatch.kernel.name, dispatch.constant), dispatch.kernel);
        }
        let mut pipelines = BTreeMap::new();
        for (done, (kind, kernel)) in kinds.iter().enumerate() {
            progress(done, kinds.len());
            pipelines.insert(*kind, make_pipeline(gpu, kernel, kind.1).await?);
        }
        progress(kinds.len(), kinds.len());
        let mut passes = Vec::new();
        for pass in &recording.passes {
            let args = make_args(gpu, pass.name, &pass.dispatches);
            let ready = pass.dispatches.iter().enumerate().map(|(i, dispatch)| {
                let pipeline = &pipelines[&(dispatch.kernel.name, dispatch.constant)];
                bind(
                    gpu,
                    &buffers,
                    recording.common.run,
                    &args,
                    i,
                    dispatch,
                    pipeline,
                )
            });
            passes.push(ready.collect());
        }
        let sizes = recording.sizes;
        let n_words = Reading::words(sizes.max_tokens, sizes.n_moe_layers, sizes.layout());
        let plan = Self {
            gpu: gpu.clone(),
            sizes,
            buffers,
            passes,
            run: recording.common.run,
            records: recording.common.records,
            memory: recording.common.memory,
            staging: staging(gpu, n_words),
            n_pipelines: pipelines.len(),
            routing: Vec::new(),
        };
        gpu.check("preparing a plan")?;
        Ok(plan)
    }

    /// What it has room for.
    #[must_use]
    pub fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// Pipelines made, which is done once: whatever is set or run later makes no other.
    #[must_use]
    pub fn n_pipelines(&self) -> usize {
        self.n_pipelines
    }

    /// Names of the kernels of a pass, in order, one for each dispatch.
    #[must_use]
    pub fn dispatches(&self, pass: PassId) -> Vec<&'static str> {
        self.passes[pass.0].iter().map(|ready| ready.name).collect()
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

    /// Runs a pass and reads its result.
    ///
    /// # Errors
    /// A step that does not fit the plan, routing that is missing or ends before it, or a failing device.
    pub async fn run(&mut self, pass: PassId, step: &Step<'_>) -> Result<Reading, ShaderError> {
        self.check_step(step)?;
        let slots = self.slots();
        self.write_words(self.run, 0, &step.words(self.sizes.max_tokens, slots))?;
        let end = self.passes[pass.0].len();
        self.finish(pass, 0..end, step, slots).await
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

    fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        pass: PassId,
        range: Range<usize>,
        n_tokens: usize,
        slots: usize,
    ) {
        let mut compute = encoder.begin_compute_pass(&Default::default());
        for ready in &self.passes[pass.0][range] {
            compute.set_pipeline(&ready.pipeline);
            compute.set_bind_group(0, &ready.bindings, &[]);
            let workgroups = |count| self.workgroups(count, n_tokens, slots);
            let [x, y, z] = ready.grid.map(workgroups);
            compute.dispatch_workgroups(x, y, z);
        }
    }

    /// Runs the rest of a pass and reads its result.
    async fn finish(
        &mut self,
        pass: PassId,
        rest: Range<usize>,
        step: &Step<'_>,
        slots: usize,
    ) -> Result<Reading, ShaderError> {
        let n_tokens = step.tokens.len();
        let has_scores = !step.targets.is_empty();
        let (n_layers, layout) = (self.sizes.n_moe_layers, self.sizes.layout());
        let n_words = match step.trace || has_scores {
            true => Reading::words(n_tokens, n_layers, layout),
            false => RESULTS,
        };
        let n_bytes = n_words as u64 * 4;
        let n_more = step.read.map_or(0, |words| words.count);
        self.make_room(n_words + n_more);
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        self.encode(&mut encoder, pass, rest, n_tokens, slots);
        let records = &self.buffers[self.records.0];
        encoder.copy_buffer_to_buffer(records, 0, &self.staging, 0, n_bytes);
        if let Some(more) = step.read {
            let source = self.source(more)?;
            let first = more.first as u64 * 4;
            let length = more.count as u64 * 4;
            encoder.copy_buffer_to_buffer(source, first, &self.staging, n_bytes, length);
        }
        self.gpu.queue.submit([encoder.finish()]);
        let mut words = self.gpu.read(&self.staging, n_words + n_more).await?;
        let more = words.split_off(n_words);
        let reading = Reading::new(&words, n_tokens, n_layers, layout, has_scores, step.trace);
        Ok(Reading {
            words: more,
            ..reading
        })
    }

    /// Makes the staging buffer large enough.
    fn make_room(&mut self, n_words: usize) {
        if self.staging.size() < n_words as u64 * 4 {
            self.staging = staging(&self.gpu, n_words);
        }
    }

    /// The buffer of words to read, which must be there.
    fn source(&self, words: Words) -> Result<&wgpu::Buffer, ShaderError> {
        let source = &self.buffers[words.buffer.0];
        let end = words.first + words.count;
        if words.count == 0 || end as u64 * 4 > source.size() {
            let allowed = format!("a range of words up to {}", source.size() / 4);
            return Err(size("the end of a read", end, allowed));
        }
        Ok(source)
    }

    /// Reads words of any buffer, for tests and for logits.
    ///
    /// # Errors
    /// A range outside the buffer, or a failing device.
    pub async fn read_words(
        &self,
        buffer: Buffer,
        range: std::ops::Range<usize>,
    ) -> Result<Vec<u32>, ShaderError> {
        let source = self.source(Words {
            buffer,
            first: range.start,
            count: range.len(),
        })?;
        let staging = staging(&self.gpu, range.len());
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let n_bytes = range.len() as u64 * 4;
        encoder.copy_buffer_to_buffer(source, range.start as u64 * 4, &staging, 0, n_bytes);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.read(&staging, range.len()).await
    }

    /// [`Self::read_words`] as numbers.
    ///
    /// # Errors
    /// Those of [`Self::read_words`].
    pub async fn read_reals(
        &self,
        buffer: Buffer,
        range: std::ops::Range<usize>,
    ) -> Result<Vec<f32>, ShaderError> {
        let words = self.read_words(buffer, range).await?;
        Ok(words.into_iter().map(f32::from_bits).collect())
    }

    fn workgroups(&self, count: Count, n_tokens: usize, slots: usize) -> u32 {
        let n = match count {
            Count::Fixed(n) => n,
            Count::Tokens(per_group) => n_tokens.div_ceil(per_group),
            Count::Slots => slots,
            Count::Tiles => {
                let rows = n_tokens * slots;
                rows.min(rows / TILE + self.sizes.layout().slots())
            }
        };
        n as u32
    }

    fn check_tokens(&self, step: &Step<'_>, most: usize) -> Result<(), ShaderError> {
        let n_tokens = step.tokens.len();
        if n_tokens == 0 || n_tokens > most {
            let allowed = format!("from 1 to {most} under this routing");
            return Err(size("the number of tokens of a run", n_tokens, allowed));
        }
        if step.position + n_tokens > self.sizes.capacity {
            let allowed = format!("up to the capacity of the cache, {}", self.sizes.capacity);
            return Err(size("the last position", step.position + n_tokens, allowed));
        }
        if !step.targets.is_empty() && step.targets.len() != n_tokens {
            let allowed = format!("0, or the number of tokens, {n_tokens}");
            return Err(size("the number of targets", step.targets.len(), allowed));
        }
        Ok(())
    }

    fn check_step(&self, step: &Step<'_>) -> Result<(), ShaderError> {
        self.check_tokens(step, self.chunk())?;
        let n_tokens = step.tokens.len();
        if self.routing.len() != self.sizes.n_moe_layers {
            let allowed = "set before the first run (Plan::set_routing)";
            return Err(size(
                "the routing of MoE layers",
                self.routing.len(),
                allowed,
            ));
        }
        let mut routing = self.routing.iter();
        routing.try_for_each(|(spec, layer)| check_run(spec, *layer, step.position, n_tokens))
    }
}

fn make_buffer(
    gpu: &Gpu,
    limits: &wgpu::Limits,
    spec: &BufferSpec,
) -> Result<wgpu::Buffer, ShaderError> {
    let needed = spec.words as u64 * 4;
    let limit = limits
        .max_buffer_size
        .min(limits.max_storage_buffer_binding_size);
    if needed > limit {
        return Err(ShaderError::Limit {
            what: spec.label.clone(),
            needed,
            unit: "bytes",
            limit,
        });
    }
    let usage =
        wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST | wgpu::BufferUsages::COPY_SRC;
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(&spec.label),
        size: needed,
        usage,
        mapped_at_creation: false,
    });
    if !spec.contents.is_empty() {
        gpu.queue
            .write_buffer(&buffer, 0, bytemuck::cast_slice(&spec.contents));
    }
    Ok(buffer)
}

fn staging(gpu: &Gpu, n_words: usize) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: n_words as u64 * 4,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Compiles one kernel with one value of its constant, and waits for the device's verdict.
async fn make_pipeline(
    gpu: &Gpu,
    kernel: &'static Kernel,
    constant: u32,
) -> Result<wgpu::ComputePipeline, ShaderError> {
    if let Some(pipeline) = gpu.compiled((kernel.name, constant)) {
        return Ok(pipeline);
    }
    let device = &gpu.device;
    let scope = device.push_error_scope(wgpu::ErrorFilter::Validation);
    let module = device.create_shader_module(wgpu::ShaderModuleDescriptor {
        label: Some(kernel.name),
        source: wgpu::ShaderSource::Wgsl(kernel.source.into()),
    });
    let read = wgpu::BufferBindingType::Storage { read_only: true };
    let write = wgpu::BufferBindingType::Storage { read_only: false };
    let mut types = vec![read, wgpu::BufferBindingType::Uniform];
    types.extend(kernel.bindings.iter().map(|binding| match binding {
        Binding::Read => read,
        Binding::Write => write,
    }));
    let entry = |(binding, ty): (usize, wgpu::BufferBindingType)| wgpu::BindGroupLayoutEntry {
        binding: binding as u32,
        visibility: wgpu::ShaderStages::COMPUTE,
        ty: wgpu::BindingType::Buffer {
            ty,
            has_dynamic_offset: false,
            min_binding_size: None,
        },
        count: None,
    };
    let entries: Vec<_> = types.into_iter().enumerate().map(entry).collect();
    let group = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some(kernel.name),
        entries: &entries,
    });
    let layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
        label: Some(kernel.name),
        bind_group_layouts: &[Some(&group)],
        immediate_size: 0,
    });
    let constants: Vec<(&str, f64)> = kernel
        .constant
        .map(|name| (name, f64::from(constant)))
        .into_iter()
        .collect();
    let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
        label: Some(kernel.name),
        layout: Some(&layout),
        module: &module,
        entry_point: Some("main"),
        compilation_options: wgpu::PipelineCompilationOptions {
            constants: &constants,
            ..Default::default()
        },
        cache: None,
    });
    match scope.pop().await {
        None => {
            gpu.keep((kernel.name, constant), &pipeline);
            Ok(pipeline)
        }
        Some(error) => Err(ShaderError::Device {
            what: format!("compiling {}", kernel.name),
            reason: error.to_string(),
        }),
    }
}

/// The arguments of all dispatches of a pass, one behind the other.
fn make_args(gpu: &Gpu, pass: &str, dispatches: &[Dispatch]) -> wgpu::Buffer {
    let mut words = vec![0_u32; dispatches.len().max(1) * ARGS_STRIDE / 4];
    for (place, dispatch) in words.chunks_exact_mut(ARGS_STRIDE / 4).zip(dispatches) {
        place[..dispatch.args.len()].copy_from_slice(&dispatch.args);
    }
    let buffer = gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some(pass),
        size: words.len() as u64 * 4,
        usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    });
    gpu.queue
        .write_buffer(&buffer, 0, bytemuck::cast_slice(&words));
    buffer
}

fn bind(
    gpu: &Gpu,
    buffers: &[wgpu::Buffer],
    run: Buffer,
    args: &wgpu::Buffer,
    index: usize,
    dispatch: &Dispatch,
    pipeline: &wgpu::ComputePipeline,
) -> Ready {
    let args = wgpu::BindingResource::Buffer(wgpu::BufferBinding {
        buffer: args,
        offset: (index * ARGS_STRIDE) as u64,
        size: std::num::NonZeroU64::new(ARGS_STRIDE as u64),
    });
    let mut resources = vec![buffers[run.0].as_entire_binding(), args];
    resources.extend(
        dispatch
            .buffers
            .iter()
            .map(|buffer| buffers[buffer.0].as_entire_binding()),
    );
    let entry = |(binding, resource)| wgpu::BindGroupEntry {
        binding: binding as u32,
        resource,
    };
    let entries: Vec<_> = resources
        .into_iter()
        .enumerate()
        .map(entry)
        .collect::<Vec<_>>();
    let bindings = gpu.device.create_bind_group(&wgpu::BindGroupDescriptor {
        label: Some(dispatch.kernel.name),
        layout: &pipeline.get_bind_group_layout(0),
        entries: &entries,
    });
    Ready {
        name: dispatch.kernel.name,
        pipeline: pipeline.clone(),
        bindings,
        grid: dispatch.grid,
        router: Router::of(dispatch),
    }
}
