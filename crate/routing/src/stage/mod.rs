//! The stages of a router, one file each, in the order in which they act.
//!
//! A stage file holds its part of the spec, the rules for it, and what it does to the batch.

pub mod adjust;
pub mod restrict;
pub mod score;
pub mod select;
pub mod weigh;
