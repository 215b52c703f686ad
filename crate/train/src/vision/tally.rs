//! What is summed up over evaluated images: answers and the experts of their patches, by class.

use std::ops::Range;

use moescope_model::LayerTrace;
use moescope_model::vision::VitConfig;

use crate::usage::Block;

/// Sums over images, by class: N of all sets.
pub(super) struct Tally<'a> {
    config: &'a VitConfig,
    pub(super) images: Vec<usize>,
    pub(super) right: Vec<usize>,
    pub(super) nats: Vec<f64>,
    /// [N][L][E] selections.
    pub(super) selections: Vec<Vec<Vec<usize>>>,
    /// Selections of every image.
    pub(super) blocks: Vec<Block>,
    /// Choices that would have been made without a capacity, and those that were.
    pub(super) asked: usize,
    pub(super) served: usize,
}

impl<'a> Tally<'a> {
    pub(super) fn new(config: &'a VitConfig) -> Self {
        let n_classes = config.classes.len();
        let layers = vec![vec![0; config.n_experts]; config.moe_layers().len()];
        Self {
            config,
            images: vec![0; n_classes],
            right: vec![0; n_classes],
            nats: vec![0.0; n_classes],
            selections: vec![layers; n_classes],
            blocks: Vec::new(),
            asked: 0,
            served: 0,
        }
    }

    /// An image of `class`, with the log-probabilities [N] that the model gave it.
    pub(super) fn add_answer(&mut self, log_probs: &[f32], class: usize) {
        self.images[class] += 1;
        self.nats[class] -= f64::from(log_probs[class]);
        self.right[class] += usize::from(best(log_probs) == class);
    }

    /// The layers [L] of a pass over images, each with its set and class.
    pub(super) fn add_traces(
        &mut self,
        layers: &[LayerTrace],
        sets: impl Iterator<Item = usize>,
        classes: &[usize],
    ) {
        let (patches, n_experts) = (self.config.n_patches(), self.config.n_experts);
        let first = self.blocks.len();
        self.blocks.extend(sets.map(|group| Block {
            group,
            tokens: patches,
            selections: vec![0; layers.len() * n_experts],
        }));
        for (layer, trace) in layers.iter().enumerate() {
            self.asked += classes.len() * patches * self.config.top_k();
            self.served += trace.experts.len();
            for (token, bounds) in trace.offsets.windows(2).enumerate() {
                let counts = &mut self.selections[classes[token / patches]][layer];
                let block = &mut self.blocks[first + token / patches].selections;
                for &expert in &trace.experts[bounds[0] as usize..bounds[1] as usize] {
                    counts[usize::from(expert)] += 1;
                    block[layer * n_experts + usize::from(expert)] += 1;
                }
            }
        }
    }

    /// Adds the sums of other images.
    pub(super) fn add(&mut self, other: &Self) {
        for class in 0..self.images.len() {
            self.images[class] += other.images[class];
            self.right[class] += other.right[class];
            self.nats[class] += other.nats[class];
            let layers = self.selections[class].iter_mut().flatten();
            for (total, count) in layers.zip(other.selections[class].iter().flatten()) {
                *total += count;
            }
        }
        self.blocks.extend(other.blocks.iter().cloned());
        self.asked += other.asked;
        self.served += other.served;
    }

    /// Share of a set's images that got the right class.
    pub(super) fn accuracy(&self, set: usize) -> f64 {
        let sum = |counts: &[usize]| counts[classes_of(set)].iter().sum();
        ratio(sum(&self.right), sum(&self.images))
    }
}

/// Classes of a set among those of all.
pub(super) fn classes_of(set: usize) -> Range<usize> {
    set * 10..set * 10 + 10
}

/// A quotient that is 0 where it has no value.
pub(super) fn ratio(a: usize, b: usize) -> f64 {
    if b == 0 { 0.0 } else { a as f64 / b as f64 }
}

/// The likeliest class, the lower on a tie.
fn best(log_probs: &[f32]) -> usize {
    (0..log_probs.len()).fold(0, |best, class| {
        if log_probs[class] > log_probs[best] {
            class
        } else {
            best
        }
    })
}
