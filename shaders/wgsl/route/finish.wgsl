// Stages prune and limit of route.wgsl, and the end of weigh: who acts after all, and the record of it.

/// Verdicts of picks that are skipped after all.
fn prune() {
    let by_layer = whole(AT_LAYER_THRESHOLDS + 1u) > 0u;
    if real(AT_PRUNE_RATIO) == 0.0 && real(AT_PRUNE_SHARE) == 0.0 && !by_layer {
        return;
    }
    var heaviest = 0.0;
    var total = 0.0;
    for (var i = 0u; i < n_picks; i++) {
        heaviest = max(heaviest, weights[i]);
        total += weights[i];
    }
    var threshold = 0.0;
    var importance = 1.0;
    if by_layer {
        threshold = bitcast<f32>(entry(AT_LAYER_THRESHOLDS, 0u));
        if whole(AT_LAYER_IMPORTANCE + 1u) > 0u {
            importance = bitcast<f32>(entry(AT_LAYER_IMPORTANCE, args.layer));
        }
    }
    for (var i = 0u; i < n_picks; i++) {
        let weight = weights[i];
        if verdicts[picks[i]] != SELECTED {
            continue;
        }
        if weight < real(AT_PRUNE_RATIO) * heaviest || weight < real(AT_PRUNE_SHARE) * total {
            verdicts[picks[i]] = PRUNED;
        } else if importance * weight < threshold * total {
            verdicts[picks[i]] = BELOW_LAYER_THRESHOLD;
        }
    }
}

/// Invocation 0: prunes, limits, normalises, and writes who acts.
fn finish(token: u32) {
    prune();
    let n_limits = whole(AT_PER_TOKEN + 1u);
    if n_limits > 0u {
        let limit = entry(AT_PER_TOKEN, select(token, 0u, n_limits == 1u));
        for (var i = limit; i < n_picks; i++) {
            if verdicts[picks[i]] == SELECTED {
                verdicts[picks[i]] = OVER_TOKEN_LIMIT;
            }
        }
    }
    var divisor = 0.0;
    if whole(AT_RENORMALIZE) == 1u || whole(AT_WEIGHTS) == 1u {
        for (var i = 0u; i < n_picks; i++) {
            if whole(AT_SUM_OVER) == 1u || acts(verdicts[picks[i]]) {
                divisor += weights[i];
            }
        }
        divisor = max(divisor + real(AT_EPSILON), real(AT_MIN_SUM));
    }
    let n_slots = args.n_experts + args.n_shared;
    let record = record_at(args.moe_layer, token, args.record_words);
    var mask: array<u32, 8>;
    var n = 0u;
    for (var i = 0u; i < n_picks; i++) {
        if !acts(verdicts[picks[i]]) {
            continue;
        }
        var weight = weights[i];
        if !has_recorded_weights() {
            weight = select(weight, weight / divisor, divisor != 0.0) * real(AT_SCALE);
        }
        write_slot(record, n, picks[i], weight, &mask);
        n++;
    }
    for (var i = 0u; i < 4u; i++) {
        last[i] = mask[i];
    }
    write_end(token, record, vec2(n, n_nulls), &mask);
}
