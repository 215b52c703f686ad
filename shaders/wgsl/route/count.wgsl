// Stage select of route.wgsl, continued: how many of the ranked columns each method takes, and recorded choices.

/// Selection score by rank.
fn best(rank: u32) -> f32 {
    return selection[ranked[rank]];
}

/// The number of best columns to take; forced ones are part of it.
fn count() -> u32 {
    let method = whole(AT_METHOD);
    let is_gap = method == GAP_METHOD;
    let has_share = (method >= TOP_P_METHOD && method <= MIN_P_METHOD) || method == N_SIGMA_METHOD;
    if !has_share && !is_gap {
        let is_dense = method == 7u;
        return select(whole(AT_SETTING), n_ranked, is_dense);
    }
    // The gap has bounds only; the others have their number before them.
    let bounds = select(AT_SETTING + 1u, AT_SETTING, is_gap);
    let maximum = whole(bounds + 1u);
    let most = select(min(maximum, n_ranked), n_ranked, maximum == 0u);
    let least = min(whole(bounds), most);
    if n_ranked == 0u {
        return 0u;
    }
    var n = 0u;
    let setting = real(AT_SETTING);
    if is_gap {
        n = largest_gap(least, most);
    } else if method == TOP_P_METHOD {
        n = prefix_above(setting);
    } else {
        var floor_score = setting;
        if method == MIN_P_METHOD {
            floor_score = setting * best(0u);
        } else if method == N_SIGMA_METHOD {
            floor_score = best(0u) - setting * deviation();
        }
        // The threshold itself is below; the floors of the others are not.
        let is_strict = method == THRESHOLD_METHOD;
        while n < n_ranked && (best(n) > floor_score || (!is_strict && best(n) == floor_score)) {
            n++;
        }
    }
    return clamp(n, least, most);
}

/// The length of the first prefix whose scores sum to more than a share of the whole.
fn prefix_above(share: f32) -> u32 {
    var whole_mass = 0.0;
    for (var i = 0u; i < n_ranked; i++) {
        whole_mass += scores[ranked[i]];
    }
    var sum = 0.0;
    for (var i = 0u; i < n_ranked; i++) {
        sum += scores[ranked[i]];
        if !(sum <= share * whole_mass) {
            return i + 1u;
        }
    }
    return n_ranked + 1u;
}

fn deviation() -> f32 {
    var sum = 0.0;
    for (var i = 0u; i < n_ranked; i++) {
        sum += best(i);
    }
    let mean = sum / f32(n_ranked);
    var squares = 0.0;
    for (var i = 0u; i < n_ranked; i++) {
        squares += (best(i) - mean) * (best(i) - mean);
    }
    return sqrt(squares / f32(n_ranked));
}

/// Where to cut, between `least` and `most`, so that the drop is largest; of equal drops the first.
fn largest_gap(least: u32, most: u32) -> u32 {
    var cut = most;
    var has_drop = false;
    var drop = 0.0;
    for (var n = max(least, 1u); n <= min(most, n_ranked - 1u); n++) {
        let this_drop = best(n - 1u) - best(n);
        if !has_drop || this_drop > drop {
            has_drop = true;
            drop = this_drop;
            cut = n;
        }
    }
    return cut;
}

/// A recorded choice in its own order, without disabled experts; nothing is forced.
fn replay(token: u32) {
    for (var expert = 0u; expert < args.n_experts; expert++) {
        if verdicts[expert] == FORCED {
            verdicts[expert] = refusal();
        }
    }
    let position = run[POSITION] + token;
    for (var slot = entry(AT_SETTING, position); slot < entry(AT_SETTING, position + 1u); slot++) {
        let expert = entry(AT_SETTING + 2u, slot);
        if verdicts[expert] != DISABLED {
            verdicts[expert] = SELECTED;
            // Its weight waits in `weights` until `weigh` decides whether it acts.
            weights[n_picks] = bitcast<f32>(entry(AT_SETTING + 4u, slot));
            pick(expert);
        }
    }
}
