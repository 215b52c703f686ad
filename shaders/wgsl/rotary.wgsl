// Query and key norms, rotary positions (half-rotation, Su et al. 2021), and the write into the cache.
//
// binding 2 qkv     [T, (H + 2 H_kv) * head_dim], read in quads: head_dim is a multiple of 4, as attention has it
//         3 gains   q gains, then k gains: [2 * head_dim] per head, [(H + H_kv) * head_dim] over the whole projection
//         4 angles  [positions, head_dim / 2] cosine and sine
//         5 q       [T, H * head_dim]
//         6 cache   [2, H_kv, capacity, head_dim] keys, then values
// Grid: ((H + 2 H_kv) * head_dim / 2 pairs over 64, T), queries first, then keys, then values.
// An invocation turns one pair of a head and takes the norm anew, which its neighbours read from the same cache lines: no
// workgroup memory, and no barrier to wait at. 64 invocations as in embedding.wgsl.
// The output is not the input, because a norm over the whole projection reads what other heads would overwrite.
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
@group(0) @binding(2) var<storage, read> qkv: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gains: array<f32>;
@group(0) @binding(4) var<storage, read> angles: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> q: array<f32>;
@group(0) @binding(6) var<storage, read_write> cache: array<f32>;

fn clipped(x: vec4<f32>) -> vec4<f32> {
    return select(x, clamp(x, vec4(-args.clip), vec4(args.clip)), args.clip > 0.0);
}

/// A quad of what enters the norm: clipped before it per head, after it over the whole projection.
fn raw_quad(at: u32) -> vec4<f32> {
    return select(clipped(qkv[at]), qkv[at], args.norm == WHOLE);
}

fn raw(at: u32) -> f32 {
    return raw_quad(at / 4u)[at % 4u];
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let half = args.head_dim / 2u;
    let head = invocation.x / half;
    let i = invocation.x % half;
    let token = invocation.y;
    let n_rotated = args.n_heads + args.n_kv_heads;
    if head >= n_rotated + args.n_kv_heads {
        return;
    }
    let width = (n_rotated + args.n_kv_heads) * args.head_dim;
    let start = token * width + head * args.head_dim;
    let position = run[POSITION] + token;
    let is_query = head < args.n_heads;
    var pair = vec2(raw(start + i), raw(start + i + half));
    if head >= n_rotated {
        let at = ((head - args.n_heads) * args.capacity + position) * args.head_dim + i;
        let kept = clipped(vec4(pair, 0.0, 0.0));
        cache[at] = kept.x;
        cache[at + half] = kept.y;
        return;
    }
    if args.norm != 0u {
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
        for (var at = first / 4u; at < (first + count) / 4u; at++) {
            let x = raw_quad(at);
            squares += dot(x, x);
        }
        let rms = inverseSqrt(squares / f32(count) + args.epsilon);
        pair *= rms * vec2(gains[gain + i], gains[gain + i + half]);
    }
    if args.norm == WHOLE {
        pair = clipped(vec4(pair, 0.0, 0.0)).xy;
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
