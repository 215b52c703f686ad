//! Limit: how many experts a token and how many tokens an expert may have.
//!
//! Capacity and dropping follow GShard (arXiv:2006.16668) and Switch (arXiv:2101.03961): all
//! first choices come before any second choice, and a dropped choice contributes nothing.
//! Batch-prioritised order is V-MoE (arXiv:2106.05974).
//! Capacity needs the whole batch: a prompt and one token at a time disagree.

use serde::{Deserialize, Serialize};

use crate::batch::Batch;
use crate::context::RouterContext;
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::matrix::{rank_row, ranked_expert};
use crate::named::named;
use crate::rng::{Rng, Stream};
use crate::spec::RouterSpec;
use crate::trace::Verdict;

/// Limits on load; the default sets none.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Limit {
    /// The most experts a token may keep: one number for all tokens, or one for each.
    pub per_token: Vec<usize>,
    /// Tokens per expert as a multiple of the balanced load, rounded up; none is no limit.
    pub capacity_factor: Option<f32>,
    /// Tokens per expert as a number; comes before the factor.
    pub capacity: Option<usize>,
    /// Which tokens come first.
    pub priority: Priority,
    /// What happens to a choice that finds its expert full.
    pub overflow: Overflow,
}

named! {
    /// The order in which tokens claim places; within it, all first choices come first.
    #[derive(Default)]
    pub enum Priority {
        /// By position.
        #[default]
        Order = "order",
        /// By the weight of the token's heaviest choice, highest first.
        BatchPriority = "batch_priority",
        /// By a random number per token.
        Random = "random",
    }
}

named! {
    /// What happens to a choice that finds its expert full.
    #[derive(Default)]
    pub enum Overflow {
        /// It contributes nothing.
        #[default]
        Drop = "drop",
        /// It goes to the token's next best allowed expert that has room.
        NextBest = "next_best",
        /// Its weight goes to the shared expert.
        Shared = "shared",
    }
}

impl Limit {
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        fields.counts("per_token", &mut self.per_token);
        fields.optional_real("capacity_factor", &mut self.capacity_factor);
        fields.optional_count("capacity", &mut self.capacity);
        fields.choice("priority", &mut self.priority);
        fields.choice("overflow", &mut self.overflow);
    }

    pub(crate) fn validate(&self) -> Result<(), RoutingError> {
        match (self.capacity_factor, self.capacity) {
            (Some(factor), _) if !(factor > 0.0 && factor.is_finite()) => {
                Err(RoutingError::CapacityInvalid { got: factor })
            }
            (_, Some(0)) => Err(RoutingError::CapacityInvalid { got: 0.0 }),
            _ => Ok(()),
        }
    }

    /// Whether experts can be full.
    pub(crate) fn has_capacity(&self) -> bool {
        self.capacity_factor.is_some() || self.capacity.is_some()
    }

    /// Tokens per expert when all tokens together make `n_choices`; balanced without a limit.
    pub(crate) fn capacity(&self, n_choices: usize, n_experts: usize) -> usize {
        let factor = self.capacity_factor.unwrap_or(1.0);
        let places = factor * n_choices as f32 / n_experts as f32;
        self.capacity.unwrap_or(places.ceil() as usize)
    }

    /// Drops, moves or hands over what exceeds the limits, by changing verdicts and picks.
    pub(crate) fn apply(
        &self,
        context: &RouterContext,
        layer: usize,
        spec: &RouterSpec,
        batch: &mut Batch,
    ) -> Result<(), RoutingError> {
        self.limit_tokens(batch)?;
        if !self.has_capacity() {
            return Ok(());
        }
        let n_choices = match spec.select.places() {
            Some(places) => places * batch.n_tokens,
            None => batch.picks.expert_idx.len(),
        };
        let capacity = self.capacity(n_choices, batch.n_experts);
        let order = self.order(context, layer, spec, batch);
        let n_ranks = (0..batch.n_tokens)
            .map(|t| batch.picks.range(t).len())
            .max();
        let mut load = vec![0_usize; batch.n_experts];
        for rank in 0..n_ranks.unwrap_or(0) {
            for token in &order {
                let slot = batch.picks.range(*token).start + rank;
                if slot < batch.picks.range(*token).end {
                    self.claim(*token, slot, capacity, &mut load, batch);
                }
            }
        }
        if self.overflow == Overflow::NextBest && batch.picks.combine_weights.is_empty() {
            (0..batch.n_tokens).for_each(|token| batch.sort_picks(token));
        }
        Ok(())
    }

    /// Leaves each token its best picks only.
    fn limit_tokens(&self, batch: &mut Batch) -> Result<(), RoutingError> {
        let n_limits = self.per_token.len();
        if n_limits > 1 && n_limits != batch.n_tokens {
            return Err(RoutingError::ContextShape {
                what: "limit.per_token",
                got: n_limits,
                expected: batch.n_tokens,
            });
        }
        for token in 0..batch.n_tokens {
            if let Some(limit) = self.per_token.get(if n_limits == 1 { 0 } else { token }) {
                let first_lost = batch.picks.range(token).start + limit;
                batch.mark(token, Verdict::OverTokenLimit, |_, slot| slot >= first_lost);
            }
        }
        Ok(())
    }

    fn order(
        &self,
        context: &RouterContext,
        layer: usize,
        spec: &RouterSpec,
        batch: &Batch,
    ) -> Vec<usize> {
        let rng = Rng::new(spec.seed, Stream::Priority, layer);
        let mut weights = Vec::new();
        let mut key = |token: usize| match self.priority {
            Priority::Order => 0.0,
            Priority::Random => rng.uniform(context.first_position + token, 0),
            Priority::BatchPriority => {
                spec.weigh.base(batch, token, &mut weights);
                weights.iter().copied().fold(f32::MIN, f32::max)
            }
        };
        let keys: Vec<f32> = (0..batch.n_tokens).map(&mut key).collect();
        let mut ranked = Vec::new();
        rank_row(&keys, &mut ranked);
        ranked.into_iter().map(ranked_expert).collect()
    }

    /// Gives one pick its place, or what the overflow rule says.
    fn claim(
        &self,
        token: usize,
        slot: usize,
        capacity: usize,
        load: &mut [usize],
        batch: &mut Batch,
    ) {
        let expert = batch.picks.expert_idx[slot];
        let cell = batch.cell(token, expert);
        if !batch.verdicts_tw[cell].acts() {
            return;
        }
        if load[usize::from(expert)] < capacity {
            load[usize::from(expert)] += 1;
            return;
        }
        batch.verdicts_tw[cell] = match self.overflow {
            Overflow::Shared => Verdict::OverflowToShared,
            Overflow::Drop | Overflow::NextBest => Verdict::OverCapacity,
        };
        if self.overflow == Overflow::NextBest
            && let Some(other) = next_best(token, capacity, load, batch)
        {
            load[usize::from(other)] += 1;
            batch.picks.expert_idx[slot] = other;
            let cell = batch.cell(token, other);
            batch.verdicts_tw[cell] = Verdict::TookOverflow;
        }
    }
}

/// The best expert with room that the token may choose and has not chosen.
fn next_best(token: usize, capacity: usize, load: &[usize], batch: &Batch) -> Option<u16> {
    let row = batch.row(token);
    let verdicts = &batch.verdicts_tw[row.clone()];
    let mut ranked = Vec::new();
    rank_row(&batch.selection_tw[row], &mut ranked);
    ranked
        .into_iter()
        .map(ranked_expert)
        .find(|expert| load[*expert] < capacity && verdicts[*expert].is_open())
        .map(|expert| expert as u16)
}
