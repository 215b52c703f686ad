// Down projections for many tokens, rows sorted by expert; combine.wgsl adds them up.
//
// binding 2 weights  [S * D, F]  of all experts, any format
//         3 input    [rows, F]   from grouped_up.wgsl
//         4 gain                 not read
//         5 groups               rows and tiles (lib/groups.wgsl)
//         6 output   [rows, D]
// Grid: (D / 64, as many tiles as the choices could need). Workgroup memory and the rest: lib/tile.wgsl.
struct Args {
    d_model: u32,
    columns: u32,
    scales: u32,
    max_tiles: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> input: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> gain: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read> groups: array<u32>;
@group(0) @binding(6) var<storage, read_write> output: array<f32>;

var<private> expert: u32;
var<private> first_d: u32;
var<private> first_row: u32;

fn weight_row(n: u32) -> u32 {
    return select(NO_ROW, expert * args.d_model + first_d + n, first_d + n < args.d_model);
}

fn input_row(m: u32) -> u32 {
    let token = groups[TILE_EXPERTS + args.max_tiles + first_row + m];
    return select(first_row + m, NO_ROW, token == NO_TOKEN);
}

@compute @workgroup_size(64)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    if group.y >= groups[0] {
        return;
    }
    expert = groups[TILE_EXPERTS + group.y];
    first_d = group.x * 64u;
    first_row = group.y * 16u;
    var n_rows = 0u;
    for (var m = 0u; m < 16u; m++) {
        n_rows += select(1u, 0u, groups[TILE_EXPERTS + args.max_tiles + group.y * 16u + m] == NO_TOKEN);
    }
    let products = multiply(Tile(args.columns, args.scales, false, 0.0, n_rows), thread);
    for (var i = 0u; i < 4u; i++) {
        let m = thread / 16u * 4u + i;
        for (var j = 0u; j < 4u; j++) {
            let d = first_d + thread % 16u + 16u * j;
            if m < n_rows && d < args.d_model {
                output[(first_row + m) * args.d_model + d] = products[i][j];
            }
        }
    }
}
