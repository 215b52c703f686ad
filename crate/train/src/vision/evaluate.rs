//! Held-out figures of a vision model: accuracy, loss, and which experts take which classes.
//!
//! Images of all sets are mixed by a fixed shuffle and run in batches, so that under a capacity they compete as in
//! V-MoE (arXiv:2106.05974), where a batch shares it; an image can also be run by itself, as the engine does.

use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::checkpoint::{Checkpoint, Storage};
use moescope_model::host_router::{ExpertPath, HostRouter, read_f32};
use moescope_model::vision::{MoeVit, VitConfig, build};
use moescope_routing::ModelRouting;
use moescope_routing::metrics::Estimate;
use moescope_routing::stage::limit::Priority;
use serde::Serialize;

use super::batches::{check_sets, target};
use super::sets::ImageSet;
use super::tally::{Tally, classes_of, ratio};
use crate::TrainError;
use crate::progress::{OnProgress, Progress};
use crate::shuffle::SplitMix64;
use crate::usage::{LayerFigures, Usage};

/// Images that share a capacity when they are not run one by one.
pub const BATCH_IMAGES: usize = 64;
/// Images of each set behind a point of the capacity curve.
const CURVE_IMAGES: usize = 1000;
/// Capacity factors of the curve.
const CURVE_FACTORS: [f32; 7] = [0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 2.0];
/// Decides the mix of batches.
const SEED: u64 = 1;

/// Figures of one class.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ClassFigures {
    /// What its set calls it.
    pub label: String,
    /// Test images of it.
    pub images: usize,
    /// Share of them that get this class.
    pub accuracy: f64,
    /// [L][E] share of their patches that select each expert of each MoE layer.
    pub expert_load: Vec<Vec<f64>>,
}

/// Figures of one set.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SetFigures {
    /// The set.
    pub set: String,
    /// Test images of it.
    pub images: usize,
    /// Share of them that get the right class, among those of all sets.
    pub accuracy: f64,
    /// Ends of its interval of 95 % (Wilson's).
    pub accuracy_interval: [f32; 2],
    /// Mean loss in nats.
    pub loss_nats_per_image: f64,
    /// [L][E] share of their patches that select each expert of each MoE layer.
    pub expert_load: Vec<Vec<f64>>,
    /// The same by class.
    pub classes: Vec<ClassFigures>,
}

/// Figures of all sets.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisionFigures {
    /// Figures of each set.
    pub sets: Vec<SetFigures>,
    /// Figures of each MoE layer over all sets.
    pub layers: Vec<LayerFigures>,
}

/// Who shares a capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Group {
    /// [`BATCH_IMAGES`] images of all sets.
    Batch,
    /// One image.
    Image,
}

/// One point of the capacity curve.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CapacityPoint {
    /// Places of an expert over its balanced load.
    pub capacity_factor: f32,
    /// Who claims places first.
    pub priority: Priority,
    /// Who shares them.
    pub group: Group,
    /// Share of choices that found their expert full.
    pub dropped: f64,
    /// Accuracy on each set, in the recipe's order, on its first images of the mix.
    pub accuracy: Vec<f64>,
}

/// A model ready to be evaluated.
pub struct VisionEvaluator {
    config: VitConfig,
    model: MoeVit,
    routing: ModelRouting,
    device: Device,
}

/// Set and image.
type Pick = (usize, usize);

impl VisionEvaluator {
    /// Loads `config.json` and `model.safetensors` as anyone else would.
    ///
    /// # Errors
    /// Whatever is wrong with the files.
    pub fn load(config: &str, weights: &[u8], storage: Storage) -> Result<Self, TrainError> {
        let config = VitConfig::from_json(config)?;
        let device = Device::flex();
        let tensors = Checkpoint::open(&config, weights)?;
        let model = build(&config, &tensors, &device, storage)?;
        Ok(Self::new(config, model, device))
    }

    /// For a model in memory.
    pub fn new(config: VitConfig, model: MoeVit, device: Device) -> Self {
        Self {
            routing: config.trained_routing(),
            config,
            model,
            device,
        }
    }

    /// The same under another routing.
    ///
    /// # Errors
    /// A routing that does not fit this model.
    pub fn with_routing(self, routing: ModelRouting) -> Result<Self, TrainError> {
        self.config.check_routing(&routing)?;
        Ok(Self { routing, ..self })
    }

    /// The model's configuration.
    pub fn config(&self) -> &VitConfig {
        &self.config
    }

    /// Figures of every set, sets given in the order of the model's classes.
    ///
    /// # Errors
    /// A set that the model cannot read, or whatever the model reports.
    pub fn figures(
        &self,
        sets: &[ImageSet],
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<VisionFigures, TrainError> {
        check_sets(self.config.image_size, sets)?;
        let picks = mixed(sets, usize::MAX);
        let group = BATCH_IMAGES;
        let mut tally = self.tally(sets, &picks, &self.routing, group, threads, on_progress)?;
        let (layers, n_experts) = (self.config.moe_layers(), self.config.n_experts);
        let mut usage = Usage::new(layers, n_experts, sets.len());
        usage.blocks = std::mem::take(&mut tally.blocks);
        let figures = sets.iter().enumerate();
        Ok(VisionFigures {
            sets: figures
                .map(|(set, images)| self.set_figures(&tally, set, images))
                .collect(),
            layers: usage.figures(),
        })
    }

    /// Accuracy by capacity factor, in order and by priority, shared by a batch and by each image alone.
    ///
    /// # Errors
    /// As [`Self::figures`].
    pub fn capacity_curve(
        &self,
        sets: &[ImageSet],
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Vec<CapacityPoint>, TrainError> {
        check_sets(self.config.image_size, sets)?;
        let picks = mixed(sets, CURVE_IMAGES);
        let mut points = Vec::new();
        for (group, size) in [(Group::Batch, BATCH_IMAGES), (Group::Image, 1)] {
            for priority in [Priority::Order, Priority::BatchPriority] {
                for capacity_factor in CURVE_FACTORS {
                    let mut routing = self.routing.clone();
                    routing.default.limit.capacity_factor = Some(capacity_factor);
                    routing.default.limit.priority = priority;
                    let tally = self.tally(sets, &picks, &routing, size, threads, on_progress)?;
                    points.push(CapacityPoint {
                        capacity_factor,
                        priority,
                        group,
                        dropped: 1.0 - ratio(tally.served, tally.asked),
                        accuracy: (0..sets.len()).map(|set| tally.accuracy(set)).collect(),
                    });
                }
            }
        }
        Ok(points)
    }

    fn set_figures(&self, tally: &Tally<'_>, set: usize, images: &ImageSet) -> SetFigures {
        let range = classes_of(set);
        let right = tally.right[range.clone()].iter().sum();
        let accuracy = Estimate::share(right, images.len(), 0.0);
        let class = |class: usize| ClassFigures {
            label: self.config.classes[class].label.clone(),
            images: tally.images[class],
            accuracy: ratio(tally.right[class], tally.images[class]),
            expert_load: self.expert_load(tally, class..class + 1),
        };
        SetFigures {
            set: images.name.clone(),
            images: images.len(),
            accuracy: tally.accuracy(set),
            accuracy_interval: [accuracy.low, accuracy.high],
            loss_nats_per_image: tally.nats[range.clone()].iter().sum::<f64>()
                / images.len() as f64,
            expert_load: self.expert_load(tally, range.clone()),
            classes: range.map(class).collect(),
        }
    }

    /// [L][E] share of some classes' patches that select each expert.
    fn expert_load(&self, tally: &Tally<'_>, classes: std::ops::Range<usize>) -> Vec<Vec<f64>> {
        let patches = tally.images[classes.clone()].iter().sum::<usize>() * self.config.n_patches();
        let layers = 0..self.config.moe_layers().len();
        let share = |layer: usize, expert: usize| {
            let counts = tally.selections[classes.clone()].iter();
            ratio(counts.map(|class| class[layer][expert]).sum(), patches)
        };
        layers
            .map(|layer| {
                (0..self.config.n_experts)
                    .map(|expert| share(layer, expert))
                    .collect()
            })
            .collect()
    }

    fn tally(
        &self,
        sets: &[ImageSet],
        picks: &[Pick],
        routing: &ModelRouting,
        group: usize,
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Tally<'_>, TrainError> {
        let mut total = Tally::new(&self.config);
        let groups: Vec<&[Pick]> = picks.chunks(group).collect();
        let mut done = 0;
        // A thread takes several groups at a time, so that single images do not wait for each other.
        for share in groups.chunks(threads * (BATCH_IMAGES / group)) {
            let per_thread = share.len().div_ceil(threads);
            let tallies: Vec<Result<Tally<'_>, ModelError>> = std::thread::scope(|scope| {
                let workers: Vec<_> = share
                    .chunks(per_thread)
                    .map(|groups| scope.spawn(move || self.run_groups(sets, groups, routing)))
                    .collect();
                workers.into_iter().map(crate::step::join).collect()
            });
            for tally in tallies {
                total.add(&tally?);
            }
            done += share.iter().map(|group| group.len() as u64).sum::<u64>();
            on_progress(&Progress {
                what: "evaluating",
                done,
                total: picks.len() as u64,
                unit: "images",
            });
        }
        Ok(total)
    }

    fn run_groups(
        &self,
        sets: &[ImageSet],
        groups: &[&[Pick]],
        routing: &ModelRouting,
    ) -> Result<Tally<'_>, ModelError> {
        let mut tally = Tally::new(&self.config);
        for picks in groups {
            pollster::block_on(self.run(sets, picks, routing, &mut tally))?;
        }
        Ok(tally)
    }

    /// One pass over images that share a capacity.
    async fn run(
        &self,
        sets: &[ImageSet],
        picks: &[Pick],
        routing: &ModelRouting,
        tally: &mut Tally<'_>,
    ) -> Result<(), ModelError> {
        let (b, side) = (picks.len(), self.config.image_size);
        let (p, n_classes) = (self.config.n_patches(), self.config.classes.len());
        let pixels = picks
            .iter()
            .flat_map(|&(set, image)| sets[set].rgb(image, side));
        let pixels = self.config.normalise(&pixels.collect::<Vec<u8>>());
        let pixels_bhwc =
            Tensor::from_data(TensorData::new(pixels, [b, side, side, 3]), &self.device);
        let places: Vec<u32> = (0..b).flat_map(|_| 0..p as u32).collect();
        let mut router = HostRouter::new(routing, &places, ExpertPath::Selected, true);
        let logits_bn = self.model.forward(pixels_bhwc, &mut router).await?;
        let log_probs_bn = read_f32(log_softmax(logits_bn, 1)).await?;
        let targets: Vec<usize> = picks
            .iter()
            .map(|&(set, image)| target(set, sets[set].labels[image]) as usize)
            .collect();
        for (log_probs, &class) in log_probs_bn.chunks_exact(n_classes).zip(&targets) {
            tally.add_answer(log_probs, class);
        }
        let sets_of = picks.iter().map(|&(set, _)| set);
        tally.add_traces(&router.finish().0, sets_of, &targets);
        Ok(())
    }
}

/// At most `per_set` images of each set, in a mixed order that is always the same.
fn mixed(sets: &[ImageSet], per_set: usize) -> Vec<Pick> {
    let mut random = SplitMix64::new(SEED);
    let mut picks = Vec::new();
    for (set, images) in sets.iter().enumerate() {
        let mut order: Vec<usize> = (0..images.len()).collect();
        random.shuffle(&mut order);
        picks.extend(order.into_iter().take(per_set).map(|image| (set, image)));
    }
    random.shuffle(&mut picks);
    picks
}
