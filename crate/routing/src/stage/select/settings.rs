//! The settings of every method: their fields, and what they may be.

use super::Select;
use super::methods::{METHODS, default_top_k};
use crate::error::RoutingError;
use crate::fields::Fields;
use crate::stage::{check, check_range};

impl Select {
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
            Self::TopP { top_p, .. } => fields.real("top_p", top_p),
            Self::Threshold { threshold, .. } => fields.real("threshold", threshold),
            Self::MinP { min_p, .. } => fields.real("min_p", min_p),
            Self::NSigma { n_sigma, .. } => fields.real("n_sigma", n_sigma),
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
            Self::Gap { .. }
            | Self::Dense {}
            | Self::ExpertChoice {}
            | Self::External {}
            | Self::Soft {} => {}
        }
        if let Some((min_experts, max_experts)) = self.bounds_mut() {
            fields.count("min_experts", min_experts);
            fields.count("max_experts", max_experts);
        }
    }

    /// The least and the most experts per token, where scores say how many there are; a most of 0 is no maximum.
    fn bounds_mut(&mut self) -> Option<(&mut usize, &mut usize)> {
        match self {
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
            | Self::NSigma {
                min_experts,
                max_experts,
                ..
            }
            | Self::Gap {
                min_experts,
                max_experts,
            } => Some((min_experts, max_experts)),
            _ => None,
        }
    }

    /// What [`Self::bounds_mut`] would change.
    pub(super) fn bounds(&self) -> Option<(usize, usize)> {
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
            | Self::NSigma {
                min_experts,
                max_experts,
                ..
            }
            | Self::Gap {
                min_experts,
                max_experts,
            } => Some((min_experts, max_experts)),
            _ => None,
        }
    }

    pub(crate) fn validate(&self, n_experts: usize) -> Result<(), RoutingError> {
        match self {
            Self::TopP { top_p, .. } => check("select.top_p", *top_p, is_share, "from 0 to 1")?,
            Self::MinP { min_p, .. } => check("select.min_p", *min_p, is_share, "from 0 to 1")?,
            Self::Threshold { threshold, .. } => {
                check("select.threshold", *threshold, |_| true, "a finite number")?;
            }
            Self::NSigma { n_sigma, .. } => {
                check(
                    "select.n_sigma",
                    *n_sigma,
                    |x| x >= 0.0,
                    "a finite number from 0",
                )?;
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
        if let Some((min_experts, max_experts)) = self.bounds()
            && max_experts != 0
            && min_experts > max_experts
        {
            return Err(RoutingError::MinAboveMax {
                min_experts,
                max_experts,
            });
        }
        match self.places() {
            Some(0) => Err(RoutingError::TopKZero { n_experts }),
            Some(top_k) if top_k > n_experts => {
                Err(RoutingError::TopKTooLarge { top_k, n_experts })
            }
            _ => Ok(()),
        }
    }
}

fn is_share(x: f32) -> bool {
    (0.0..=1.0).contains(&x)
}
