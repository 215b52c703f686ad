//! What the router saw and why it decided as it did, for every token and every expert.

use serde::{Deserialize, Serialize};

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
}

impl Verdict {
    /// All verdicts; the index is the code.
    pub const ALL: [Self; 5] = [
        Self::Selected,
        Self::Forced,
        Self::OutsideTopK,
        Self::Disabled,
        Self::MaskedByGate,
    ];

    /// The number that stands for this verdict in compact traces.
    #[must_use]
    pub fn code(self) -> u8 {
        self as u8
    }

    /// Whether the expert acts on the token.
    #[must_use]
    pub fn acts(self) -> bool {
        matches!(self, Self::Selected | Self::Forced)
    }
}

/// What happened at one router, for T tokens and E experts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RouterTrace {
    /// T.
    pub n_tokens: usize,
    /// E.
    pub n_experts: usize,
    /// [T, E] after the score stage.
    pub scores_te: Vec<f32>,
    /// [T, E] what selection compared; minus infinity means excluded.
    pub selection_scores_te: Vec<f32>,
    /// [T, E] the reasons.
    pub verdicts_te: Vec<Verdict>,
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
