// Weights in four formats, read one 16-byte chunk at a time and unpacked in registers.
//
// FORMAT      0 float32 | 1 float16 | 2 eight-bit blocks | 3 four-bit blocks
// a chunk is  1 quad    | 2 quads   | 4 quads            | 8 quads of consecutive columns
// Blocks are 32 columns with a float32 scale; scales stand behind all chunks of the matrix, from `scales` on.
// An eight-bit weight is q / 127 * scale, a four-bit weight (q - 8) * scale. Float16 needs no device feature.
// The kernel declares `weights: array<vec4<u32>>`.
override FORMAT: u32 = 0u;

/// Quads in a chunk.
fn quads_per_chunk() -> u32 {
    return 1u << FORMAT;
}

/// Quad `i` of a chunk, before scaling.
fn quad(chunk: vec4<u32>, i: u32) -> vec4<f32> {
    switch FORMAT {
        case 0u: { return bitcast<vec4<f32>>(chunk); }
        case 1u: { return vec4(unpack2x16float(chunk[2u * i]), unpack2x16float(chunk[2u * i + 1u])); }
        case 2u: { return unpack4x8snorm(chunk[i]); }
        default: {
            let word = chunk[i >> 1u] >> ((i & 1u) * 16u);
            return vec4<f32>((vec4(word) >> vec4(0u, 4u, 8u, 12u)) & vec4(15u)) - 8.0;
        }
    }
}

/// Quad `at` of the row whose chunks start at `first`, scaled.
fn weight(first: u32, at: u32, scales: u32) -> vec4<f32> {
    let index = first + (at >> FORMAT);
    return quad(weights[index], at & (quads_per_chunk() - 1u)) * scale(index, scales);
}

/// The scale of chunk `index` of a matrix whose scales start at word `scales`.
fn scale(index: u32, scales: u32) -> f32 {
    if FORMAT < 2u {
        return 1.0;
    }
    let word = scales + (index >> (3u - FORMAT));
    return bitcast<f32>(weights[word >> 2u][word & 3u]);
}
