// What both routers make scores and weights of.

/// exp(z - highest), with infinities as limits.
fn softmax_term(z: f32, highest: f32) -> f32 {
    if is_minus_infinity(z) {
        return 0.0;
    }
    if z == highest {
        return 1.0;
    }
    return select(exp(z - highest), 0.0, bitcast<u32>(highest) == PLUS_INFINITY);
}

/// Of a logit.
fn sigmoid(z: f32) -> f32 {
    return 1.0 / (1.0 + exp(-z));
}
