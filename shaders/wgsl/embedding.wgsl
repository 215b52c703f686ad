// The rows of the embedding that belong to the tokens.
//
// binding 2 weights  [V, D]  embedding, any format
//         3 output   [T, D]
// Grid: (D / 4 quads over 64, T). One quad for each invocation; no workgroup memory.
// Workgroups of 64: a width that every adapter runs at full occupancy, as nothing is shared.
struct Args {
    columns: u32,
    scales: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quads = args.columns / 4u;
    let at = group.x * 64u + thread;
    if at >= quads {
        return;
    }
    let token = group.y;
    let first = run[TOKENS + token] * (quads >> FORMAT);
    output[token * quads + at] = weight(first, at, args.scales);
}
