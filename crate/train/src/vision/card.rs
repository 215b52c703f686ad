//! The measured part of a vision model's card: accuracies, expert maps, capacity curve.

use std::fmt::Write;

use moescope_routing::stage::limit::Priority;
use serde::Serialize;

use super::evaluate::{BATCH_IMAGES, CapacityPoint, Group, SetFigures};

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
    /// Figures on the test images of each set.
    pub sets: Vec<SetFigures>,
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
        for set in &self.sets {
            let classes = set.classes.iter().map(|class| {
                let percent = 100.0 * class.accuracy;
                format!("{} {percent:.1} %", class.label)
            });
            let classes: Vec<String> = classes.collect();
            // Writing to a string cannot fail.
            let _ = writeln!(text, "- **{}**: {}", set.set, classes.join(", "));
        }
        text.push_str(&self.expert_maps());
        text.push_str(&self.capacity_tables());
        text
    }

    fn accuracy_table(&self) -> String {
        let mut text =
            String::from("| set (test) | images | accuracy | loss in nats |\n|---|---|---|---|\n");
        for set in &self.sets {
            let _ = writeln!(
                text,
                "| {}{} | {} | **{:.2} %** | {:.3} |",
                set.set,
                if set.set == "cifar10" {
                    " (lossy source)"
                } else {
                    ""
                },
                set.images,
                100.0 * set.accuracy,
                set.loss_nats_per_image
            );
        }
        text
    }

    /// One table for each MoE layer: a row for each set, then for each class.
    fn expert_maps(&self) -> String {
        let n_layers = self.sets.first().map_or(0, |set| set.expert_load.len());
        let mut text = String::new();
        for layer in 0..n_layers {
            let n_experts = self.sets[0].expert_load[layer].len();
            let header: String = (0..n_experts)
                .map(|expert| format!(" {expert} |"))
                .collect();
            let _ = write!(
                text,
                "\nShare of patches that select each expert, MoE layer {layer} of {n_layers} (sets, then classes).\n\n\
                 | |{header}\n|---|{}\n",
                "---|".repeat(n_experts)
            );
            for set in &self.sets {
                row(
                    &mut text,
                    &format!("**{}**", set.set),
                    &set.expert_load[layer],
                );
            }
            for set in &self.sets {
                for class in &set.classes {
                    row(
                        &mut text,
                        &format!("{} {}", set.set, class.label),
                        &class.expert_load[layer],
                    );
                }
            }
        }
        text
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
                .sets
                .iter()
                .map(|set| format!(" {} |", set.set))
                .collect();
            let _ = write!(
                text,
                "\nAccuracy by capacity factor where {who}.\n\n\
                 | capacity factor | who comes first | dropped |{sets}\n|---|---|---|{}\n",
                "---|".repeat(self.sets.len())
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

fn row(text: &mut String, name: &str, load: &[f64]) {
    let cells: String = load
        .iter()
        .map(|share| format!(" {:.0} % |", 100.0 * share))
        .collect();
    let _ = writeln!(text, "| {name} |{cells}");
}
