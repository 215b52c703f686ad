//! Expert choice (Zhou et al. 2022): each expert takes its best tokens.
//!
//! Needs the whole batch, so it is not causal.

use crate::batch::Batch;
use crate::matrix::{rank_row, ranked_expert};
use crate::trace::Verdict;

/// Every allowed expert selects its `capacity` best tokens; ties go to the earlier token.
pub(super) fn mark(capacity: usize, batch: &mut Batch) {
    let mut ranked = Vec::with_capacity(batch.n_tokens);
    let mut column = Vec::with_capacity(batch.n_tokens);
    for expert in 0..batch.width {
        let cells = (expert..batch.selection_tw.len()).step_by(batch.width);
        column.clear();
        column.extend(cells.map(|cell| batch.selection_tw[cell]));
        rank_row(&column, &mut ranked);
        for key in ranked.iter().take(capacity) {
            let verdict = &mut batch.verdicts_tw[ranked_expert(*key) * batch.width + expert];
            if !matches!(verdict, Verdict::Disabled | Verdict::Forced) {
                *verdict = Verdict::Selected;
            }
        }
    }
}
