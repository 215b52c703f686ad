//! Distributions over the vocabulary, given as rows of logits, and how far two of them are apart.
//!
//! Runs on the host in f64; minus infinity is a probability of zero.

/// Natural logarithms of the probabilities that softmax gives.
pub(crate) fn log_softmax(logits: &[f32]) -> Vec<f64> {
    let max = f64::from(max(logits));
    let total: f64 = logits.iter().map(|&z| (f64::from(z) - max).exp()).sum();
    let log_total = total.ln();
    let log_p = |&z: &f32| f64::from(z) - max - log_total;
    logits.iter().map(log_p).collect()
}

/// KL(p || q) in nats of the softmax of two rows of logits.
pub(crate) fn divergence(p_logits: &[f32], q_logits: &[f32]) -> f64 {
    let (p, q) = (log_softmax(p_logits), log_softmax(q_logits));
    let terms = p.iter().zip(q).map(|(p, q)| p.exp() * (p - q));
    terms.filter(|term| !term.is_nan()).sum()
}

/// Jensen-Shannon divergence in nats of the softmax of two rows of logits; from 0 to ln 2.
pub(crate) fn jensen_shannon(p_logits: &[f32], q_logits: &[f32]) -> f64 {
    let (p, q) = (log_softmax(p_logits), log_softmax(q_logits));
    let part = |log: f64, middle: f64| match log.exp() {
        0.0 => 0.0,
        share => share * (log - middle.ln()),
    };
    let terms = p.iter().zip(&q).map(|(&p, &q)| {
        let middle = f64::midpoint(p.exp(), q.exp());
        f64::midpoint(part(p, middle), part(q, middle))
    });
    terms.sum::<f64>().max(0.0)
}

/// The largest of some numbers.
pub(crate) fn max(numbers: &[f32]) -> f32 {
    numbers.iter().copied().fold(f32::NEG_INFINITY, f32::max)
}

/// The ids of the `n` largest numbers in no particular order; the lower id on a tie.
pub(crate) fn best(numbers: &[f32], n: usize) -> Vec<u32> {
    let mut ids: Vec<u32> = (0..numbers.len() as u32).collect();
    let order = |a: &u32, b: &u32| {
        let number = |id: u32| numbers[id as usize];
        number(*b).total_cmp(&number(*a)).then(a.cmp(b))
    };
    if n < ids.len() {
        ids.select_nth_unstable_by(n, order);
        ids.truncate(n);
    }
    ids
}

/// The same, the largest first.
pub(crate) fn best_first(numbers: &[f32], n: usize) -> Vec<u32> {
    let mut ids = best(numbers, n);
    let number = |id: u32| numbers[id as usize];
    ids.sort_unstable_by(|&a, &b| number(b).total_cmp(&number(a)).then(a.cmp(&b)));
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    const P: [f32; 3] = [0.5, 0.25, 0.25];
    const Q: [f32; 3] = [0.25, 0.25, 0.5];
    const NEVER: [f32; 3] = [f32::NEG_INFINITY, 0.0, 0.0];

    #[test]
    fn divergence_is_that_of_the_distributions() {
        let (p, q) = (P.map(f32::ln), Q.map(f32::ln));
        let expected = 0.5 * 2.0_f64.ln() + 0.25 * 0.5_f64.ln();
        assert!((divergence(&p, &q) - expected).abs() < 1e-6);
        assert_eq!(divergence(&p, &p), 0.0);
        assert!((divergence(&NEVER, &[0.0; 3]) - (1.5_f64).ln()).abs() < 1e-6);
    }

    #[test]
    fn jensen_shannon_is_symmetric_and_ends_at_ln_2() {
        let (p, q) = (P.map(f32::ln), Q.map(f32::ln));
        let halves = 0.5 * (0.5 / 0.375_f64).ln() + 0.25 * (0.25 / 0.375_f64).ln();
        assert!((jensen_shannon(&p, &q) - halves).abs() < 1e-6);
        assert_eq!(jensen_shannon(&p, &q), jensen_shannon(&q, &p));
        assert!(jensen_shannon(&p, &p) < 1e-12);
        let only = [0.0, f32::NEG_INFINITY, f32::NEG_INFINITY];
        assert!((jensen_shannon(&NEVER, &only) - 2.0_f64.ln()).abs() < 1e-9);
    }

    #[test]
    fn the_best_are_the_largest_and_of_equals_the_lower() {
        assert_eq!(best_first(&[1.0, 3.0, 2.0, 3.0, 2.0], 3), [1, 3, 2]);
        assert_eq!(best_first(&[1.0, 2.0], 5), [1, 0]);
    }
}
