//! Twin of `embedding.wgsl`.

/// # Shapes
/// `weights`: `[V, columns]`; returns `[T, columns]`.
#[must_use]
pub fn embedding(weights: &[f32], columns: usize, tokens: &[u32]) -> Vec<f32> {
    let mut output = Vec::new();
    for token in tokens {
        let start = *token as usize * columns;
        output.extend_from_slice(&weights[start..start + columns]);
    }
    output
}
