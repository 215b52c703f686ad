// Attention over the cache with online softmax, as attention.wgsl computes it, by invocations that work alone: for adapters
// where the processor runs the shader and a barrier costs more than the work between two.
//
// binding 2 q       [T, H, head_dim]
//         3 cache   [2, H_kv, capacity, head_dim] keys, then values
//         4 bias    [H, capacity, capacity] added to the scores, by query and key; not read without BIAS
//         5 output  [T, H, head_dim]
// A query sees the keys up to its own position, or those of the whole run with SEES_ALL.
// Grid: (H / 4, T / 16). An invocation is a head of a token, heads of a token side by side because they see as many keys.
// It goes through the keys four at a time, so that what it reads of the query serves four; no workgroup memory.
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

@compute @workgroup_size(4, 16)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let head = invocation.x;
    let token = invocation.y;
    if head >= args.n_heads || token >= run[N_TOKENS] {
        return;
    }
    let quads = args.head_dim / 4u;
    let keys = head / (args.n_heads / args.n_kv_heads) * args.capacity * quads;
    let values = keys + args.n_kv_heads * args.capacity * quads;
    let position = run[POSITION] + token;
    let last = select(position, run[POSITION] + run[N_TOKENS] - 1u, (args.flags & SEES_ALL) != 0u);
    let own = (token * args.n_heads + head) * quads;
    let biases = (head * args.capacity + position) * args.capacity;
    let scaling = inverseSqrt(f32(args.head_dim));
    var mixed: array<vec4<f32>, 64>;
    var mass = 0.0;
    var reference = -1e30;
    for (var start = 0u; start <= last; start += 4u) {
        let four = vec4(start, start + 1u, start + 2u, start + 3u);
        let at = min(four, vec4(last)) * quads;
        let k = keys + at;
        var scores = vec4(0.0);
        for (var d = 0u; d < quads; d++) {
            scores += q[own + d] * mat4x4(cache[k.x + d], cache[k.y + d], cache[k.z + d], cache[k.w + d]);
        }
        scores *= scaling;
        if (args.flags & BIAS) != 0u {
            scores += vec4(bias[biases + four.x], bias[biases + four.y], bias[biases + four.z], bias[biases + four.w]);
        }
        scores = select(vec4(-1e30), scores, four <= vec4(last));
        let highest = max(reference, max(max(scores.x, scores.y), max(scores.z, scores.w)));
        let rescale = exp(reference - highest);
        let shares = exp(scores - highest);
        mass = mass * rescale + dot(shares, vec4(1.0));
        reference = highest;
        let v = values + at;
        for (var d = 0u; d < quads; d++) {
            mixed[d] = mixed[d] * rescale
                + mat4x4(cache[v.x + d], cache[v.y + d], cache[v.z + d], cache[v.w + d]) * shares;
        }
    }
    for (var d = 0u; d < quads; d++) {
        output[own + d] = mixed[d] / mass;
    }
}
