// A matrix times one token at a time, with RMS norm of the input before it: y = W (x / rms(x) * gain) + bias.
// For decoding, where reading the matrix once is the whole cost.
//
// binding 2 weights  [N, K]  any format
//         3 input    [T, K]
//         4 gain     [K]     of the norm; not read without NORM
//         5 bias     [N]     not read without BIAS
//         6 output   [T, N]  added to with ADD; row 0 alone with LAST, for the last token alone
// Grid: (N / 8, T). A workgroup is 8 rows by 8 lanes: the lanes of a row read 128 consecutive bytes at a time,
// which is a memory transaction on most GPUs, and 64 invocations run everywhere.
// The lanes of a row see the whole input, so they sum its squares on the way and the norm costs no pass of its own.
// Workgroup memory: 512 bytes; one barrier.
const NORM = 1u;
const BIAS = 2u;
const ADD = 4u;
const LAST = 8u;

struct Args {
    rows: u32,
    columns: u32,
    scales: u32,
    flags: u32,
    epsilon: f32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> bias: array<f32>;
@group(0) @binding(6) var<storage, read_write> output: array<f32>;

/// Product and sum of squares of each lane.
var<workgroup> partial: array<vec2<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let is_last = (args.flags & LAST) != 0u;
    let token = select(group.y, run[N_TOKENS] - 1u, is_last);
    let lane = thread & 7u;
    let row = group.x * 8u + (thread >> 3u);
    let quads = args.columns / 4u;
    let chunks = quads >> FORMAT;
    // Rows beyond the last compute the last one again and write nothing.
    let first = min(row, args.rows - 1u) * chunks;
    var sums = vec2(0.0);
    for (var c = lane; c < chunks; c += 8u) {
        let chunk = weights[first + c];
        var product = 0.0;
        for (var i = 0u; i < quads_per_chunk(); i++) {
            let at = (c << FORMAT) + i;
            var x = input[token * quads + at];
            sums.y += dot(x, x);
            if (args.flags & NORM) != 0u {
                x *= gain[at];
            }
            product += dot(quad(chunk, i), x);
        }
        sums.x += product * scale(first + c, args.scales);
    }
    partial[thread] = sums;
    workgroupBarrier();
    if lane != 0u || row >= args.rows {
        return;
    }
    for (var other = 1u; other < 8u; other++) {
        sums += partial[thread + other];
    }
    var y = sums.x;
    if (args.flags & NORM) != 0u {
        y *= inverseSqrt(sums.y / f32(args.columns) + args.epsilon);
    }
    if (args.flags & BIAS) != 0u {
        y += bias[row];
    }
    let at = select(token, 0u, is_last) * args.rows + row;
    if (args.flags & ADD) != 0u {
        y += output[at];
    }
    output[at] = y;
}
