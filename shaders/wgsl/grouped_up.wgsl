// Gate and up projections with their activation for many tokens: what expert_up.wgsl computes, rows sorted by expert.
//
// binding 2 weights  [S * 2 F, D]  of all experts: F gate rows, then F up rows each; any format
//         3 input    [T, D]
//         4 gain     [D]           of the norm; not read where it is off
//         5 groups                 rows and tiles (lib/groups.wgsl)
//         6 hidden   [rows, F]     F is a multiple of 4, as the columns of a matrix are
// Grid: (F / 128, as many tiles as the choices could need); invocations without a tile end at once.
// A tile is 4 tokens by 2 gate rows and the 2 up rows beside them (lib/tile.wgsl); no workgroup memory.
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
@group(0) @binding(6) var<storage, read_write> hidden: array<vec2<f32>>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) invocation: vec3<u32>) {
    let f = invocation.x * 2u;
    if invocation.y >= groups[0] || f >= args.d_ff {
        return;
    }
    let first_row = invocation.y * TILE;
    let tokens = row_tokens() + first_row;
    // Rows without a token compute the first one again and write nothing.
    let first = groups[tokens];
    let row_token = vec4(first, groups[tokens + 1u], groups[tokens + 2u], groups[tokens + 3u]);
    let is_there = row_token != vec4(NO_TOKEN);
    let gate = groups[TILE_EXPERTS + invocation.y] * 2u * args.d_ff + vec2(f, f + 1u);
    let tile = Tile(args.columns, args.scales, args.has_norm != 0u, args.epsilon);
    var products = multiply(tile, select(vec4(first), row_token, is_there), vec4(gate, gate + args.d_ff));
    for (var i = 0u; i < 4u && is_there[i]; i++) {
        let z = products[i].xy;
        hidden[((first_row + i) * args.d_ff + f) / 2u] = z / (1.0 + exp(-z)) * products[i].zw;
    }
}
