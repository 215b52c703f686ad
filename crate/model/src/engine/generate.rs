//! Writing on from a prompt, token by token, with one pass through the model or with two that contrast.
//!
//! Both passes of self-contrast have caches of their own and are fed the same tokens, so that the weak context is weak
//! everywhere; a change of routing acts on the strong one.

use moescope_routing::ModelRouting;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::machine::{Ahead, Drawing, Reading, Sequence};
use super::{Engine, trace};
use crate::contrast::{Contrast, ContrastReport};
use crate::error::ModelError;
use crate::sample::{GenerateOptions, Sampler, log_prob};
use crate::tokenizer::TextStream;
use crate::trace::{Step, Trace};

/// The state of a running generation.
#[derive(Debug)]
pub(super) struct Generation {
    strong: Pass,
    weak: Option<WeakPass>,
    stream: TextStream,
    draws: Draws,
    sampler: Sampler,
    tokens_left: usize,
    /// Token that ends the text.
    stop_at: Option<u32>,
}

/// The numbers that decide tokens, all from one seed.
///
/// The one after next is known too, because a machine that draws by itself does so as soon as it has read a token.
#[derive(Debug)]
struct Draws {
    rng: StdRng,
    /// Decides the next token.
    now: f32,
    /// Decides the one after it.
    then: f32,
}

/// What one routing has read so far and expects next.
#[derive(Debug)]
struct Pass {
    sequence: Sequence,
    ahead: Ahead,
}

/// The pass that scores are pushed away from.
#[derive(Debug)]
struct WeakPass {
    pass: Pass,
    routing: ModelRouting,
    contrast: Contrast,
}

impl Draws {
    fn new(seed: u32) -> Self {
        let mut rng = StdRng::seed_from_u64(seed.into());
        let [now, then] = [draw(&mut rng), draw(&mut rng)];
        Self { rng, now, then }
    }

    fn advance(&mut self) {
        self.now = std::mem::replace(&mut self.then, draw(&mut self.rng));
    }
}

/// From [0, 1), in 24 bits: a shader's numbers hold that without rounding it up to 1.
fn draw(rng: &mut StdRng) -> f32 {
    const STEPS: f64 = 16_777_216.0;
    ((rng.random::<f64>() * STEPS).floor() / STEPS) as f32
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
        let (sampler, draws) = (options.sampler(), Draws::new(options.seed));
        let mut weak = match options.contrast {
            Some(contrast) => Some(self.weak_pass(contrast, capacity)?),
            None => None,
        };
        let mut strong = self.pass(capacity)?;
        // Scores that are still to be contrasted are drawn from afterwards, on the host.
        let draw = draws.now;
        let drawing = weak.is_none().then_some(Drawing { sampler, draw });
        let reading = self.reading(ids, &self.routing);
        let mut trace = self.feed(&mut strong, reading, drawing).await?;
        if let Some(weak) = &mut weak {
            self.feed_weak(weak, ids).await?;
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
            draws,
            sampler,
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
        let (id, log_prob, contrast) = self.choose(generation);
        if generation.stop_at == Some(id) {
            generation.tokens_left = 0;
            return Ok(None);
        }
        let mut trace = self.feed_all(generation, id).await?;
        // Not before: a step that failed may be tried again with the same draws.
        generation.draws.advance();
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

    /// The token that the draw decides on, its log-probability, and what contrast had to do with it.
    fn choose(&self, generation: &Generation) -> (u32, f32, Option<ContrastReport>) {
        let Generation {
            strong,
            weak,
            sampler,
            stream,
            draws,
            ..
        } = generation;
        let logits = &strong.ahead.logits;
        if let Some((id, log_prob)) = strong.ahead.drawn {
            return (id, log_prob, None);
        }
        let strong_id = sampler.sample(logits, draws.now);
        let Some(WeakPass { pass, contrast, .. }) = weak else {
            return (strong_id, log_prob(logits, strong_id), None);
        };
        let contrasted = contrast.combine(logits, &pass.ahead.logits);
        let id = sampler.sample(&contrasted.scores, draws.now);
        let in_place = |id| self.next_token(&mut stream.clone(), id);
        let report = contrasted.report(id, strong_id, in_place);
        (id, log_prob(logits, id), Some(report))
    }

    /// Feeds a token to every pass or, where one fails, to none.
    async fn feed_all(&self, generation: &mut Generation, id: u32) -> Result<Trace, ModelError> {
        let Generation { strong, weak, .. } = generation;
        let ids = [id];
        let reading = self.reading(&ids, &self.routing);
        let Some(weak) = weak else {
            let (sampler, draw) = (generation.sampler, generation.draws.then);
            return self
                .feed(strong, reading, Some(Drawing { sampler, draw }))
                .await;
        };
        let (mark, ahead) = (weak.pass.sequence.mark(), weak.pass.ahead.clone());
        self.feed_weak(weak, &ids).await?;
        let fed = self.feed(strong, reading, None).await;
        if fed.is_err() {
            weak.pass.sequence.rewind(mark);
            weak.pass.ahead = ahead;
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
            ahead: Ahead::default(),
        })
    }

    /// Reads tokens and keeps what may follow them; a pass that fails stays as it was.
    async fn feed(
        &self,
        pass: &mut Pass,
        reading: Reading<'_>,
        drawing: Option<Drawing>,
    ) -> Result<Trace, ModelError> {
        let fed = self.machine.feed(&mut pass.sequence, reading, drawing);
        let (ahead, layers) = fed.await?;
        pass.ahead = ahead;
        Ok(trace(layers, reading.routing))
    }

    /// [`Self::feed`] of the pass that scores are pushed away from, which nobody looks at.
    async fn feed_weak(&self, weak: &mut WeakPass, ids: &[u32]) -> Result<(), ModelError> {
        let reading = Reading {
            tracing: false,
            ..self.reading(ids, &weak.routing)
        };
        self.feed(&mut weak.pass, reading, None).await.map(drop)
    }
}
