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

/// Standard normal, by Box and Muller, or standard Gumbel.
fn noise(is_gumbel: bool, token: u32, expert: u32) -> f32 {
    let word = hashed(NOISE_STREAM, token, expert);
    if is_gumbel {
        return -log(-log(open_uniform(word.x)));
    }
    return sqrt(-2.0 * log(open_uniform(word.x))) * cos(6.2831855 * open_uniform(word.y));
}
