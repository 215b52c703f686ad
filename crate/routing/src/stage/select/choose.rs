//! Marks the chosen experts of one token and lists those that act.

use super::Select;
use crate::batch::Batch;
use crate::context::RouterContext;
use crate::matrix::ranked_expert;
use crate::stage::restrict::Restrict;
use crate::trace::Verdict;

impl Select {
    /// Lets the experts of the previous token gain their margin.
    pub(super) fn prepare_row(&self, context: &RouterContext, token: usize, batch: &mut Batch) {
        let Self::Sticky { margin, .. } = self else {
            return;
        };
        let row = batch.row(token);
        let previous = match token {
            0 => context.previous_token,
            _ => batch.picks.experts(token - 1),
        };
        for expert in previous {
            if let Some(score) = batch.selection_tw[row.clone()].get_mut(usize::from(*expert)) {
                *score += margin;
            }
        }
    }

    /// Marks the chosen experts of one token as selected.
    pub(super) fn mark_row(
        &self,
        context: &RouterContext,
        restrict: &Restrict,
        ranked: &[u64],
        token: usize,
        batch: &mut Batch,
    ) {
        let row = batch.row(token);
        let verdicts = &mut batch.verdicts_tw[row.clone()];
        match (self, context.previous_layer) {
            (Self::ExpertChoice {}, _) => {}
            (Self::Rank { ranks }, _) => {
                let at_ranks = ranks.iter().filter_map(|rank| ranked.get(*rank));
                select_all(at_ranks, verdicts);
            }
            (Self::PreviousLayer { .. }, Some(plan)) => {
                let before = plan.experts(token);
                let again = |key: &&u64| before.contains(&(ranked_expert(**key) as u16));
                select_all(ranked.iter().filter(again), verdicts);
            }
            _ => {
                let n = self.count(
                    ranked,
                    &batch.scores_tw[row.clone()],
                    &batch.selection_tw[row],
                );
                select_best(n, restrict.count_forced, ranked, verdicts);
                self.blame_nulls(ranked, batch.n_experts, verdicts);
            }
        }
    }

    /// Tells the experts that null experts kept out of a place so.
    fn blame_nulls(&self, ranked: &[u64], n_experts: usize, verdicts: &mut [Verdict]) {
        let mut taken = verdicts[n_experts..].iter().filter(|v| v.acts()).count();
        for key in ranked {
            if taken == 0 {
                break;
            }
            let expert = ranked_expert(*key);
            if expert < n_experts && verdicts[expert] == self.refusal() {
                verdicts[expert] = Verdict::BeatenByNull;
                taken -= 1;
            }
        }
    }
}

/// Marks the `n` best as selected; forced experts act anyway and may count towards `n`.
fn select_best(n: usize, count_forced: bool, ranked: &[u64], verdicts: &mut [Verdict]) {
    let is_forced = |verdict: &Verdict| *verdict == Verdict::Forced;
    let n_forced = verdicts.iter().filter(|v| is_forced(v)).count();
    let mut places = n.saturating_sub(if count_forced { n_forced } else { 0 });
    for key in ranked {
        if places == 0 {
            break;
        }
        if !is_forced(&verdicts[ranked_expert(*key)]) {
            select_all(std::iter::once(key), verdicts);
            places -= 1;
        }
    }
}

/// Marks experts as selected; a disabled one that keeps its place uses it up and stays silent.
fn select_all<'a>(keys: impl Iterator<Item = &'a u64>, verdicts: &mut [Verdict]) {
    for key in keys {
        let verdict = &mut verdicts[ranked_expert(*key)];
        if !matches!(verdict, Verdict::Disabled | Verdict::Forced) {
            *verdict = Verdict::Selected;
        }
    }
}

/// Appends one token's acting experts: ranked ones first, then forced ones that are excluded.
pub(super) fn push_acting(ranked: &[u64], token: usize, batch: &mut Batch) {
    let row = batch.row(token);
    let (verdicts, scores) = (&batch.verdicts_tw[row.clone()], &batch.selection_tw[row]);
    let acting = ranked
        .iter()
        .map(|key| ranked_expert(*key))
        .filter(|expert| verdicts[*expert].acts());
    batch
        .picks
        .expert_idx
        .extend(acting.map(|expert| expert as u16));
    if verdicts.contains(&Verdict::Forced) {
        let excluded = (0..verdicts.len()).filter(|expert| {
            verdicts[*expert] == Verdict::Forced && scores[*expert] == f32::NEG_INFINITY
        });
        batch
            .picks
            .expert_idx
            .extend(excluded.map(|expert| expert as u16));
    }
    batch
        .picks
        .offsets
        .push(batch.picks.expert_idx.len() as u32);
}
