//! Select: how many and which experts are chosen for each token.
//!
//! Selection compares selection scores only; what a chosen expert weighs is decided later.
//! Most methods rank the allowed experts of a token and take some of them: `count` says how
//! many, `keys` replaces what is compared where scores do not decide.
//! `expert_choice` looks along columns; `given` takes the choice from elsewhere.
//! Sources stand at each variant; ties go to the lower expert index everywhere.

mod choose;
mod count;
mod expert_choice;
mod given;
mod keys;
mod methods;
mod settings;

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::matrix::rank_row;
use crate::plan::RoutingPlan;
use crate::spec::RouterSpec;
use crate::trace::Verdict;
use methods::{
    default_margin, default_min_experts, default_min_p, default_n_sigma, default_ranks,
    default_top_k, default_top_p,
};

/// The rule that chooses experts.
///
/// `max_experts` 0 is no maximum; bounds give way where fewer experts are allowed.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
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
    /// All whose selection score lies within so many standard deviations of the best (top-n-sigma sampling,
    /// arXiv:2411.07641, applied to experts).
    NSigma {
        /// Standard deviations of the token's allowed selection scores; from 0.
        #[serde(default = "default_n_sigma")]
        n_sigma: f32,
        /// At least so many.
        #[serde(default = "default_min_experts")]
        min_experts: usize,
        /// At most so many.
        #[serde(default)]
        max_experts: usize,
    },
}

impl Default for Select {
    fn default() -> Self {
        Self::TopK {
            top_k: default_top_k(),
        }
    }
}

impl Select {
    /// Whether the method compares the scores of one token with each other.
    pub(crate) fn ranks_scores(&self) -> bool {
        matches!(
            self,
            Self::TopK { .. }
                | Self::TopP { .. }
                | Self::Threshold { .. }
                | Self::MinP { .. }
                | Self::Gap { .. }
                | Self::NSigma { .. }
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
            Self::Threshold { .. } | Self::MinP { .. } | Self::NSigma { .. } => {
                Verdict::BelowThreshold
            }
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
            self.mark_row(context, &spec.restrict, &ranked, token, batch);
            choose::push_acting(&ranked, token, batch);
        }
        Ok(())
    }
}
