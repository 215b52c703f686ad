//! Self-contrast decoding (Shi et al. 2024, "Unchosen Experts Can Contribute Too", arXiv:2405.14507): next-token scores
//! of the usual, strong routing are pushed away from those of a weak routing over the same weights.
//!
//! This file holds the settings, the combination of two rows of logits and what it reports.
//! The two passes, each with a cache of its own, are in `engine/generate.rs`.

use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterSpec};
use serde::{Deserialize, Serialize};

use crate::distribution::{best, divergence, max};
use crate::error::ModelError;
use crate::tokenizer::Token;

/// The weak routing unless given: this expert by rank, counted from 0, alone and with weight 1.
const WEAK_RANK: usize = 2;

/// How many of the best tokens by strong logit, and as many by score, a report shows.
const SHOWN: usize = 4;

/// Settings of self-contrast decoding.
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
#[serde(default, deny_unknown_fields)]
pub struct Contrast {
    /// Routing of the weak pass; unless given, the third best expert alone, or the last of fewer.
    pub weak: Option<ModelRouting>,
    /// A token is valid if strong gives it at least this share of its best probability; above 0 to 1.
    pub alpha: f32,
    /// How far scores move away from weak; from 0, which leaves the strong scores.
    pub beta: f32,
    /// Divides the strong logits; above 0.
    pub strong_temperature: f32,
    /// Divides the weak logits; above 0.
    pub weak_temperature: f32,
}

impl Default for Contrast {
    fn default() -> Self {
        Self {
            weak: None,
            alpha: 0.1,
            beta: 0.5,
            strong_temperature: 1.0,
            weak_temperature: 1.0,
        }
    }
}

/// What self-contrast did to one choice of a token.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct ContrastReport {
    /// KL(strong || weak) of the next-token distributions, in nats.
    pub divergence: f32,
    /// What the same draw takes without contrast.
    pub strong_token: Token,
    /// The few best tokens, and those taken, by descending strong logit.
    pub candidates: Vec<Candidate>,
}

/// A token that strong, weak or both would like.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Candidate {
    /// The token.
    pub token: Token,
    /// Logit of the strong pass over its temperature.
    pub strong: f32,
    /// Logit of the weak pass over its temperature.
    pub weak: f32,
    /// (1 + beta) strong - beta weak; of an invalid token too, which cannot win by it.
    pub score: f32,
    /// Whether strong finds it plausible.
    pub valid: bool,
}

/// One row of logits against another.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Contrasted {
    /// [V] strong logits over their temperature.
    strong: Vec<f32>,
    /// [V] weak logits over theirs.
    weak: Vec<f32>,
    /// [V] scores before the mask.
    unmasked: Vec<f32>,
    /// [V] scores; minus infinity where strong finds a token implausible.
    pub scores: Vec<f32>,
}

impl Contrast {
    /// The routing of the weak pass on a model of `n_experts` experts.
    pub(crate) fn weak_routing(&self, n_experts: usize) -> ModelRouting {
        let alone = || RouterSpec {
            select: Select::Rank {
                ranks: vec![WEAK_RANK.min(n_experts.saturating_sub(1))],
            },
            ..RouterSpec::default()
        };
        self.weak.clone().unwrap_or_else(|| alone().into())
    }

    pub(crate) fn check(&self) -> Result<(), ModelError> {
        let above_0 = |x: f32| x.is_finite() && x > 0.0;
        let rules = [
            (
                "contrast.alpha",
                self.alpha,
                above_0(self.alpha) && self.alpha <= 1.0,
                "above 0 to 1",
            ),
            (
                "contrast.beta",
                self.beta,
                self.beta.is_finite() && self.beta >= 0.0,
                "a finite number from 0",
            ),
            (
                "contrast.strong_temperature",
                self.strong_temperature,
                above_0(self.strong_temperature),
                "a finite number above 0",
            ),
            (
                "contrast.weak_temperature",
                self.weak_temperature,
                above_0(self.weak_temperature),
                "a finite number above 0",
            ),
        ];
        match rules.into_iter().find(|(_, _, holds, _)| !holds) {
            Some((name, got, _, allowed)) => Err(ModelError::OptionInvalid {
                name,
                got: got.to_string(),
                allowed,
            }),
            None => Ok(()),
        }
    }

    /// Combines the logits of both passes.
    ///
    /// # Shapes
    /// `strong`, `weak`: [V]
    pub(crate) fn combine(&self, strong: &[f32], weak: &[f32]) -> Contrasted {
        let over = |logits: &[f32], temperature: f32| -> Vec<f32> {
            logits.iter().map(|logit| logit / temperature).collect()
        };
        let strong = over(strong, self.strong_temperature);
        let weak = over(weak, self.weak_temperature);
        let cutoff = max(&strong) + self.alpha.ln();
        let unmasked: Vec<f32> = strong
            .iter()
            .zip(&weak)
            .map(|(strong, weak)| (1.0 + self.beta) * strong - self.beta * weak)
            .collect();
        let scores = strong
            .iter()
            .zip(&unmasked)
            .map(|(&strong, &score)| match strong >= cutoff {
                true => score,
                false => f32::NEG_INFINITY,
            })
            .collect();
        Contrasted {
            strong,
            weak,
            unmasked,
            scores,
        }
    }
}

impl Contrasted {
    /// Reports on a choice: `taken` by the scores, `strong_id` by the strong logits alone.
    pub fn report(
        &self,
        taken: u32,
        strong_id: u32,
        token: impl Fn(u32) -> Token,
    ) -> ContrastReport {
        let mut ids = best(&self.strong, SHOWN);
        ids.extend(best(&self.unmasked, SHOWN));
        ids.extend([taken, strong_id]);
        ids.sort_unstable_by(|&a, &b| {
            let logit = |id: u32| self.strong[id as usize];
            logit(b).total_cmp(&logit(a)).then(a.cmp(&b))
        });
        ids.dedup();
        let candidate = |id: u32| {
            let at = id as usize;
            Candidate {
                token: token(id),
                strong: self.strong[at],
                weak: self.weak[at],
                score: self.unmasked[at],
                valid: self.scores[at] > f32::NEG_INFINITY,
            }
        };
        ContrastReport {
            divergence: divergence(&self.strong, &self.weak) as f32,
            strong_token: token(strong_id),
            candidates: ids.into_iter().map(candidate).collect(),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests stop on the first surprise")]
mod tests {
    use super::*;

    const STRONG: [f32; 5] = [3.0, 2.6, 1.0, 0.4, -1.0];
    const WEAK: [f32; 5] = [3.2, 1.5, 1.2, -2.0, -1.0];

    fn token(id: u32) -> Token {
        Token {
            id,
            text: format!("<{id}>"),
            special: false,
        }
    }

    fn winner(contrast: &Contrast) -> u32 {
        best(&contrast.combine(&STRONG, &WEAK).scores, 1)[0]
    }

    #[test]
    fn the_worked_example_of_the_paper_comes_out() {
        let contrasted = Contrast::default().combine(&STRONG, &WEAK);
        let expected = [2.9, 3.15, 0.9];
        for (score, expected) in contrasted.scores.iter().zip(expected) {
            assert!((score - expected).abs() < 1e-6, "{score}, not {expected}");
        }
        assert_eq!(contrasted.scores[3..], [f32::NEG_INFINITY; 2]);
    }

    #[test]
    fn the_winner_changes_where_beta_is_large_enough() {
        for (beta, expected) in [(0.0, 0), (0.1, 0), (0.3, 0), (0.5, 1), (1.0, 1)] {
            let contrast = Contrast {
                beta,
                ..Contrast::default()
            };
            assert_eq!(winner(&contrast), expected, "beta {beta}");
        }
    }

    #[test]
    fn the_mask_keeps_an_implausible_token_from_winning() {
        let contrast = Contrast {
            beta: 2.0,
            ..Contrast::default()
        };
        assert_eq!(winner(&contrast), 1);
        let report = contrast.combine(&STRONG, &WEAK).report(1, 0, token);
        let of = |id: u32| report.candidates.iter().find(|c| c.token.id == id).unwrap();
        assert!((of(3).score - 5.2).abs() < 1e-5 && !of(3).valid);
        assert!((of(1).score - 4.8).abs() < 1e-5 && of(1).valid);
    }

    #[test]
    fn alpha_one_leaves_only_the_best_of_strong() {
        let contrast = Contrast {
            alpha: 1.0,
            beta: 5.0,
            ..Contrast::default()
        };
        assert_eq!(winner(&contrast), 0);
    }

    #[test]
    fn temperatures_divide_before_anything_else() {
        let contrast = Contrast {
            strong_temperature: 2.0,
            weak_temperature: 4.0,
            ..Contrast::default()
        };
        let plain = Contrast::default();
        let scaled = |logits: [f32; 5], by: f32| logits.map(|logit| logit * by);
        assert_eq!(
            contrast.combine(&scaled(STRONG, 2.0), &scaled(WEAK, 4.0)),
            plain.combine(&STRONG, &WEAK)
        );
    }

    #[test]
    fn a_report_lists_each_token_once_by_strong_logit_with_those_taken() {
        let mut strong: Vec<f32> = (0..20).map(|id| 0.0 - id as f32).collect();
        strong[1] = 0.0;
        let weak = vec![0.0; 20];
        let report = Contrast::default()
            .combine(&strong, &weak)
            .report(19, 0, token);
        let ids: Vec<u32> = report.candidates.iter().map(|c| c.token.id).collect();
        assert_eq!(ids, [0, 1, 2, 3, 19]);
        assert_eq!(report.strong_token.id, 0);
    }

    #[test]
    fn every_setting_out_of_range_is_named() {
        let change = |change: fn(&mut Contrast)| {
            let mut contrast = Contrast::default();
            change(&mut contrast);
            contrast
        };
        let bad = [
            (change(|c| c.alpha = 0.0), "contrast.alpha is 0"),
            (change(|c| c.alpha = 1.5), "contrast.alpha is 1.5"),
            (change(|c| c.beta = -0.1), "contrast.beta is -0.1"),
            (change(|c| c.beta = f32::INFINITY), "contrast.beta is inf"),
            (
                change(|c| c.strong_temperature = 0.0),
                "contrast.strong_temperature is 0",
            ),
            (
                change(|c| c.weak_temperature = f32::NAN),
                "contrast.weak_temperature is NaN",
            ),
        ];
        for (contrast, expected) in bad {
            let message = contrast.check().unwrap_err().to_string();
            assert!(message.contains(expected), "{message}");
        }
        assert!(Contrast::default().check().is_ok());
    }

    #[test]
    fn a_model_of_two_experts_has_a_weak_routing_too() {
        let ranks = |n_experts| match Contrast::default().weak_routing(n_experts).default.select {
            Select::Rank { ranks } => ranks,
            other => panic!("{other:?}"),
        };
        assert_eq!((ranks(8), ranks(2)), (vec![2], vec![1]));
    }
}
