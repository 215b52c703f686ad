//! [`Copy`]: copies from one large buffer to another, to measure what the memory of a device can do.

use crate::error::ShaderError;
use crate::gpu::Gpu;

/// Two buffers on a device.
#[derive(Debug)]
pub struct Copy {
    gpu: Gpu,
    from: wgpu::Buffer,
    to: wgpu::Buffer,
    /// The end of the copy, read to know that it is done.
    end: wgpu::Buffer,
}

impl Gpu {
    /// Makes ready to copy so many bytes, a multiple of 4.
    ///
    /// # Errors
    /// More than the device has in one buffer.
    pub fn copy(&self, n_bytes: usize) -> Result<Copy, ShaderError> {
        let (needed, limit) = (n_bytes as u64, self.device.limits().max_buffer_size);
        if needed > limit {
            return Err(ShaderError::Limit {
                what: "a copy".into(),
                needed,
                unit: "bytes",
                limit,
            });
        }
        let buffer = |size, usage| {
            self.device.create_buffer(&wgpu::BufferDescriptor {
                label: Some("copy"),
                size,
                usage: usage | wgpu::BufferUsages::COPY_DST,
                mapped_at_creation: false,
            })
        };
        Ok(Copy {
            gpu: self.clone(),
            from: buffer(needed, wgpu::BufferUsages::COPY_SRC),
            to: buffer(needed, wgpu::BufferUsages::COPY_SRC),
            end: buffer(4, wgpu::BufferUsages::MAP_READ),
        })
    }
}

impl Copy {
    /// Copies all bytes so many times, and waits until that is done.
    ///
    /// # Errors
    /// A failing device.
    pub async fn run(&self, times: usize) -> Result<(), ShaderError> {
        let mut encoder = self.gpu.device.create_command_encoder(&Default::default());
        let size = self.from.size();
        for _ in 0..times {
            encoder.copy_buffer_to_buffer(&self.from, 0, &self.to, 0, size);
        }
        encoder.copy_buffer_to_buffer(&self.to, size - 4, &self.end, 0, 4);
        self.gpu.queue.submit([encoder.finish()]);
        self.gpu.read(&self.end, 1).await.map(drop)
    }
}
