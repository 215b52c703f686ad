// Random numbers by position, as in crate/routing/src/rng.rs: pcg4d of Jarzynski and Olano 2020, JCGT 9(3).
const NOISE_STREAM = 1u;
const JITTER_STREAM = 2u;
const RANDOM_STREAM = 3u;
const HASH_STREAM = 4u;

fn mixed(word: vec4<u32>) -> vec4<u32> {
    var v = word;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

fn hashed(stream: u32, token: u32, expert: u32) -> vec4<u32> {
    let seed = whole(AT_SEED) ^ (stream * 0x9e3779b9u);
    let v = mixed(vec4(seed, args.layer, token, expert) * 1664525u + 1013904223u);
    return mixed(v ^ (v >> vec4(16u)));
}

/// Uniform in [0, 1), a multiple of 2^-24.
fn uniform_draw(stream: u32, token: u32, expert: u32) -> f32 {
    return f32(hashed(stream, token, expert).x >> 8u) / 16777216.0;
}

/// Uniform in (0, 1).
fn open_uniform(word: u32) -> f32 {
    return (f32(word >> 9u) + 0.5) / 8388608.0;
}

/// Natural logarithm to float32 precision; the built-in may be off by 2^-21, which the tail of Gumbel noise would show.
fn ln(x: f32) -> f32 {
    // x = m * 2^e with m from sqrt(1/2) to sqrt(2); ln m = 2 artanh((m - 1) / (m + 1)).
    let shifted = bitcast<u32>(x) - 0x3f3504f3u;
    let e = i32(shifted) >> 23u;
    let m = bitcast<f32>((shifted & 0x7fffffu) + 0x3f3504f3u);
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q / 9.0)));
    return f32(e) * 0.6931472 + 2.0 * (s + s * series);
}

/// Cosine of a whole turn times `turns`, from 0 to 1, to float32 precision; the built-in may be off by 2^-11.
fn cosine(turns: f32) -> f32 {
    let quarter = round(turns * 4.0);
    let x = (turns * 4.0 - quarter) * 1.5707963;
    let q = x * x;
    let even = 1.0 - q * (1.0 / 2.0 - q * (1.0 / 24.0 - q * (1.0 / 720.0 - q / 40320.0)));
    let odd = x * (1.0 - q * (1.0 / 6.0 - q * (1.0 / 120.0 - q * (1.0 / 5040.0 - q / 362880.0))));
    switch u32(quarter) & 3u {
        case 0u: { return even; }
        case 1u: { return -odd; }
        case 2u: { return -even; }
        default: { return odd; }
    }
}

/// Standard normal, by Box and Muller, or standard Gumbel.
fn noise(is_gumbel: bool, token: u32, expert: u32) -> f32 {
    let word = hashed(NOISE_STREAM, token, expert);
    if is_gumbel {
        return -ln(-ln(open_uniform(word.x)));
    }
    return sqrt(-2.0 * ln(open_uniform(word.x))) * cosine(open_uniform(word.y));
}
