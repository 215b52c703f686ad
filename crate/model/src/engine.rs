//! The engine: a model, its tokenizer and the routing in force, with text in and traces out.
//!
//! The command-line tool and the browser use this same type; neither adds logic of its own.
//! Everything is asynchronous, because a browser cannot wait for a device in any other way.

mod expert;
mod generate;
mod machine;
mod reroute;

use burn::tensor::Device;
use moescope_routing::ModelRouting;

use crate::checkpoint::{Checkpoint, Storage, build};
use crate::config::{LmConfig, refuse_external};
use crate::error::ModelError;
use crate::external::ExternalRouter;
use crate::host_router::ExpertPath;
use crate::info::ModelInfo;
use crate::tokenizer::{TextStream, Token, Tokenizer};
use crate::trace::{Analysis, LayerTrace, Trace};

use generate::Generation;
pub(crate) use machine::Reading;
#[cfg(feature = "recorded")]
pub(crate) use machine::{Ahead, Drawing};
use machine::{BurnMachine, Machine};
pub use reroute::Rerouting;

/// A loaded model with the routing in force.
#[derive(Debug)]
pub struct Engine {
    name: String,
    config: LmConfig,
    machine: Machine,
    tokenizer: Option<Tokenizer>,
    routing: ModelRouting,
    external: Option<Box<dyn ExternalRouter>>,
    path: ExpertPath,
    tracing: bool,
    generation: Option<Generation>,
}

/// The files of a model folder.
#[derive(Clone, Copy, Debug)]
pub struct ModelFiles<'a> {
    /// What to call the model; its architecture if empty.
    pub name: &'a str,
    /// Text of config.json.
    pub config: &'a str,
    /// Text of tokenizer.json; without it the engine takes token ids only.
    pub tokenizer: Option<&'a str>,
    /// Bytes of model.safetensors.
    pub weights: &'a [u8],
}

impl ModelFiles<'_> {
    /// Configuration and tokenizer, which must fit each other.
    fn describe(&self) -> Result<(LmConfig, Option<Tokenizer>), ModelError> {
        let config = LmConfig::from_json(self.config)?;
        let tokenizer = self.tokenizer.map(Tokenizer::from_json).transpose()?;
        if let Some(tokenizer) = &tokenizer
            && tokenizer.vocab_size() > config.vocab_size
        {
            return Err(ModelError::TokenizerInvalid(format!(
                "it has {} tokens, but the model's vocabulary is {}; allowed is at most that",
                tokenizer.vocab_size(),
                config.vocab_size
            )));
        }
        Ok((config, tokenizer))
    }
}

impl Engine {
    /// Reads a model onto a device.
    ///
    /// # Errors
    /// Whatever is wrong with one of the files.
    pub fn load(files: ModelFiles, device: &Device) -> Result<Self, ModelError> {
        Self::load_as(files, device, Storage::Reals)
    }

    /// Reads a model onto the CPU and packs its matrices into 8 bits, which are read faster.
    ///
    /// # Errors
    /// As [`Self::load`].
    #[cfg(feature = "fused")]
    pub fn load_packed(files: ModelFiles) -> Result<Self, ModelError> {
        Self::load_as(files, &Device::flex(), Storage::Packed)
    }

    fn load_as(files: ModelFiles, device: &Device, storage: Storage) -> Result<Self, ModelError> {
        let (config, tokenizer) = files.describe()?;
        let tensors = Checkpoint::open(&config, files.weights)?;
        let machine = Machine::Burn(Box::new(BurnMachine {
            model: build(&config, &tensors, device, storage)?,
            device: device.clone(),
        }));
        Ok(Self::new(files.name, config, tokenizer, machine))
    }

    /// Reads a model into the plan that was prepared for its config.json.
    ///
    /// # Errors
    /// Whatever is wrong with one of the files, and a plan for another model.
    #[cfg(feature = "recorded")]
    pub fn load_recorded(
        files: ModelFiles,
        plan: crate::recorded::PreparedPlan,
    ) -> Result<Self, ModelError> {
        let (config, tokenizer) = files.describe()?;
        let tensors = Checkpoint::open(&config, files.weights)?;
        let recorded = plan.fill(&config, &tensors)?;
        let machine = Machine::Recorded(Box::new(recorded));
        Ok(Self::new(files.name, config, tokenizer, machine))
    }

    fn new(name: &str, config: LmConfig, tokenizer: Option<Tokenizer>, machine: Machine) -> Self {
        let name = match name {
            "" => config.architecture.model_type(),
            name => name,
        };
        Self {
            name: name.to_owned(),
            routing: config.trained_routing(),
            config,
            machine,
            tokenizer,
            external: None,
            path: ExpertPath::default(),
            tracing: true,
            generation: None,
        }
    }

    /// What there is to know about the model.
    pub fn info(&self) -> ModelInfo {
        ModelInfo::new(&self.name, &self.config)
    }

    /// Weights that one token reads under the trained routing.
    pub fn weights_per_token(&self) -> usize {
        self.config.parameters_read()
    }

    /// What there is to know about the recorded plan; none on Burn, or while a pass runs.
    #[cfg(feature = "recorded")]
    pub fn plan_info(&self) -> Option<crate::recorded::PlanInfo> {
        match &self.machine {
            Machine::Recorded(machine) => machine.info(),
            Machine::Burn(_) => None,
        }
    }

    /// Times every kernel of a recorded plan from the next pass on, or no longer; see [`Self::take_times`].
    ///
    /// # Errors
    /// [`ModelError::Device`] on Burn, which has no kernels of ours, and on a device without timestamps.
    #[cfg(feature = "recorded")]
    pub fn measure_kernels(&self, on: bool) -> Result<(), ModelError> {
        self.plan()?.measure(on)
    }

    /// Seconds by kernel since the last call.
    ///
    /// # Errors
    /// [`ModelError::Device`] on Burn, or while a pass runs.
    #[cfg(feature = "recorded")]
    pub fn take_times(&self) -> Result<Vec<crate::recorded::KernelTime>, ModelError> {
        self.plan()?.take_times()
    }

    #[cfg(feature = "recorded")]
    fn plan(&self) -> Result<&crate::recorded::RecordedLm, ModelError> {
        match &self.machine {
            Machine::Recorded(machine) => Ok(machine),
            Machine::Burn(_) => Err(ModelError::Device(
                "kernels are timed on a recorded plan; this model runs on Burn".into(),
            )),
        }
    }

    /// The routing in force.
    pub fn routing(&self) -> &ModelRouting {
        &self.routing
    }

    /// Changes the routing from the next token on. On an error the old one stays.
    ///
    /// # Errors
    /// A spec that does not fit this model.
    pub fn set_routing(&mut self, routing: ModelRouting) -> Result<(), ModelError> {
        self.check_routing(&routing)?;
        self.routing = routing;
        Ok(())
    }

    /// Sets or removes the router that decides where a spec selects by `external`.
    ///
    /// Removing it leaves the routing alone; what then needs it fails until another routing or router is set.
    pub fn set_external_router(&mut self, router: Option<Box<dyn ExternalRouter>>) {
        self.external = router;
    }

    /// Chooses how experts are computed; the results are equal.
    pub fn set_expert_path(&mut self, path: ExpertPath) {
        self.path = path;
    }

    /// Turns the recording of traces on or off.
    pub fn set_tracing(&mut self, tracing: bool) {
        self.tracing = tracing;
    }

    /// Tokens of `text`, special ones included.
    ///
    /// # Errors
    /// [`ModelError::TokenizerInvalid`].
    pub fn tokenize(&self, text: &str) -> Result<Vec<Token>, ModelError> {
        let tokenizer = self.tokenizer()?;
        Ok(tokenizer.tokens(&tokenizer.encode(text)?))
    }

    /// Losses and routing of a text, under `routing` or the one in force. Disturbs no generation.
    ///
    /// # Errors
    /// An empty or too long text, or a routing that does not fit.
    pub async fn analyse(
        &self,
        text: &str,
        routing: Option<&ModelRouting>,
    ) -> Result<Analysis, ModelError> {
        let ids = self.encode(text)?;
        self.analyse_ids(&ids, routing).await
    }

    /// [`Self::analyse`] on token ids.
    ///
    /// # Errors
    /// As [`Self::analyse`], and ids outside the vocabulary.
    pub async fn analyse_ids(
        &self,
        ids: &[u32],
        routing: Option<&ModelRouting>,
    ) -> Result<Analysis, ModelError> {
        let routing = routing.unwrap_or(&self.routing);
        self.check_routing(routing)?;
        self.check_ids(ids, self.config.max_positions)?;
        let (predicted, layers) = self.machine.losses(self.reading(ids, routing)).await?;
        let losses = [vec![f32::NAN], predicted].concat();
        let mut trace = trace(layers, routing);
        trace.tokens = self.tokens(ids);
        let total: f64 = losses[1..].iter().map(|&loss| f64::from(loss)).sum();
        // Markers cost loss like any token, but are no bytes of the text.
        let text = trace.tokens[1..].iter().filter(|token| !token.special);
        let bytes: usize = text.map(|token| token.text.len()).sum();
        Ok(Analysis {
            trace,
            loss: (total / (ids.len() - 1) as f64) as f32,
            bits_per_byte: (total / bytes as f64 / std::f64::consts::LN_2) as f32,
            losses,
        })
    }

    /// Logits of every position and the routing, for tests and tools.
    ///
    /// # Shapes
    /// returns logits [T, V]
    ///
    /// # Errors
    /// No ids, too many, or ids outside the vocabulary.
    pub async fn forward_ids(&self, ids: &[u32]) -> Result<(Vec<f32>, Trace), ModelError> {
        self.check_ids(ids, self.config.max_positions)?;
        let reading = self.reading(ids, &self.routing);
        let (logits, layers) = self.machine.logits(reading).await?;
        let mut trace = trace(layers, &self.routing);
        trace.tokens = self.tokens(ids);
        Ok((logits, trace))
    }

    /// Tokens to read under a routing, by whoever routes in this engine.
    fn reading<'a>(&'a self, ids: &'a [u32], routing: &'a ModelRouting) -> Reading<'a> {
        Reading {
            ids,
            routing,
            external: self.external.as_deref(),
            path: self.path,
            tracing: self.tracing,
        }
    }

    fn tokenizer(&self) -> Result<&Tokenizer, ModelError> {
        self.tokenizer.as_ref().ok_or_else(|| {
            ModelError::TokenizerInvalid(
                "this model has none; give token ids instead of text".into(),
            )
        })
    }

    fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        if text.is_empty() {
            return Err(ModelError::PromptEmpty);
        }
        self.tokenizer()?.encode(text)
    }

    fn tokens(&self, ids: &[u32]) -> Vec<Token> {
        let mut stream = TextStream::default();
        ids.iter()
            .map(|&id| self.next_token(&mut stream, id))
            .collect()
    }

    fn next_token(&self, stream: &mut TextStream, id: u32) -> Token {
        match &self.tokenizer {
            Some(tokenizer) => tokenizer.next_token(stream, id),
            None => Token {
                id,
                text: format!("<{id}>"),
                special: false,
            },
        }
    }

    /// Checks a routing against the model and against what is set beside it.
    fn check_routing(&self, routing: &ModelRouting) -> Result<(), ModelError> {
        self.config.check_routing(routing)?;
        match &self.external {
            Some(_) => Ok(()),
            None => refuse_external(routing, &self.config.moe_layers),
        }
    }

    fn check_ids(&self, ids: &[u32], allowed: usize) -> Result<(), ModelError> {
        let vocab_size = self.config.vocab_size;
        if ids.is_empty() {
            return Err(ModelError::PromptEmpty);
        }
        if ids.len() > allowed {
            let (name, n_tokens) = (self.name.clone(), ids.len());
            return Err(ModelError::PromptTooLong {
                name,
                n_tokens,
                allowed,
            });
        }
        match ids.iter().find(|&&id| id as usize >= vocab_size) {
            Some(&token_id) => Err(ModelError::TokenOutOfRange {
                token_id,
                vocab_size,
            }),
            None => Ok(()),
        }
    }
}

/// A trace whose tokens are still to be named.
fn trace(layers: Vec<LayerTrace>, routing: &ModelRouting) -> Trace {
    Trace {
        tokens: Vec::new(),
        layers,
        routing: routing.clone(),
    }
}
