// Down projections for many tokens, rows sorted by expert; combine.wgsl adds them up.
//
// binding 2 weights  [S * D, F]  of all experts, any format
//         3 input    [rows, F]   from grouped_up.wgsl
//         4 gain                 not read
//         5 groups               rows and tiles (lib/groups.wgsl)
//         6 output   [rows, D]   D is a multiple of 4
// Grid: (D / 256, as many tiles as the choices could need). A tile is 4 rows by 4 columns of the output (lib/tile.wgsl);
// rows without a token are whatever the input holds there, and nobody reads them.
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
@group(0) @binding(6) var<storage, read_write> output: array<vec4<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let d = invocation.x * 4u;
    if invocation.y >= groups[0] || d >= args.d_model {
        return;
    }
    let row = invocation.y * TILE;
    let expert = groups[TILE_EXPERTS + invocation.y];
    let weight_rows = expert * args.d_model + d + vec4(0u, 1u, 2u, 3u);
    let tile = Tile(args.columns, args.scales, false, 0.0);
    var products = multiply(tile, row + vec4(0u, 1u, 2u, 3u), weight_rows);
    for (var i = 0u; i < TILE; i++) {
        output[((row + i) * args.d_model + d) / 4u] = products[i];
    }
}
