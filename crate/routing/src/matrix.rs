//! The few operations on rows of `[T, E]` matrices that several stages share.

/// Softmax of one row, in place, in float32.
///
/// Entries of minus infinity become 0, and a row of nothing else becomes all 0.
/// Entries of plus infinity share the whole mass equally, which is the limit.
pub(crate) fn softmax_row(row: &mut [f32]) {
    let max = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    if max == f32::NEG_INFINITY {
        row.fill(0.0);
        return;
    }
    let mut sum = 0.0;
    for value in row.iter_mut() {
        *value = if *value == max {
            1.0
        } else {
            (*value - max).exp()
        };
        sum += *value;
    }
    for value in row.iter_mut() {
        *value /= sum;
    }
}

/// 1 / (1 + exp(-z)).
pub(crate) fn sigmoid(z: f32) -> f32 {
    1.0 / (1.0 + (-z).exp())
}

/// Experts of one row by descending score, ties to the lower index, excluded ones left out.
///
/// `order` is cleared first; it is passed in so that a loop over tokens allocates once.
pub(crate) fn rank_row(scores: &[f32], order: &mut Vec<u64>) {
    order.clear();
    order.extend(
        scores
            .iter()
            .enumerate()
            .filter(|(_, score)| **score != f32::NEG_INFINITY)
            .map(|(expert, score)| rank_key(*score, expert)),
    );
    order.sort_unstable();
}

/// The expert in a key of [`rank_row`].
pub(crate) fn ranked_expert(key: u64) -> usize {
    (key & u64::from(u32::MAX)) as usize
}

/// A key that sorts ascending by descending score, then by ascending expert.
///
/// The bits of a float sort like integers once the sign is folded in.
/// Adding zero first turns -0 into +0, so that the two tie.
pub(crate) fn rank_key(score: f32, expert: usize) -> u64 {
    let bits = (score + 0.0).to_bits();
    let ascending = if bits >> 31 == 1 {
        !bits
    } else {
        bits | 1 << 31
    };
    u64::from(!ascending) << 32 | expert as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ranked(scores: &[f32]) -> Vec<usize> {
        let mut order = Vec::new();
        rank_row(scores, &mut order);
        order.into_iter().map(ranked_expert).collect()
    }

    #[test]
    fn ranking_is_descending_with_ties_to_the_lower_index() {
        assert_eq!(ranked(&[-1.0, 0.0, 2.0, -0.0, 2.0]), [2, 4, 1, 3, 0]);
    }

    #[test]
    fn ranking_leaves_out_minus_infinity() {
        assert_eq!(ranked(&[f32::NEG_INFINITY, -5.0, f32::INFINITY]), [2, 1]);
    }

    #[test]
    fn softmax_handles_infinities_as_limits() {
        let mut row = [f32::NEG_INFINITY, f32::INFINITY, 3.0, f32::INFINITY];
        softmax_row(&mut row);
        assert_eq!(row, [0.0, 0.5, 0.0, 0.5]);
        let mut row = [f32::NEG_INFINITY; 3];
        softmax_row(&mut row);
        assert_eq!(row, [0.0; 3]);
    }

    #[test]
    fn softmax_does_not_overflow() {
        let mut row = [1000.0, 1000.0];
        softmax_row(&mut row);
        assert_eq!(row, [0.5, 0.5]);
    }
}
