// A matrix times many tokens, with RMS norm of the input before it: what matvec.wgsl computes, for prompts.
//
// binding 2 weights  [N, K]  any format
//         3 input    [T, K]
//         4 gain     [K]     of the norm; not read without NORM
//         5 bias     [N]     not read without BIAS
//         6 output   [T, N]  added to with ADD
// Grid: (N / 32, T / 32). A workgroup is 8 by 8 tiles (lib/tile.wgsl): a square, so that what one reads others find near.
const NORM = 1u;
const BIAS = 2u;
const ADD = 4u;

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

@compute @workgroup_size(8, 8)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let row = invocation.x * 4u;
    let token = invocation.y * 4u;
    if row >= args.rows || token >= run[N_TOKENS] {
        return;
    }
    // What is beyond the last row or token computes the last one again and writes nothing.
    let tokens = min(token + vec4(0u, 1u, 2u, 3u), vec4(run[N_TOKENS] - 1u));
    let rows = min(row + vec4(0u, 1u, 2u, 3u), vec4(args.rows - 1u));
    let tile = Tile(args.columns, args.scales, (args.flags & NORM) != 0u, args.epsilon);
    var products = multiply(tile, tokens, rows);
    for (var i = 0u; i < 4u && token + i < run[N_TOKENS]; i++) {
        for (var j = 0u; j < 4u && row + j < args.rows; j++) {
            var y = products[i][j];
            if (args.flags & BIAS) != 0u {
                y += bias[row + j];
            }
            let at = (token + i) * args.rows + row + j;
            if (args.flags & ADD) != 0u {
                y += output[at];
            }
            output[at] = y;
        }
    }
}
