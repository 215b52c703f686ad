// Down projections of the chosen experts, weighted, summed and added to the residual stream:
// output += sum over slots of weight * (W h).
//
// binding 2 weights  [S * D, F]      of all experts, any format
//         3 hidden   [T * slots, F]  from expert_up.wgsl
//         4 records                  who acts with which weight (lib/record.wgsl)
//         5 output   [T, D]          added to
// Grid: (D / 8, T). 8 rows by 8 lanes as in matvec.wgsl; a workgroup goes through all slots of its token, so that
// the sum needs neither atomics nor another dispatch.
// Workgroup memory: 256 bytes; one barrier.
struct Args {
    d_model: u32,
    columns: u32,
    scales: u32,
    moe_layer: u32,
    record_words: u32,
    n_slots: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> hidden: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> records: array<u32>;
@group(0) @binding(5) var<storage, read_write> output: array<f32>;

var<workgroup> partial: array<f32, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let token = group.y;
    let record = record_at(args.moe_layer, token, args.record_words);
    let lane = thread & 7u;
    let row = group.x * 8u + (thread >> 3u);
    let quads = args.columns / 4u;
    let chunks = quads >> FORMAT;
    var sum = 0.0;
    for (var slot = 0u; slot < records[record + COUNT]; slot++) {
        let expert = records[record + IDS + slot];
        let weight = bitcast<f32>(records[record + IDS + args.n_slots + slot]);
        let first = (expert * args.d_model + min(row, args.d_model - 1u)) * chunks;
        let h = (token * run[SLOTS] + slot) * quads;
        for (var c = lane; c < chunks; c += 8u) {
            let chunk = weights[first + c];
            var product = 0.0;
            for (var i = 0u; i < quads_per_chunk(); i++) {
                product += dot(quad(chunk, i), hidden[h + (c << FORMAT) + i]);
            }
            sum += weight * product * scale(first + c, args.scales);
        }
    }
    partial[thread] = sum;
    workgroupBarrier();
    if lane != 0u || row >= args.d_model {
        return;
    }
    for (var other = 1u; other < 8u; other++) {
        sum += partial[thread + other];
    }
    output[token * args.d_model + row] += sum;
}
