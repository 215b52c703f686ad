//! Which pieces of text a training step sees, decided for the whole training beforehand.
//!
//! Domains take turns so that each has its share of every batch, as evenly as whole sequences allow.
//! Within a domain the stream is cut into windows; every window comes once, in random order,
//! before any comes again, and each pass cuts at other places.
//! A step's batch depends on the recipe, the seed and the step alone: a resumed run goes on exactly.

use std::ops::Range;

use crate::TrainError;
use crate::recipe::Recipe;
use crate::shards::Shard;
use crate::shuffle::SplitMix64;

/// Where one training sequence lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Index of the domain in the recipe.
    pub domain: usize,
    /// First token in the domain's stream; `seq_len` + 1 tokens are used.
    pub start: usize,
}

/// The tokens of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// Tokens read [B, S], row after row.
    pub inputs: Vec<i32>,
    /// Tokens to predict [B, S]: the inputs, one place later.
    pub targets: Vec<i32>,
    /// Domain of every sequence [B].
    pub domains: Vec<usize>,
}

/// The windows of all steps.
#[derive(Debug, Clone)]
pub struct BatchPlan {
    windows: Vec<Window>,
    batch_sequences: usize,
    seq_len: usize,
}

impl BatchPlan {
    /// Deals out the training split of the recipe's domains, given in the recipe's order.
    ///
    /// # Errors
    /// A domain with fewer tokens than one sequence needs.
    pub fn new(recipe: &Recipe, shards: &[Shard]) -> Result<Self, TrainError> {
        let (train, weights) = (&recipe.train, recipe.domain_weights());
        let needed = train.seq_len + 1;
        if let Some(short) = shards.iter().find(|shard| shard.tokens.len() < needed) {
            return Err(TrainError::DomainTooShort {
                domain: short.domain.clone(),
                tokens: short.tokens.len(),
                needed,
            });
        }
        let mut passes: Vec<Passes> = shards
            .iter()
            .enumerate()
            .map(|(domain, shard)| {
                Passes::new(shard.tokens.len(), train.seq_len, train.seed, domain)
            })
            .collect();
        let windows = turns(&weights, train.steps() * train.batch_sequences)
            .map(|domain| Window {
                domain,
                start: passes[domain].next_start(),
            })
            .collect();
        Ok(Self {
            windows,
            batch_sequences: train.batch_sequences,
            seq_len: train.seq_len,
        })
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.windows.len() / self.batch_sequences
    }

    /// The windows of a step, counted from 0; none past the last.
    pub fn windows(&self, step: usize) -> &[Window] {
        let begin = (step * self.batch_sequences).min(self.windows.len());
        let end = (begin + self.batch_sequences).min(self.windows.len());
        &self.windows[begin..end]
    }

    /// The tokens of some of a step's sequences, from the shards that the plan was made for.
    pub fn batch(&self, step: usize, shards: &[Shard], sequences: Range<usize>) -> Batch {
        let windows = &self.windows(step)[sequences];
        let mut batch = Batch {
            inputs: Vec::with_capacity(windows.len() * self.seq_len),
            targets: Vec::with_capacity(windows.len() * self.seq_len),
            domains: windows.iter().map(|window| window.domain).collect(),
        };
        for window in windows {
            let tokens = &shards[window.domain].tokens[window.start..=window.start + self.seq_len];
            batch
                .inputs
                .extend(tokens[..self.seq_len].iter().map(|&token| i32::from(token)));
            batch
                .targets
                .extend(tokens[1..].iter().map(|&token| i32::from(token)));
        }
        batch
    }
}

/// Domain indices, each as often as its weight says, the one furthest behind next.
pub(crate) fn turns(weights: &[f64], count: usize) -> impl Iterator<Item = usize> {
    let total: f64 = weights.iter().sum();
    let shares: Vec<f64> = weights.iter().map(|weight| weight / total).collect();
    let mut taken = vec![0_usize; shares.len()];
    (1..=count).map(move |dealt| {
        let mut next = 0;
        let mut furthest = f64::NEG_INFINITY;
        for (domain, share) in shares.iter().enumerate() {
            let behind = share * dealt as f64 - taken[domain] as f64;
            // A hair above, so that rounding cannot upset equal weights.
            if behind > furthest + 1e-9 {
                (next, furthest) = (domain, behind);
            }
        }
        taken[next] += 1;
        next
    })
}

/// Endless passes over one stream.
struct Passes {
    n_tokens: usize,
    seq_len: usize,
    random: SplitMix64,
    /// Window starts of this pass that are still to come, next one last.
    waiting: Vec<usize>,
}

impl Passes {
    fn new(n_tokens: usize, seq_len: usize, seed: u64, domain: usize) -> Self {
        let random = SplitMix64::for_stream(seed, domain as u64);
        Self {
            n_tokens,
            seq_len,
            random,
            waiting: Vec::new(),
        }
    }

    fn next_start(&mut self) -> usize {
        loop {
            if let Some(start) = self.waiting.pop() {
                return start;
            }
            self.begin_pass();
        }
    }

    fn begin_pass(&mut self) {
        let last_start = self.n_tokens - self.seq_len - 1;
        let bound = self.seq_len.min(last_start + 1) as u64;
        let phase = self.random.below(bound) as usize;
        self.waiting = (phase..=last_start).step_by(self.seq_len).collect();
        self.random.shuffle(&mut self.waiting);
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::data::Split;

    const SEQ_LEN: usize = 16;

    fn recipe(batch_sequences: usize, steps: u64, weights: &[f64]) -> Recipe {
        let first = include_str!("../../../models/first/recipe.toml");
        let mut recipe = Recipe::parse(first, Path::new("recipe.toml")).unwrap();
        recipe.data.domains.truncate(weights.len());
        for (domain, weight) in recipe.data.domains.iter_mut().zip(weights) {
            domain.weight = *weight;
        }
        (recipe.train.batch_sequences, recipe.train.seq_len) = (batch_sequences, SEQ_LEN);
        recipe.train.tokens = steps * recipe.train.tokens_per_step();
        recipe
    }

    /// A stream whose tokens are their own positions.
    fn counting(length: u16) -> Shard {
        Shard {
            domain: "tales".to_owned(),
            split: Split::Train,
            tokens: (0..length).collect(),
            text_bytes: 1,
            documents: 1,
        }
    }

    #[test]
    fn every_batch_holds_each_domains_share() {
        let shards = [counting(500), counting(300), counting(400)];
        let plan = BatchPlan::new(&recipe(8, 30, &[2.0, 1.0, 1.0]), &shards).unwrap();
        assert_eq!(plan.steps(), 30);
        for step in 0..30 {
            let of = |domain| {
                plan.windows(step)
                    .iter()
                    .filter(|window| window.domain == domain)
                    .count()
            };
            assert_eq!([of(0), of(1), of(2)], [4, 2, 2]);
        }
        assert!(plan.windows(30).is_empty());
    }

    #[test]
    fn uneven_shares_come_out_over_time() {
        let taken: Vec<usize> = turns(&[0.7, 0.2, 0.1], 1_000).collect();
        let of = |domain| taken.iter().filter(|&&next| next == domain).count();
        assert_eq!([of(0), of(1), of(2)], [700, 200, 100]);
    }

    #[test]
    fn a_pass_sees_all_text_before_any_twice() {
        let mut passes = Passes::new(1_001, SEQ_LEN, 5, 0);
        for _ in 0..4 {
            let mut starts = vec![passes.next_start()];
            starts.extend((0..passes.waiting.len()).map(|_| passes.next_start()));
            starts.sort_unstable();
            assert!(starts.windows(2).all(|pair| pair[1] - pair[0] == SEQ_LEN));
            assert!(
                starts[0] < SEQ_LEN && starts[starts.len() - 1] + 2 * SEQ_LEN > 1_000 - SEQ_LEN
            );
        }
    }

    #[test]
    fn targets_are_the_inputs_one_place_later() {
        let shards = [counting(200), counting(17)];
        let plan = BatchPlan::new(&recipe(4, 20, &[1.0, 1.0]), &shards).unwrap();
        for step in 0..20 {
            let batch = plan.batch(step, &shards, 0..4);
            assert_eq!(
                (batch.inputs.len(), batch.targets.len()),
                (4 * SEQ_LEN, 4 * SEQ_LEN)
            );
            assert_eq!(
                batch.domains,
                plan.windows(step)
                    .iter()
                    .map(|w| w.domain)
                    .collect::<Vec<_>>()
            );
            assert!(
                batch
                    .inputs
                    .iter()
                    .zip(&batch.targets)
                    .all(|(input, target)| input + 1 == *target)
            );
        }
    }

    #[test]
    fn the_seed_decides_and_a_longer_training_begins_the_same() {
        let shards = [counting(900), counting(700)];
        let plan = |seed, steps| {
            let mut recipe = recipe(4, steps, &[1.0, 1.0]);
            recipe.train.seed = seed;
            BatchPlan::new(&recipe, &shards).unwrap()
        };
        assert_eq!(plan(1, 50).windows, plan(1, 50).windows);
        assert_ne!(plan(1, 50).windows, plan(2, 50).windows);
        assert_eq!(plan(1, 50).windows, plan(1, 90).windows[..200]);
    }

    #[test]
    fn a_domain_without_one_sequence_is_refused() {
        let error = BatchPlan::new(&recipe(2, 3, &[1.0]), &[counting(16)]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "domain tales has 16 tokens, one training sequence needs 17"
        );
    }
}
