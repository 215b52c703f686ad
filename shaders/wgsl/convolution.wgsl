// A 3x3 convolution over a square grid of cells; beyond the border the nearest cell stands in.
// For the stem of a vision model, where it is a small part of the work.
//
// binding 2 weights  [C_out, 3, 3, C_in]  float32
//         3 bias     [1 or n^2, C_out]    one row for all cells, or one for each
//         4 input    [side^2, C_in]       cells row by row
//         5 output   [n^2, C_out]         n = side / stride, at least 1
// Grid: (n^2 * C_out / 64). One output for each invocation, channels of a cell side by side, so that a workgroup reads few
// cells; no workgroup memory, 64 invocations as in embedding.wgsl.
struct Args {
    side: u32,
    stride: u32,
    inputs: u32,
    outputs: u32,
    bias_rows: u32,
    // Whether a SiLU follows.
    has_silu: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<f32>;
@group(0) @binding(3) var<storage, read> bias: array<f32>;
@group(0) @binding(4) var<storage, read> input: array<f32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

/// The cell that a tap (0, 1 or 2) reads along one side.
fn near(center: u32, tap: u32) -> u32 {
    return min(max(center + tap, 1u) - 1u, args.side - 1u);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let at = invocation.x;
    let n = args.side / args.stride;
    if at >= n * n * args.outputs {
        return;
    }
    let cell = at / args.outputs;
    let channel = at % args.outputs;
    var sum = bias[cell % args.bias_rows * args.outputs + channel];
    for (var tap = 0u; tap < 9u; tap++) {
        let row = near(cell / n * args.stride, tap / 3u);
        let column = near(cell % n * args.stride, tap % 3u);
        let x = (row * args.side + column) * args.inputs;
        let w = (channel * 9u + tap) * args.inputs;
        for (var i = 0u; i < args.inputs; i++) {
            sum += weights[w + i] * input[x + i];
        }
    }
    output[at] = select(sum, sum / (1.0 + exp(-sum)), args.has_silu != 0u);
}
