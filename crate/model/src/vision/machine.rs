//! What the engine for images runs its model on: a Burn device, or a plan recorded once.

use burn::tensor::{Device, Tensor, TensorData};

use super::MoeVit;
use crate::engine::Reading;
use crate::error::ModelError;
use crate::host_router::read_f32;
#[cfg(feature = "recorded")]
use crate::recorded::RecordedVit;
use crate::trace::LayerTrace;

/// What a vision model runs on.
#[derive(Debug)]
pub(super) enum Machine {
    /// Operation by operation on a Burn device.
    Burn(Box<BurnMachine>),
    /// As a recorded plan.
    #[cfg(feature = "recorded")]
    Recorded(Box<RecordedVit>),
}

/// A vision model on a Burn device.
#[derive(Debug)]
pub(super) struct BurnMachine {
    pub model: MoeVit,
    pub device: Device,
}

impl Machine {
    /// Class logits of one image; the reading's ids are the places of its patches.
    ///
    /// # Shapes
    /// `pixels`: [side, side, 3], normalised; returns [N]
    ///
    /// # Errors
    /// Those of the router and of the device.
    pub async fn logits(
        &self,
        pixels: Vec<f32>,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        match self {
            Self::Burn(machine) => {
                let side = machine.model.grid.image_size;
                let pixels = TensorData::new(pixels, [1, side, side, super::CHANNELS]);
                let pixels_bhwc = Tensor::from_data(pixels, &machine.device);
                let mut router = reading.router();
                let logits_bn = machine.model.forward(pixels_bhwc, &mut router).await?;
                Ok((read_f32(logits_bn).await?, router.finish().0))
            }
            #[cfg(feature = "recorded")]
            Self::Recorded(machine) => machine.logits(&pixels, reading).await,
        }
    }
}
