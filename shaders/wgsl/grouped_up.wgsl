// Gate and up projections with their activation for many tokens: what expert_up.wgsl computes, rows sorted by expert.
//
// binding 2 weights  [S * 2 F, D]  of all experts: F gate rows, then F up rows each; any format
//         3 input    [T, D]
//         4 gain     [D]           of the norm; not read where it is off
//         5 groups                 rows and tiles (lib/groups.wgsl)
//         6 hidden   [rows, F]
// Grid: (F / 32, as many tiles as the choices could need); workgroups without a tile end at once.
// A tile is 16 tokens by 32 gate rows and the 32 up rows beside them. Workgroup memory and the rest: lib/tile.wgsl.
struct Args {
    d_ff: u32,
    columns: u32,
    scales: u32,
    has_norm: u32,
    epsilon: f32,
    max_tiles: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> groups: array<u32>;
@group(0) @binding(6) var<storage, read_write> hidden: array<f32>;

var<private> expert: u32;
var<private> first_f: u32;
var<private> first_row: u32;

fn weight_row(n: u32) -> u32 {
    let f = first_f + n % 32u;
    return select(NO_ROW, (expert * 2u + n / 32u) * args.d_ff + f, f < args.d_ff);
}

fn input_row(m: u32) -> u32 {
    return groups[TILE_EXPERTS + args.max_tiles + first_row + m];
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if group.y >= groups[0] {
        return;
    }
    expert = groups[TILE_EXPERTS + group.y];
    first_f = group.x * 32u;
    first_row = group.y * 16u;
    var n_rows = 0u;
    for (var m = 0u; m < 16u; m++) {
        n_rows += select(1u, 0u, groups[TILE_EXPERTS + args.max_tiles + group.y * 16u + m] == NO_TOKEN);
    }
    let products = multiply(Tile(args.columns, args.scales, args.has_norm != 0u, args.epsilon, n_rows), thread);
    for (var i = 0u; i < 4u; i++) {
        let m = thread / 16u * 4u + i;
        let activated = products[i].xy / (1.0 + exp(-products[i].xy)) * products[i].zw;
        for (var j = 0u; j < 2u; j++) {
            let f = first_f + thread % 16u + 16u * j;
            if m < n_rows && f < args.d_ff {
                hidden[(first_row + m) * args.d_ff + f] = activated[j];
            }
        }
    }
}
