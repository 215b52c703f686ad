//! What the engine runs its model on: a Burn device, pass by pass, or a plan recorded once.
//!
//! Both read tokens and answer with what the caller asks for: logits of the next token of a sequence, logits of every
//! position or losses, each with the routing of every MoE layer.

use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_routing::ModelRouting;

use crate::attention::KvCache;
use crate::config::LmConfig;
use crate::error::ModelError;
use crate::external::ExternalRouter;
use crate::host_router::{ExpertPath, HostRouter, RouterMemory, read_f32};
use crate::lm::MoeLm;
use crate::moe::Router;
#[cfg(feature = "recorded")]
use crate::recorded::{self, RecordedLm};
use crate::sample::Sampler;
use crate::trace::LayerTrace;

/// What a model runs on.
#[derive(Debug)]
pub(crate) enum Machine {
    /// Operation by operation on a Burn device.
    Burn(Box<BurnMachine>),
    /// As a recorded plan.
    #[cfg(feature = "recorded")]
    Recorded(Box<RecordedLm>),
}

/// A model on a Burn device.
#[derive(Debug)]
pub(crate) struct BurnMachine {
    pub model: MoeLm,
    pub device: Device,
}

/// Tokens to read, and who routes them.
#[derive(Clone, Copy)]
pub(crate) struct Reading<'a> {
    pub ids: &'a [u32],
    pub routing: &'a ModelRouting,
    pub external: Option<&'a dyn ExternalRouter>,
    pub path: ExpertPath,
    pub tracing: bool,
}

/// How the next token is drawn, for a machine that can do so itself.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(
    not(feature = "recorded"),
    allow(dead_code, reason = "only a plan draws by itself")
)]
pub(crate) struct Drawing {
    pub sampler: Sampler,
    /// From [0, 1).
    pub draw: f32,
}

/// What a machine says of the next token.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ahead {
    /// [V]; empty where the machine has drawn.
    pub logits: Vec<f32>,
    /// The token and its log-probability.
    pub drawn: Option<(u32, f32)>,
}

/// A sequence on its way.
#[derive(Debug)]
pub(crate) enum Sequence {
    Burn {
        cache: KvCache,
        memory: RouterMemory,
    },
    #[cfg(feature = "recorded")]
    Recorded(recorded::Sequence),
}

/// Where a sequence stood.
pub(crate) struct Mark {
    len: usize,
    memory: RouterMemory,
}

impl<'a> Reading<'a> {
    /// A router for a pass that begins a sequence.
    pub fn router(&self) -> HostRouter<'a> {
        HostRouter::new(self.routing, self.ids, self.path, self.tracing)
            .with_external(self.external)
    }
}

impl Sequence {
    pub fn len(&self) -> usize {
        match self {
            Self::Burn { cache, .. } => cache.len(),
            #[cfg(feature = "recorded")]
            Self::Recorded(sequence) => sequence.len,
        }
    }

    /// Whether there is no room for another token.
    pub fn is_full(&self) -> bool {
        match self {
            Self::Burn { cache, .. } => cache.len() == cache.capacity(),
            #[cfg(feature = "recorded")]
            Self::Recorded(sequence) => sequence.len == sequence.capacity,
        }
    }

    pub fn mark(&self) -> Mark {
        let memory = match self {
            Self::Burn { memory, .. } => memory,
            #[cfg(feature = "recorded")]
            Self::Recorded(sequence) => &sequence.memory,
        };
        Mark {
            len: self.len(),
            memory: memory.clone(),
        }
    }

    /// Forgets what was read after a mark.
    pub fn rewind(&mut self, mark: Mark) {
        match self {
            Self::Burn { cache, memory } => {
                cache.truncate(mark.len);
                *memory = mark.memory;
            }
            #[cfg(feature = "recorded")]
            Self::Recorded(sequence) => {
                sequence.len = mark.len;
                sequence.memory = mark.memory;
            }
        }
    }
}

impl Machine {
    /// A sequence of at most `capacity` tokens.
    ///
    /// # Errors
    /// [`ModelError::Device`] if the machine has no place for another one.
    pub fn sequence(&self, config: &LmConfig, capacity: usize) -> Result<Sequence, ModelError> {
        match self {
            Self::Burn(machine) => Ok(Sequence::Burn {
                cache: KvCache::new(config, capacity, &machine.device),
                memory: RouterMemory::default(),
            }),
            #[cfg(feature = "recorded")]
            Self::Recorded(machine) => machine.sequence(capacity).map(Sequence::Recorded),
        }
    }

    /// The machine that computes operation by operation, if it is that one.
    pub fn burn(&self) -> Option<&BurnMachine> {
        match self {
            Self::Burn(machine) => Some(machine),
            #[cfg(feature = "recorded")]
            Self::Recorded(_) => None,
        }
    }

    /// Goes on with a sequence; one that fails stays as it was. A machine that can draws the next token, if one is to be
    /// drawn; otherwise its logits are returned.
    ///
    /// # Errors
    /// Those of the router and of the device.
    pub async fn feed(
        &self,
        sequence: &mut Sequence,
        reading: Reading<'_>,
        drawing: Option<Drawing>,
    ) -> Result<(Ahead, Vec<LayerTrace>), ModelError> {
        match (self, sequence) {
            (Self::Burn(machine), Sequence::Burn { cache, memory }) => {
                let _ = drawing;
                let (logits, layers) = machine.feed(cache, memory, reading).await?;
                let drawn = None;
                Ok((Ahead { logits, drawn }, layers))
            }
            #[cfg(feature = "recorded")]
            (Self::Recorded(machine), Sequence::Recorded(sequence)) => {
                machine.feed(sequence, reading, drawing).await
            }
            #[cfg(feature = "recorded")]
            _ => Err(ModelError::Device("the sequence is on another one".into())),
        }
    }

    /// Logits of every position.
    ///
    /// # Shapes
    /// returns [T, V]
    pub async fn logits(
        &self,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        match self {
            Self::Burn(machine) => {
                let (hidden_td, layers) = machine.hidden(reading).await?;
                let logits_tv = machine.model.logits(hidden_td);
                Ok((read_f32(logits_tv).await?, layers))
            }
            #[cfg(feature = "recorded")]
            Self::Recorded(machine) => machine.logits(reading).await,
        }
    }

    /// Loss of every token but the first.
    ///
    /// # Shapes
    /// returns [T - 1]
    pub async fn losses(
        &self,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        match self {
            Self::Burn(machine) => {
                let (hidden_td, layers) = machine.hidden(reading).await?;
                let losses = match reading.ids.len() {
                    1 => Vec::new(),
                    _ => read_f32(machine.losses(hidden_td, reading.ids)).await?,
                };
                Ok((losses, layers))
            }
            #[cfg(feature = "recorded")]
            Self::Recorded(machine) => machine.losses(reading).await,
        }
    }
}

impl BurnMachine {
    async fn feed(
        &self,
        cache: &mut KvCache,
        memory: &mut RouterMemory,
        reading: Reading<'_>,
    ) -> Result<(Vec<f32>, Vec<LayerTrace>), ModelError> {
        let tokens_bs = self.upload(reading.ids);
        let mut router = reading.router().resume(memory.clone());
        let hidden_td = self
            .model
            .forward(tokens_bs, Some(cache), &mut router)
            .await?;
        let logits = self.last_logits(hidden_td).await;
        if logits.is_err() {
            cache.truncate(cache.len() - reading.ids.len());
        }
        let logits = logits?;
        let (layers, remembered) = router.finish();
        *memory = remembered;
        Ok((logits, layers))
    }

    /// Logits of the token after `ids`, which begin a sequence.
    ///
    /// # Shapes
    /// returns [V]
    pub async fn next_logits(
        &self,
        ids: &[u32],
        router: &mut impl Router,
    ) -> Result<Vec<f32>, ModelError> {
        let hidden_td = self.model.forward(self.upload(ids), None, router).await?;
        self.last_logits(hidden_td).await
    }

    async fn last_logits(&self, hidden_td: Tensor<2>) -> Result<Vec<f32>, ModelError> {
        let [t, _] = hidden_td.dims();
        read_f32(self.model.logits(hidden_td.narrow(0, t - 1, 1))).await
    }

    /// # Shapes
    /// returns [T, D]
    async fn hidden(
        &self,
        reading: Reading<'_>,
    ) -> Result<(Tensor<2>, Vec<LayerTrace>), ModelError> {
        let mut router = reading.router();
        let tokens_bs = self.upload(reading.ids);
        let hidden_td = self.model.forward(tokens_bs, None, &mut router).await?;
        Ok((hidden_td, router.finish().0))
    }

    /// Loss of every token but the first.
    ///
    /// # Shapes
    /// `hidden_td`: [T, D] of `ids` [T], T at least 2; returns [T - 1]
    pub fn losses(&self, hidden_td: Tensor<2>, ids: &[u32]) -> Tensor<1> {
        let [t, d_model] = hidden_td.dims();
        let hidden = hidden_td.slice([0..t - 1, 0..d_model]);
        let targets = ids[1..].iter().map(|&id| id as i32).collect();
        self.model.losses(hidden, targets)
    }

    /// # Shapes
    /// returns [1, T]
    pub fn upload(&self, ids: &[u32]) -> Tensor<2, Int> {
        let values: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        Tensor::from_data(TensorData::new(values, [1, ids.len()]), &self.device)
    }
}
