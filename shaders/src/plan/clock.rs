//! [`Clock`]: how long each kernel takes, by timestamps of the device itself.
//!
//! A dispatch that is timed is a compute pass of its own: a measured run is slower as a whole, and what neighbours gain by
//! overlapping is not seen.

use std::collections::BTreeMap;

use super::Plan;
use super::make::staging;
use super::run::Job;
use crate::error::ShaderError;
use crate::gpu::Gpu;

/// Bytes of a timestamp.
const TICK: usize = 8;

/// Time spent in one kernel.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KernelTime {
    /// Which.
    pub kernel: &'static str,
    /// How often it was dispatched.
    pub dispatches: usize,
    /// In all of them, by the clock of the device.
    pub seconds: f64,
}

/// Timestamps around the dispatches of a run, and what earlier runs took.
#[derive(Debug)]
pub(super) struct Clock {
    queries: wgpu::QuerySet,
    /// Where the device writes them, and where the host reads them.
    ticks: wgpu::Buffer,
    staging: wgpu::Buffer,
    /// Dispatches and seconds by kernel.
    spent: BTreeMap<&'static str, (usize, f64)>,
}

impl Plan {
    /// Times every dispatch from the next run on, or no longer.
    ///
    /// # Errors
    /// [`ShaderError::NoClock`] where the device has no timestamps.
    pub fn measure(&mut self, on: bool) -> Result<(), ShaderError> {
        self.ahead = None;
        let lengths = self.passes.iter().map(|pass| pass.dispatches.len());
        let longest = lengths.max().unwrap_or(0).max(1);
        self.clock = match on {
            true => Some(Clock::new(&self.gpu, 2 * longest)?),
            false => None,
        };
        self.gpu.check("preparing timestamps")
    }

    /// What was spent since [`Self::measure`] or the last call, by kernel; nothing where none were timed.
    pub fn take_times(&mut self) -> Vec<KernelTime> {
        let spent = self.clock.as_mut().map(|clock| &mut clock.spent);
        let spent = spent.map(std::mem::take).unwrap_or_default().into_iter();
        spent
            .map(|(kernel, (dispatches, seconds))| KernelTime {
                kernel,
                dispatches,
                seconds,
            })
            .collect()
    }

    /// Encodes the dispatches of a job with timestamps around each.
    pub(super) fn encode_timed(
        &self,
        clock: &Clock,
        encoder: &mut wgpu::CommandEncoder,
        job: &Job,
    ) {
        let n_ticks = 2 * job.range.len() as u32;
        let dispatches = self.ready[job.pass.0][job.range.clone()].iter();
        for (index, ready) in dispatches.enumerate() {
            let begin = 2 * index as u32;
            let mut compute = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: None,
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &clock.queries,
                    beginning_of_pass_write_index: Some(begin),
                    end_of_pass_write_index: Some(begin + 1),
                }),
            });
            self.dispatch(&mut compute, ready, job.n_tokens, job.slots);
        }
        encoder.resolve_query_set(&clock.queries, 0..n_ticks, &clock.ticks, 0);
        let size = u64::from(n_ticks) * TICK as u64;
        encoder.copy_buffer_to_buffer(&clock.ticks, 0, &clock.staging, 0, size);
    }

    /// The kernels of dispatches that [`Self::encode_timed`] encoded and that have run.
    pub(super) async fn add_up(&mut self, job: Job) -> Result<(), ShaderError> {
        let kernels = &self.dispatches(job.pass)[job.range];
        let Some(clock) = &mut self.clock else {
            return Ok(());
        };
        let n_words = 2 * kernels.len() * TICK / 4;
        let words = self.gpu.read(&clock.staging, n_words).await?;
        let period = f64::from(self.gpu.queue.get_timestamp_period()) / 1e9;
        for (kernel, ticks) in kernels.iter().zip(words.chunks_exact(4)) {
            let tick = |at: usize| u64::from(ticks[at]) | u64::from(ticks[at + 1]) << 32;
            let spent = clock.spent.entry(kernel).or_default();
            spent.0 += 1;
            spent.1 += tick(2).saturating_sub(tick(0)) as f64 * period;
        }
        Ok(())
    }
}

impl Clock {
    fn new(gpu: &Gpu, n_ticks: usize) -> Result<Self, ShaderError> {
        let device = &gpu.device;
        if !device.features().contains(wgpu::Features::TIMESTAMP_QUERY) {
            return Err(ShaderError::NoClock {
                adapter: gpu.info.name.clone(),
            });
        }
        Ok(Self {
            queries: device.create_query_set(&wgpu::QuerySetDescriptor {
                label: Some("timestamps"),
                ty: wgpu::QueryType::Timestamp,
                count: n_ticks as u32,
            }),
            ticks: device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("timestamps"),
                size: (n_ticks * TICK) as u64,
                usage: wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC,
                mapped_at_creation: false,
            }),
            staging: staging(gpu, n_ticks * TICK / 4),
            spent: BTreeMap::new(),
        })
    }
}
