//! Analyses of routing decisions: plain functions from plans and scores to numbers.
//!
//! Every figure stands beside the value that chance gives, and shares carry an interval.
//! Sources are named at each function; where code and paper differ, the text says which is
//! followed.
//! Analyses that need a model or its outputs are not here.
//! Plans must be valid for the number of experts ([`RoutingPlan::validate`]).

mod caches;
mod compare;
mod drops;
mod estimate;
mod labels;
mod load;
mod pairs;
mod question;
mod segments;
mod tokens;

pub use caches::{Cache, CacheReport, cache_reports, hit_rate};
pub use compare::{Divergence, PredictionChange, divergence, prediction_change, saturation};
pub use drops::{Drops, drops};
pub use estimate::Estimate;
pub use labels::{LabelDistance, LabelShare, label_distances, share_by_label};
pub use load::{Evenness, Load, balance_loss, first_choice_loss, importance_loss, load};
pub use pairs::{CoActivation, Flow, Repetition, co_activation, flow, repetition};
pub use question::{
    Agreement, AnalysisName, Answer, Balance, FlowReport, LabelReport, LayerColumns, Question,
};
pub use segments::{SegmentRouting, segment_routing};
pub use tokens::{TokenFigures, token_figures, z_loss};

use serde::Serialize;

use crate::error::RoutingError;
use crate::plan::RoutingPlan;
use crate::stage::limit::Priority;

/// Lengths of windows, in tokens, for segment routing.
const SEGMENTS: [usize; 4] = [4, 16, 64, 256];
/// Capacity factors under which choices would be dropped.
const CAPACITY_FACTORS: [f32; 4] = [0.5, 1.0, 1.5, 2.0];

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
    pub z_loss: Estimate,
    /// Entropy and margins of each token.
    pub tokens: TokenFigures,
    /// Who acts together with whom.
    pub co_activation: CoActivation,
    /// How often neighbours in the text choose alike.
    pub repetition: Repetition,
    /// Segment routing best performance for windows of 4, 16, 64 and 256 tokens that fit the text.
    pub segments: Vec<SegmentRouting>,
    /// Hit rates of expert caches, by size.
    pub caches: Vec<CacheReport>,
    /// What capacities from half to twice the balanced load would drop, by order and by batch priority.
    pub drops: Vec<Drops>,
}

/// All analyses of one layer.
///
/// # Errors
/// A plan that is not valid for the number of experts, logits or scores that are not `[T, E]`, or logits of NaN.
pub fn report(view: &LayerView) -> Result<LayerReport, RoutingError> {
    let &LayerView {
        plan, n_experts, ..
    } = view;
    plan.validate(n_experts)?;
    if view.scores_te.len() != plan.n_tokens() * n_experts {
        return Err(RoutingError::ContextShape {
            what: "scores_te",
            got: view.scores_te.len(),
            expected: plan.n_tokens() * n_experts,
        });
    }
    Ok(LayerReport {
        load: load(plan, n_experts),
        balance_loss: balance_loss(view),
        first_choice_loss: first_choice_loss(view),
        importance_loss: importance_loss(view),
        z_loss: z_loss(view.logits_te, n_experts),
        tokens: token_figures(view),
        co_activation: co_activation(plan, n_experts),
        repetition: repetition(plan, n_experts),
        segments: segment_reports(plan, n_experts),
        caches: cache_reports(plan, n_experts),
        drops: dropped(view)?,
    })
}

/// Segment routing for every length that fits the text.
fn segment_reports(plan: &RoutingPlan, n_experts: usize) -> Vec<SegmentRouting> {
    SEGMENTS
        .into_iter()
        .filter_map(|length| segment_routing(plan, n_experts, length))
        .collect()
}

/// What every capacity would drop, by order and by batch priority.
fn dropped(view: &LayerView) -> Result<Vec<Drops>, RoutingError> {
    let priorities = [Priority::Order, Priority::BatchPriority];
    let each = |factor| priorities.map(|priority| drops(view, factor, priority));
    CAPACITY_FACTORS.into_iter().flat_map(each).collect()
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
