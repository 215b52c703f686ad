// Stages adjust and score of route.wgsl: from logits to what selection compares.

/// The largest of the first `n` numbers in `scratch`, or their sum in order, for every invocation.
fn reduce(n: u32, column: u32, is_sum: bool) -> f32 {
    workgroupBarrier();
    if column == 0u {
        var result = select(scratch[0], 0.0, is_sum);
        for (var i = 0u; i < n; i++) {
            result = select(max(result, scratch[i]), result + scratch[i], is_sum);
        }
        reduced = result;
    }
    workgroupBarrier();
    return reduced;
}

/// Fills `adjusted`, `scores` and, for now without restrictions, `selection`.
fn score_columns(token: u32, column: u32, null_rule: u32, is_softmax: bool) {
    let n = args.n_experts;
    var z = 0.0;
    if column < n {
        z = adjust(token, column);
        scratch[column] = z;
    }
    // Without null experts the reductions below would be for nothing; the rule is the same for all invocations.
    if null_rule == 2u {
        let low_high = quantile(column);
        z = select(low_high, z, column < n);
    } else if null_rule == 3u {
        let highest = reduce(n, column, false);
        z = select(highest - real(AT_NULL_LOGIT), z, column < n);
    } else if null_rule == 1u && column >= n {
        z = real(AT_NULL_LOGIT);
    }
    if real(AT_TEMPERATURE) != 1.0 {
        z /= real(AT_TEMPERATURE);
    }
    adjusted[column] = z;
    var score = z;
    if is_softmax {
        workgroupBarrier();
        scratch[column] = z;
        let highest = reduce(width(), column, false);
        score = softmax_term(z, highest);
        workgroupBarrier();
        scratch[column] = score;
        let sum = reduce(width(), column, true);
        score = select(0.0, score / sum, sum > 0.0);
    } else if whole(AT_SCORE) == 1u {
        score = sigmoid(z);
    } else if whole(AT_SCORE) == 2u {
        score = max(z, 0.0);
    }
    scores[column] = score;
    if column < whole(AT_BIAS + 1u) {
        score += bitcast<f32>(entry(AT_BIAS, column));
    }
    selection[column] = score;
}

/// Jitter, offset and noise.
fn adjust(token: u32, column: u32) -> f32 {
    let position = run[POSITION] + token;
    var z = logits[token * args.stride + column];
    if real(AT_JITTER) > 0.0 {
        z *= 1.0 + real(AT_JITTER) * (2.0 * uniform_draw(JITTER_STREAM, position, column) - 1.0);
    }
    if column < whole(AT_OFFSETS + 1u) {
        z += bitcast<f32>(entry(AT_OFFSETS, column));
    }
    if real(AT_NOISE) > 0.0 {
        z += real(AT_NOISE) * noise(whole(AT_NOISE_KIND) == 1u, position, column);
    }
    return z;
}

/// The quantile `null_logit` of the finite logits, interpolated.
fn quantile(column: u32) -> f32 {
    workgroupBarrier();
    var rank = 0u;
    var n_finite = 0u;
    let mine = scratch[min(column, args.n_experts - 1u)];
    for (var other = 0u; other < args.n_experts; other++) {
        let z = scratch[other];
        if (bitcast<u32>(z) & PLUS_INFINITY) != PLUS_INFINITY {
            n_finite++;
            rank += select(0u, 1u, z < mine || (z == mine && other < column));
        }
    }
    workgroupBarrier();
    if column < args.n_experts && (bitcast<u32>(mine) & PLUS_INFINITY) != PLUS_INFINITY {
        scratch[rank] = mine;
    }
    workgroupBarrier();
    if n_finite == 0u {
        return minus_infinity();
    }
    let place = real(AT_NULL_LOGIT) * f32(n_finite - 1u);
    let below = u32(floor(place));
    let low = scratch[below];
    let high = scratch[min(below + 1u, n_finite - 1u)];
    return low + (high - low) * (place - floor(place));
}
