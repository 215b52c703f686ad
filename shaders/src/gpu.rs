//! [`Gpu`]: a device, found the same way in a browser and natively, and waiting without blocking.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::ShaderError;
use crate::recorder::{Invocations, Kind};

/// A device, its queue, and what went wrong on it.
#[derive(Clone, Debug)]
pub struct Gpu {
    /// The device.
    pub device: wgpu::Device,
    /// Its queue.
    pub queue: wgpu::Queue,
    /// Who made it.
    pub info: wgpu::AdapterInfo,
    errors: Arc<Mutex<Option<String>>>,
    pipelines: Pipelines,
}

/// Compiled kernels by name and constants, shared by all plans of a device.
type Pipelines = Arc<Mutex<BTreeMap<Kind, wgpu::ComputePipeline>>>;

impl Gpu {
    /// The fastest adapter, with room for large buffers and otherwise no more than WebGPU promises everywhere.
    ///
    /// # Errors
    /// [`ShaderError::NoAdapter`] or [`ShaderError::NoDevice`] with what to do about it.
    pub async fn new() -> Result<Self, ShaderError> {
        let instance = wgpu::Instance::new(wgpu::InstanceDescriptor::new_without_display_handle());
        let options = wgpu::RequestAdapterOptions {
            power_preference: wgpu::PowerPreference::HighPerformance,
            ..Default::default()
        };
        let adapter = instance.request_adapter(&options).await;
        let adapter = adapter.map_err(|error| ShaderError::NoAdapter {
            reason: error.to_string(),
        })?;
        let info = adapter.get_info();
        let offered = adapter.limits();
        let limits = wgpu::Limits {
            max_buffer_size: offered.max_buffer_size,
            max_storage_buffer_binding_size: offered.max_storage_buffer_binding_size,
            ..wgpu::Limits::defaults().or_worse_values_from(&offered)
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("moescope"),
            // For the clock alone, see `Plan::measure`.
            required_features: adapter.features() & wgpu::Features::TIMESTAMP_QUERY,
            required_limits: limits,
            ..Default::default()
        };
        let (device, queue) =
            adapter
                .request_device(&descriptor)
                .await
                .map_err(|error| ShaderError::NoDevice {
                    adapter: info.name.clone(),
                    reason: error.to_string(),
                })?;
        Ok(Self::from_device(device, queue, info))
    }

    /// A device that somebody else made.
    #[must_use]
    pub fn from_device(device: wgpu::Device, queue: wgpu::Queue, info: wgpu::AdapterInfo) -> Self {
        let errors = Arc::new(Mutex::new(None));
        let first = Arc::clone(&errors);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
            let mut first = first.lock().unwrap_or_else(PoisonError::into_inner);
            first.get_or_insert_with(|| error.to_string());
        }));
        Self {
            device,
            queue,
            info,
            errors,
            pipelines: Pipelines::default(),
        }
    }

    /// How invocations work best here: alone where the adapter is software.
    #[must_use]
    pub fn invocations(&self) -> Invocations {
        match self.info.device_type {
            wgpu::DeviceType::Cpu => Invocations::Alone,
            _ => Invocations::Together,
        }
    }

    /// A kernel that an earlier plan has compiled.
    pub(crate) fn compiled(&self, kind: &Kind) -> Option<wgpu::ComputePipeline> {
        let pipelines = self.pipelines.lock();
        pipelines
            .unwrap_or_else(PoisonError::into_inner)
            .get(kind)
            .cloned()
    }

    pub(crate) fn keep(&self, kind: &Kind, pipeline: &wgpu::ComputePipeline) {
        let pipelines = self.pipelines.lock();
        pipelines
            .unwrap_or_else(PoisonError::into_inner)
            .insert(kind.clone(), pipeline.clone());
    }

    /// The first error since the last call, if any.
    pub(crate) fn check(&self, what: &str) -> Result<(), ShaderError> {
        let error = self
            .errors
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        error.map_or(Ok(()), |reason| {
            Err(ShaderError::Device {
                what: what.into(),
                reason,
            })
        })
    }

    /// Maps a staging buffer that a submitted copy fills, and reads its first words.
    pub(crate) async fn read(
        &self,
        staging: &wgpu::Buffer,
        n_words: usize,
    ) -> Result<Vec<u32>, ShaderError> {
        let failed = |reason: String| ShaderError::Device {
            what: "reading a result".into(),
            reason,
        };
        let n_bytes = n_words as u64 * 4;
        let answer = Answer::default();
        let teller = answer.clone();
        staging.map_async(wgpu::MapMode::Read, ..n_bytes, move |result| {
            teller.tell(result.map_err(|error| error.to_string()));
        });
        // A browser calls back by itself; elsewhere somebody has to wait for the device.
        self.device
            .poll(wgpu::PollType::wait_indefinitely())
            .map_err(|error| failed(error.to_string()))?;
        answer.await.map_err(failed)?;
        self.check("running a pass")?;
        let view = staging.get_mapped_range(..n_bytes);
        let view = view.map_err(|error| failed(error.to_string()))?;
        let words = bytemuck::pod_collect_to_vec(&view[..]);
        drop(view);
        staging.unmap();
        Ok(words)
    }
}

/// A result that a callback brings, and who waits for it.
#[derive(Clone, Default)]
struct Answer {
    state: Arc<Mutex<AnswerState>>,
}

#[derive(Default)]
struct AnswerState {
    result: Option<Result<(), String>>,
    waker: Option<Waker>,
}

impl Answer {
    fn tell(&self, result: Result<(), String>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.result = Some(result);
        if let Some(waker) = state.waker.take() {
            waker.wake();
        }
    }
}

impl Future for Answer {
    type Output = Result<(), String>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match state.result.take() {
            Some(result) => Poll::Ready(result),
            None => {
                state.waker = Some(context.waker().clone());
                Poll::Pending
            }
        }
    }
}
