//! Twin of `mean.wgsl`.

/// # Shapes
/// `input`: `[T, D]`; `gain`: `[D]`; returns `[D]`.
#[must_use]
pub fn mean(input: &[f32], gain: &[f32], epsilon: f32) -> Vec<f32> {
    let columns = gain.len();
    let mut sum = vec![0.0; columns];
    for x in input.chunks_exact(columns) {
        let squares: f32 = x.iter().map(|x| x * x).sum();
        let factor = 1.0 / (squares / columns as f32 + epsilon).sqrt();
        for (sum, x) in sum.iter_mut().zip(x) {
            *sum += x * factor;
        }
    }
    let n_tokens = (input.len() / columns) as f32;
    let columns = sum.iter().zip(gain);
    columns.map(|(sum, gain)| sum * gain / n_tokens).collect()
}
