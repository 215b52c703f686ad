//! Select: how many and which experts are chosen for each token.
//!
//! Selection compares selection scores only; what a chosen expert weighs is decided later.
//! Most methods rank the allowed experts of a token and take some of them: `count` says how
//! many, `keys` replaces what is compared where scores do not decide.
//! `expert_choice` looks along columns; `given` takes the choice from elsewhere.
//! Sources stand at each variant; ties go to the lower expert index everywhere.

mod count;
mod expert_choice;
mod given;
mod keys;

use serde::{Deserialize, Serialize};

use super::restrict::Restrict;
use crate::batch::Batch;
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{rank_row, ranked_expert};
use crate::plan::RoutingPlan;
use crate::spec::RouterSpec;
use crate::trace::Verdict;

/// The rule that chooses experts.
///
/// `max_experts` 0 is no maximum; bounds give way where fewer experts are allowed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(tag = "method", rename_all = "snake_case", deny_unknown_fields)]
pub enum Select {
    /// The `top_k` best, or all that are allowed when fewer are (Shazeer et al. 2017).
    TopK {
        /// Experts per token, from 1 to E.
        #[serde(default = "default_top_k")]
        top_k: usize,
    },
    /// The fewest best whose scores sum to more than this share of all allowed scores
    /// (arXiv:2403.07652; strictly more, as in the authors' code).
    TopP {
        /// The share, from 0 to 1.
        #[serde(default = "default_top_p")]
        top_p: f32,
        /// At least so many.
        #[serde(default = "default_min_experts")]
        min_experts: usize,
        /// At most so many.
        #[serde(default)]
        max_experts: usize,
    },
    /// All whose selection score is above a threshold (EvoMoE, arXiv:2112.14397).
    Threshold {
        /// The threshold.
        #[serde(default)]
        threshold: f32,
        /// At least so many.
        #[serde(default = "default_min_experts")]
        min_experts: usize,
        /// At most so many.
        #[serde(default)]
        max_experts: usize,
    },
    /// All whose selection score is at least this share of the best (min-p sampling,
    /// arXiv:2407.01082, applied to experts).
    MinP {
        /// The share, from 0 to 1.
        #[serde(default = "default_min_p")]
        min_p: f32,
        /// At least so many.
        #[serde(default = "default_min_experts")]
        min_experts: usize,
        /// At most so many.
        #[serde(default)]
        max_experts: usize,
    },
    /// All before the largest drop between neighbours in rank; of equal drops the first.
    Gap {
        /// At least so many.
        #[serde(default = "default_min_experts")]
        min_experts: usize,
        /// At most so many.
        #[serde(default)]
        max_experts: usize,
    },
    /// `top_k` allowed experts drawn uniformly (THOR, arXiv:2110.04260).
    Random {
        /// Experts per token.
        #[serde(default = "default_top_k")]
        top_k: usize,
    },
    /// The experts at these ranks, 0 being the best; ranks beyond the allowed are left out
    /// (the weak pass of self-contrast, arXiv:2405.14507).
    Rank {
        /// Ranks.
        #[serde(default = "default_ranks")]
        ranks: Vec<usize>,
    },
    /// All allowed experts.
    Dense {},
    /// Each expert takes its best tokens, as many as `limit` gives it (arXiv:2202.09368).
    ExpertChoice {},
    /// `top_k` experts drawn once for each token id and layer (arXiv:2106.04426).
    Hash {
        /// Experts per token.
        #[serde(default = "default_top_k")]
        top_k: usize,
    },
    /// The next `top_k` allowed experts in turn.
    RoundRobin {
        /// Experts per token.
        #[serde(default = "default_top_k")]
        top_k: usize,
    },
    /// A recorded choice; only disabled experts are left out, forced ones are not added.
    Replay {
        /// What was recorded, for positions from 0.
        #[serde(default)]
        plan: RoutingPlan,
        /// Whether the recorded weights act too, or weights follow from the present scores.
        #[serde(default)]
        recorded_weights: bool,
    },
    /// The allowed experts that the previous MoE layer chose; top k in the first.
    PreviousLayer {
        /// Experts per token in the first layer.
        #[serde(default = "default_top_k")]
        top_k: usize,
    },
    /// Top k after the experts of the previous token have gained a margin.
    Sticky {
        /// Experts per token.
        #[serde(default = "default_top_k")]
        top_k: usize,
        /// What a newcomer must score above an expert in place; from 0.
        #[serde(default = "default_margin")]
        margin: f32,
    },
    /// A router outside this crate, which has the last word; its plan is validated.
    External {},
    /// Every expert, and a soft plan beside (Soft MoE, arXiv:2308.00951).
    Soft {},
}

fn default_top_k() -> usize {
    2
}

fn default_top_p() -> f32 {
    0.4
}

fn default_min_experts() -> usize {
    1
}

fn default_min_p() -> f32 {
    0.1
}

fn default_ranks() -> Vec<usize> {
    vec![0]
}

fn default_margin() -> f32 {
    0.1
}

impl Default for Select {
    fn default() -> Self {
        Self::TopK {
            top_k: default_top_k(),
        }
    }
}

const METHODS: &[&str] = &[
    "top_k",
    "top_p",
    "threshold",
    "min_p",
    "gap",
    "random",
    "rank",
    "dense",
    "expert_choice",
    "hash",
    "round_robin",
    "replay",
    "previous_layer",
    "sticky",
    "external",
    "soft",
];

impl Select {
    /// Every method with its default settings, in the order of their codes.
    #[must_use]
    pub fn all() -> [Self; METHODS.len()] {
        let top_k = default_top_k();
        let (min_experts, max_experts) = (default_min_experts(), 0);
        [
            Self::TopK { top_k },
            Self::TopP {
                top_p: default_top_p(),
                min_experts,
                max_experts,
            },
            Self::Threshold {
                threshold: 0.0,
                min_experts,
                max_experts,
            },
            Self::MinP {
                min_p: default_min_p(),
                min_experts,
                max_experts,
            },
            Self::Gap {
                min_experts,
                max_experts,
            },
            Self::Random { top_k },
            Self::Rank {
                ranks: default_ranks(),
            },
            Self::Dense {},
            Self::ExpertChoice {},
            Self::Hash { top_k },
            Self::RoundRobin { top_k },
            Self::Replay {
                plan: RoutingPlan::default(),
                recorded_weights: false,
            },
            Self::PreviousLayer { top_k },
            Self::Sticky {
                top_k,
                margin: default_margin(),
            },
            Self::External {},
            Self::Soft {},
        ]
    }

    /// The number of experts that each token asks for, where the method fixes it.
    #[must_use]
    pub fn places(&self) -> Option<usize> {
        match *self {
            Self::TopK { top_k }
            | Self::Random { top_k }
            | Self::Hash { top_k }
            | Self::RoundRobin { top_k }
            | Self::PreviousLayer { top_k }
            | Self::Sticky { top_k, .. } => Some(top_k),
            Self::ExpertChoice {} => Some(1),
            _ => None,
        }
    }

    /// Sets the number of experts that each token asks for, where the method has one.
    pub(crate) fn set_top_k(&mut self, value: usize) -> bool {
        match self {
            Self::TopK { top_k }
            | Self::Random { top_k }
            | Self::Hash { top_k }
            | Self::RoundRobin { top_k }
            | Self::PreviousLayer { top_k }
            | Self::Sticky { top_k, .. } => {
                *top_k = value;
                true
            }
            _ => false,
        }
    }

    fn code(&self) -> usize {
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(self);
        Self::all().iter().position(same).unwrap_or(0)
    }

    /// The same method with its default settings.
    pub(crate) fn reset(&self) -> Self {
        Self::all().into_iter().nth(self.code()).unwrap_or_default()
    }

    /// Lists the fields; in a link, a field named like a method switches to that method.
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        let before = self.code();
        let mut code = before;
        fields.code("method", METHODS, &mut code);
        let mut switched = Self::all().into_iter().nth(code).unwrap_or_default();
        for (other, name) in METHODS.iter().enumerate() {
            let is_own = *name == "top_k" && switched.set_top_k(default_top_k());
            if fields.given(name) && !is_own {
                code = other;
                switched = Self::all().into_iter().nth(code).unwrap_or_default();
            }
        }
        if code != before {
            *self = switched;
        }
        self.visit_settings(fields);
    }

    fn visit_settings(&mut self, fields: &mut impl Fields) {
        match self {
            Self::TopK { top_k }
            | Self::Random { top_k }
            | Self::Hash { top_k }
            | Self::RoundRobin { top_k }
            | Self::PreviousLayer { top_k } => fields.count("top_k", top_k),
            Self::TopP {
                top_p,
                min_experts,
                max_experts,
            } => {
                fields.real("top_p", top_p);
                fields.count("min_experts", min_experts);
                fields.count("max_experts", max_experts);
            }
            Self::Threshold {
                threshold,
                min_experts,
                max_experts,
            } => {
                fields.real("threshold", threshold);
                fields.count("min_experts", min_experts);
                fields.count("max_experts", max_experts);
            }
            Self::MinP {
                min_p,
                min_experts,
                max_experts,
            } => {
                fields.real("min_p", min_p);
                fields.count("min_experts", min_experts);
                fields.count("max_experts", max_experts);
            }
            Self::Gap {
                min_experts,
                max_experts,
            } => {
                fields.count("min_experts", min_experts);
                fields.count("max_experts", max_experts);
            }
            Self::Rank { ranks } => fields.counts("ranks", ranks),
            Self::Sticky { top_k, margin } => {
                fields.count("top_k", top_k);
                fields.real("margin", margin);
            }
            Self::Replay {
                plan,
                recorded_weights,
            } => {
                plan.visit(fields);
                fields.flag("recorded_weights", recorded_weights);
            }
            Self::Dense {} | Self::ExpertChoice {} | Self::External {} | Self::Soft {} => {}
        }
    }

    /// Whether the method compares the scores of one token with each other.
    pub(crate) fn ranks_scores(&self) -> bool {
        matches!(
            self,
            Self::TopK { .. }
                | Self::TopP { .. }
                | Self::Threshold { .. }
                | Self::MinP { .. }
                | Self::Gap { .. }
                | Self::Rank { .. }
                | Self::Dense {}
                | Self::Sticky { .. }
        )
    }

    /// What an allowed expert that is not chosen is told.
    pub(crate) fn refusal(&self) -> Verdict {
        match self {
            Self::TopK { .. } | Self::Sticky { .. } => Verdict::OutsideTopK,
            Self::TopP { .. } => Verdict::OutsideTopP,
            Self::Threshold { .. } | Self::MinP { .. } => Verdict::BelowThreshold,
            Self::Gap { .. } => Verdict::AfterGap,
            Self::ExpertChoice {} => Verdict::NotTakenByExpert,
            _ => Verdict::NotPicked,
        }
    }

    /// Fills the picks of every token in rank order and completes the verdicts.
    ///
    /// Picks come with weights only where they are recorded or given from outside.
    pub(crate) fn apply(
        &self,
        context: &RouterContext,
        input: &RouterInput,
        spec: &RouterSpec,
        batch: &mut Batch,
    ) -> Result<(), RoutingError> {
        match self {
            Self::Replay {
                plan,
                recorded_weights,
            } => {
                let plan = given::recorded(plan, context.first_position, batch.n_tokens)?;
                given::take(plan, *recorded_weights, spec, batch);
                return Ok(());
            }
            Self::External {} => {
                let plan = given::ask(context, input, &batch.scores_tw)?;
                given::check_disabled(&plan, &spec.restrict)?;
                given::take(plan, true, spec, batch);
                return Ok(());
            }
            Self::ExpertChoice {} => {
                let capacity = spec.limit.capacity(batch.n_tokens, batch.n_experts);
                expert_choice::mark(capacity, batch);
            }
            Self::Random { .. } => keys::random(context, input, spec.seed, batch),
            Self::Hash { .. } => keys::hash(input, spec.seed, batch)?,
            Self::RoundRobin { top_k } => keys::round_robin(context, *top_k, batch),
            _ => {}
        }
        batch.picks.offsets.push(0);
        let mut ranked = Vec::with_capacity(batch.width);
        for token in 0..batch.n_tokens {
            self.prepare_row(context, token, batch);
            let row = batch.row(token);
            rank_row(&batch.selection_tw[row], &mut ranked);
            self.mark_row(context, &spec.restrict, &ranked, token, batch)?;
            push_acting(&ranked, token, batch);
        }
        Ok(())
    }

    /// Lets the experts of the previous token gain their margin.
    fn prepare_row(&self, context: &RouterContext, token: usize, batch: &mut Batch) {
        let Self::Sticky { margin, .. } = self else {
            return;
        };
        let row = batch.row(token);
        let previous = match token {
            0 => context.previous_token,
            _ => batch.picks.experts(token - 1),
        };
        for expert in previous {
            if let Some(score) = batch.selection_tw[row.clone()].get_mut(usize::from(*expert)) {
                *score += margin;
            }
        }
    }

    /// Marks the chosen experts of one token as selected.
    fn mark_row(
        &self,
        context: &RouterContext,
        restrict: &Restrict,
        ranked: &[u64],
        token: usize,
        batch: &mut Batch,
    ) -> Result<(), RoutingError> {
        let row = batch.row(token);
        let verdicts = &mut batch.verdicts_tw[row.clone()];
        match (self, context.previous_layer) {
            (Self::ExpertChoice {}, _) => {}
            (Self::Rank { ranks }, _) => {
                let at_ranks = ranks.iter().filter_map(|rank| ranked.get(*rank));
                select_all(at_ranks, verdicts);
            }
            (Self::PreviousLayer { .. }, Some(plan)) => {
                plan.validate(batch.n_experts)?;
                let before = plan.experts(token);
                let again = |key: &&u64| before.contains(&(ranked_expert(**key) as u16));
                select_all(ranked.iter().filter(again), verdicts);
            }
            _ => {
                let n = self.count(
                    ranked,
                    &batch.scores_tw[row.clone()],
                    &batch.selection_tw[row],
                );
                select_best(n, restrict.count_forced, ranked, verdicts);
                self.blame_nulls(ranked, batch.n_experts, verdicts);
            }
        }
        Ok(())
    }

    /// Tells the experts that null experts kept out of a place so.
    fn blame_nulls(&self, ranked: &[u64], n_experts: usize, verdicts: &mut [Verdict]) {
        let taken = verdicts[n_experts..].iter().filter(|v| v.acts()).count();
        ranked
            .iter()
            .map(|key| ranked_expert(*key))
            .filter(|expert| *expert < n_experts && verdicts[*expert] == self.refusal())
            .take(taken)
            .collect::<Vec<_>>()
            .into_iter()
            .for_each(|expert| verdicts[expert] = Verdict::BeatenByNull);
    }
}

/// Marks the `n` best as selected; forced experts act anyway and may count towards `n`.
fn select_best(n: usize, count_forced: bool, ranked: &[u64], verdicts: &mut [Verdict]) {
    let is_forced = |verdict: &Verdict| *verdict == Verdict::Forced;
    let n_forced = verdicts.iter().filter(|v| is_forced(v)).count();
    let mut places = n.saturating_sub(if count_forced { n_forced } else { 0 });
    for key in ranked {
        if places == 0 {
            break;
        }
        if !is_forced(&verdicts[ranked_expert(*key)]) {
            select_all(std::iter::once(key), verdicts);
            places -= 1;
        }
    }
}

/// Marks experts as selected; a disabled one that keeps its place uses it up and stays silent.
fn select_all<'a>(keys: impl Iterator<Item = &'a u64>, verdicts: &mut [Verdict]) {
    for key in keys {
        let verdict = &mut verdicts[ranked_expert(*key)];
        if !matches!(verdict, Verdict::Disabled | Verdict::Forced) {
            *verdict = Verdict::Selected;
        }
    }
}

/// Appends one token's acting experts: ranked ones first, then forced ones that are excluded.
fn push_acting(ranked: &[u64], token: usize, batch: &mut Batch) {
    let row = batch.row(token);
    let (verdicts, scores) = (&batch.verdicts_tw[row.clone()], &batch.selection_tw[row]);
    let acting = ranked
        .iter()
        .map(|key| ranked_expert(*key))
        .filter(|expert| verdicts[*expert].acts());
    batch
        .picks
        .expert_idx
        .extend(acting.map(|expert| expert as u16));
    if verdicts.contains(&Verdict::Forced) {
        let excluded = (0..verdicts.len()).filter(|expert| {
            verdicts[*expert] == Verdict::Forced && scores[*expert] == f32::NEG_INFINITY
        });
        batch
            .picks
            .expert_idx
            .extend(excluded.map(|expert| expert as u16));
    }
    batch
        .picks
        .offsets
        .push(batch.picks.expert_idx.len() as u32);
}

impl Select {
    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        use super::check;
        match self {
            Self::TopP { top_p, .. } => check("select.top_p", *top_p, is_share, "from 0 to 1")?,
            Self::MinP { min_p, .. } => check("select.min_p", *min_p, is_share, "from 0 to 1")?,
            Self::Threshold { threshold, .. } => {
                check("select.threshold", *threshold, |_| true, "a finite number")?;
            }
            Self::Sticky { margin, .. } => {
                check(
                    "select.margin",
                    *margin,
                    |x| x >= 0.0,
                    "a finite number from 0",
                )?;
            }
            Self::Rank { ranks } => {
                super::check_range("select.ranks", ranks, n_experts)?;
                check(
                    "the length of select.ranks",
                    ranks.len() as f32,
                    |n| n > 0.0,
                    "at least 1",
                )?;
            }
            Self::Replay { plan, .. } => plan.validate(n_experts)?,
            _ => {}
        }
        self.validate_counts(n_experts)
    }

    fn validate_counts(&self, n_experts: usize) -> Result<(), RoutingError> {
        match *self {
            Self::TopP {
                min_experts,
                max_experts,
                ..
            }
            | Self::Threshold {
                min_experts,
                max_experts,
                ..
            }
            | Self::MinP {
                min_experts,
                max_experts,
                ..
            }
            | Self::Gap {
                min_experts,
                max_experts,
            } if max_experts != 0 && min_experts > max_experts => Err(RoutingError::MinAboveMax {
                min_experts,
                max_experts,
            }),
            _ => match self.places() {
                Some(0) => Err(RoutingError::TopKZero { n_experts }),
                Some(top_k) if top_k > n_experts => {
                    Err(RoutingError::TopKTooLarge { top_k, n_experts })
                }
                _ => Ok(()),
            },
        }
    }
}

fn is_share(x: f32) -> bool {
    (0.0..=1.0).contains(&x)
}
