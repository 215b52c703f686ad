//! Methods in which something else than scores decides: it replaces the selection scores.
//!
//! Excluded experts stay excluded.

use crate::batch::Batch;
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::needs::Need;
use crate::rng::{Rng, Stream};

/// Every token draws a number for every expert.
pub(super) fn random(context: &RouterContext, input: &RouterInput, seed: u32, batch: &mut Batch) {
    let rng = Rng::new(seed, Stream::Random, input.layer);
    for token in 0..batch.n_tokens {
        replace(batch, token, |expert| {
            rng.uniform(context.first_position + token, expert)
        });
    }
}

/// Every token id draws a number for every expert, the same wherever it occurs.
pub(super) fn hash(input: &RouterInput, seed: u32, batch: &mut Batch) -> Result<(), RoutingError> {
    if input.token_ids.len() != batch.n_tokens {
        return Err(RoutingError::NeedMissing {
            need: Need::TokenIds,
        });
    }
    let rng = Rng::new(seed, Stream::Hash, input.layer);
    for (token, id) in input.token_ids.iter().enumerate() {
        replace(batch, token, |expert| rng.uniform(*id as usize, expert));
    }
    Ok(())
}

/// Allowed experts score by how soon it is their turn.
pub(super) fn round_robin(context: &RouterContext, top_k: usize, batch: &mut Batch) {
    for token in 0..batch.n_tokens {
        let row = batch.row(token);
        let allowed: Vec<usize> = (0..batch.n_experts)
            .filter(|expert| batch.selection_tw[row.start + expert] != f32::NEG_INFINITY)
            .collect();
        let next = (context.first_position + token) * top_k;
        for (turn, expert) in allowed.iter().enumerate() {
            let wait = (turn + allowed.len() - next % allowed.len()) % allowed.len();
            batch.selection_tw[row.start + expert] = -(wait as f32);
        }
    }
}

fn replace(batch: &mut Batch, token: usize, key: impl Fn(usize) -> f32) {
    let row = batch.row(token);
    for (expert, score) in batch.selection_tw[row].iter_mut().enumerate() {
        if *score != f32::NEG_INFINITY {
            *score = key(expert);
        }
    }
}
