//! The engine: a model, its tokenizer and the routing in force, with text in and traces out.
//!
//! The command-line tool and the browser use this same type; neither adds logic of its own.
//! Everything is asynchronous, because a browser cannot wait for a device in any other way.

use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_routing::ModelRouting;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use crate::attention::KvCache;
use crate::checkpoint::{build, read_safetensors};
use crate::config::LmConfig;
use crate::error::ModelError;
use crate::host_router::{ExpertPath, HostRouter, RouterMemory, read_f32};
use crate::info::ModelInfo;
use crate::lm::MoeLm;
use crate::sample::{GenerateOptions, log_prob, sample};
use crate::tokenizer::{TextStream, Token, Tokenizer};
use crate::trace::{Analysis, Step, Trace};

/// The state of a running generation.
#[derive(Debug)]
struct Generation {
    cache: KvCache,
    memory: RouterMemory,
    logits: Vec<f32>,
    stream: TextStream,
    rng: StdRng,
    /// The number in [0, 1) that decides the next token, once drawn.
    draw: Option<f64>,
    temperature: f32,
    tokens_left: usize,
    /// Token that ends the text.
    stop_at: Option<u32>,
}

/// A loaded model with the routing in force.
#[derive(Debug)]
pub struct Engine {
    name: String,
    config: LmConfig,
    model: MoeLm,
    tokenizer: Option<Tokenizer>,
    device: Device,
    routing: ModelRouting,
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
        self.config.check_routing(&routing)?;
        self.routing = routing;
        Ok(())
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

    /// Reads a prompt and makes ready to continue it. A running generation ends.
    ///
    /// # Errors
    /// An empty or too long prompt, an option out of range; the running generation then goes on.
    pub async fn begin(
        &mut self,
        prompt: &str,
        options: GenerateOptions,
    ) -> Result<Trace, ModelError> {
        let ids = self.encode(prompt)?;
        self.begin_ids(&ids, options).await
    }

    /// [`Self::begin`] on token ids.
    ///
    /// # Errors
    /// As [`Self::begin`], and ids outside the vocabulary.
    pub async fn begin_ids(
        &mut self,
        ids: &[u32],
        options: GenerateOptions,
    ) -> Result<Trace, ModelError> {
        options.check()?;
        let room = self.config.max_positions;
        // A prompt that leaves no room for a token is refused here rather than answered with silence.
        self.check_ids(ids, room.saturating_sub(1))?;
        let capacity = room.min(ids.len().saturating_add(options.max_tokens));
        let mut cache = KvCache::new(&self.config, capacity, &self.device);
        let mut memory = RouterMemory::default();
        let (hidden_td, mut trace) = self
            .run(ids, Some((&mut cache, &mut memory)), &self.routing)
            .await?;
        let [t, d_model] = hidden_td.dims();
        let last = hidden_td.slice([t - 1..t, 0..d_model]);
        let logits = read_f32(self.model.logits(last)).await?;
        let mut stream = TextStream::default();
        if let Some(tokenizer) = &self.tokenizer {
            let tokens = ids.iter().map(|&id| tokenizer.next_token(&mut stream, id));
            trace.tokens = tokens.collect();
        }
        self.generation = Some(Generation {
            cache,
            memory,
            logits,
            stream,
            rng: StdRng::seed_from_u64(options.seed.into()),
            draw: None,
            temperature: options.temperature,
            tokens_left: options.max_tokens,
            stop_at: self.config.eos_token_id,
        });
        Ok(trace)
    }

    /// Samples a token, feeds it and returns it with its own routing; none at the end of the text.
    ///
    /// # Errors
    /// [`ModelError::NotGenerating`] before [`Self::begin`].
    pub async fn next(&mut self) -> Result<Option<Step>, ModelError> {
        let mut generation = self.generation.take().ok_or(ModelError::NotGenerating)?;
        let step = self.step(&mut generation).await;
        self.generation = Some(generation);
        step
    }

    async fn step(&self, generation: &mut Generation) -> Result<Option<Step>, ModelError> {
        if generation.tokens_left == 0 || generation.cache.len() == generation.cache.capacity() {
            return Ok(None);
        }
        // Kept until the step succeeds: one that failed may be tried again with the same draw.
        let draw = *generation
            .draw
            .get_or_insert_with(|| generation.rng.random());
        let id = sample(&generation.logits, generation.temperature, draw);
        let log_prob = log_prob(&generation.logits, id);
        if generation.stop_at == Some(id) {
            generation.tokens_left = 0;
            return Ok(None);
        }
        let past = Some((&mut generation.cache, &mut generation.memory));
        let (hidden_td, mut trace) = self.run(&[id], past, &self.routing).await?;
        generation.logits = read_f32(self.model.logits(hidden_td)).await?;
        generation.draw = None;
        generation.tokens_left -= 1;
        let token = self.next_token(&mut generation.stream, id);
        trace.tokens = vec![token.clone()];
        Ok(Some(Step {
            token,
            log_prob,
            trace,
        }))
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
        self.config.check_routing(routing)?;
        self.check_ids(ids, self.config.max_positions)?;
        let (hidden_td, mut trace) = self.run(ids, None, routing).await?;
        let mut losses = vec![f32::NAN];
        if ids.len() > 1 {
            let [t, d_model] = hidden_td.dims();
            let hidden = hidden_td.slice([0..t - 1, 0..d_model]);
            let targets = ids[1..].iter().map(|&id| id as i32).collect();
            losses.extend(read_f32(self.model.losses(hidden, targets)).await?);
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
        let (hidden_td, mut trace) = self.run(ids, None, &self.routing).await?;
        trace.tokens = self.tokens(ids);
        Ok((read_f32(self.model.logits(hidden_td)).await?, trace))
    }

    /// The `n` likeliest tokens after `ids`, past any end of text, for tests. A running generation goes on after.
    ///
    /// # Errors
    /// As [`Self::begin_ids`].
    pub async fn greedy_ids(&mut self, ids: &[u32], n: usize) -> Result<Vec<u32>, ModelError> {
        let options = GenerateOptions {
            max_tokens: n,
            temperature: 0.0,
            seed: 0,
        };
        let running = self.generation.take();
        let outcome = self.take_greedy(ids, options).await;
        self.generation = running;
        outcome
    }

    async fn take_greedy(
        &mut self,
        ids: &[u32],
        options: GenerateOptions,
    ) -> Result<Vec<u32>, ModelError> {
        self.begin_ids(ids, options).await?;
        if let Some(generation) = &mut self.generation {
            generation.stop_at = None;
        }
        let mut greedy = Vec::new();
        while let Some(step) = self.next().await? {
            greedy.push(step.token.id);
        }
        Ok(greedy)
    }

    /// One pass, after `past` if there is one; the trace has no tokens yet.
    async fn run(
        &self,
        ids: &[u32],
        past: Option<(&mut KvCache, &mut RouterMemory)>,
        routing: &ModelRouting,
    ) -> Result<(Tensor<2>, Trace), ModelError> {
        let tokens_bs = self.upload(ids).reshape([1, ids.len()]);
        let mut router = HostRouter::new(routing, ids, self.path, self.tracing);
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
