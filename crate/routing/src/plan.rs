//! [`RoutingPlan`]: which experts act on which token with which weight, and its invariants.
//!
//! The layout is compressed sparse rows, because strategies may choose a different number
//! of experts for each token.

use serde::{Deserialize, Serialize};

use crate::error::RoutingError;
use crate::fields::Fields;

/// The decision for T tokens; token t owns the entries `offsets[t]..offsets[t + 1]`.
///
/// Within a token, experts stand in descending order of selection score, so that the first
/// entry is the expert the token chose first.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct RoutingPlan {
    /// `[T + 1]` where each token's entries start; the last is N.
    pub offsets: Vec<u32>,
    /// `[N]` experts.
    pub expert_idx: Vec<u16>,
    /// `[N]` what each expert's output is multiplied by.
    pub combine_weights: Vec<f32>,
}

impl RoutingPlan {
    /// T.
    #[must_use]
    pub fn n_tokens(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The experts of one token.
    #[must_use]
    pub fn experts(&self, token: usize) -> &[u16] {
        &self.expert_idx[self.range(token)]
    }

    /// The weights of one token, beside [`Self::experts`].
    #[must_use]
    pub fn weights(&self, token: usize) -> &[f32] {
        &self.combine_weights[self.range(token)]
    }

    /// Where one token's entries lie.
    #[must_use]
    pub fn range(&self, token: usize) -> std::ops::Range<usize> {
        self.offsets[token] as usize..self.offsets[token + 1] as usize
    }

    /// Checks every invariant, for plans that come from outside.
    ///
    /// Offsets start at 0, never fall and end at N; each expert exists and occurs at most once
    /// per token; weights are finite.
    ///
    /// # Errors
    /// [`RoutingError::PlanInvalid`] names the first broken invariant.
    pub fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        let n_entries = self.expert_idx.len();
        if self.combine_weights.len() != n_entries {
            return invalid(format!(
                "{n_entries} experts have {} weights; there must be one for each",
                self.combine_weights.len()
            ));
        }
        if self.offsets.first() != Some(&0) {
            return invalid("offsets must start with 0".into());
        }
        if self.offsets.last().map(|last| *last as usize) != Some(n_entries) {
            return invalid(format!(
                "offsets must end with the number of entries, {n_entries}"
            ));
        }
        if let Some(token) = self.offsets.windows(2).position(|pair| pair[0] > pair[1]) {
            return invalid(format!(
                "the offsets of token {token} fall; they must never fall"
            ));
        }
        (0..self.n_tokens()).try_for_each(|token| self.validate_token(token, n_experts))
    }

    /// Lists the fields, for specs that carry a recorded plan.
    pub(crate) fn visit(&mut self, fields: &mut impl Fields) {
        let mut offsets = self.offsets.iter().map(|x| *x as usize).collect();
        let mut experts = self.expert_idx.iter().map(|x| usize::from(*x)).collect();
        fields.counts("replay_offsets", &mut offsets);
        fields.counts("replay_experts", &mut experts);
        fields.reals("replay_weights", &mut self.combine_weights);
        self.offsets = offsets.into_iter().map(|x| x as u32).collect();
        // An index that does not fit becomes the highest, which no layer has.
        self.expert_idx = experts
            .into_iter()
            .map(|x| u16::try_from(x).unwrap_or(u16::MAX))
            .collect();
    }

    fn validate_token(&self, token: usize, n_experts: usize) -> Result<(), RoutingError> {
        let experts = self.experts(token);
        for (slot, expert) in experts.iter().enumerate() {
            if usize::from(*expert) >= n_experts {
                return invalid(format!(
                    "token {token} names expert {expert}; there are {n_experts}, counted from 0"
                ));
            }
            if experts[..slot].contains(expert) {
                return invalid(format!("token {token} names expert {expert} twice"));
            }
        }
        match self
            .weights(token)
            .iter()
            .find(|weight| !weight.is_finite())
        {
            Some(weight) => invalid(format!(
                "token {token} has a weight of {weight}; weights must be finite"
            )),
            None => Ok(()),
        }
    }
}

fn invalid(reason: String) -> Result<(), RoutingError> {
    Err(RoutingError::PlanInvalid { reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(offsets: &[u32], experts: &[u16], weights: &[f32]) -> RoutingPlan {
        RoutingPlan {
            offsets: offsets.to_vec(),
            expert_idx: experts.to_vec(),
            combine_weights: weights.to_vec(),
        }
    }

    #[test]
    fn a_plan_with_an_idle_token_is_valid() {
        let plan = plan(&[0, 2, 2], &[3, 1], &[0.5, 0.5]);
        assert_eq!(plan.validate(4), Ok(()));
        assert_eq!(plan.experts(0), [3, 1]);
        assert!(plan.experts(1).is_empty());
    }

    #[test]
    fn every_broken_invariant_is_named() {
        let broken = [
            (plan(&[0, 1], &[0], &[]), "weights"),
            (plan(&[], &[], &[]), "start with 0"),
            (plan(&[0, 2], &[0], &[1.0]), "end with"),
            (plan(&[0, 2, 1, 1], &[0], &[1.0]), "fall"),
            (plan(&[0, 1], &[4], &[1.0]), "names expert 4"),
            (plan(&[0, 2], &[1, 1], &[0.5, 0.5]), "twice"),
            (plan(&[0, 1], &[1], &[f32::NAN]), "finite"),
        ];
        for (plan, expected) in broken {
            let message = plan.validate(4).unwrap_err().to_string();
            assert!(message.contains(expected), "{message} lacks {expected}");
        }
    }
}
