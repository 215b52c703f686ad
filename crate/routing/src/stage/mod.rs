//! The stages of a router, one file each, in the order in which they act.
//!
//! A stage file holds its part of the spec, the rules for it, the list of its fields, and
//! what it does to the batch.

pub mod adjust;
pub mod limit;
pub mod prune;
pub mod restrict;
pub mod score;
pub mod select;
pub mod weigh;

use crate::error::RoutingError;

/// Checks that a number of the spec lies in its range; NaN never does.
fn check(
    field: &'static str,
    got: f32,
    holds: impl Fn(f32) -> bool,
    allowed: &'static str,
) -> Result<(), RoutingError> {
    if got.is_finite() && holds(got) {
        Ok(())
    } else {
        Err(RoutingError::NumberInvalid {
            field,
            got,
            allowed,
        })
    }
}

/// Checks that a list with one number per expert is empty or complete, and finite.
fn check_per_expert(
    field: &'static str,
    list: &[f32],
    n_experts: usize,
) -> Result<(), RoutingError> {
    if !list.is_empty() && list.len() != n_experts {
        return Err(RoutingError::ListLength {
            field,
            got: list.len(),
            n_experts,
        });
    }
    list.iter()
        .try_for_each(|value| check(field, *value, |_| true, "finite numbers"))
}

/// Checks that every expert a list names exists.
fn check_range(
    field: &'static str,
    experts: &[usize],
    n_experts: usize,
) -> Result<(), RoutingError> {
    match experts.iter().find(|expert| **expert >= n_experts) {
        Some(expert) => Err(RoutingError::ExpertOutOfRange {
            field,
            expert: *expert,
            n_experts,
        }),
        None => Ok(()),
    }
}
