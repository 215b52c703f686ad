//! The table of methods: names, codes and default settings.

use super::Select;
use crate::plan::RoutingPlan;

pub(super) const METHODS: &[&str] = &[
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
    "n_sigma",
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
            Self::NSigma {
                n_sigma: default_n_sigma(),
                min_experts,
                max_experts,
            },
        ]
    }

    pub(super) fn code(&self) -> usize {
        let same = |other: &Self| std::mem::discriminant(other) == std::mem::discriminant(self);
        Self::all().iter().position(same).unwrap_or(0)
    }

    /// The same method with its default settings.
    pub(crate) fn reset(&self) -> Self {
        Self::all().into_iter().nth(self.code()).unwrap_or_default()
    }
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

pub(super) fn default_n_sigma() -> f32 {
    1.0
}

pub(super) fn default_ranks() -> Vec<usize> {
    vec![0]
}

pub(super) fn default_margin() -> f32 {
    0.1
}
