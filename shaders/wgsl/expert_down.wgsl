// Down projections of the chosen experts, weighted, summed and added to the residual stream:
// output += sum over slots of weight * (W h).
//
// binding 2 weights  [S * D, F]      of all experts, any format
//         3 input    [T * slots, F]  from expert_up.wgsl
//         4 gain                     not read
//         5 records                  who acts with which weight (lib/record.wgsl)
//         6 output   [T, D]          added to; D is a multiple of 4, as the columns of a matrix are
// Grid: (D / (256 / LANES), T). A workgroup goes through all slots of its token, so that the sum needs neither atomics nor
// another dispatch. Workgroups, workgroup memory and why: lib/lanes.wgsl.
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
@group(0) @binding(3) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> records: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let token = group.y;
    let record = record_at(args.moe_layer, token, args.record_words);
    let row = first_row(group.x, thread);
    let rows = min(row + vec4(0u, 1u, 2u, 3u), vec4(args.d_model - 1u));
    var own = Sums(vec4(0.0), 0.0);
    for (var slot = 0u; slot < records[record + COUNT]; slot++) {
        let expert = records[record + IDS + slot];
        let weight = bitcast<f32>(records[record + IDS + args.n_slots + slot]);
        let start = (token * run[SLOTS] + slot) * (args.columns / 4u);
        own.products += weight * multiply(thread, expert * args.d_model + rows, start, false).products;
    }
    let sums = add_lanes(thread, own);
    if thread % LANES == 0u && row < args.d_model {
        output[(token * args.d_model + row) / 4u] += sums.products;
    }
}
