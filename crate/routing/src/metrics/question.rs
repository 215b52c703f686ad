//! [`Question`]: one analysis of one layer of a trace, as data; [`Question::answer`] runs it.
//!
//! This is how a page, or whoever has a trace but no model, asks for any analysis by name, one layer at a time, so that
//! a long run shows how far it is and can be stopped.
//! It checks what it is given and adds shares to the flow; every other figure is that of the analysis it names.

use serde::{Deserialize, Serialize};

use super::load::counts;
use super::{
    CacheReport, CoActivation, Drops, Estimate, Evenness, Flow, LabelDistance, LabelShare,
    LayerView, Load, Repetition, SegmentRouting, TokenFigures, balance_loss, cache_reports,
    co_activation, divergence, dropped, first_choice_loss, flow, importance_loss, label_distances,
    load, ratio, repetition, saturation, segment_reports, share_by_label, token_figures, z_loss,
};
use crate::error::RoutingError;
use crate::plan::RoutingPlan;

/// What can be asked of a layer.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum AnalysisName {
    /// Who is used how much.
    Load,
    /// How even that is, and the losses that training keeps it even with; needs logits and scores.
    Balance,
    /// Entropy, share of the best and margin of each token; needs scores.
    Tokens,
    /// How the choice depends on a label; needs labels.
    Labels,
    /// Who acts together with whom.
    CoActivation,
    /// How tokens go on to another layer; needs that layer.
    Flow,
    /// How often neighbours choose alike.
    Repetition,
    /// Segment routing best performance.
    Segments,
    /// Hit rates of expert caches.
    Caches,
    /// What capacities would drop; needs logits.
    Drops,
    /// How alike two runs choose; needs the same layer of the other run.
    Agreement,
}

impl AnalysisName {
    /// The name that JSON has.
    fn text(self) -> &'static str {
        match self {
            Self::Load => "load",
            Self::Balance => "balance",
            Self::Tokens => "tokens",
            Self::Labels => "labels",
            Self::CoActivation => "co_activation",
            Self::Flow => "flow",
            Self::Repetition => "repetition",
            Self::Segments => "segments",
            Self::Caches => "caches",
            Self::Drops => "drops",
            Self::Agreement => "agreement",
        }
    }
}

/// One layer's decisions in columns, as far as a trace has them.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LayerColumns {
    /// E.
    pub n_experts: usize,
    /// `[T + 1]` where each token's experts start.
    #[cfg_attr(feature = "ts", ts(type = "Uint32Array"))]
    pub offsets: Vec<u32>,
    /// `[N]` experts, best first within a token.
    #[cfg_attr(feature = "ts", ts(type = "Uint16Array"))]
    pub experts: Vec<u16>,
    /// `[N]` combine weights; all 1 where the trace has none.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array | null"))]
    pub weights: Option<Vec<f32>>,
    /// `[T, E]` gating logits.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array | null"))]
    pub logits: Option<Vec<f32>>,
    /// `[T, E]` scores.
    #[cfg_attr(feature = "ts", ts(type = "Float32Array | null"))]
    pub scores: Option<Vec<f32>>,
}

/// An analysis of a layer.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Question {
    /// What is asked.
    pub analysis: AnalysisName,
    /// Of which layer.
    pub layer: LayerColumns,
    /// For the flow the later layer, for the agreement the other run's layer.
    pub other: Option<LayerColumns>,
    /// `[T]` labels, or fewer where the last tokens have none.
    #[cfg_attr(feature = "ts", ts(type = "Uint32Array | null"))]
    pub labels: Option<Vec<u32>>,
    /// A label must occur so often to be listed.
    pub min_tokens: Option<usize>,
}

/// What comes back, by the name of the analysis.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "analysis", content = "answer", rename_all = "snake_case")]
#[allow(missing_docs, reason = "the variants are those of AnalysisName")]
pub enum Answer {
    Load(Load),
    Balance(Balance),
    Tokens(TokenFigures),
    Labels(LabelReport),
    CoActivation(CoActivation),
    Flow(FlowReport),
    Repetition(Repetition),
    Segments(Vec<SegmentRouting>),
    Caches(Vec<CacheReport>),
    Drops(Vec<Drops>),
    Agreement(Agreement),
}

/// How even the load is, and the losses that training keeps it even with.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Balance {
    /// How even the counts are.
    pub evenness: Evenness,
    /// What random choices give.
    pub chance: Evenness,
    /// Switch balance loss; 1 where choices do not depend on scores.
    pub balance_loss: f32,
    /// GShard's form; 1 where choices do not depend on scores.
    pub first_choice_loss: f32,
    /// Squared coefficient of variation of the summed scores; 0 is balanced.
    pub importance_loss: f32,
    /// Router z-loss.
    pub z_loss: Estimate,
}

/// How the choice depends on a label.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct LabelReport {
    /// The labels that occur often enough, by ascending label.
    pub shares: Vec<LabelShare>,
    /// How far each of them is from all tokens together.
    pub distances: Vec<LabelDistance>,
}

/// How tokens go from one layer to another, also as shares of the tokens that an expert has.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct FlowReport {
    /// Counts.
    #[serde(flatten)]
    pub flow: Flow,
    /// `[E, E]` share of the row expert's tokens on which the column expert acts later.
    pub shares: Vec<f32>,
    /// `[E, E]` lower ends of the intervals of `shares`.
    pub low: Vec<f32>,
    /// `[E, E]` upper ends of the intervals of `shares`.
    pub high: Vec<f32>,
    /// `[E]` what independent layers give for each column.
    pub share_chance: Vec<f32>,
}

/// How alike two runs choose.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Agreement {
    /// Mean overlap of each token's experts.
    pub overlap: Estimate,
    /// Mean Jensen-Shannon divergence of the scores in nats, where both runs have scores.
    pub divergence: Option<Estimate>,
}

impl Question {
    /// Runs the analysis.
    ///
    /// # Errors
    /// A layer that does not fit together, or lacks what the analysis needs.
    pub fn answer(self) -> Result<Answer, RoutingError> {
        let layer = self.layer.checked()?;
        let (plan, n_experts) = (&layer.plan, layer.n_experts);
        let needs = |part| RoutingError::TracePartMissing {
            analysis: self.analysis.text(),
            part,
        };
        let scores = || layer.scores_te.as_deref().ok_or_else(|| needs("scores"));
        let logits = || layer.logits_te.as_deref().ok_or_else(|| needs("logits"));
        let other = |part| match &self.other {
            Some(other) => other.clone().checked_beside(&layer),
            None => Err(needs(part)),
        };
        Ok(match self.analysis {
            AnalysisName::Load => Answer::Load(load(plan, n_experts)),
            AnalysisName::Balance => Answer::Balance(balance(&layer.view(logits()?, scores()?))),
            AnalysisName::Tokens => Answer::Tokens(token_figures(&layer.view(&[], scores()?))),
            AnalysisName::Labels => {
                let labels = self.labels.as_deref().ok_or_else(|| needs("labels"))?;
                Answer::Labels(labelled(&layer, labels, self.min_tokens.unwrap_or(1)))
            }
            AnalysisName::CoActivation => Answer::CoActivation(co_activation(plan, n_experts)),
            AnalysisName::Flow => Answer::Flow(flow_report(&layer, &other("a later layer")?)),
            AnalysisName::Repetition => Answer::Repetition(repetition(plan, n_experts)),
            AnalysisName::Segments => Answer::Segments(segment_reports(plan, n_experts)),
            AnalysisName::Caches => Answer::Caches(cache_reports(plan, n_experts)),
            AnalysisName::Drops => Answer::Drops(dropped(&layer.view(logits()?, &[]))?),
            AnalysisName::Agreement => {
                Answer::Agreement(agreement(&layer, &other("a second run")?))
            }
        })
    }
}

/// A layer that fits together.
struct Layer {
    n_experts: usize,
    plan: RoutingPlan,
    logits_te: Option<Vec<f32>>,
    scores_te: Option<Vec<f32>>,
}

impl LayerColumns {
    fn checked(self) -> Result<Layer, RoutingError> {
        let n_experts = self.n_experts;
        if n_experts == 0 || n_experts > usize::from(u16::MAX) {
            return Err(RoutingError::ExpertCountInvalid { n_experts });
        }
        let plan = RoutingPlan {
            combine_weights: self
                .weights
                .unwrap_or_else(|| vec![1.0; self.experts.len()]),
            offsets: self.offsets,
            expert_idx: self.experts,
        };
        plan.validate(n_experts)?;
        let expected = plan.n_tokens() * n_experts;
        for (what, matrix) in [("logits", &self.logits), ("scores", &self.scores)] {
            match matrix.as_ref().map(Vec::len) {
                Some(got) if got != expected => {
                    return Err(RoutingError::ContextShape {
                        what,
                        got,
                        expected,
                    });
                }
                _ => {}
            }
        }
        Ok(Layer {
            n_experts,
            plan,
            logits_te: self.logits,
            scores_te: self.scores,
        })
    }

    /// A layer over the same tokens and as many experts.
    fn checked_beside(self, first: &Layer) -> Result<Layer, RoutingError> {
        let layer = self.checked()?;
        let pairs = [
            (
                "the other layer's experts",
                layer.n_experts,
                first.n_experts,
            ),
            (
                "the other layer's tokens",
                layer.plan.n_tokens(),
                first.plan.n_tokens(),
            ),
        ];
        match pairs.into_iter().find(|(_, got, expected)| got != expected) {
            Some((what, got, expected)) => Err(RoutingError::ContextShape {
                what,
                got,
                expected,
            }),
            None => Ok(layer),
        }
    }
}

impl Layer {
    fn view<'a>(&'a self, logits_te: &'a [f32], scores_te: &'a [f32]) -> LayerView<'a> {
        LayerView {
            plan: &self.plan,
            n_experts: self.n_experts,
            logits_te,
            scores_te,
        }
    }
}

fn balance(view: &LayerView) -> Balance {
    let load = load(view.plan, view.n_experts);
    Balance {
        evenness: load.evenness,
        chance: load.chance,
        balance_loss: balance_loss(view),
        first_choice_loss: first_choice_loss(view),
        importance_loss: importance_loss(view),
        z_loss: z_loss(view.logits_te, view.n_experts),
    }
}

fn labelled(layer: &Layer, labels_t: &[u32], min_tokens: usize) -> LabelReport {
    let shares = share_by_label(&layer.plan, layer.n_experts, labels_t, min_tokens);
    let listed: Vec<u32> = shares.iter().map(|share| share.label).collect();
    LabelReport {
        distances: label_distances(&layer.plan, layer.n_experts, labels_t, &listed),
        shares,
    }
}

fn flow_report(from: &Layer, to: &Layer) -> FlowReport {
    let n_experts = from.n_experts;
    let flow = flow(&from.plan, &to.plan, n_experts);
    let (rows, columns) = (counts(&from.plan, n_experts), counts(&to.plan, n_experts));
    let n_tokens = from.plan.n_tokens() as f32;
    let chance = |column: usize| ratio(columns[column] as f32, n_tokens);
    let cells = flow.counts.iter().enumerate();
    let shares: Vec<Estimate> = cells
        .map(|(cell, n)| Estimate::share(*n, rows[cell / n_experts], chance(cell % n_experts)))
        .collect();
    FlowReport {
        shares: shares.iter().map(|share| share.value).collect(),
        low: shares.iter().map(|share| share.low).collect(),
        high: shares.iter().map(|share| share.high).collect(),
        share_chance: (0..n_experts).map(chance).collect(),
        flow,
    }
}

fn agreement(a: &Layer, b: &Layer) -> Agreement {
    let scores = a.scores_te.as_ref().zip(b.scores_te.as_ref());
    Agreement {
        overlap: saturation(&a.plan, &b.plan, a.n_experts),
        divergence: scores.map(|(one, other)| divergence(one, other, a.n_experts).mean),
    }
}
