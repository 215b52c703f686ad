//! Who uses which expert, from counts over blocks of held-out data: windows of text, or images.
//!
//! Blocks belong to groups (domains, image sets), and every group weighs the same, whatever its size.
//! Intervals of 95 % come from drawing blocks again (`Estimate::of_blocks`), so that neighbouring tokens are no fresh
//! evidence.
//! Specialisation here is one number a layer; the shares of OLMoE's figure (arXiv:2409.02060, section 5.3) are the map.

use moescope_routing::metrics::Estimate;
use serde::Serialize;

use crate::shuffle::SplitMix64;

/// Deals of blocks to groups whose mean is the baseline of specialisation.
const N_DEALS: usize = 20;

/// What one block contributes.
#[derive(Clone, Debug)]
pub struct Block {
    /// Index of its group.
    pub group: usize,
    /// Tokens or patches.
    pub tokens: usize,
    /// [L * E] selections.
    pub selections: Vec<u32>,
}

/// Blocks of one evaluation.
#[derive(Clone, Debug)]
pub struct Usage {
    /// Index of the transformer layer of each MoE layer: L of them.
    pub layers: Vec<usize>,
    /// E.
    pub n_experts: usize,
    /// Number of groups.
    pub n_groups: usize,
    /// The blocks.
    pub blocks: Vec<Block>,
}

/// Figures of one MoE layer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LayerFigures {
    /// Index of the transformer layer.
    pub layer: usize,
    /// [E] share of tokens that select each expert, the mean over groups.
    pub expert_load: Vec<f64>,
    /// Coefficient of variation of that load, 0 when even; chance is what as many random choices give.
    pub load_variation: Estimate,
    /// Share of a group's selections that would have to go to other experts for it to be routed as the mean of all
    /// groups, a mean over groups; chance is the same figure where blocks are dealt to groups at random.
    pub specialisation: Estimate,
    /// Experts that no token selects.
    pub dead_experts: usize,
}

impl Usage {
    /// Without any block yet.
    pub fn new(layers: Vec<usize>, n_experts: usize, n_groups: usize) -> Self {
        Self {
            layers,
            n_experts,
            n_groups,
            blocks: Vec::new(),
        }
    }

    /// Figures of every MoE layer; none without blocks.
    pub fn figures(&self) -> Vec<LayerFigures> {
        if self.blocks.is_empty() {
            return Vec::new();
        }
        let places = self.layers.iter().enumerate();
        places
            .map(|(place, &layer)| self.layer(place, layer))
            .collect()
    }

    /// [L][E] share of a group's tokens that select each expert.
    pub fn group_load(&self, group: usize) -> Vec<Vec<f64>> {
        let layers = 0..self.layers.len();
        layers
            .map(|place| {
                let all = &mut (0..self.blocks.len());
                self.count(place, all, |block| block.group).shares(group)
            })
            .collect()
    }

    fn layer(&self, place: usize, layer: usize) -> LayerFigures {
        let own = |block: &Block| block.group;
        let n_blocks = self.blocks.len();
        let counts = self.count(place, &mut (0..n_blocks), own);
        let expert_load = counts.load();
        let variation_of = |blocks: &mut dyn Iterator<Item = usize>| {
            variation(&self.count(place, blocks, own).load()) as f32
        };
        let specialisation_of = |blocks: &mut dyn Iterator<Item = usize>| {
            self.count(place, blocks, own).specialisation() as f32
        };
        LayerFigures {
            layer,
            load_variation: Estimate::of_blocks(n_blocks, counts.even_variation(), variation_of),
            specialisation: Estimate::of_blocks(
                n_blocks,
                self.dealt_specialisation(place),
                specialisation_of,
            ),
            dead_experts: expert_load.iter().filter(|&&share| share == 0.0).count(),
            expert_load,
        }
    }

    /// Specialisation where blocks belong to groups by chance, a mean over deals.
    fn dealt_specialisation(&self, place: usize) -> f32 {
        let mut random = SplitMix64::new(0);
        let mut groups: Vec<usize> = self.blocks.iter().map(|block| block.group).collect();
        let mut sum = 0.0;
        for _ in 0..N_DEALS {
            random.shuffle(&mut groups);
            let mut counts = Counts::new(self.n_groups, self.n_experts);
            for (block, &group) in self.blocks.iter().zip(&groups) {
                counts.add(block, group, place);
            }
            sum += counts.specialisation();
        }
        (sum / N_DEALS as f64) as f32
    }

    fn count(
        &self,
        place: usize,
        blocks: &mut dyn Iterator<Item = usize>,
        group: impl Fn(&Block) -> usize,
    ) -> Counts {
        let mut counts = Counts::new(self.n_groups, self.n_experts);
        for index in blocks {
            let block = &self.blocks[index];
            counts.add(block, group(block), place);
        }
        counts
    }
}

/// Sums of one layer over some blocks.
struct Counts {
    n_experts: usize,
    /// [G] tokens.
    tokens: Vec<u64>,
    /// [G * E] selections.
    selections: Vec<u64>,
}

impl Counts {
    fn new(n_groups: usize, n_experts: usize) -> Self {
        Self {
            n_experts,
            tokens: vec![0; n_groups],
            selections: vec![0; n_groups * n_experts],
        }
    }

    fn add(&mut self, block: &Block, group: usize, place: usize) {
        let e = self.n_experts;
        self.tokens[group] += block.tokens as u64;
        let sums = &mut self.selections[group * e..(group + 1) * e];
        for (sum, &count) in sums.iter_mut().zip(&block.selections[place * e..]) {
            *sum += u64::from(count);
        }
    }

    /// [E] share of a group's tokens; zeros without tokens.
    fn shares(&self, group: usize) -> Vec<f64> {
        let e = self.n_experts;
        let counts = self.selections[group * e..(group + 1) * e].iter();
        counts
            .map(|&n| ratio(n as f64, self.tokens[group] as f64))
            .collect()
    }

    /// [E] mean over groups.
    fn load(&self) -> Vec<f64> {
        let n_groups = self.tokens.len();
        let mut load = vec![0.0; self.n_experts];
        for group in 0..n_groups {
            for (sum, share) in load.iter_mut().zip(self.shares(group)) {
                *sum += share / n_groups as f64;
            }
        }
        load
    }

    /// Mean over groups of half the distance between a group's distribution over experts and the groups' mean.
    fn specialisation(&self) -> f64 {
        let n_groups = self.tokens.len();
        let distributions: Vec<Vec<f64>> = (0..n_groups)
            .map(|group| {
                let shares = self.shares(group);
                let total: f64 = shares.iter().sum();
                shares.iter().map(|share| ratio(*share, total)).collect()
            })
            .collect();
        let mean: Vec<f64> = (0..self.n_experts)
            .map(|e| distributions.iter().map(|d| d[e]).sum::<f64>() / n_groups as f64)
            .collect();
        let distances = distributions.iter().map(|distribution| {
            let pairs = distribution.iter().zip(&mean);
            0.5 * pairs.map(|(share, mean)| (share - mean).abs()).sum::<f64>()
        });
        distances.sum::<f64>() / n_groups as f64
    }

    /// Coefficient of variation of the load where every token chooses at random, as often as it does here.
    ///
    /// A share p of n tokens then varies by p (1 - p) / n, and the load is a mean of such shares.
    fn even_variation(&self) -> f32 {
        let n_groups = self.tokens.len() as f64;
        let load = self.load();
        let p = load.iter().sum::<f64>() / load.len() as f64;
        let tokens = self.tokens.iter().filter(|&&n| n > 0);
        let variance: f64 = tokens.map(|&n| p * (1.0 - p) / n as f64).sum();
        ratio(variance.sqrt(), n_groups * p) as f32
    }
}

/// Standard deviation over mean, of the whole population.
fn variation(values: &[f64]) -> f64 {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / n;
    ratio(variance.sqrt(), mean)
}

/// A quotient that is 0 where it has no value.
fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two groups of `n` blocks each of ten tokens with one choice, as the functions say.
    fn usage(n: usize, choose: impl Fn(usize, usize) -> [u32; 4]) -> Usage {
        let mut usage = Usage::new(vec![3], 4, 2);
        for group in 0..2 {
            usage.blocks.extend((0..n).map(|block| Block {
                group,
                tokens: 10,
                selections: choose(group, block).to_vec(),
            }));
        }
        usage
    }

    #[test]
    fn groups_with_experts_of_their_own_are_as_special_as_two_can_be() {
        let apart = usage(20, |group, _| match group {
            0 => [5, 5, 0, 0],
            _ => [0, 0, 5, 5],
        });
        let figures = &apart.figures()[0];
        assert_eq!(figures.layer, 3);
        assert_eq!(figures.expert_load, [0.25; 4]);
        assert_eq!(figures.specialisation.value, 0.5);
        assert_eq!(figures.load_variation.value, 0.0);
        assert!(figures.specialisation.chance < 0.2, "{figures:?}");
        assert_eq!(apart.group_load(1), [[0.0, 0.0, 0.5, 0.5]]);
    }

    #[test]
    fn a_collapsed_layer_is_uneven_and_not_special() {
        let collapsed = usage(20, |_, _| [10, 0, 0, 0]);
        let figures = &collapsed.figures()[0];
        assert_eq!(figures.dead_experts, 3);
        assert!((f64::from(figures.load_variation.value) - 3_f64.sqrt()).abs() < 1e-6);
        assert_eq!(figures.specialisation.value, 0.0);
    }

    #[test]
    fn chance_and_interval_of_random_choices_hold_what_is_measured() {
        let mut random = SplitMix64::new(5);
        let mut usage = Usage::new(vec![0], 4, 2);
        for block in 0..400 {
            let mut selections = vec![0; 4];
            for _ in 0..10 {
                selections[random.below(4) as usize] += 1;
            }
            usage.blocks.push(Block {
                group: block % 2,
                tokens: 10,
                selections,
            });
        }
        let figures = &usage.figures()[0];
        let (load, special) = (figures.load_variation, figures.specialisation);
        // p = 1/4 of 4,000 tokens: sqrt(0.75 / (0.25 * 4000)).
        assert!((load.chance - 0.0274).abs() < 1e-3, "{load:?}");
        assert!(
            load.value < 3.0 * load.chance && load.value < load.high,
            "{load:?}"
        );
        assert!(
            special.value < 3.0 * special.chance && special.value <= special.high,
            "{special:?}"
        );
    }
}
