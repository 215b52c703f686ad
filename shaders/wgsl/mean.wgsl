// The mean over all tokens of a run, each normed before: y = mean of x / rms(x) * gain.
// For the end of a vision model, between the last block and the classifier.
//
// binding 2 input   [T, D]
//         3 gain    [D]
//         4 output  [D]
// Grid: (D / 4 quads over 64). A workgroup goes through the tokens 64 at a time: first an invocation is a token and sums
// its squares, then it is a quad of columns and adds them up. Every workgroup takes all norms anew; there are few.
// 64 invocations, so that a narrow model keeps them busy. Workgroup memory: 256 bytes; two barriers for 64 tokens.
struct Args {
    columns: u32,
    epsilon: f32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read_write> output: array<vec4<f32>>;

/// 1 / rms of each token.
var<workgroup> factors: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quads = args.columns / 4u;
    let at = group.x * 64u + thread;
    let n_tokens = run[N_TOKENS];
    var sum = vec4(0.0);
    for (var start = 0u; start < n_tokens; start += 64u) {
        let n_here = min(64u, n_tokens - start);
        if thread < n_here {
            var squares = 0.0;
            for (var i = 0u; i < quads; i++) {
                let x = input[(start + thread) * quads + i];
                squares += dot(x, x);
            }
            factors[thread] = inverseSqrt(squares / f32(args.columns) + args.epsilon);
        }
        workgroupBarrier();
        if at < quads {
            for (var i = 0u; i < n_here; i++) {
                sum += input[(start + i) * quads + at] * factors[i];
            }
        }
        workgroupBarrier();
    }
    if at < quads {
        output[at] = sum * gain[at] / f32(n_tokens);
    }
}
