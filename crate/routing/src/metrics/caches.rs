//! How well a cache of experts would do (Liang et al. 2025, arXiv:2505.16056, and its code).
//!
//! The authors' segment cache looks ahead and moves with every token; the best fixed set, which the definition of the
//! segment cache hit rate suggests, stands beside it.

use serde::Serialize;

use super::estimate::shuffled;
use super::{Estimate, mean, ratio};
use crate::plan::RoutingPlan;

/// Tokens in a segment, and in the blocks of the intervals.
const SEGMENT: usize = 16;
/// Sizes of caches as multiples of the experts per token.
const RATIOS: [f32; 6] = [0.5, 1.0, 1.5, 2.0, 3.0, 4.0];

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
    /// For each segment the experts that it uses most, from its first token to its last.
    Fixed {
        /// Tokens in the segment.
        length: usize,
    },
    /// Those used again soonest; it may also decline what was just used.
    Belady,
}

/// Hit rates of one size of cache; chance is that of the same tokens in random order.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct CacheReport {
    /// Experts that fit.
    pub size: usize,
    /// The same as a multiple of the mean number of experts per token.
    pub ratio: f32,
    /// Least recently used goes.
    pub lru: Estimate,
    /// Least frequently used goes.
    pub lfu: Estimate,
    /// Fewest uses in the next 16 tokens goes.
    pub segment: Estimate,
    /// The best set for each 16 tokens.
    pub fixed: Estimate,
    /// The best possible.
    pub belady: Estimate,
}

/// Hit rates of caches from half the experts per token to four times as many, as far as they differ and are smaller
/// than the layer.
#[must_use]
pub fn cache_reports(plan: &RoutingPlan, n_experts: usize) -> Vec<CacheReport> {
    let k = ratio(plan.expert_idx.len() as f32, plan.n_tokens() as f32);
    let mut sizes = RATIOS.map(|ratio| (ratio * k).round() as usize).to_vec();
    sizes.dedup();
    sizes.retain(|size| (1..n_experts).contains(size));
    let random = shuffled(plan);
    sizes
        .into_iter()
        .map(|size| {
            let rate = |cache| estimate(plan, &random, n_experts, size, cache);
            CacheReport {
                size,
                ratio: ratio(size as f32, k),
                lru: rate(Cache::Lru),
                lfu: rate(Cache::Lfu),
                segment: rate(Cache::Segment { length: SEGMENT }),
                fixed: rate(Cache::Fixed { length: SEGMENT }),
                belady: rate(Cache::Belady),
            }
        })
        .collect()
}

fn estimate(
    plan: &RoutingPlan,
    random: &[RoutingPlan],
    n_experts: usize,
    size: usize,
    cache: Cache,
) -> Estimate {
    let rates = random
        .iter()
        .map(|moved| hit_rate(moved, n_experts, size, cache, false));
    let hits_t = hits(plan, n_experts, size, cache, false);
    let block = |index: usize| {
        let tokens = index * SEGMENT..((index + 1) * SEGMENT).min(plan.n_tokens());
        let uses = plan.offsets[tokens.end] - plan.offsets[tokens.start];
        (hits_t[tokens].iter().sum::<usize>(), uses as usize)
    };
    let n_blocks = plan.n_tokens().div_ceil(SEGMENT);
    Estimate::of_blocks(n_blocks, mean(rates), |blocks| {
        let (mut n_hits, mut n_uses) = (0, 0);
        for (hits, uses) in blocks.map(block) {
            n_hits += hits;
            n_uses += uses;
        }
        ratio(n_hits as f32, n_uses as f32)
    })
}

/// Share of uses that find their expert in a cache of `size` experts.
///
/// Hits are judged before the token's experts enter.
/// A warm start counts the first use of an expert as a hit while there is room, as the authors'
/// code does; a fixed set is there before its segment begins and knows no start.
/// Ties go to the more recently used, then to the lower index.
#[must_use]
pub fn hit_rate(
    plan: &RoutingPlan,
    n_experts: usize,
    size: usize,
    cache: Cache,
    warm_start: bool,
) -> f32 {
    let n_hits: usize = hits(plan, n_experts, size, cache, warm_start).iter().sum();
    ratio(n_hits as f32, plan.expert_idx.len() as f32)
}

/// `[T]` how many of the token's experts are found.
fn hits(
    plan: &RoutingPlan,
    n_experts: usize,
    size: usize,
    cache: Cache,
    warm_start: bool,
) -> Vec<usize> {
    if let Cache::Fixed { length } = cache {
        return fixed_hits(plan, n_experts, size, length.max(1));
    }
    let uses = Uses::new(plan, n_experts);
    let mut held: Vec<usize> = Vec::new();
    let mut last_use: Vec<Option<usize>> = vec![None; n_experts];
    let mut hits_t = vec![0; plan.n_tokens()];
    for (token, n_hits) in hits_t.iter_mut().enumerate() {
        let now = plan.experts(token).iter().map(|e| usize::from(*e));
        let now: Vec<usize> = now.collect();
        let mut room = size.saturating_sub(held.len());
        for expert in &now {
            if held.contains(expert) {
                *n_hits += 1;
            } else if warm_start && last_use[*expert].is_none() && room > 0 {
                *n_hits += 1;
                room -= 1;
            }
            last_use[*expert] = Some(token);
        }
        let key = |expert: &usize| {
            let value = match cache {
                Cache::Lfu => uses.before(*expert, token + 1),
                Cache::Segment { length } => {
                    let end = token + length.max(1);
                    uses.before(*expert, end) - uses.before(*expert, token + 1)
                }
                Cache::Belady => {
                    let next = uses.next(*expert, token + 1);
                    plan.n_tokens() - next.unwrap_or(plan.n_tokens())
                }
                Cache::Lru | Cache::Fixed { .. } => 0,
            };
            let is_new = cache != Cache::Belady && now.contains(expert);
            std::cmp::Reverse((is_new, value, last_use[*expert], usize::MAX - *expert))
        };
        let entering: Vec<usize> = now.iter().filter(|e| !held.contains(e)).copied().collect();
        held.extend(entering);
        held.sort_by_cached_key(key);
        held.truncate(size);
    }
    hits_t
}

/// `[T]` hits of the set that serves each segment best; of equal experts, the lower index.
fn fixed_hits(plan: &RoutingPlan, n_experts: usize, size: usize, length: usize) -> Vec<usize> {
    let mut hits_t = Vec::with_capacity(plan.n_tokens());
    for start in (0..plan.n_tokens()).step_by(length) {
        let tokens = start..(start + length).min(plan.n_tokens());
        let mut uses = vec![0_usize; n_experts];
        for expert in tokens.clone().flat_map(|token| plan.experts(token)) {
            uses[usize::from(*expert)] += 1;
        }
        let mut held: Vec<usize> = (0..n_experts).collect();
        held.sort_by_key(|expert| std::cmp::Reverse(uses[*expert]));
        held.truncate(size);
        hits_t.extend(tokens.map(|token| {
            let experts = plan.experts(token).iter();
            experts.filter(|e| held.contains(&usize::from(**e))).count()
        }));
    }
    hits_t
}

/// `[E]` at which tokens each expert is used, ascending.
struct Uses(Vec<Vec<usize>>);

impl Uses {
    fn new(plan: &RoutingPlan, n_experts: usize) -> Self {
        let mut tokens = vec![Vec::new(); n_experts];
        for token in 0..plan.n_tokens() {
            for expert in plan.experts(token) {
                tokens[usize::from(*expert)].push(token);
            }
        }
        Self(tokens)
    }

    /// Uses of the expert before a token.
    fn before(&self, expert: usize, token: usize) -> usize {
        self.0[expert].partition_point(|use_at| *use_at < token)
    }

    /// The first token from `from` on that uses the expert, if one does.
    fn next(&self, expert: usize, from: usize) -> Option<usize> {
        self.0[expert].get(self.before(expert, from)).copied()
    }
}
