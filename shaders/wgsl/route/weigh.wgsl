// Stage weigh of route.wgsl: what the chosen experts' outputs are multiplied by, before any normalisation.

/// Whether the weights were recorded with the choice.
fn has_recorded_weights() -> bool {
    return whole(AT_METHOD) == REPLAY_METHOD && whole(AT_SETTING + 6u) == 1u;
}

/// Each invocation a pick: what it weighs before any normalisation.
fn weigh(slot: u32) {
    if slot >= n_picks || has_recorded_weights() {
        return;
    }
    let expert = picks[slot];
    let z = adjusted[expert];
    switch whole(AT_WEIGHTS) {
        case 0u: {
            let fills_with_zero = whole(AT_TOPK_GROUPS) < whole(AT_N_GROUPS) && whole(AT_GROUP_FILL) == 1u;
            weights[slot] = select(scores[expert], 0.0, fills_with_zero && selection[expert] == 0.0);
        }
        case 1u: { weights[slot] = softmax_of_picks(z); }
        case 2u: { weights[slot] = sigmoid(z); }
        case 3u: { weights[slot] = 1.0; }
        default: { weights[slot] = sparse_mixer(slot, z); }
    }
}

fn softmax_of_picks(z: f32) -> f32 {
    var highest = adjusted[picks[0]];
    for (var i = 1u; i < n_picks; i++) {
        highest = max(highest, adjusted[picks[i]]);
    }
    var sum = 0.0;
    for (var i = 0u; i < n_picks; i++) {
        sum += softmax_term(adjusted[picks[i]], highest);
    }
    return select(0.0, softmax_term(z, highest) / sum, sum > 0.0);
}

/// The share of this pick in the softmax over those near it that no earlier pick has taken.
fn sparse_mixer(slot: u32, z: f32) -> f32 {
    var sum = 0.0;
    for (var other = 0u; other < args.n_experts; other++) {
        var is_left = !is_minus_infinity(selection[other]);
        for (var i = 0u; i < slot; i++) {
            is_left = is_left && picks[i] != other;
        }
        let theirs = adjusted[other];
        if is_left && !is_minus_infinity(theirs) {
            let distance = (z - theirs) / max(abs(theirs), z);
            // Infinite logits are as near as their difference is undefined.
            let is_infinite = bitcast<u32>(z) == PLUS_INFINITY;
            if theirs == z || is_infinite || distance <= 2.0 * real(AT_MIXER_JITTER) {
                sum += softmax_term(theirs, z);
            }
        }
    }
    return 1.0 / sum;
}
