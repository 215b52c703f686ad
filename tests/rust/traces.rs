//! Compares what two engines decided about the same tokens or patches.
//!
//! Rows that two experts share almost evenly may go either way, because sums round differently; they are counted.

use moescope_model::LayerTrace;

use crate::max_difference;

/// Allowed difference of logits and losses.
pub const LOGITS: f32 = 1e-3;
/// Allowed difference of weights.
const WEIGHTS: f32 = 1e-4;
/// Gating logits and scores closer than this may change places.
const NEAR_TIE: f32 = 1e-4;

/// The routing of each token: its experts in order with their weights.
fn choices(layer: &LayerTrace) -> Vec<Vec<(u16, f32)>> {
    let row = |pair: &[u32]| {
        let row = pair[0] as usize..pair[1] as usize;
        let experts = layer.experts[row.clone()].iter().copied();
        let mut row: Vec<(u16, f32)> = experts.zip(layer.weights[row].iter().copied()).collect();
        row.sort_by_key(|choice| choice.0);
        row
    };
    layer.offsets.windows(2).map(row).collect()
}

/// Whether two of a token's scores are so close that rounding decides between them.
fn is_near_tie(layer: &LayerTrace, token: usize) -> bool {
    let row = token * layer.n_experts..(token + 1) * layer.n_experts;
    let mut scores = layer.selection_scores[row].to_vec();
    scores.retain(|score| score.is_finite());
    scores.sort_by(f32::total_cmp);
    scores.windows(2).any(|pair| pair[1] - pair[0] < NEAR_TIE)
}

/// Compares the traces of both; returns how many tokens were near-ties with another choice.
pub fn compare(what: &str, expected: &[LayerTrace], found: &[LayerTrace]) -> usize {
    assert_eq!(expected.len(), found.len(), "{what}");
    let mut near_ties = 0;
    for (expected, found) in expected.iter().zip(found) {
        let what = format!("{what}, layer {}", expected.layer);
        assert_eq!(expected.layer, found.layer, "{what}");
        let difference = max_difference(&expected.logits, &found.logits);
        assert!(difference < LOGITS, "{what}: logits differ by {difference}");
        let rows = choices(expected).into_iter().zip(choices(found));
        for (token, (expected_row, found_row)) in rows.enumerate() {
            let experts = |row: &[(u16, f32)]| row.iter().map(|c| c.0).collect::<Vec<u16>>();
            if experts(&expected_row) != experts(&found_row) {
                let near = is_near_tie(expected, token);
                assert!(
                    near,
                    "{what}, token {token}: {found_row:?}, expected {expected_row:?}"
                );
                near_ties += 1;
                continue;
            }
            let cells = token * expected.n_experts..(token + 1) * expected.n_experts;
            if !is_near_tie(expected, token) {
                let verdicts = [&expected.verdicts, &found.verdicts].map(|v| &v[cells.clone()]);
                assert_eq!(verdicts[0], verdicts[1], "{what}, token {token}: verdicts");
            }
            for (a, b) in expected_row.iter().zip(&found_row) {
                let difference = (a.1 - b.1).abs();
                assert!(
                    difference < WEIGHTS * a.1.abs().max(1.0),
                    "{what}, token {token}: {b:?}, expected {a:?}"
                );
            }
        }
    }
    near_ties
}
