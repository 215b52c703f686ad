// Gate and up projections with their activation, for every expert that a token has chosen: h = silu(G n) * (U n),
// where n is the normed input.
//
// binding 2 weights  [S * 2 F, D]  of all experts: F gate rows, then F up rows each; any format
//         3 input    [T, D]
//         4 gain     [D]           of the norm; not read where it is off
//         5 records                who acts (lib/record.wgsl)
//         6 hidden   [T * slots, F]  F is a multiple of 4, as the columns of a matrix are
// Grid: (F / (128 / LANES), slots, T). Workgroups of slots that a token does not use end at once: a choice of 2 of 128
// experts reads the weights of 2. The four rows of an invocation are two of the gate and the two of up beside them.
// Workgroups, workgroup memory and why: lib/lanes.wgsl.
struct Args {
    d_ff: u32,
    columns: u32,
    scales: u32,
    has_norm: u32,
    epsilon: f32,
    moe_layer: u32,
    record_words: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> records: array<u32>;
@group(0) @binding(6) var<storage, read_write> hidden: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let slot = group.y;
    let token = group.z;
    let record = record_at(args.moe_layer, token, args.record_words);
    if slot >= records[record + COUNT] {
        return;
    }
    let f = first_row(group.x, thread) / 2u;
    let rows = min(f + vec2(0u, 1u), vec2(args.d_ff - 1u));
    let gate = records[record + IDS + slot] * 2u * args.d_ff + rows;
    let has_norm = args.has_norm != 0u;
    let own = multiply(thread, vec4(gate, gate + args.d_ff), token * (args.columns / 4u), has_norm);
    let sums = add_lanes(thread, own);
    if thread % LANES != 0u || f >= args.d_ff {
        return;
    }
    var rms = 1.0;
    if has_norm {
        rms = inverseSqrt(sums.squares / f32(args.columns) + args.epsilon);
    }
    let z = sums.products.xy * rms;
    let at = ((token * run[SLOTS] + slot) * args.d_ff + f) / 2u;
    hidden[at] = z / (1.0 + exp(-z)) * sums.products.zw * rms;
}
