//! Which images a training step sees, decided for the whole training beforehand.
//!
//! Sets take turns as domains do in text, so that each has its share of every batch.
//! Within a set every image comes once, in random order, before any comes again.
//! A step's batch depends on the recipe, the seed and the step alone: a resumed run goes on exactly.

use moescope_model::vision::VitConfig;

use super::augment::augment;
use super::recipe::VisionRecipe;
use super::sets::ImageSet;
use crate::TrainError;
use crate::batches::turns;
use crate::shuffle::SplitMix64;

/// Streams of random numbers from here on belong to images, those below to sets.
const IMAGE_STREAMS: u64 = 1 << 40;
/// Streams of one step.
const STREAMS_PER_STEP: u64 = 1 << 20;

/// Images ready to be run.
#[derive(Clone, Debug, PartialEq)]
pub struct ImageBatch {
    /// [B, side, side, 3] normalised pixels.
    pub pixels: Vec<f32>,
    /// [B] class of every image, among those of all sets.
    pub targets: Vec<i32>,
}

/// The images of all steps.
#[derive(Clone, Debug)]
pub struct ImagePlan {
    /// Set and image.
    picks: Vec<(u16, u32)>,
    batch_images: usize,
}

impl ImagePlan {
    /// Deals out the training split of the recipe's sets, given in the recipe's order.
    ///
    /// # Errors
    /// A set without images, or with larger ones than the model reads.
    pub fn new(recipe: &VisionRecipe, sets: &[ImageSet]) -> Result<Self, TrainError> {
        check_sets(recipe.model.image_size, sets)?;
        let seed = recipe.train.seed;
        let mut passes: Vec<Passes> = sets
            .iter()
            .enumerate()
            .map(|(set, images)| Passes {
                n_images: images.len() as u32,
                random: SplitMix64::for_stream(seed, set as u64),
                waiting: Vec::new(),
            })
            .collect();
        let batch_images = recipe.train.batch_sequences;
        let picks = turns(&recipe.set_weights(), recipe.train.steps() * batch_images)
            .map(|set| (set as u16, passes[set].next_image()))
            .collect();
        Ok(Self {
            picks,
            batch_images,
        })
    }

    /// Number of steps.
    pub fn steps(&self) -> usize {
        self.picks.len() / self.batch_images
    }

    /// Images `from..to` of a step, changed as the recipe says.
    pub fn batch(
        &self,
        recipe: &VisionRecipe,
        config: &VitConfig,
        sets: &[ImageSet],
        step: usize,
        range: std::ops::Range<usize>,
    ) -> ImageBatch {
        let side = config.image_size;
        let mut batch = ImageBatch {
            pixels: Vec::with_capacity(range.len() * side * side * 3),
            targets: Vec::with_capacity(range.len()),
        };
        for index in range {
            let (set, image) = self.picks[step * self.batch_images + index];
            let (set, image) = (usize::from(set), image as usize);
            let stream = IMAGE_STREAMS + step as u64 * STREAMS_PER_STEP + index as u64;
            let mut random = SplitMix64::for_stream(recipe.train.seed, stream);
            let rgb = sets[set].rgb(image, side);
            let mirror = recipe.data.sets[set].mirror;
            let rgb = augment(&recipe.augment, &mut random, &rgb, side, mirror);
            batch.pixels.extend(config.normalise(&rgb));
            batch.targets.push(target(set, sets[set].labels[image]));
        }
        batch
    }
}

/// The class of a set's label when the sets' classes stand one after the other.
pub fn target(set: usize, label: u8) -> i32 {
    set as i32 * 10 + i32::from(label)
}

/// Refuses sets that the model cannot read.
pub fn check_sets(image_size: usize, sets: &[ImageSet]) -> Result<(), TrainError> {
    for set in sets {
        let problem = if set.is_empty() {
            "it has no images".to_owned()
        } else if set.side > image_size {
            format!(
                "its images have {0} x {0} pixels, the model reads {image_size} at most",
                set.side
            )
        } else {
            continue;
        };
        return Err(TrainError::ImageSetUnusable {
            set: set.name.clone(),
            problem,
        });
    }
    Ok(())
}

/// Endless passes over one set.
struct Passes {
    n_images: u32,
    random: SplitMix64,
    /// Images of this pass that are still to come, next one last.
    waiting: Vec<u32>,
}

impl Passes {
    fn next_image(&mut self) -> u32 {
        loop {
            if let Some(image) = self.waiting.pop() {
                return image;
            }
            self.waiting = (0..self.n_images).collect();
            self.random.shuffle(&mut self.waiting);
        }
    }
}
