//! The engine: a model, its tokenizer and the routing in force, with text in and traces out.
//!
//! The command-line tool and the browser use this same type; neither adds logic of its own.
//! Everything is asynchronous, because a browser cannot wait for a device in any other way.

mod generate;
mod reroute;

use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_routing::ModelRouting;

use crate::attention::KvCache;
use crate::checkpoint::{build, read_safetensors};
use crate::config::{LmConfig, refuse_external};
use crate::error::ModelError;
use crate::external::ExternalRouter;
use crate::host_router::{ExpertPath, HostRouter, RouterMemory, read_f32};
use crate::info::ModelInfo;
use crate::lm::MoeLm;
use crate::tokenizer::{TextStream, Token, Tokenizer};
use crate::trace::{Analysis, Trace};

use generate::Generation;
pub use reroute::Rerouting;

/// A loaded model with the routing in force.
#[derive(Debug)]
pub struct Engine {
    name: String,
    config: LmConfig,
    model: MoeLm,
    tokenizer: Option<Tokenizer>,
    device: Device,
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

impl Engine {
    /// Reads a model onto a device.
    ///
    /// # Errors
    /// Whatever is wrong with one of the files.
    pub fn load(files: ModelFiles, device: &Device) -> Result<Self, ModelError> {
        let config = LmConfig::from_json(files.config)?;
        let tokenizer = files.tokenizer.map(Tokenizer::from_json).transpose()?;
        if let Some(tokenizer) = &tokenizer
            && tokenizer.vocab_size() > config.vocab_size
        {
            return Err(ModelError::TokenizerInvalid(format!(
                "it has {} tokens, but the model's vocabulary is {}; allowed is at most that",
                tokenizer.vocab_size(),
                config.vocab_size
            )));
        }
        let tensors = read_safetensors(&config, files.weights)?;
        let model = build(&config, &tensors, device)?;
        let name = match files.name {
            "" => config.architecture.model_type(),
            name => name,
        };
        Ok(Self {
            name: name.to_owned(),
            routing: config.trained_routing(),
            config,
            model,
            tokenizer,
            device: device.clone(),
            external: None,
            path: ExpertPath::default(),
            tracing: true,
            generation: None,
        })
    }

    /// What there is to know about the model.
    pub fn info(&self) -> ModelInfo {
        ModelInfo::new(&self.name, &self.config)
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
        let (hidden_td, mut trace) = self.run(ids, None, routing, self.tracing).await?;
        let mut losses = vec![f32::NAN];
        if ids.len() > 1 {
            losses.extend(read_f32(self.losses(hidden_td, ids)).await?);
        }
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
        let (hidden_td, mut trace) = self.run(ids, None, &self.routing, self.tracing).await?;
        trace.tokens = self.tokens(ids);
        Ok((read_f32(self.model.logits(hidden_td)).await?, trace))
    }

    /// One pass, after `past` if there is one; the trace has no tokens yet.
    async fn run(
        &self,
        ids: &[u32],
        past: Option<(&mut KvCache, &mut RouterMemory)>,
        routing: &ModelRouting,
        tracing: bool,
    ) -> Result<(Tensor<2>, Trace), ModelError> {
        let tokens_bs = self.upload(ids).reshape([1, ids.len()]);
        let mut router = HostRouter::new(routing, ids, self.path, tracing);
        router = router.with_external(self.external.as_deref());
        let (hidden_td, layers) = match past {
            None => {
                let hidden_td = self.model.forward(tokens_bs, None, &mut router).await?;
                (hidden_td, router.finish().0)
            }
            Some((cache, memory)) => {
                router = router.resume(memory.clone());
                let hidden_td = self
                    .model
                    .forward(tokens_bs, Some(cache), &mut router)
                    .await?;
                let (layers, remembered) = router.finish();
                *memory = remembered;
                (hidden_td, layers)
            }
        };
        let trace = Trace {
            tokens: Vec::new(),
            layers,
            routing: routing.clone(),
        };
        Ok((hidden_td, trace))
    }

    /// Loss of every token but the first.
    ///
    /// # Shapes
    /// `hidden_td`: [T, D] of `ids` [T], T at least 2; returns [T - 1]
    fn losses(&self, hidden_td: Tensor<2>, ids: &[u32]) -> Tensor<1> {
        let [t, d_model] = hidden_td.dims();
        let hidden = hidden_td.slice([0..t - 1, 0..d_model]);
        let targets = ids[1..].iter().map(|&id| id as i32).collect();
        self.model.losses(hidden, targets)
    }

    fn upload(&self, ids: &[u32]) -> Tensor<1, Int> {
        let ids: Vec<i32> = ids.iter().map(|&id| id as i32).collect();
        let n_tokens = ids.len();
        Tensor::from_data(TensorData::new(ids, [n_tokens]), &self.device)
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
