//! Local routing consistency (Liang et al. 2025, arXiv:2505.16056, and its code): could a
//! segment of text share its experts, and how well would a cache of experts do.

use serde::Serialize;

use super::ratio;
use crate::plan::RoutingPlan;

/// Segment routing best performance, for all windows of `length` tokens.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct SegmentRouting {
    /// Tokens in a window.
    pub length: usize,
    /// The best F1 of a router that says yes or no to an expert for a whole window, with one
    /// threshold for all experts.
    pub srp: f32,
    /// That threshold: yes from so many uses in the window.
    pub threshold: usize,
    /// How many times as many experts it keeps as are used.
    pub size_ratio: f32,
    /// `[E]` the best F1 of each expert with its own threshold.
    pub srp_by_expert: Vec<f32>,
}

/// Segment routing best performance; none where no window fits the text.
#[must_use]
pub fn segment_routing(
    plan: &RoutingPlan,
    n_experts: usize,
    length: usize,
) -> Option<SegmentRouting> {
    if length == 0 || plan.n_tokens() < length {
        return None;
    }
    let histograms = windows(plan, n_experts, length);
    let mut pooled = vec![0; length + 1];
    for histogram in &histograms {
        for (sum, n) in pooled.iter_mut().zip(histogram) {
            *sum += n;
        }
    }
    let (srp, threshold, size_ratio) = best_f1(&pooled);
    Some(SegmentRouting {
        length,
        srp,
        threshold,
        size_ratio,
        srp_by_expert: histograms.iter().map(|h| best_f1(h).0).collect(),
    })
}

/// For each expert, how many windows use it 0, 1, ... `length` times; windows overlap.
fn windows(plan: &RoutingPlan, n_experts: usize, length: usize) -> Vec<Vec<usize>> {
    let mut histograms = vec![vec![0; length + 1]; n_experts];
    let mut uses = vec![0_usize; n_experts];
    for token in 0..plan.n_tokens() {
        for expert in plan.experts(token) {
            uses[usize::from(*expert)] += 1;
        }
        if token + 1 < length {
            continue;
        }
        for (histogram, n) in histograms.iter_mut().zip(&uses) {
            histogram[*n] += 1;
        }
        for expert in plan.experts(token + 1 - length) {
            uses[usize::from(*expert)] -= 1;
        }
    }
    histograms
}

/// The best F1, its lowest threshold, and predictions over uses there.
fn best_f1(histogram: &[usize]) -> (f32, usize, f32) {
    let length = histogram.len() - 1;
    let weighted = |from: usize| -> usize {
        let counts = histogram.iter().enumerate().skip(from);
        counts.map(|(uses, n)| uses * n).sum()
    };
    let acts = weighted(0) as f32;
    let mut best = (0.0, 0, 0.0);
    for threshold in 0..=length {
        let predicted = (length * histogram[threshold..].iter().sum::<usize>()) as f32;
        let f1 = ratio(2.0 * weighted(threshold) as f32, predicted + acts);
        if f1 > best.0 {
            best = (f1, threshold, ratio(predicted, acts));
        }
    }
    best
}

/// What a cache of experts keeps when room is needed; every expert that is used enters it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Cache {
    /// The most recently used.
    Lru,
    /// The most often used so far.
    Lfu,
    /// The most often used in the next tokens of a segment that begins with the present one.
    Segment {
        /// Tokens in the segment.
        length: usize,
    },
    /// Those used again soonest; it may also decline what was just used.
    Belady,
}

/// Share of uses that find their expert in a cache of `size` experts.
///
/// Hits are judged before the token's experts enter.
/// A warm start counts the first use of an expert as a hit while there is room, as the authors'
/// code does.
/// Ties go to the more recently used, then to the lower index.
#[must_use]
pub fn hit_rate(
    plan: &RoutingPlan,
    n_experts: usize,
    size: usize,
    cache: Cache,
    warm_start: bool,
) -> f32 {
    let mut held: Vec<usize> = Vec::new();
    let mut n_uses = vec![0_usize; n_experts];
    let mut last_use: Vec<Option<usize>> = vec![None; n_experts];
    let mut n_hits = 0;
    for token in 0..plan.n_tokens() {
        let now: Vec<usize> = plan
            .experts(token)
            .iter()
            .map(|e| usize::from(*e))
            .collect();
        let mut room = size.saturating_sub(held.len());
        for expert in &now {
            if held.contains(expert) {
                n_hits += 1;
            } else if warm_start && last_use[*expert].is_none() && room > 0 {
                n_hits += 1;
                room -= 1;
            }
            n_uses[*expert] += 1;
            last_use[*expert] = Some(token);
        }
        let key = |expert: &usize| {
            let value = match cache {
                Cache::Lru => 0,
                Cache::Lfu => n_uses[*expert],
                Cache::Segment { length } => {
                    uses_within(plan, *expert, token + 1, length.saturating_sub(1))
                }
                Cache::Belady => usize::MAX - next_use(plan, *expert, token + 1),
            };
            let is_new = cache != Cache::Belady && now.contains(expert);
            std::cmp::Reverse((is_new, value, last_use[*expert], usize::MAX - *expert))
        };
        held.extend(
            now.iter()
                .filter(|expert| !held.contains(expert))
                .copied()
                .collect::<Vec<_>>(),
        );
        held.sort_by_cached_key(key);
        held.truncate(size);
    }
    ratio(n_hits as f32, plan.expert_idx.len() as f32)
}

fn uses_within(plan: &RoutingPlan, expert: usize, from: usize, length: usize) -> usize {
    let tokens = from..(from + length).min(plan.n_tokens());
    tokens.filter(|token| uses(plan, *token, expert)).count()
}

/// The next token that uses the expert; the number of tokens if none does.
fn next_use(plan: &RoutingPlan, expert: usize, from: usize) -> usize {
    let mut tokens = from..plan.n_tokens();
    tokens
        .find(|token| uses(plan, *token, expert))
        .unwrap_or(plan.n_tokens())
}

fn uses(plan: &RoutingPlan, token: usize, expert: usize) -> bool {
    plan.experts(token).contains(&(expert as u16))
}
