//! The bar a neural model has to clear: an interpolated modified Kneser-Ney n-gram model.
//!
//! With c the count of an n-gram, h its history, h' the history without its oldest token:
//!   p(w | h) = max(c(h w) - D(c), 0) / sum_v c(h v)  +  gamma(h) p(w | h')
//!   gamma(h) = (D1 N1(h) + D2 N2(h) + D3 N3+(h)) / sum_v c(h v)
//! where Nk(h) is the number of tokens seen k times after h. At the highest order c is the plain count;
//! below, it is the number of different tokens seen before the n-gram. The recursion ends in 1 / V.
//! With n_k the number of n-grams of count k: Y = n1 / (n1 + 2 n2), D1 = 1 - 2 Y n2/n1,
//! D2 = 2 - 3 Y n3/n2, D3 = 3 - 4 Y n4/n3.
//! Source: Chen and Goodman, "An empirical study of smoothing techniques for language modeling", 1999.

use crate::TrainError;

/// Longest n-gram: eight tokens of 16 bits fill a key.
pub const MAX_ORDER: usize = 8;

const TOKEN_BITS: u32 = 16;
const TOKEN_MASK: u128 = 0xffff;

/// A counted n-gram model; order 1 is a smoothed unigram model.
#[derive(Debug, Clone)]
pub struct KneserNey {
    vocab_size: usize,
    /// `levels[n - 1]` holds the n-grams of n tokens.
    levels: Vec<Level>,
}

/// All n-grams of one length, sorted, so that those with one history lie together.
#[derive(Debug, Clone)]
struct Level {
    /// Tokens packed 16 bits each, the oldest in the highest bits.
    keys: Vec<u128>,
    counts: Vec<u32>,
    discounts: [f64; 3],
}

impl KneserNey {
    /// Counts the n-grams of token streams; no n-gram runs from one stream into the next.
    ///
    /// # Errors
    /// An order outside 1..=8, tokens outside the vocabulary, or no token at all.
    pub fn count(streams: &[&[u16]], vocab_size: usize, order: usize) -> Result<Self, TrainError> {
        if !(1..=MAX_ORDER).contains(&order) {
            return Err(problem(format!(
                "order: got {order}, allowed is 1 to {MAX_ORDER}"
            )));
        }
        let outside = streams
            .iter()
            .flat_map(|stream| stream.iter())
            .find(|&&t| usize::from(t) >= vocab_size);
        if let Some(token) = outside {
            return Err(problem(format!(
                "token: got {token}, allowed is below {vocab_size}"
            )));
        }
        let highest = Level::from_occurrences(occurrences(streams, order));
        if highest.keys.is_empty() {
            return Err(problem(format!(
                "no stream has the {order} tokens of one n-gram"
            )));
        }
        let mut levels = vec![highest];
        for n in (1..order).rev() {
            let keep = (1_u128 << (TOKEN_BITS * n as u32)) - 1;
            let above = &levels[levels.len() - 1];
            // Each different longer n-gram is one different token before the shorter one.
            let shorter = above.keys.iter().map(|key| key & keep).collect();
            levels.push(Level::from_occurrences(shorter));
        }
        levels.reverse();
        Ok(Self { vocab_size, levels })
    }

    /// Tokens in the longest n-gram.
    pub fn order(&self) -> usize {
        self.levels.len()
    }

    /// Probability of a token after a history, of which the last `order - 1` tokens count.
    ///
    /// Over all tokens of the vocabulary the probabilities sum to one, whatever the history.
    pub fn probability(&self, history: &[u16], token: u16) -> f64 {
        let mut probability = 1.0 / self.vocab_size as f64;
        for (used, level) in self.levels.iter().enumerate().take(history.len() + 1) {
            let context = pack(&history[history.len() - used..]);
            // A history never seen says nothing: the shorter one stands.
            if let Some((own, rest)) = level.shares(context, token) {
                probability = own + rest * probability;
            }
        }
        probability
    }

    /// Negative log-likelihood in nats of every token of a stream but the first.
    pub fn total_nats(&self, tokens: &[u16]) -> f64 {
        let longest = self.order() - 1;
        (1..tokens.len())
            .map(|at| {
                -self
                    .probability(&tokens[at.saturating_sub(longest)..at], tokens[at])
                    .ln()
            })
            .sum()
    }
}

impl Level {
    /// Sorts and counts equal keys.
    fn from_occurrences(mut all: Vec<u128>) -> Self {
        all.sort_unstable();
        let (mut keys, mut counts) = (Vec::new(), Vec::<u32>::new());
        for run in all.chunk_by(|a, b| a == b) {
            keys.push(run[0]);
            counts.push(u32::try_from(run.len()).unwrap_or(u32::MAX));
        }
        keys.shrink_to_fit();
        counts.shrink_to_fit();
        let discounts = discounts(&counts);
        Self {
            keys,
            counts,
            discounts,
        }
    }

    /// The discounted share of a token after a history, and the share left to shorter histories;
    /// nothing if the history was never seen.
    fn shares(&self, context: u128, token: u16) -> Option<(f64, f64)> {
        let first = context << TOKEN_BITS;
        let begin = self.keys.partition_point(|&key| key < first);
        let end = begin + self.keys[begin..].partition_point(|&key| key <= (first | TOKEN_MASK));
        let (mut total, mut kinds) = (0_u64, [0_u64; 3]);
        for &count in &self.counts[begin..end] {
            total += u64::from(count);
            kinds[kind(count)] += 1;
        }
        if total == 0 {
            return None;
        }
        let total = total as f64;
        let own = match self.keys[begin..end].binary_search(&(first | u128::from(token))) {
            Ok(at) => {
                let count = self.counts[begin + at];
                (f64::from(count) - self.discounts[kind(count)]) / total
            }
            Err(_) => 0.0,
        };
        let taken: f64 = kinds
            .iter()
            .zip(self.discounts)
            .map(|(&n, d)| n as f64 * d)
            .sum();
        Some((own, taken / total))
    }
}

/// Every n-gram of `order` tokens, packed.
fn occurrences(streams: &[&[u16]], order: usize) -> Vec<u128> {
    let total = streams.iter().map(|stream| stream.len()).sum();
    let mut all = Vec::with_capacity(total);
    for stream in streams {
        all.extend(stream.windows(order).map(pack));
    }
    all
}

fn pack(tokens: &[u16]) -> u128 {
    tokens
        .iter()
        .fold(0, |key, &token| (key << TOKEN_BITS) | u128::from(token))
}

/// Which discount a count takes: for 1, for 2, for 3 and more.
fn kind(count: u32) -> usize {
    count.clamp(1, 3) as usize - 1
}

/// D1, D2 and D3 of counts, each kept between 0 and the count it is taken from.
///
/// Text too small to have counts of 1, 2, 3 and 4 takes one discount for all, Y, or 0.5 where
/// there is no Y either (absolute discounting, section 2.7 of the source).
fn discounts(counts: &[u32]) -> [f64; 3] {
    let mut of_count = [0_f64; 5];
    for &count in counts.iter().filter(|&&count| count < 5) {
        of_count[count as usize] += 1.0;
    }
    let [_, n1, n2, n3, n4] = of_count;
    if n1 == 0.0 || n2 == 0.0 {
        return [0.5; 3];
    }
    let y = n1 / (n1 + 2.0 * n2);
    if n3 == 0.0 || n4 == 0.0 {
        return [y; 3];
    }
    [
        (1.0 - 2.0 * y * n2 / n1).clamp(0.0, 1.0),
        (2.0 - 3.0 * y * n3 / n2).clamp(0.0, 2.0),
        (3.0 - 4.0 * y * n4 / n3).clamp(0.0, 3.0),
    ]
}

fn problem(problem: String) -> TrainError {
    TrainError::Ngram { problem }
}

#[cfg(test)]
mod tests;
