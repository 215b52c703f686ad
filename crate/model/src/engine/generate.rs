//! Writing on from a prompt, token by token, with one pass through the model or with two that contrast.
//!
//! Both passes of self-contrast have caches of their own and are fed the same tokens, so that the weak context is weak
//! everywhere; a change of routing acts on the strong one.

use moescope_routing::ModelRouting;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::machine::{Reading, Sequence};
use super::{Engine, trace};
use crate::contrast::{Contrast, ContrastReport};
use crate::error::ModelError;
use crate::sample::{GenerateOptions, log_prob, sample};
use crate::tokenizer::TextStream;
use crate::trace::{Step, Trace};

/// The state of a running generation.
#[derive(Debug)]
pub(super) struct Generation {
    strong: Pass,
    weak: Option<WeakPass>,
    stream: TextStream,
    rng: StdRng,
    /// The number in [0, 1) that decides the next token, once drawn.
    draw: Option<f64>,
    temperature: f32,
    tokens_left: usize,
    /// Token that ends the text.
    stop_at: Option<u32>,
}

/// What one routing has read so far and expects next.
#[derive(Debug)]
struct Pass {
    sequence: Sequence,
    /// [V] logits of the next token.
    logits: Vec<f32>,
}

/// The pass that scores are pushed away from.
#[derive(Debug)]
struct WeakPass {
    pass: Pass,
    routing: ModelRouting,
    contrast: Contrast,
}

impl Engine {
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
        let mut weak = match options.contrast {
            Some(contrast) => Some(self.weak_pass(contrast, capacity)?),
            None => None,
        };
        let mut strong = self.pass(capacity)?;
        let mut trace = self
            .feed(&mut strong, ids, &self.routing, self.tracing)
            .await?;
        if let Some(WeakPass { pass, routing, .. }) = &mut weak {
            self.feed(pass, ids, routing, false).await?;
        }
        let mut stream = TextStream::default();
        if let Some(tokenizer) = &self.tokenizer {
            let tokens = ids.iter().map(|&id| tokenizer.next_token(&mut stream, id));
            trace.tokens = tokens.collect();
        }
        self.generation = Some(Generation {
            strong,
            weak,
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
    /// [`ModelError::NotGenerating`] before [`Self::begin`]; whatever a router could not decide, after which the same
    /// token may be asked for again, also under another routing.
    pub async fn next(&mut self) -> Result<Option<Step>, ModelError> {
        let mut generation = self.generation.take().ok_or(ModelError::NotGenerating)?;
        let step = self.step(&mut generation).await;
        self.generation = Some(generation);
        step
    }

    /// The `n` likeliest tokens after `ids`, past any end of text, for tests. A running generation goes on after.
    ///
    /// # Errors
    /// As [`Self::begin_ids`].
    pub async fn greedy_ids(&mut self, ids: &[u32], n: usize) -> Result<Vec<u32>, ModelError> {
        let options = GenerateOptions {
            max_tokens: n,
            temperature: 0.0,
            ..GenerateOptions::default()
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

    async fn step(&self, generation: &mut Generation) -> Result<Option<Step>, ModelError> {
        if generation.tokens_left == 0 || generation.strong.sequence.is_full() {
            return Ok(None);
        }
        // Kept until the step succeeds: one that failed may be tried again with the same draw.
        let draw = *generation
            .draw
            .get_or_insert_with(|| generation.rng.random());
        let (id, contrast) = self.choose(generation, draw);
        let log_prob = log_prob(&generation.strong.logits, id);
        if generation.stop_at == Some(id) {
            generation.tokens_left = 0;
            return Ok(None);
        }
        let mut trace = self.feed_all(generation, id).await?;
        generation.draw = None;
        generation.tokens_left -= 1;
        let token = self.next_token(&mut generation.stream, id);
        trace.tokens = vec![token.clone()];
        Ok(Some(Step {
            token,
            log_prob,
            trace,
            contrast,
        }))
    }

    /// The token that a draw decides on, and what contrast had to do with it.
    fn choose(&self, generation: &Generation, draw: f64) -> (u32, Option<ContrastReport>) {
        let Generation {
            strong,
            weak,
            temperature,
            stream,
            ..
        } = generation;
        let strong_id = sample(&strong.logits, *temperature, draw);
        let Some(WeakPass { pass, contrast, .. }) = weak else {
            return (strong_id, None);
        };
        let contrasted = contrast.combine(&strong.logits, &pass.logits);
        let id = sample(&contrasted.scores, *temperature, draw);
        let in_place = |id| self.next_token(&mut stream.clone(), id);
        (id, Some(contrasted.report(id, strong_id, in_place)))
    }

    /// Feeds a token to every pass or, where one fails, to none.
    async fn feed_all(&self, generation: &mut Generation, id: u32) -> Result<Trace, ModelError> {
        let Generation { strong, weak, .. } = generation;
        let Some(WeakPass { pass, routing, .. }) = weak else {
            return self.feed(strong, &[id], &self.routing, self.tracing).await;
        };
        let (mark, logits) = (pass.sequence.mark(), pass.logits.clone());
        self.feed(pass, &[id], routing, false).await?;
        let fed = self.feed(strong, &[id], &self.routing, self.tracing).await;
        if fed.is_err() {
            pass.sequence.rewind(mark);
            pass.logits = logits;
        }
        fed
    }

    fn weak_pass(&self, contrast: Contrast, capacity: usize) -> Result<WeakPass, ModelError> {
        let routing = contrast.weak_routing(self.config.n_experts);
        self.check_routing(&routing)?;
        Ok(WeakPass {
            pass: self.pass(capacity)?,
            routing,
            contrast,
        })
    }

    /// A pass that has read nothing.
    fn pass(&self, capacity: usize) -> Result<Pass, ModelError> {
        Ok(Pass {
            sequence: self.machine.sequence(&self.config, capacity)?,
            logits: Vec::new(),
        })
    }

    /// Reads tokens and keeps the logits of what follows them; a pass that fails stays as it was.
    async fn feed(
        &self,
        pass: &mut Pass,
        ids: &[u32],
        routing: &ModelRouting,
        tracing: bool,
    ) -> Result<Trace, ModelError> {
        let reading = Reading {
            tracing,
            ..self.reading(ids, routing)
        };
        let (logits, layers) = self.machine.feed(&mut pass.sequence, reading).await?;
        pass.logits = logits;
        Ok(trace(layers, routing))
    }
}
