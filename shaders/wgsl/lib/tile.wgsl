// A tile of a matrix product: four rows of input by four rows of weights, in the registers of one invocation.
//
// A quad of columns is eight loads for sixteen dot products, straight from storage: neighbours read the same rows, which
// are in the cache by then. Tiles that a workgroup shares through its memory would read less, and wait at two barriers for
// 32 columns; in software, where an invocation that waits is a coroutine, that took five times as long.
// The kernel declares `weights`, `input` and `gain`.
struct Tile {
    columns: u32,
    scales: u32,
    has_norm: bool,
    epsilon: f32,
}

/// Products of these rows of input, each a column of the result, with these rows of weights.
fn multiply(tile: Tile, input_rows: vec4<u32>, weight_rows: vec4<u32>) -> mat4x4<f32> {
    let quads = tile.columns / 4u;
    let x = input_rows * quads;
    let first = weight_rows * (quads >> FORMAT);
    // Four variables, for an array would not be in registers.
    var y0 = vec4(0.0);
    var y1 = vec4(0.0);
    var y2 = vec4(0.0);
    var y3 = vec4(0.0);
    var squares = vec4(0.0);
    for (var at = 0u; at < quads; at++) {
        let w = mat4x4(
            weight(first.x, at, tile.scales), weight(first.y, at, tile.scales),
            weight(first.z, at, tile.scales), weight(first.w, at, tile.scales));
        let x0 = input[x.x + at];
        let x1 = input[x.y + at];
        let x2 = input[x.z + at];
        let x3 = input[x.w + at];
        var factors = vec4(1.0);
        if tile.has_norm {
            squares += vec4(dot(x0, x0), dot(x1, x1), dot(x2, x2), dot(x3, x3));
            factors = gain[at];
        }
        // A row vector times columns: four dot products.
        y0 += (x0 * factors) * w;
        y1 += (x1 * factors) * w;
        y2 += (x2 * factors) * w;
        y3 += (x3 * factors) * w;
    }
    if !tile.has_norm {
        return mat4x4(y0, y1, y2, y3);
    }
    let rms = inverseSqrt(squares / f32(tile.columns) + tile.epsilon);
    return mat4x4(y0 * rms.x, y1 * rms.y, y2 * rms.z, y3 * rms.w);
}
