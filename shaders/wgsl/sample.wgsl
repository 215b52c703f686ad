// The next token: greedy, or drawn with temperature, top k and top p (Holtzman et al. 2019, arXiv:1904.09751).
// Or, with SCORE, the log-probability of a given next token at every position.
//
// binding 2 logits   [1, V], or [T, V] with SCORE
//         3 results  word 0 token, 1 its log-probability at temperature 1; with SCORE one word a token behind all records
// Grid: 1, or T with SCORE. An invocation owns consecutive ids, so that the draw falls on ids in their order,
// as on the host; 256 invocations, as many as a workgroup may have, because there is only one workgroup.
// Top k keeps the logits that are at least the k-th highest, top p then the fewest best with that share of what is left;
// both thresholds are found by bisection over the 32 bits of a float.
// Workgroup memory: 2 KiB; two barriers for each sum.
const NO_ID = 0xffffffffu;

struct Args {
    vocab: u32,
    is_score: u32,
    // Words of records of one token over all layers.
    trace_words: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

var<workgroup> parts: array<f32, 256>;
var<workgroup> best_ids: array<u32, 256>;

/// The sum of every invocation's part, the same for all.
fn total(part: f32, thread: u32) -> f32 {
    parts[thread] = part;
    workgroupBarrier();
    var sum = 0.0;
    for (var other = 0u; other < 256u; other++) {
        sum += parts[other];
    }
    workgroupBarrier();
    return sum;
}

/// What tokens count for: one each, or their mass above `least`.
fn measure(row: u32, first: u32, end: u32, threshold: u32, least: u32, highest: f32, temperature: f32, by_mass: bool) -> f32 {
    var sum = 0.0;
    for (var id = first; id < end; id++) {
        let logit = logits[row + id];
        if key(logit) >= max(threshold, least) {
            sum += select(1.0, exp((logit - highest) / temperature), by_mass);
        }
    }
    return sum;
}

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * args.vocab;
    let span = (args.vocab + 255u) / 256u;
    let first = min(thread * span, args.vocab);
    let end = min(first + span, args.vocab);
    var best = NO_ID;
    for (var id = first; id < end; id++) {
        if best == NO_ID || logits[row + id] > logits[row + best] {
            best = id;
        }
    }
    best_ids[thread] = best;
    workgroupBarrier();
    for (var other = 0u; other < 256u; other++) {
        let id = best_ids[other];
        // Invocations go by rising ids, so the lower id wins a tie; the first always has one.
        if other == 0u || (id != NO_ID && logits[row + id] > logits[row + best]) {
            best = id;
        }
    }
    let highest = logits[row + best];
    let log_mass = log(total(measure(row, first, end, 0u, 0u, highest, 1.0, true), thread));
    if args.is_score != 0u {
        if thread == 0u {
            let place = 16u + args.trace_words * run[N_TOKENS] + group.x;
            results[place] = bitcast<u32>(logits[row + run[run[TARGETS] + group.x]] - highest - log_mass);
        }
        return;
    }
    let temperature = bitcast<f32>(run[TEMPERATURE]);
    var chosen = best;
    if temperature > 0.0 {
        var least = 0u;
        for (var rule = 0u; rule < 2u; rule++) {
            let by_mass = rule == 1u;
            let top_p = bitcast<f32>(run[TOP_P]);
            let is_off = select(run[TOP_K] == 0u || run[TOP_K] >= args.vocab, top_p >= 1.0, by_mass);
            if is_off {
                continue;
            }
            let whole = total(measure(row, first, end, 0u, least, highest, temperature, by_mass), thread);
            let wanted = select(f32(run[TOP_K]), top_p * whole, by_mass);
            var threshold = 0u;
            for (var bit = 0x80000000u; bit != 0u; bit >>= 1u) {
                let higher = threshold | bit;
                if total(measure(row, first, end, higher, least, highest, temperature, by_mass), thread) >= wanted {
                    threshold = higher;
                }
            }
            least = max(least, threshold);
        }
        let part = measure(row, first, end, 0u, least, highest, temperature, true);
        var left = bitcast<f32>(run[DRAW]) * total(part, thread);
        for (var other = 0u; other < thread; other++) {
            left -= parts[other];
        }
        // The draw falls on this invocation's ids; rounding at the very end leaves the best.
        best_ids[thread] = NO_ID;
        if left >= 0.0 && left < part {
            for (var id = first; id < end && best_ids[thread] == NO_ID; id++) {
                left -= measure(row, id, id + 1u, 0u, least, highest, temperature, true);
                if left < 0.0 {
                    best_ids[thread] = id;
                }
            }
        }
        workgroupBarrier();
        for (var other = 0u; other < 256u; other++) {
            chosen = select(chosen, best_ids[other], best_ids[other] != NO_ID);
        }
    }
    if thread == 0u {
        results[0] = chosen;
        results[1] = bitcast<u32>(logits[row + chosen] - highest - log_mass);
    }
}
