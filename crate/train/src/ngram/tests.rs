//! Probabilities that sum to one, and small texts worked out by hand.

use super::*;
use crate::shuffle::SplitMix64;

const VOCAB: usize = 7;

/// Tokens that repeat themselves often, with token 6 never seen.
fn repetitive_stream() -> Vec<u16> {
    let mut random = SplitMix64::new(3);
    let mut stream = vec![0_u16, 1];
    while stream.len() < 2_000 {
        let last = u64::from(stream[stream.len() - 1]);
        let step = [1, 1, 1, 2, 3][random.below(5) as usize];
        stream.push(((last + step) % 6) as u16);
    }
    stream
}

fn assert_sums_to_one(model: &KneserNey, history: &[u16], vocab_size: usize) {
    let sum: f64 = (0..vocab_size as u16)
        .map(|token| model.probability(history, token))
        .sum();
    assert!(
        (sum - 1.0).abs() < 1e-12,
        "history {history:?} sums to {sum}"
    );
}

#[test]
fn probabilities_sum_to_one_after_seen_unseen_and_short_histories() {
    let stream = repetitive_stream();
    for order in 1..=5 {
        let model = KneserNey::count(&[&stream[..1_000], &stream[1_000..]], VOCAB, order).unwrap();
        for at in 0..50 {
            assert_sums_to_one(&model, &stream[at..at + 6], VOCAB);
        }
        for history in [
            &[][..],
            &[6],
            &[6, 6, 6, 6],
            &[6, 0],
            &[0, 6],
            &[5, 5, 5, 5],
            &[1],
        ] {
            assert_sums_to_one(&model, history, VOCAB);
        }
    }
}

#[test]
fn worked_example_of_bigrams() {
    // a b a b a c: ab and ba twice, ac once, so n1 = 1, n2 = 2, no n3: one discount Y = 1/5.
    // Each of a, b, c has one token before it: n1 = 3, no n2, discount 1/2, and
    // p(w) = (1 - 1/2)/3 + (1/2 * 3/3)/3 = 1/3. gamma(a) = (1/5 * 2)/3 = 2/15.
    let model = KneserNey::count(&[&[0, 1, 0, 1, 0, 2]], 3, 2).unwrap();
    let left = 2.0 / 15.0 / 3.0;
    for (token, expected) in [(0, left), (1, 1.8 / 3.0 + left), (2, 0.8 / 3.0 + left)] {
        assert!((model.probability(&[0], token) - expected).abs() < 1e-15);
    }
    // c ends the text: nothing is known after it.
    assert!((model.probability(&[2], 1) - 1.0 / 3.0).abs() < 1e-15);
    let expected = -(1.8 / 3.0 + left).ln() - (0.8 / 3.0 + left).ln();
    assert!((model.total_nats(&[0, 1]) + model.total_nats(&[0, 2]) - expected).abs() < 1e-12);
}

#[test]
fn a_unigram_model_discounts_plain_counts() {
    // Counts 4, 3, 2, 2, 1, 1, 1, 1 and one token unseen: Y = 4/8, D1 = 1 - 2 Y 2/4 = 1/2,
    // D2 = 2 - 3 Y 1/2 = 5/4, D3 = 3 - 4 Y 1/1 = 1; gamma = (4/2 + 2*5/4 + 2*1)/15 = 6.5/15.
    let stream = [0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 3, 4, 5, 6, 7];
    let model = KneserNey::count(&[&stream], 9, 1).unwrap();
    let left = 6.5 / 15.0 / 9.0;
    for (token, kept) in [(0, 3.0), (1, 2.0), (2, 0.75), (4, 0.5), (8, 0.0)] {
        let got = model.probability(&[1, 2], token);
        assert!(
            (got - (kept / 15.0 + left)).abs() < 1e-15,
            "token {token}: {got}"
        );
    }
}

#[test]
fn a_token_with_one_predecessor_is_unlikely_elsewhere() {
    // 2 is as frequent as 3, but only ever follows 1.
    let mut stream = Vec::new();
    for round in 0..60_u16 {
        stream.extend([1, 2, 4 + round % 6, 3]);
    }
    let model = KneserNey::count(&[&stream], 12, 2).unwrap();
    assert!(model.probability(&[11], 3) > 2.0 * model.probability(&[11], 2));
    assert!(model.probability(&[1], 2) > 0.9);
}

#[test]
fn histories_as_long_as_the_text_remembers_predict_best() {
    // Each token is the one two places back, or the next after it.
    let mut random = SplitMix64::new(9);
    let mut stream = vec![0_u16, 3];
    while stream.len() < 4_000 {
        stream.push((stream[stream.len() - 2] + random.below(2) as u16) % 6);
    }
    let (train, test) = stream.split_at(3_000);
    let nats = |order| {
        let model = KneserNey::count(&[train], VOCAB, order).unwrap();
        model.total_nats(test) / (test.len() - 1) as f64
    };
    assert!(
        nats(3) < 1.05 * 2_f64.ln(),
        "the coin is all that is left: {}",
        nats(3)
    );
    assert!(nats(2) > 1.5 * nats(3), "{} {}", nats(2), nats(3));
}

#[test]
fn ngrams_do_not_cross_streams() {
    let apart = KneserNey::count(&[&[0, 1, 0, 1], &[2, 3, 2, 3]], 4, 2).unwrap();
    assert_eq!(
        apart.levels[1].keys,
        [pack(&[0, 1]), pack(&[1, 0]), pack(&[2, 3]), pack(&[3, 2])]
    );
    assert_eq!(apart.levels[1].counts, [2, 1, 2, 1]);
}

#[test]
fn bad_input_is_refused_with_what_is_allowed() {
    let message = |result: Result<KneserNey, TrainError>| result.unwrap_err().to_string();
    assert_eq!(
        message(KneserNey::count(&[&[0]], 3, 9)),
        "n-gram model: order: got 9, allowed is 1 to 8"
    );
    assert_eq!(
        message(KneserNey::count(&[&[3]], 3, 1)),
        "n-gram model: token: got 3, allowed is below 3"
    );
    assert!(message(KneserNey::count(&[&[0, 1]], 3, 3)).contains("3 tokens of one n-gram"));
}
