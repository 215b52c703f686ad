//! Runs the passes of a plan: one write, one submit, one read.

use std::ops::Range;

use super::make::staging;
use super::{Plan, Ready};
use crate::error::{ShaderError, size};
use crate::reading::Reading;
use crate::record::RESULTS;
use crate::recorder::{Buffer, Count, PassId, TILE};
use crate::routing::check_run;
use crate::step::{Step, Words};

/// What is encoded for a run. It says nothing of positions, tokens or routing, which are data in buffers: while a text is
/// written, one job is run again and again, so the next is encoded while the device is at this one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Job {
    pub pass: PassId,
    /// Which of its dispatches.
    pub range: Range<usize>,
    pub n_tokens: usize,
    pub slots: usize,
    /// Of the records, to be read.
    n_words: usize,
    read: Option<Words>,
}

impl Plan {
    /// Runs a pass and reads its result.
    ///
    /// # Errors
    /// A step that does not fit the plan, routing that is missing or ends before it, or a failing device.
    pub async fn run(&mut self, pass: PassId, step: &Step<'_>) -> Result<Reading, ShaderError> {
        self.check_step(step)?;
        self.compile(&[pass], |_, _| {}).await?;
        let slots = self.slots();
        self.write_words(self.run, 0, &step.words(self.sizes.max_tokens, slots))?;
        let end = self.ready[pass.0].len();
        self.finish(pass, 0..end, step, slots).await
    }

    pub(super) fn encode(
        &self,
        encoder: &mut wgpu::CommandEncoder,
        pass: PassId,
        range: Range<usize>,
        n_tokens: usize,
        slots: usize,
    ) {
        let mut compute = encoder.begin_compute_pass(&Default::default());
        for ready in &self.ready[pass.0][range] {
            self.dispatch(&mut compute, ready, n_tokens, slots);
        }
    }

    pub(super) fn dispatch(
        &self,
        compute: &mut wgpu::ComputePass<'_>,
        ready: &Ready,
        n_tokens: usize,
        slots: usize,
    ) {
        compute.set_pipeline(&ready.pipeline);
        compute.set_bind_group(0, &ready.bindings, &[]);
        let workgroups = |count| self.workgroups(count, n_tokens, slots);
        let [x, y, z] = ready.grid.map(workgroups);
        compute.dispatch_workgroups(x, y, z);
    }

    /// Runs the rest of a pass and reads its result.
    pub(super) async fn finish(
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
        let n_more = step.read.map_or(0, |words| words.count);
        self.make_room(n_words + n_more);
        let job = Job {
            pass,
            range: rest,
            n_tokens,
            slots,
            n_words,
            read: step.read,
        };
        let commands = match self.ahead.take() {
            Some((ahead, commands)) if ahead == job => commands,
            _ => self.encode_job(&job)?,
        };
        self.gpu.queue.submit([commands]);
        if n_tokens == 1 && self.clock.is_none() {
            let commands = self.encode_job(&job)?;
            self.ahead = Some((job.clone(), commands));
        }
        let mut words = self.gpu.read(&self.staging, n_words + n_more).await?;
        if self.clock.is_some() {
            self.add_up(job).await?;
        }
        let more = words.split_off(n_words);
        let reading = Reading::new(&words, n_tokens, n_layers, layout, has_scores, step.trace);
        Ok(Reading {
            words: more,
            ..reading
        })
    }

    /// The commands of a job.
    fn encode_job(&self, job: &Job) -> Result<wgpu::CommandBuffer, ShaderError> {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        match &self.clock {
            None => {
                let range = job.range.clone();
                self.encode(&mut encoder, job.pass, range, job.n_tokens, job.slots);
            }
            Some(clock) => self.encode_timed(clock, &mut encoder, job),
        }
        let records = &self.buffers[self.records.0];
        let n_bytes = job.n_words as u64 * 4;
        encoder.copy_buffer_to_buffer(records, 0, &self.staging, 0, n_bytes);
        if let Some(more) = job.read {
            let source = self.source(more)?;
            let first = more.first as u64 * 4;
            let length = more.count as u64 * 4;
            encoder.copy_buffer_to_buffer(source, first, &self.staging, n_bytes, length);
        }
        Ok(encoder.finish())
    }

    /// Makes the staging buffer large enough.
    fn make_room(&mut self, n_words: usize) {
        if self.staging.size() < n_words as u64 * 4 {
            self.staging = staging(&self.gpu, n_words);
            self.ahead = None;
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

    pub(super) fn check_tokens(&self, step: &Step<'_>, most: usize) -> Result<(), ShaderError> {
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
