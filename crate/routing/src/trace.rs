//! What the router saw and why it decided as it did, for every token and every expert.

use serde::{Deserialize, Serialize};

use crate::soft::SoftPlan;

/// Why an expert does or does not act on a token.
///
/// The discriminant is the code in compact traces; codes are never reused.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
#[repr(u8)]
pub enum Verdict {
    /// Chosen by its selection score.
    Selected,
    /// Acts because the spec forces it.
    Forced,
    /// Allowed, but others scored higher.
    OutsideTopK,
    /// Switched off by the spec.
    Disabled,
    /// Its logit is minus infinity: the gate itself rules it out.
    MaskedByGate,
    /// Its group is closed to this token.
    OutsideGroups,
    /// The better ones already make up the share asked for, or the maximum number.
    OutsideTopP,
    /// Its score is below the threshold, or the maximum number was reached.
    BelowThreshold,
    /// It stands behind the largest gap.
    AfterGap,
    /// The method does not go by scores, and did not pick it.
    NotPicked,
    /// Experts choose, and it took other tokens.
    NotTakenByExpert,
    /// Null experts took the place it would have had.
    BeatenByNull,
    /// Chosen, then skipped for its small weight.
    Pruned,
    /// Chosen, then skipped by the threshold of this layer.
    BelowLayerThreshold,
    /// Chosen, then skipped because the token matters little.
    TokenSacrificed,
    /// Chosen, but the token may keep fewer experts.
    OverTokenLimit,
    /// Chosen, but full; the choice is dropped or went to another expert.
    OverCapacity,
    /// Chosen, but full; its weight went to the shared expert.
    OverflowToShared,
    /// Not chosen at first; acts in the place of a full expert.
    TookOverflow,
}

impl Verdict {
    /// All verdicts; the index is the code.
    pub const ALL: [Self; 19] = [
        Self::Selected,
        Self::Forced,
        Self::OutsideTopK,
        Self::Disabled,
        Self::MaskedByGate,
        Self::OutsideGroups,
        Self::OutsideTopP,
        Self::BelowThreshold,
        Self::AfterGap,
        Self::NotPicked,
        Self::NotTakenByExpert,
        Self::BeatenByNull,
        Self::Pruned,
        Self::BelowLayerThreshold,
        Self::TokenSacrificed,
        Self::OverTokenLimit,
        Self::OverCapacity,
        Self::OverflowToShared,
        Self::TookOverflow,
    ];

    /// The number that stands for this verdict in compact traces.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the expert acts on the token.
    #[must_use]
    pub fn acts(self) -> bool {
        matches!(self, Self::Selected | Self::Forced | Self::TookOverflow)
    }

    /// Whether the expert was chosen and then skipped by the prune stage or the token's limit.
    pub(crate) fn is_pruned(self) -> bool {
        matches!(
            self,
            Self::Pruned | Self::BelowLayerThreshold | Self::TokenSacrificed | Self::OverTokenLimit
        )
    }

    /// Whether the expert was allowed and not chosen.
    pub(crate) fn is_open(self) -> bool {
        matches!(
            self,
            Self::OutsideTopK
                | Self::OutsideTopP
                | Self::BelowThreshold
                | Self::AfterGap
                | Self::NotPicked
                | Self::NotTakenByExpert
                | Self::BeatenByNull
        )
    }
}

/// What happened at one router, for T tokens and E experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouterTrace {
    /// T.
    pub n_tokens: usize,
    /// E.
    pub n_experts: usize,
    /// `[T, E]` after the score stage.
    pub scores_te: Vec<f32>,
    /// `[T, E]` what selection compared; minus infinity means excluded.
    pub selection_scores_te: Vec<f32>,
    /// `[T, E]` the reasons.
    pub verdicts_te: Vec<Verdict>,
    /// `[T]` how many null experts each token chose; empty without null experts.
    pub null_picks_t: Vec<u16>,
    /// `[T]` the weight that overflow hands to the shared expert; 0 where there is none.
    pub shared_weights_t: Vec<f32>,
    /// What slots take of tokens, where the method is soft; the plan says what tokens get.
    pub soft: Option<SoftPlan>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_indices_into_the_table() {
        for (index, verdict) in Verdict::ALL.iter().enumerate() {
            assert_eq!(usize::from(verdict.code()), index);
        }
    }

    #[test]
    fn verdicts_serialise_as_snake_case() {
        let json = serde_json::to_string(&Verdict::OutsideTopK).unwrap();
        assert_eq!(json, r#""outside_top_k""#);
    }
}
