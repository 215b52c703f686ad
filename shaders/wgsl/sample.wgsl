// The next token: greedy, or drawn with temperature, top k and top p (Holtzman et al. 2019, arXiv:1904.09751).
// Or, with SCORE, the log-probability of a given next token at every position.
//
// binding 2 logits   [1, V], or [T, V] with SCORE
//         3 results  word 0 token, 1 its log-probability at temperature 1; with SCORE one word a token behind all records
// Grid: 1, or T with SCORE. 256 invocations, as many as a workgroup may have, because there is only one workgroup.
// Top k keeps the k highest logits, then top p the fewest best with that share of what is left; of equals the lower ids.
// For the draw an invocation owns consecutive ids, so that it falls on ids in their order, as on the host.
// Workgroup memory: 3 KiB; three barriers for each sum.
struct Args {
    vocab: u32,
    is_score: u32,
    // Words of records of one token over all layers.
    trace_words: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> results: array<u32>;

/// The invocation whose ids the draw falls on.
var<workgroup> owner: atomic<u32>;

@compute @workgroup_size(256)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let row = group.x * args.vocab;
    let best = likeliest(row, thread);
    let highest = unkey(best.x);
    let is_score = args.is_score != 0u;
    let is_drawn = !is_score && bitcast<f32>(run[TEMPERATURE]) > 0.0;
    var cut = Cut(0u, 0.0);
    if is_drawn {
        cut = kept(highest, thread);
    }
    let span = (args.vocab + 255u) / 256u;
    let first = min(thread * span, args.vocab);
    let end = min(first + span, args.vocab);
    var mass = 0.0;
    var equals = 0.0;
    for (var id = first; id < end; id++) {
        mass += exp(logits[row + id] - highest);
        equals += select(0.0, 1.0, key(logits[row + id]) == cut.key);
    }
    let log_mass = log(sums(mass, thread).all);
    if is_score {
        if thread == 0u {
            let place = 16u + args.trace_words * run[N_TOKENS] + group.x;
            results[place] = bitcast<u32>(logits[row + run[run[TARGETS] + group.x]] - highest - log_mass);
        }
        return;
    }
    var chosen = ~best.y;
    var writer = 0u;
    if is_drawn {
        equals = sums(equals, thread).before;
        let part = walk(first, end, cut, equals, highest, 1e30).mass;
        let masses = sums(part, thread);
        // The last invocation that has something and does not begin behind the draw.
        let draw = bitcast<f32>(run[DRAW]) * masses.all;
        if part > 0.0 && masses.before <= draw {
            atomicMax(&owner, thread);
        }
        workgroupBarrier();
        writer = atomicLoad(&owner);
        if thread == writer && part > 0.0 {
            chosen = walk(first, end, cut, equals, highest, draw - masses.before).last;
        }
    }
    if thread == writer {
        results[0] = chosen;
        results[1] = bitcast<u32>(logits[chosen] - highest - log_mass);
    }
}
