// Query and key norms, rotary positions (half-rotation, Su et al. 2021), and the write into the cache.
//
// binding 2 qkv     [T, (H + 2 H_kv) * head_dim]
//         3 gains   q gains, then k gains: [2 * head_dim] per head, [(H + H_kv) * head_dim] over the whole projection
//         4 angles  [positions, head_dim / 2] cosine and sine
//         5 q       [T, H * head_dim]
//         6 cache   [2, H_kv, capacity, head_dim] keys, then values
// Grid: (H + 2 H_kv, T), a workgroup for each head of each token: queries first, then keys, then values.
// Workgroups of 32: half the usual head, so that every invocation has a pair to rotate.
// The output is not the input, because a norm over the whole projection reads what other heads would overwrite.
// Workgroup memory: 128 bytes; one barrier.
const PER_HEAD = 1u;
const WHOLE = 2u;

struct Args {
    n_heads: u32,
    n_kv_heads: u32,
    head_dim: u32,
    capacity: u32,
    norm: u32,
    epsilon: f32,
    // Bound on queries, keys and values; 0 is none.
    clip: f32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> gains: array<f32>;
@group(0) @binding(4) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> q: array<f32>;
@group(0) @binding(6) var<storage, read_write> cache: array<f32>;

var<workgroup> partial: array<f32, 32>;

fn clipped(x: f32) -> f32 {
    return select(x, clamp(x, -args.clip, args.clip), args.clip > 0.0);
}

/// What enters the norm: clipped before it per head, after it over the whole projection.
fn raw(at: u32) -> f32 {
    return select(clipped(qkv[at]), qkv[at], args.norm == WHOLE);
}

@compute @workgroup_size(32)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let head = group.x;
    let token = group.y;
    let n_rotated = args.n_heads + args.n_kv_heads;
    let width = (n_rotated + args.n_kv_heads) * args.head_dim;
    let start = token * width + head * args.head_dim;
    let position = run[POSITION] + token;
    let is_query = head < args.n_heads;
    if head >= n_rotated {
        let value_head = args.n_kv_heads + head - n_rotated;
        for (var d = thread; d < args.head_dim; d += 32u) {
            cache[(value_head * args.capacity + position) * args.head_dim + d] = clipped(qkv[start + d]);
        }
        return;
    }
    // What the norm is taken over: this head, or all heads of its kind.
    var first = start;
    var count = args.head_dim;
    var gain = select(args.head_dim, 0u, is_query);
    if args.norm == WHOLE {
        first = token * width + select(args.n_heads * args.head_dim, 0u, is_query);
        count = select(args.n_kv_heads, args.n_heads, is_query) * args.head_dim;
        gain = head * args.head_dim;
    }
    var squares = 0.0;
    for (var d = thread; d < count; d += 32u) {
        squares += raw(first + d) * raw(first + d);
    }
    partial[thread] = squares;
    workgroupBarrier();
    squares = 0.0;
    for (var other = 0u; other < 32u; other++) {
        squares += partial[other];
    }
    let rms = inverseSqrt(squares / f32(count) + args.epsilon);
    let half = args.head_dim / 2u;
    for (var i = thread; i < half; i += 32u) {
        var pair = vec2(raw(start + i), raw(start + i + half));
        if args.norm != 0u {
            pair *= rms * vec2(gains[gain + i], gains[gain + i + half]);
        }
        if args.norm == WHOLE {
            pair = vec2(clipped(pair.x), clipped(pair.y));
        }
        let angle = angles[position * half + i];
        let turned = vec2(pair.x * angle.x - pair.y * angle.y, pair.y * angle.x + pair.x * angle.y);
        if is_query {
            let at = (token * args.n_heads + head) * args.head_dim + i;
            q[at] = turned.x;
            q[at + half] = turned.y;
        } else {
            let at = ((head - args.n_heads) * args.capacity + position) * args.head_dim + i;
            cache[at] = turned.x;
            cache[at + half] = turned.y;
        }
    }
}
