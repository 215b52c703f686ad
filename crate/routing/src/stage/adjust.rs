//! Adjust: what happens to the logits before they become scores.
//!
//! In this order: jitter, offsets, noise, null experts, temperature.
//! Noise before temperature follows EvoMoE (arXiv:2112.14397); noise as such is the
//! exploration of noisy top-k gating (Shazeer et al. 2017) with a fixed deviation, as in V-MoE.
//! Offsets are those of test-time rerouting (arXiv:2510.14853).
//! Null experts compute nothing and compete for the places of a token (AdaMoE,
//! arXiv:2406.13233); without learned ones, a rule gives all of them the same logit.

use serde::{Deserialize, Serialize};

use super::{check, check_per_expert};
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::named::named;
use crate::needs::Need;
use crate::rng::{Rng, Stream};

/// Changes to the logits.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Adjust {
    /// Divides every logit; above 0.
    pub temperature: f32,
    /// Added to the logits, one per expert, or empty.
    pub offsets: Vec<f32>,
    /// Scale of the noise added to every logit; 0 is none.
    pub noise: f32,
    /// Distribution of the noise.
    pub noise_kind: NoiseKind,
    /// Multiplies every logit by an own factor, uniform in 1 - jitter to 1 + jitter.
    /// Switch jitters the input of the gate, which this crate does not see.
    pub jitter: f32,
    /// Where the logit of null experts comes from.
    pub null_rule: NullRule,
    /// The number that the null rule speaks of.
    pub null_logit: f32,
    /// How many null experts there are; 0 is as many as experts.
    pub null_experts: usize,
}

named! {
    /// A distribution of noise.
    #[derive(Default)]
    pub enum NoiseKind {
        /// Standard normal.
        #[default]
        Gaussian = "gaussian",
        /// Standard Gumbel: with scale 1, top-1 then samples from the softmax.
        Gumbel = "gumbel",
    }
}

named! {
    /// Where the logit of null experts comes from.
    #[derive(Default)]
    pub enum NullRule {
        /// There are no null experts.
        #[default]
        None = "none",
        /// `null_logit` itself.
        Constant = "constant",
        /// The quantile `null_logit` (0 to 1) of the token's own finite logits, interpolated.
        Quantile = "quantile",
        /// The token's best logit minus `null_logit`.
        BelowBest = "below_best",
        /// The gate's own null logits, given beside the input.
        Learned = "learned",
    }
}

impl Default for Adjust {
    fn default() -> Self {
        Self {
            temperature: 1.0,
            offsets: Vec::new(),
            noise: 0.0,
            noise_kind: NoiseKind::default(),
            jitter: 0.0,
            null_rule: NullRule::default(),
            null_logit: 0.0,
            null_experts: 0,
        }
    }
}

impl Adjust {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.real("temperature", &mut self.temperature);
        fields.reals("offsets", &mut self.offsets);
        fields.real("noise", &mut self.noise);
        fields.choice("noise_kind", &mut self.noise_kind);
        fields.real("jitter", &mut self.jitter);
        // A null logit without a rule can only mean a constant.
        if fields.given("null_logit") && self.null_rule == NullRule::None {
            self.null_rule = NullRule::Constant;
        }
        fields.choice("null_rule", &mut self.null_rule);
        fields.real("null_logit", &mut self.null_logit);
        fields.count("null_experts", &mut self.null_experts);
    }

    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        check(
            "adjust.temperature",
            self.temperature,
            |x| x > 0.0,
            "a finite number above 0",
        )?;
        check_per_expert("adjust.offsets", &self.offsets, n_experts)?;
        check(
            "adjust.noise",
            self.noise,
            |x| x >= 0.0,
            "a finite number from 0",
        )?;
        check(
            "adjust.jitter",
            self.jitter,
            |x| (0.0..1.0).contains(&x),
            "from 0 to below 1",
        )?;
        let is_quantile = self.null_rule == NullRule::Quantile;
        check(
            "adjust.null_logit",
            self.null_logit,
            |x| !is_quantile || (0.0..=1.0).contains(&x),
            if is_quantile {
                "a quantile from 0 to 1"
            } else {
                "a finite number"
            },
        )?;
        if self.null_experts > usize::from(u16::MAX) - n_experts {
            return Err(RoutingError::NumberInvalid {
                field: "adjust.null_experts",
                got: self.null_experts as f32,
                allowed: "at most 65535 together with the experts",
            });
        }
        Ok(())
    }

    /// How many null experts stand beside `n_experts` experts.
    fn n_nulls(&self, n_experts: usize) -> usize {
        match (self.null_rule, self.null_experts) {
            (NullRule::None, _) => 0,
            (_, 0) => n_experts.min(usize::from(u16::MAX) - n_experts),
            (_, n_nulls) => n_nulls,
        }
    }

    /// The adjusted logits `[T, W]` and W, the number of experts and null experts.
    pub(crate) fn apply(
        &self,
        context: &RouterContext,
        input: &RouterInput,
        seed: u32,
    ) -> Result<(Vec<f32>, usize), RoutingError> {
        let n_nulls = self.n_nulls(input.n_experts);
        if self.null_rule == NullRule::Learned {
            check_learned(context.null_logits_tm, input.n_tokens * n_nulls)?;
        }
        let width = input.n_experts + n_nulls;
        let mut adjusted_tw = Vec::with_capacity(input.n_tokens * width);
        for (token, logits) in input.logits_te.chunks_exact(input.n_experts).enumerate() {
            let start = adjusted_tw.len();
            adjusted_tw.extend_from_slice(logits);
            self.adjust_row(
                context.first_position + token,
                input.layer,
                seed,
                &mut adjusted_tw[start..],
            );
            if self.null_rule == NullRule::Learned {
                let own = token * n_nulls..(token + 1) * n_nulls;
                adjusted_tw.extend_from_slice(&context.null_logits_tm[own]);
            } else if n_nulls > 0 {
                let null_logit = self.null_logit(&adjusted_tw[start..]);
                adjusted_tw.extend(std::iter::repeat_n(null_logit, n_nulls));
            }
        }
        if self.temperature != 1.0 {
            for logit in &mut adjusted_tw {
                *logit /= self.temperature;
            }
        }
        Ok((adjusted_tw, width))
    }

    /// Jitter, offsets and noise of one token.
    fn adjust_row(&self, position: usize, layer: usize, seed: u32, row: &mut [f32]) {
        if self.jitter > 0.0 {
            let rng = Rng::new(seed, Stream::Jitter, layer);
            for (expert, logit) in row.iter_mut().enumerate() {
                *logit *= 1.0 + self.jitter * (2.0 * rng.uniform(position, expert) - 1.0);
            }
        }
        for (logit, offset) in row.iter_mut().zip(&self.offsets) {
            *logit += offset;
        }
        if self.noise > 0.0 {
            let rng = Rng::new(seed, Stream::Noise, layer);
            for (expert, logit) in row.iter_mut().enumerate() {
                *logit += self.noise
                    * match self.noise_kind {
                        NoiseKind::Gaussian => rng.gaussian(position, expert),
                        NoiseKind::Gumbel => rng.gumbel(position, expert),
                    };
            }
        }
    }

    /// The logit that a rule gives to the null experts of a token with these logits.
    fn null_logit(&self, row: &[f32]) -> f32 {
        match self.null_rule {
            NullRule::Quantile => quantile(row, self.null_logit),
            NullRule::BelowBest => {
                row.iter().copied().fold(f32::NEG_INFINITY, f32::max) - self.null_logit
            }
            NullRule::None | NullRule::Constant | NullRule::Learned => self.null_logit,
        }
    }
}

/// Checks that a gate has given as many null logits as the spec speaks of.
fn check_learned(null_logits_tm: &[f32], expected: usize) -> Result<(), RoutingError> {
    match null_logits_tm.len() {
        got if got == expected => Ok(()),
        0 => Err(RoutingError::NeedMissing {
            need: Need::LearnedNulls,
        }),
        got => Err(RoutingError::ContextShape {
            what: "null_logits_tm",
            got,
            expected,
        }),
    }
}

/// The q-quantile of the finite values, linearly interpolated; minus infinity if there are none.
fn quantile(row: &[f32], q: f32) -> f32 {
    let mut sorted: Vec<f32> = row.iter().copied().filter(|x| x.is_finite()).collect();
    sorted.sort_unstable_by(f32::total_cmp);
    let place = q * sorted.len().saturating_sub(1) as f32;
    let below = place.floor() as usize;
    match (sorted.get(below), sorted.get(below + 1)) {
        (Some(low), Some(high)) => low + (high - low) * (place - place.floor()),
        (Some(last), None) => *last,
        _ => f32::NEG_INFINITY,
    }
}
