// A matrix times one token at a time, with RMS norm of the input before it: y = W (x / rms(x) * gain) + bias.
// For decoding, where reading the matrix once is the whole cost.
//
// binding 2 weights  [N, K]  any format
//         3 input    [T, K]
//         4 gain     [K]     of the norm; not read without NORM
//         5 bias     [N]     not read without BIAS
//         6 output   [T, N]  added to with ADD; row 0 alone with LAST, for the last token alone
// Grid: (N / (256 / LANES), T). Workgroups, workgroup memory and why: lib/lanes.wgsl.
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

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let is_last = (args.flags & LAST) != 0u;
    let has_norm = (args.flags & NORM) != 0u;
    let token = select(group.y, run[N_TOKENS] - 1u, is_last);
    let row = first_row(group.x, thread);
    // Rows beyond the last compute the last one again and write nothing.
    let rows = min(row + vec4(0u, 1u, 2u, 3u), vec4(args.rows - 1u));
    let own = multiply(thread, rows, token * (args.columns / 4u), has_norm);
    let sums = add_lanes(thread, own);
    if thread % LANES != 0u {
        return;
    }
    var products = sums.products;
    if has_norm {
        products *= inverseSqrt(sums.squares / f32(args.columns) + args.epsilon);
    }
    for (var i = 0u; i < 4u && row + i < args.rows; i++) {
        var y = products[i];
        if (args.flags & BIAS) != 0u {
            y += bias[row + i];
        }
        let at = select(token, 0u, is_last) * args.rows + row + i;
        if (args.flags & ADD) != 0u {
            y += output[at];
        }
        output[at] = y;
    }
}
