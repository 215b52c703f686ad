//! What the stages hand from one to the next.

use crate::matrix::rank_key;
use crate::plan::RoutingPlan;
use crate::trace::Verdict;

/// The state of one routing decision.
///
/// W columns are the E experts followed by the null experts, if any, until [`Self::drop_nulls`].
#[derive(Debug)]
pub(crate) struct Batch {
    /// T.
    pub n_tokens: usize,
    /// E.
    pub n_experts: usize,
    /// W.
    pub width: usize,
    /// `[T, W]` logits after the adjust stage.
    pub adjusted_tw: Vec<f32>,
    /// `[T, W]` scores.
    pub scores_tw: Vec<f32>,
    /// `[T, W]` what selection compares.
    pub selection_tw: Vec<f32>,
    /// Whether a selection score of 0 means a closed group, whose experts then weigh nothing.
    pub zero_is_closed: bool,
    /// `[T, W]` reasons.
    pub verdicts_tw: Vec<Verdict>,
    /// The choice: experts in rank order, also those that a later stage drops.
    pub picks: RoutingPlan,
    /// `[T]` how many null experts each token chose; empty without null experts.
    pub null_picks_t: Vec<u16>,
}

impl Batch {
    /// The columns of one token.
    pub fn row(&self, token: usize) -> std::ops::Range<usize> {
        token * self.width..(token + 1) * self.width
    }

    /// The cell of one token and expert.
    pub fn cell(&self, token: usize, expert: u16) -> usize {
        token * self.width + usize::from(expert)
    }

    /// Gives every pick of one token that `lost` names this verdict.
    pub fn mark(&mut self, token: usize, verdict: Verdict, lost: impl Fn(&Self, usize) -> bool) {
        for slot in self.picks.range(token) {
            let cell = self.cell(token, self.picks.expert_idx[slot]);
            if self.verdicts_tw[cell] == Verdict::Selected && lost(self, slot) {
                self.verdicts_tw[cell] = verdict;
            }
        }
    }

    /// Puts the picks of one token back into rank order.
    pub fn sort_picks(&mut self, token: usize) {
        let range = self.picks.range(token);
        let row = self.row(token);
        let scores = &self.selection_tw[row];
        self.picks.expert_idx[range]
            .sort_unstable_by_key(|e| rank_key(scores[usize::from(*e)], usize::from(*e)));
    }

    /// Takes the null experts out again: what they were chosen for is left out.
    pub fn drop_nulls(&mut self) {
        let (width, n_experts) = (self.width, self.n_experts);
        if width == n_experts {
            return;
        }
        let RoutingPlan {
            offsets,
            expert_idx,
            ..
        } = &mut self.picks;
        self.null_picks_t.reserve(self.n_tokens);
        let (mut start, mut n_kept) = (0, 0);
        for offset in &mut offsets[1..] {
            let picked = start..*offset as usize;
            let n_before = n_kept;
            for slot in picked.clone() {
                if usize::from(expert_idx[slot]) < n_experts {
                    expert_idx[n_kept] = expert_idx[slot];
                    n_kept += 1;
                }
            }
            let n_nulls = picked.len() - (n_kept - n_before);
            self.null_picks_t.push(n_nulls as u16);
            start = picked.end;
            *offset = n_kept as u32;
        }
        expert_idx.truncate(n_kept);
        crop(&mut self.adjusted_tw, width, n_experts);
        crop(&mut self.scores_tw, width, n_experts);
        crop(&mut self.selection_tw, width, n_experts);
        crop(&mut self.verdicts_tw, width, n_experts);
        self.width = n_experts;
    }
}

/// Keeps the first `keep` of every `width` columns.
fn crop<T: Copy>(cells: &mut Vec<T>, width: usize, keep: usize) {
    let n_rows = cells.len() / width;
    for row in 1..n_rows {
        cells.copy_within(row * width..row * width + keep, row * keep);
    }
    cells.truncate(n_rows * keep);
}
