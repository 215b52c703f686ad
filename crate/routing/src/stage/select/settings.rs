//! The settings of every method: defaults, names, codes, fields, and what they may be.

use super::Select;
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::plan::RoutingPlan;
use crate::stage::{check, check_range};

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

    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
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
                check_range("select.ranks", ranks, n_experts)?;
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

pub(super) fn default_top_k() -> usize {
    2
}

pub(super) fn default_top_p() -> f32 {
    0.4
}

pub(super) fn default_min_experts() -> usize {
    1
}

pub(super) fn default_min_p() -> f32 {
    0.1
}

pub(super) fn default_ranks() -> Vec<usize> {
    vec![0]
}

pub(super) fn default_margin() -> f32 {
    0.1
}
