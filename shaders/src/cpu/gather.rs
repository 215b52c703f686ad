//! Twin of `gather.wgsl`.

use super::Slots;

/// Rows of a tile.
pub(super) const TILE: usize = 4;

/// Rows sorted by expert, in tiles of one expert each.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Groups {
    /// Expert of each tile.
    pub tile_experts: Vec<usize>,
    /// Token of each row; none in the rest of a tile.
    pub rows: Vec<Option<usize>>,
    /// `[T, S]` row of each token and slot id.
    pub row_of: Vec<Option<usize>>,
}

/// Sorts the pairs of tokens and experts by expert, then by token.
#[must_use]
pub fn gather(tokens: &[&Slots], n_slots: usize) -> Groups {
    let mut groups = Groups {
        row_of: vec![None; tokens.len() * n_slots],
        ..Groups::default()
    };
    for expert in 0..n_slots {
        for (token, slots) in tokens.iter().enumerate() {
            if slots.iter().any(|(id, _)| *id == expert) {
                groups.row_of[token * n_slots + expert] = Some(groups.rows.len());
                groups.rows.push(Some(token));
            }
        }
        let n_rows = groups.rows.len().next_multiple_of(TILE);
        groups.rows.resize(n_rows, None);
        groups.tile_experts.resize(n_rows / TILE, expert);
    }
    groups
}
