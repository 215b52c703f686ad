// Stage select of route.wgsl: which columns are chosen, in rank order.

/// What an allowed expert that is not chosen is told.
fn refusal() -> u32 {
    switch whole(AT_METHOD) {
        case TOP_K_METHOD, STICKY_METHOD: { return OUTSIDE_TOP_K; }
        case TOP_P_METHOD: { return OUTSIDE_TOP_P; }
        case THRESHOLD_METHOD, MIN_P_METHOD, N_SIGMA_METHOD: { return BELOW_THRESHOLD; }
        case GAP_METHOD: { return AFTER_GAP; }
        default: { return NOT_PICKED; }
    }
}

fn acts(verdict: u32) -> bool {
    return verdict == SELECTED || verdict == FORCED;
}

/// Marks a column as chosen; a disabled one that keeps its place uses it up and stays silent.
fn mark(column: u32) {
    if verdicts[column] != DISABLED && verdicts[column] != FORCED {
        verdicts[column] = SELECTED;
    }
}

/// Invocation 0: marks the choice and lists it.
fn choose(token: u32) {
    n_picks = 0u;
    n_nulls = 0u;
    let method = whole(AT_METHOD);
    if method == REPLAY_METHOD {
        replay(token);
        return;
    }
    if method == RANK_METHOD {
        for (var i = 0u; i < whole(AT_SETTING + 1u); i++) {
            if entry(AT_SETTING, i) < n_ranked {
                mark(ranked[entry(AT_SETTING, i)]);
            }
        }
    } else if method == PREVIOUS_LAYER_METHOD && args.moe_layer > 0u {
        let before = record_at(args.moe_layer - 1u, token, args.record_words) + MASK;
        for (var i = 0u; i < n_ranked; i++) {
            if ((records[before + ranked[i] / 32u] >> (ranked[i] % 32u)) & 1u) == 1u {
                mark(ranked[i]);
            }
        }
    } else {
        select_best(count());
        blame_nulls();
    }
    for (var i = 0u; i < n_ranked; i++) {
        if acts(verdicts[ranked[i]]) {
            pick(ranked[i]);
        }
    }
    // Forced experts act even where they are excluded, behind the others.
    for (var expert = 0u; expert < args.n_experts && whole(AT_FORCED + 1u) > 0u; expert++) {
        if verdicts[expert] == FORCED && is_minus_infinity(selection[expert]) {
            pick(expert);
        }
    }
}

fn pick(column: u32) {
    if column < args.n_experts {
        picks[n_picks] = column;
        n_picks++;
    } else {
        n_nulls++;
    }
}

/// The `n` best act; forced experts act anyway and may count towards `n`.
fn select_best(n: u32) {
    var n_forced = 0u;
    for (var i = 0u; i < args.n_experts; i++) {
        n_forced += select(0u, 1u, verdicts[i] == FORCED);
    }
    var places = n - min(n, select(0u, n_forced, whole(AT_COUNT_FORCED) == 1u));
    for (var i = 0u; i < n_ranked && places > 0u; i++) {
        if verdicts[ranked[i]] != FORCED {
            mark(ranked[i]);
            places--;
        }
    }
}

/// Tells the experts that null experts kept out of a place so.
fn blame_nulls() {
    var taken = 0u;
    for (var null_column = args.n_experts; null_column < width(); null_column++) {
        taken += select(0u, 1u, acts(verdicts[null_column]));
    }
    for (var i = 0u; i < n_ranked && taken > 0u; i++) {
        if ranked[i] < args.n_experts && verdicts[ranked[i]] == refusal() {
            verdicts[ranked[i]] = BEATEN_BY_NULL;
            taken--;
        }
    }
}
