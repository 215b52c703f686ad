// Floats as integers that sort alike, so that infinities, ties and zeros compare as on the host.
const MINUS_INFINITY = 0xff800000u;
const PLUS_INFINITY = 0x7f800000u;

/// A key that grows with the value; -0 and +0 share one.
fn key(value: f32) -> u32 {
    let bits = bitcast<u32>(value);
    if bits == 0x80000000u {
        return 0x80000000u;
    }
    return select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
}

/// The value of a key.
fn unkey(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, key >> 31u == 1u));
}

fn is_minus_infinity(value: f32) -> bool {
    return bitcast<u32>(value) == MINUS_INFINITY;
}

/// As a value, because shaders may not write it as a constant.
fn minus_infinity() -> f32 {
    var bits = MINUS_INFINITY;
    return bitcast<f32>(bits);
}
