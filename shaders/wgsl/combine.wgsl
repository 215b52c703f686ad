// Adds the weighted outputs of its experts to each token: output += sum over slots of weight * y.
//
// binding 2 y        [rows, D]  from grouped_down.wgsl
//         3 groups              where a token's rows are (lib/groups.wgsl)
//         4 records             who acts with which weight (lib/record.wgsl)
//         5 output   [T, D]     added to
// Grid: (D / 4 quads over 64, T). One quad for each invocation; no workgroup memory, 64 invocations as in embedding.wgsl.
struct Args {
    d_model: u32,
    moe_layer: u32,
    record_words: u32,
    n_slots: u32,
    max_tiles: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> y: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> groups: array<u32>;
@group(0) @binding(4) var<storage, read> records: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quads = args.d_model / 4u;
    let at = group.x * 64u + thread;
    if at >= quads {
        return;
    }
    let token = group.y;
    let record = record_at(args.moe_layer, token, args.record_words);
    var sum = vec4(0.0);
    for (var slot = 0u; slot < records[record + COUNT]; slot++) {
        let expert = records[record + IDS + slot];
        let weight = bitcast<f32>(records[record + IDS + args.n_slots + slot]);
        sum += weight * y[groups[rows_of(token, args.n_slots) + expert] * quads + at];
    }
    output[token * quads + at] += sum;
}
