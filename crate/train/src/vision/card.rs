//! The measured part of a vision model's card: accuracies, expert maps, capacity curve.

use std::fmt::Write;

use moescope_routing::stage::limit::Priority;
use serde::Serialize;

use super::evaluate::{BATCH_IMAGES, CapacityPoint, Group, VisionFigures};
use crate::card::{layer_maps, layer_table};
use crate::chart::{ExpertMap, Row};

/// Everything measured about a vision model; `eval.json` is this.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct VisionCard {
    /// Name of the model.
    pub name: String,
    /// All parameters.
    pub n_parameters: usize,
    /// Parameters one patch uses.
    pub n_active_parameters: usize,
    /// Operations of one image's forward pass in matrix products, a multiply-add as two.
    pub flops_per_image: usize,
    /// Size of model.safetensors.
    pub weight_bytes: usize,
    /// E; 0 where no layer has experts.
    pub n_experts: usize,
    /// Mean number of experts of a patch under the trained routing, before any capacity.
    pub top_k: usize,
    /// Figures on the test images of each set.
    #[serde(flatten)]
    pub measured: VisionFigures,
    /// Accuracy by capacity; empty unless the model was trained with one.
    pub capacity: Vec<CapacityPoint>,
    /// A few test images, small enough to run again anywhere.
    pub excerpts: Vec<ImageExcerpt>,
}

/// A held-out image and how well it is recognised.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ImageExcerpt {
    /// The set.
    pub set: String,
    /// Right class among those of all sets.
    pub class: usize,
    /// [side, side, 3] bytes as hexadecimal digits.
    pub pixels: String,
    /// -ln p(class) in nats.
    pub loss_nats: f32,
}

impl VisionCard {
    /// The figures as Markdown.
    pub fn figures(&self) -> String {
        let mut text = format!(
            "{:.2} M parameters, {:.2} M active per patch, {:.0} MFLOP per image, {:.1} MB of weights.\n\n",
            self.n_parameters as f64 / 1e6,
            self.n_active_parameters as f64 / 1e6,
            self.flops_per_image as f64 / 1e6,
            self.weight_bytes as f64 / 1e6
        );
        text.push_str(&self.accuracy_table());
        text.push_str("\nAccuracy by class.\n\n");
        for set in &self.measured.sets {
            let classes = set.classes.iter().map(|class| {
                let percent = 100.0 * class.accuracy;
                format!("{} {percent:.1} %", class.label)
            });
            let classes: Vec<String> = classes.collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "- **{}**: {}", set.set, classes.join(", "));
        }
        if !self.measured.layers.is_empty() {
            text.push_str(
                "\n![Share of the patches of each set and class that select each expert](experts.svg)\n\n",
            );
            text.push_str(&layer_table(&self.measured.layers, "set"));
        }
        text.push_str(&self.capacity_tables());
        text
    }

    fn accuracy_table(&self) -> String {
        let mut text = String::from(
            "| set (test) | images | accuracy | interval of 95 % | loss in nats |\n|---|---|---|---|---|\n",
        );
        for set in &self.measured.sets {
            let _ = writeln!(
                text,
                "| {}{} | {} | **{:.2} %** | {:.2} to {:.2} % | {:.3} |",
                set.set,
                if set.set == "cifar10" {
                    " (lossy source)"
                } else {
                    ""
                },
                set.images,
                100.0 * set.accuracy,
                100.0 * set.accuracy_interval[0],
                100.0 * set.accuracy_interval[1],
                set.loss_nats_per_image
            );
        }
        text
    }

    /// Which set and which class uses which experts; none without experts.
    pub fn expert_map(&self) -> Option<String> {
        let (sets, n_experts) = (&self.measured.sets, self.n_experts);
        let classes = || sets.iter().flat_map(|set| &set.classes);
        let row = |label: &str, begins_group| Row {
            label: label.to_owned(),
            begins_group,
        };
        let set_rows = sets.iter().map(|set| row(&set.set, false));
        let class_rows = sets.iter().flat_map(|set| {
            let classes = set.classes.iter().enumerate();
            classes.map(|(place, class)| row(&class.label, place == 0))
        });
        let map = ExpertMap {
            title: format!("{}: which experts each set and class uses", self.name),
            subtitle: format!(
                "Share of test patches that select the expert, {} of {n_experts} per patch",
                self.top_k
            ),
            even: self.top_k as f64 / n_experts as f64,
            rows: set_rows.chain(class_rows).collect(),
            layers: layer_maps(&self.measured.layers, |layer| {
                let sets = sets.iter().map(|set| set.expert_load[layer].clone());
                let classes = classes().map(|class| class.expert_load[layer].clone());
                sets.chain(classes).collect()
            }),
        };
        (!map.layers.is_empty()).then(|| map.svg())
    }

    fn capacity_tables(&self) -> String {
        let mut text = String::new();
        for group in [Group::Batch, Group::Image] {
            let points = || self.capacity.iter().filter(|point| point.group == group);
            if points().next().is_none() {
                continue;
            }
            let who = match group {
                Group::Batch => format!("{BATCH_IMAGES} images of all sets share the places"),
                Group::Image => "each image has places of its own".to_owned(),
            };
            let sets: String = self
                .measured
                .sets
                .iter()
                .map(|set| format!(" {} |", set.set))
                .collect();
            let _ = write!(
                text,
                "\nAccuracy by capacity factor where {who}.\n\n\
                 | capacity factor | who comes first | dropped |{sets}\n|---|---|---|{}\n",
                "---|".repeat(self.measured.sets.len())
            );
            for point in points() {
                let cells = point
                    .accuracy
                    .iter()
                    .map(|share| format!(" {:.1} % |", 100.0 * share));
                let _ = writeln!(
                    text,
                    "| {} | {} | {:.1} % |{}",
                    point.capacity_factor,
                    who_first(point.priority),
                    100.0 * point.dropped,
                    cells.collect::<String>()
                );
            }
        }
        text
    }
}

fn who_first(priority: Priority) -> &'static str {
    match priority {
        Priority::Order => "in order",
        Priority::BatchPriority => "by priority",
        Priority::Random => "at random",
    }
}
