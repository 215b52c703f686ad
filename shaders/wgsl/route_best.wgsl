// Routing by the best scores alone, as most models were trained: what route.wgsl decides for a RouterSpec that asks for no
// more than a temperature, a score with its bias, disabled experts, top k and weights from scores (src/routing.rs).
// It is there first: a pipeline of it is made in a small part of the time that all strategies take.
//
// binding 2 logits   [T, E], or [T, E + 1] where the last column is the gate of the shared expert
//         3 records  what was decided and why (lib/record.wgsl)
//         4 memory   [layers, 4] a bit for each expert of the last token, for sticky routing
// Grid: T / 64. An invocation is a token and goes through its experts one by one, in the host's order, so that sums round
// alike; no workgroup memory, 64 invocations as in embedding.wgsl.
struct Args {
    n_experts: u32,
    n_shared: u32,
    layer: u32,
    moe_layer: u32,
    record_words: u32,
    // Columns of a row of logits.
    stride: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> records: array<u32>;
@group(0) @binding(4) var<storage, read_write> memory: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let token = invocation.x;
    if token >= run[N_TOKENS] {
        return;
    }
    spec = run[run[SPECS] + args.moe_layer];
    let n = args.n_experts;
    let record = record_at(args.moe_layer, token, args.record_words);
    let columns = record + IDS + 2u * (n + args.n_shared);
    score_columns(token, columns);
    let n_picks = choose(record, columns);
    var sum = 0.0;
    for (var slot = 0u; slot < n_picks; slot++) {
        sum += bitcast<f32>(records[columns + n + records[record + IDS + slot]]);
    }
    let divisor = select(0.0, max(sum + real(AT_EPSILON), real(AT_MIN_SUM)), whole(AT_RENORMALIZE) == 1u);
    var mask: array<u32, 8>;
    for (var slot = 0u; slot < n_picks; slot++) {
        let expert = records[record + IDS + slot];
        let score = bitcast<f32>(records[columns + n + expert]);
        let weight = select(score, score / divisor, divisor != 0.0) * real(AT_SCALE);
        write_slot(record, slot, expert, weight, &mask);
    }
    write_end(token, record, vec2(n_picks, 0u), &mask);
}

/// The logit over the temperature.
fn adjusted(token: u32, expert: u32) -> f32 {
    return logits[token * args.stride + expert] / real(AT_TEMPERATURE);
}

/// Writes logits, scores, selection scores and the verdicts of those that are not chosen.
fn score_columns(token: u32, columns: u32) {
    let n = args.n_experts;
    let function = whole(AT_SCORE);
    var highest = adjusted(token, 0u);
    for (var e = 1u; e < n; e++) {
        highest = max(highest, adjusted(token, e));
    }
    var sum = 0.0;
    for (var e = 0u; e < n && function == 0u; e++) {
        sum += softmax_term(adjusted(token, e), highest);
    }
    var verdicts = 0u;
    for (var e = 0u; e < n; e++) {
        let z = adjusted(token, e);
        var score = z;
        switch function {
            case 0u: { score = select(0.0, softmax_term(z, highest) / sum, sum > 0.0); }
            case 1u: { score = sigmoid(z); }
            case 2u: { score = max(z, 0.0); }
            default: {}
        }
        records[columns + e] = bitcast<u32>(logits[token * args.stride + e]);
        records[columns + n + e] = bitcast<u32>(score);
        if e < whole(AT_BIAS + 1u) {
            score += bitcast<f32>(entry(AT_BIAS, e));
        }
        var verdict = select(OUTSIDE_TOP_K, MASKED_BY_GATE, is_minus_infinity(z));
        if contains(AT_DISABLED, e) {
            verdict = DISABLED;
        }
        records[columns + 2u * n + e] = select(MINUS_INFINITY, bitcast<u32>(score), verdict == OUTSIDE_TOP_K);
        verdicts = select(verdicts, 0u, e % 4u == 0u) | (verdict << (8u * (e % 4u)));
        records[columns + 3u * n + e / 4u] = verdicts;
    }
}

/// Writes the ids of the best, best first and of equals the lower one first; returns how many there are.
fn choose(record: u32, columns: u32) -> u32 {
    let n = args.n_experts;
    var before = 0xffffffffu;
    var expert = 0u;
    for (var slot = 0u; slot < whole(AT_SETTING); slot++) {
        var best = n;
        var highest = ~MINUS_INFINITY;
        for (var e = 0u; e < n; e++) {
            let mine = key(bitcast<f32>(records[columns + 2u * n + e]));
            let is_left = mine < before || (mine == before && e > expert);
            if is_left && mine > highest {
                best = e;
                highest = mine;
            }
        }
        if best == n {
            return slot;
        }
        before = highest;
        expert = best;
        records[record + IDS + slot] = expert;
        records[columns + 3u * n + expert / 4u] &= ~(0xffu << (8u * (expert % 4u)));
    }
    return whole(AT_SETTING);
}
