//! Analyses of routing decisions: plain functions from plans and scores to numbers.
//!
//! Every figure stands beside the value that chance gives, and shares carry an interval.
//! Sources are named at each function; where code and paper differ, the text says which is
//! followed.
//! Analyses that need a model or its outputs are not here.
//! Plans must be valid for the number of experts ([`RoutingPlan::validate`]).

mod compare;
mod labels;
mod load;
mod locality;
mod pairs;
mod tokens;

pub use compare::{divergence, saturation};
pub use labels::{LabelShare, share_by_label};
pub use load::{Load, balance_loss, first_choice_loss, importance_loss, load};
pub use locality::{Cache, SegmentRouting, hit_rate, segment_routing};
pub use pairs::{CoActivation, Repetition, co_activation, flow, repetition};
pub use tokens::{TokenFigures, token_figures, z_loss};

use serde::Serialize;

use crate::plan::RoutingPlan;

/// A share of trials with its Wilson interval of 95 %, and what chance gives.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Share {
    /// Successes over trials; 0 without trials.
    pub value: f32,
    /// Lower end of the interval.
    pub low: f32,
    /// Upper end of the interval.
    pub high: f32,
    /// The share that chance gives.
    pub chance: f32,
}

impl Share {
    /// The share of `hits` in `trials`.
    #[must_use]
    pub fn new(hits: usize, trials: usize, chance: f32) -> Self {
        if trials == 0 {
            let (value, low, high) = (0.0, 0.0, 1.0);
            return Self {
                value,
                low,
                high,
                chance,
            };
        }
        let (n, z) = (trials as f32, 1.959_964_f32);
        let value = hits as f32 / n;
        let middle = value + z * z / (2.0 * n);
        let reach = z * (value * (1.0 - value) / n + z * z / (4.0 * n * n)).sqrt();
        let whole = 1.0 + z * z / n;
        Self {
            value,
            low: ((middle - reach) / whole).max(0.0),
            high: ((middle + reach) / whole).min(1.0),
            chance,
        }
    }
}

/// One layer's decision, as analyses see it.
#[derive(Clone, Copy, Debug)]
pub struct LayerView<'a> {
    /// The decision.
    pub plan: &'a RoutingPlan,
    /// E.
    pub n_experts: usize,
    /// `[T, E]` gating logits.
    pub logits_te: &'a [f32],
    /// `[T, E]` scores.
    pub scores_te: &'a [f32],
}

impl LayerView<'_> {
    /// Mean number of experts per token.
    #[must_use]
    pub fn mean_experts(&self) -> f32 {
        ratio(
            self.plan.expert_idx.len() as f32,
            self.plan.n_tokens() as f32,
        )
    }
}

/// Everything that one layer's decision alone says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LayerReport {
    /// Who is used how much.
    pub load: Load,
    /// Switch balance loss; 1 is balanced.
    pub balance_loss: f32,
    /// GShard's form, which counts first choices only; 1 is balanced.
    pub first_choice_loss: f32,
    /// Squared coefficient of variation of the summed scores.
    pub importance_loss: f32,
    /// Router z-loss.
    pub z_loss: f32,
    /// Entropy and margins of each token.
    pub tokens: TokenFigures,
    /// Who acts together with whom.
    pub co_activation: CoActivation,
    /// How often neighbours in the text choose alike.
    pub repetition: Repetition,
    /// Segment routing best performance for windows of 4, 16 and 64 tokens that fit the text.
    pub segments: Vec<SegmentRouting>,
    /// Hit rates of expert caches.
    pub caches: Vec<CacheReport>,
}

/// Hit rates of one size of cache.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CacheReport {
    /// Experts that fit.
    pub size: usize,
    /// Least recently used goes.
    pub lru: f32,
    /// Least frequently used goes.
    pub lfu: f32,
    /// Fewest uses in the next 16 tokens goes.
    pub segment: f32,
    /// The best possible.
    pub belady: f32,
    /// Any cache of this size without regard to use.
    pub chance: f32,
}

/// All analyses of one layer.
#[must_use]
pub fn report(view: &LayerView) -> LayerReport {
    let k = view.mean_experts().ceil() as usize;
    let sizes = [k, 2 * k, 3 * k];
    let caches = sizes
        .into_iter()
        .filter(|size| (1..view.n_experts).contains(size));
    LayerReport {
        load: load(view.plan, view.n_experts),
        balance_loss: balance_loss(view),
        first_choice_loss: first_choice_loss(view),
        importance_loss: importance_loss(view),
        z_loss: z_loss(view.logits_te, view.n_experts),
        tokens: token_figures(view),
        co_activation: co_activation(view.plan, view.n_experts),
        repetition: repetition(view.plan, view.n_experts),
        segments: [4, 16, 64]
            .into_iter()
            .filter_map(|length| segment_routing(view.plan, view.n_experts, length))
            .collect(),
        caches: caches.map(|size| cache_report(view, size)).collect(),
    }
}

fn cache_report(view: &LayerView, size: usize) -> CacheReport {
    let rate = |cache| hit_rate(view.plan, view.n_experts, size, cache, false);
    CacheReport {
        size,
        lru: rate(Cache::Lru),
        lfu: rate(Cache::Lfu),
        segment: rate(Cache::Segment { length: 16 }),
        belady: rate(Cache::Belady),
        chance: size as f32 / view.n_experts as f32,
    }
}

/// A quotient that is 0 where it has no value.
fn ratio(a: f32, b: f32) -> f32 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// Mean of values; 0 without any.
fn mean(values: impl ExactSizeIterator<Item = f32>) -> f32 {
    let n = values.len() as f32;
    ratio(values.sum(), n)
}

/// Standard deviation over mean, of the whole population.
fn variation(values: &[f32]) -> f32 {
    let average = mean(values.iter().copied());
    let variance = mean(values.iter().map(|value| (value - average).powi(2)));
    ratio(variance.sqrt(), average)
}

/// Entropy in nats of values that are scaled to sum to 1 first.
fn entropy(values: &[f32]) -> f32 {
    let total: f32 = values.iter().sum();
    values
        .iter()
        .map(|value| ratio(*value, total))
        .filter(|share| *share > 0.0)
        .map(|share| -share * share.ln())
        .sum()
}
