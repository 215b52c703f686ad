// Attention over the cache with online softmax (Milakov and Gimelshein 2018, arXiv:1805.02867), grouped queries.
//
// binding 2 q       [T, H, head_dim]
//         3 cache   [2, H_kv, capacity, head_dim] keys, then values
//         4 bias    [H, capacity, capacity] added to the scores, by query and key; not read without BIAS
//         5 output  [T, H, head_dim]
// A query sees the keys up to its own position, or those of the whole run with SEES_ALL.
// Grid: (H, T / QUERIES). A workgroup serves QUERIES consecutive tokens of one head, 1 when decoding and 4 for prompts,
// so that a key read once serves them all. It goes through the keys WIDTH at a time:
// first an invocation is a key and computes its scores, then it is a quad of the head and a stripe of the keys.
// WIDTH is 256 over QUERIES: one token waits for all of its keys, so as many of them as may be are looked at side by side;
// 64 at least, as many as the widest head, 256, has quads.
// Loops over queries end at QUERIES, which the pipeline knows, so that what each invocation has of them is in registers.
// Workgroup memory: 4 KiB of queries, 1 KiB of shares, 5 KiB of sums; three barriers for WIDTH keys.
override QUERIES: u32 = 1u;
override WIDTH: u32 = 256u;
const BIAS = 1u;
const SEES_ALL = 2u;

struct Args {
    n_heads: u32,
    n_kv_heads: u32,
    head_dim: u32,
    capacity: u32,
    flags: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> cache: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> bias: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

var<workgroup> query: array<vec4<f32>, 256>;
var<workgroup> shares: array<f32, 256>;
var<workgroup> sums: array<vec4<f32>, 256>;
var<workgroup> masses: array<f32, 256>;
/// The highest score so far of each query, as its key (lib/order.wgsl).
var<workgroup> best: array<atomic<u32>, 4>;

/// The last key that the query at a position sees, of so many.
fn last_key(position: u32, n_keys: u32) -> u32 {
    return select(position, n_keys - 1u, (args.flags & SEES_ALL) != 0u);
}

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let first = group.y * QUERIES;
    let n_queries = min(QUERIES, run[N_TOKENS] - first);
    let quads = args.head_dim / 4u;
    let keys = head / (args.n_heads / args.n_kv_heads) * args.capacity * quads;
    let values = keys + args.n_kv_heads * args.capacity * quads;
    let position = run[POSITION] + first;
    let n_keys = select(position + n_queries, run[POSITION] + run[N_TOKENS], (args.flags & SEES_ALL) != 0u);
    let scaling = inverseSqrt(f32(args.head_dim));
    for (var i = thread; i < n_queries * quads; i += WIDTH) {
        query[i] = q[((first + i / quads) * args.n_heads + head) * quads + i % quads] * scaling;
    }
    if thread < 4u {
        atomicStore(&best[thread], key(-1e30));
    }
    let stripes = WIDTH / quads;
    let my_quad = thread % quads;
    let my_stripe = thread / quads;
    var mixed: array<vec4<f32>, 4>;
    var mass: array<f32, 4>;
    var reference = array<f32, 4>(-1e30, -1e30, -1e30, -1e30);
    workgroupBarrier();
    for (var start = 0u; start < n_keys; start += WIDTH) {
        let mine = start + thread;
        // Said aloud: Chromium on SwiftShader begins a round with what the round before has left in a bare declaration.
        var scores: array<f32, 4>;
        scores = array<f32, 4>(0.0, 0.0, 0.0, 0.0);
        if mine < n_keys {
            for (var d = 0u; d < quads; d++) {
                let k = cache[keys + mine * quads + d];
                for (var i = 0u; i < QUERIES; i++) {
                    scores[i] += dot(k, query[i * quads + d]);
                }
            }
            for (var i = 0u; i < QUERIES; i++) {
                if (args.flags & BIAS) != 0u && i < n_queries {
                    scores[i] += bias[(head * args.capacity + position + i) * args.capacity + mine];
                }
                if mine <= last_key(position + i, n_keys) {
                    atomicMax(&best[i], key(scores[i]));
                }
            }
        }
        workgroupBarrier();
        for (var i = 0u; i < QUERIES; i++) {
            let highest = unkey(atomicLoad(&best[i]));
            let rescale = exp(reference[i] - highest);
            mixed[i] *= rescale;
            mass[i] *= rescale;
            reference[i] = highest;
            shares[i * WIDTH + thread] = select(0.0, exp(scores[i] - highest), mine <= last_key(position + i, n_keys));
        }
        workgroupBarrier();
        let n_here = min(WIDTH, n_keys - start);
        if my_stripe < stripes {
            for (var j = my_stripe; j < n_here; j += stripes) {
                let v = cache[values + (start + j) * quads + my_quad];
                for (var i = 0u; i < QUERIES; i++) {
                    let share = shares[i * WIDTH + j];
                    mixed[i] += share * v;
                    mass[i] += share;
                }
            }
        }
        workgroupBarrier();
    }
    // Stripes become one; invocations beyond the last stripe have added nothing.
    for (var i = 0u; i < QUERIES; i++) {
        sums[thread] = mixed[i];
        masses[thread] = mass[i];
        workgroupBarrier();
        if thread < quads && i < n_queries {
            var total = vec4(0.0);
            var total_mass = 0.0;
            for (var other = thread; other < stripes * quads; other += quads) {
                total += sums[other];
                total_mass += masses[other];
            }
            output[((first + i) * args.n_heads + head) * quads + thread] = total / total_mass;
        }
        workgroupBarrier();
    }
}
