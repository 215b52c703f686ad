// A matrix times many tokens, with RMS norm of the input before it: what matvec.wgsl computes, for prompts.
//
// binding 2 weights  [N, K]  any format
//         3 input    [T, K]
//         4 gain     [K]     of the norm; not read without NORM
//         5 bias     [N]     not read without BIAS
//         6 output   [T, N]  added to with ADD
// Grid: (N / 64, T / 16). Workgroups, workgroup memory and why: lib/tile.wgsl.
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

var<private> first_row: u32;
var<private> first_token: u32;

fn weight_row(n: u32) -> u32 {
    return select(NO_ROW, first_row + n, first_row + n < args.rows);
}

fn input_row(m: u32) -> u32 {
    return select(NO_ROW, first_token + m, first_token + m < run[N_TOKENS]);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    first_row = group.x * 64u;
    first_token = group.y * 16u;
    let n_rows = run[N_TOKENS] - group.y * 16u;
    let has_norm = (args.flags & NORM) != 0u;
    let products = multiply(Tile(args.columns, args.scales, has_norm, args.epsilon, n_rows), thread);
    for (var i = 0u; i < 4u; i++) {
        let token = input_row(thread / 16u * 4u + i);
        for (var j = 0u; j < 4u; j++) {
            let row = weight_row(thread % 16u + 16u * j);
            if token == NO_ROW || row == NO_ROW {
                continue;
            }
            var y = products[i][j];
            if (args.flags & BIAS) != 0u {
                y += bias[row];
            }
            let at = token * args.rows + row;
            if (args.flags & ADD) != 0u {
                y += output[at];
            }
            output[at] = y;
        }
    }
}
