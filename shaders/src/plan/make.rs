//! Makes a plan of a recording: buffers, pipelines and bind groups on a device.

use std::collections::BTreeMap;

use super::router::Router;
use super::{Plan, Ready};
use crate::error::ShaderError;
use crate::gpu::Gpu;
use crate::kernel::{Binding, Kernel};
use crate::reading::Reading;
use crate::recorder::{Buffer, BufferSpec, Dispatch, Kind, PassId, Recording};

/// Bytes between the arguments of two dispatches: what every device accepts as an offset of a binding.
///
/// They are storage and not a uniform: Mesa's software Vulkan compiles a kernel anew for every dispatch in which a uniform
/// steers a loop or a condition, which cost 300 ms for a router where its work takes less than one.
const ARGS_STRIDE: usize = 256;

impl Plan {
    /// Makes the buffers; pipelines follow with [`Self::compile`], or when they are first needed.
    ///
    /// # Errors
    /// Buffers beyond the device's limits.
    pub fn new(gpu: &Gpu, recording: Recording) -> Result<Self, ShaderError> {
        let limits = gpu.device.limits();
        let buffers = recording
            .buffers
            .iter()
            .map(|spec| make_buffer(gpu, &limits, spec));
        let buffers: Vec<wgpu::Buffer> = buffers.collect::<Result<_, _>>()?;
        let sizes = recording.sizes;
        let n_words = Reading::words(sizes.max_tokens, sizes.n_moe_layers, sizes.layout());
        let plan = Self {
            gpu: gpu.clone(),
            sizes,
            buffers,
            ready: recording.passes.iter().map(|_| Vec::new()).collect(),
            passes: recording.passes,
            run: recording.common.run,
            records: recording.common.records,
            memory: recording.common.memory,
            staging: staging(gpu, n_words),
            pipelines: BTreeMap::new(),
            ahead: None,
            clock: None,
            routing: Vec::new(),
        };
        gpu.check("preparing a plan")?;
        Ok(plan)
    }

    /// Makes the pipelines of some passes; tells `progress` how many of how many are there.
    ///
    /// Between pipelines it waits without blocking, so that weights can arrive meanwhile.
    ///
    /// # Errors
    /// A device that refuses a shader.
    pub async fn compile(
        &mut self,
        passes: &[PassId],
        mut progress: impl FnMut(usize, usize),
    ) -> Result<(), ShaderError> {
        let dispatches = passes.iter().flat_map(|id| &self.passes[id.0].dispatches);
        let kinds: BTreeMap<Kind, &'static Kernel> = dispatches
            .map(|dispatch| self.kernel_of(dispatch))
            .collect();
        for (done, (kind, kernel)) in kinds.iter().enumerate() {
            progress(done, kinds.len());
            if !self.pipelines.contains_key(kind) {
                let pipeline = make_pipeline(&self.gpu, kernel, kind).await?;
                self.pipelines.insert(kind.clone(), pipeline);
            }
        }
        progress(kinds.len(), kinds.len());
        for id in passes {
            if self.ready[id.0].is_empty() {
                self.ready[id.0] = self.bind_pass(*id);
            }
            self.choose_routers(*id);
        }
        self.gpu.check("compiling a pass")
    }

    /// Binds every dispatch of a pass whose pipelines are there.
    fn bind_pass(&self, id: PassId) -> Vec<Ready> {
        let pass = &self.passes[id.0];
        let args = make_args(&self.gpu, pass.name, &pass.dispatches);
        let dispatches = pass.dispatches.iter().enumerate();
        dispatches
            .map(|(i, dispatch)| {
                let (kind, _) = self.kernel_of(dispatch);
                let pipeline = &self.pipelines[&kind];
                bind(
                    &self.gpu,
                    &self.buffers,
                    self.run,
                    &args,
                    i,
                    dispatch,
                    pipeline,
                )
            })
            .collect()
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

pub(super) fn staging(gpu: &Gpu, n_words: usize) -> wgpu::Buffer {
    gpu.device.create_buffer(&wgpu::BufferDescriptor {
        label: Some("staging"),
        size: n_words as u64 * 4,
        usage: wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::COPY_DST,
        mapped_at_creation: false,
    })
}

/// Compiles one kernel with the values of its constants, and waits for the device's verdict.
async fn make_pipeline(
    gpu: &Gpu,
    kernel: &'static Kernel,
    kind: &Kind,
) -> Result<wgpu::ComputePipeline, ShaderError> {
    if let Some(pipeline) = gpu.compiled(kind) {
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
    let mut types = vec![read, read];
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
    let values = kind.1.iter().copied().map(f64::from);
    let constants: Vec<(&str, f64)> = kernel.constants.iter().copied().zip(values).collect();
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
            gpu.keep(kind, &pipeline);
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
        usage: wgpu::BufferUsages::STORAGE | wgpu::BufferUsages::COPY_DST,
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
        pipeline: pipeline.clone(),
        bindings,
        grid: dispatch.grid,
        router: Router::of(dispatch),
    }
}
