// A tile of a matrix product: 16 rows of input by 64 rows of weights, 32 columns at a time through workgroup memory.
//
// 64 invocations, 4 by 16: each owns 4 input rows and 4 weight rows 16 apart, so that 8 quads read from workgroup
// memory feed 64 multiplications. Groups of 4 input rows that are beyond the end compute nothing: 17 tokens cost
// little more than 16. Rows in workgroup memory are 9 quads apart, which spreads them over the banks.
// Workgroup memory: 12 KiB.
// The kernel declares `weights`, `input`, `gain`, and says which rows the tile has:
//   weight_row(n), input_row(m) for n < 64, m < 16; NO_ROW reads as zeros.
const NO_ROW = 0xffffffffu;
const STRIDE = 9u;

var<workgroup> weight_tile: array<vec4<f32>, 576>;
var<workgroup> input_tile: array<vec4<f32>, 144>;
var<workgroup> squares: array<f32, 128>;

struct Tile {
    columns: u32,
    scales: u32,
    has_norm: bool,
    epsilon: f32,
    // Input rows before the end, at most 16.
    n_rows: u32,
}

/// Products of this invocation's input rows `4 m ..` with its weight rows `n, n + 16, n + 32, n + 48`.
fn multiply(tile: Tile, thread: u32) -> array<vec4<f32>, 4> {
    let m = thread / 16u * 4u;
    let n = thread % 16u;
    var products: array<vec4<f32>, 4>;
    var my_squares = vec2(0.0);
    for (var start = 0u; start < tile.columns / 4u; start += 8u) {
        load_weights(tile, start, thread);
        // Two quads of input: of rows thread / 8 and 8 beyond.
        for (var i = 0u; i < 2u; i++) {
            let row = input_row(thread / 8u + 8u * i);
            let at = start + thread % 8u;
            var x = vec4(0.0);
            if row != NO_ROW && at < tile.columns / 4u {
                x = input[row * (tile.columns / 4u) + at];
                my_squares[i] += dot(x, x);
                if tile.has_norm {
                    x *= gain[at];
                }
            }
            input_tile[(thread / 8u + 8u * i) * STRIDE + thread % 8u] = x;
        }
        workgroupBarrier();
        if m < tile.n_rows {
            for (var k = 0u; k < 8u; k++) {
                let w = mat4x4(
                    weight_tile[n * STRIDE + k], weight_tile[(n + 16u) * STRIDE + k],
                    weight_tile[(n + 32u) * STRIDE + k], weight_tile[(n + 48u) * STRIDE + k]);
                for (var i = 0u; i < 4u; i++) {
                    // A row vector times columns: four dot products.
                    products[i] += input_tile[(m + i) * STRIDE + k] * w;
                }
            }
        }
        workgroupBarrier();
    }
    if tile.has_norm {
        squares[thread] = my_squares.x;
        squares[thread + 64u] = my_squares.y;
        workgroupBarrier();
        for (var i = 0u; i < 4u; i++) {
            var sum = 0.0;
            for (var lane = 0u; lane < 8u; lane++) {
                sum += squares[(m + i) * 8u + lane];
            }
            products[i] *= inverseSqrt(sum / f32(tile.columns) + tile.epsilon);
        }
    }
    return products;
}

/// Unpacks 64 rows by 8 quads, chunk by chunk.
fn load_weights(tile: Tile, start: u32, thread: u32) {
    let chunks_per_row = (tile.columns / 4u) >> FORMAT;
    let chunks_here = 8u >> FORMAT;
    for (var i = thread; i < 64u * chunks_here; i += 64u) {
        let n = i / chunks_here;
        let c = (start >> FORMAT) + i % chunks_here;
        let row = weight_row(n);
        let is_there = row != NO_ROW && c < chunks_per_row;
        let index = select(0u, row * chunks_per_row + c, is_there);
        let chunk = weights[index];
        let factor = select(0.0, scale(index, tile.scales), is_there);
        for (var j = 0u; j < quads_per_chunk(); j++) {
            weight_tile[n * STRIDE + ((i % chunks_here) << FORMAT) + j] = quad(chunk, j) * factor;
        }
    }
}
