// Stage restrict of route.wgsl: which columns may and which must be chosen.

/// Excludes columns from selection and notes why.
fn restrict_columns(column: u32, has_groups: bool) {
    let n = args.n_experts;
    let never = minus_infinity();
    var verdict = refusal();
    if is_minus_infinity(adjusted[column]) {
        selection[column] = never;
        verdict = MASKED_BY_GATE;
    }
    if column < n && contains(AT_DISABLED, column) {
        verdict = DISABLED;
        if whole(AT_DISABLED_KEEP) == 0u {
            selection[column] = never;
        }
    }
    if has_groups {
        workgroupBarrier();
        if column < whole(AT_N_GROUPS) {
            scratch[column] = group_score(column);
        }
        workgroupBarrier();
        if column < n && is_closed_group(column / (n / whole(AT_N_GROUPS))) && !is_minus_infinity(selection[column]) {
            selection[column] = select(0.0, never, whole(AT_GROUP_FILL) == 0u);
            verdict = select(OUTSIDE_GROUPS, DISABLED, verdict == DISABLED);
        }
    }
    if column < n && contains(AT_FORCED, column) {
        verdict = FORCED;
    }
    verdicts[column] = verdict;
}

/// The best selection score of a group, or the sum of its two best.
fn group_score(group: u32) -> f32 {
    let size = args.n_experts / whole(AT_N_GROUPS);
    var best = selection[group * size];
    var second = minus_infinity();
    for (var i = 1u; i < size; i++) {
        let score = selection[group * size + i];
        second = max(second, min(best, score));
        best = max(best, score);
    }
    let is_sum = whole(AT_GROUP_SCORE) == 1u && !is_minus_infinity(second);
    return select(best, best + second, is_sum);
}

/// Whether enough groups are better; ties go to the lower group.
fn is_closed_group(group: u32) -> bool {
    var n_better = 0u;
    for (var other = 0u; other < whole(AT_N_GROUPS); other++) {
        let mine = key(scratch[group]);
        let theirs = key(scratch[other]);
        n_better += select(0u, 1u, theirs > mine || (theirs == mine && other < group));
    }
    return n_better >= whole(AT_TOPK_GROUPS) && !is_minus_infinity(scratch[group]);
}
