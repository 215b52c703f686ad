// Gate and up projections with their activation, for every expert that a token has chosen: h = silu(G n) * (U n),
// where n is the normed input.
//
// binding 2 weights  [S * 2 F, D]  of all experts: F gate rows, then F up rows each; any format
//         3 input    [T, D]
//         4 gain     [D]           of the norm; not read where it is off
//         5 records                who acts (lib/record.wgsl)
//         6 hidden   [T * slots, F]
// Grid: (F / 8, slots, T). Workgroups of slots that a token does not use end at once: a choice of 2 of 128 experts
// reads the weights of 2. As in matvec.wgsl, 8 rows by 8 lanes; a lane carries both halves of its row.
// Workgroup memory: 1 KiB; one barrier.
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
@group(0) @binding(6) var<storage, read_write> hidden: array<f32>;

/// Gate product, up product and sum of squares of each lane.
var<workgroup> partial: array<vec4<f32>, 64>;

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let slot = group.y;
    let token = group.z;
    let record = record_at(args.moe_layer, token, args.record_words);
    if slot >= records[record + COUNT] {
        return;
    }
    let expert = records[record + IDS + slot];
    let lane = thread & 7u;
    let row = group.x * 8u + (thread >> 3u);
    let quads = args.columns / 4u;
    let chunks = quads >> FORMAT;
    let gate = (expert * 2u * args.d_ff + min(row, args.d_ff - 1u)) * chunks;
    let up = gate + args.d_ff * chunks;
    var sums = vec4(0.0);
    for (var c = lane; c < chunks; c += 8u) {
        let gate_chunk = weights[gate + c];
        let up_chunk = weights[up + c];
        var product = vec2(0.0);
        for (var i = 0u; i < quads_per_chunk(); i++) {
            let at = (c << FORMAT) + i;
            var x = input[token * quads + at];
            sums.z += dot(x, x);
            if args.has_norm != 0u {
                x *= gain[at];
            }
            product += vec2(dot(quad(gate_chunk, i), x), dot(quad(up_chunk, i), x));
        }
        sums.x += product.x * scale(gate + c, args.scales);
        sums.y += product.y * scale(up + c, args.scales);
    }
    partial[thread] = sums;
    workgroupBarrier();
    if lane != 0u || row >= args.d_ff {
        return;
    }
    for (var other = 1u; other < 8u; other++) {
        sums += partial[thread + other];
    }
    var rms = 1.0;
    if args.has_norm != 0u {
        rms = inverseSqrt(sums.z / f32(args.columns) + args.epsilon);
    }
    let z = sums.x * rms;
    hidden[(token * run[SLOTS] + slot) * args.d_ff + row] = z / (1.0 + exp(-z)) * sums.y * rms;
}
