//! The part of a model card that is measured: tables, map of experts and samples, written between two marks.
//!
//! What surrounds the marks is written by hand and kept.

use std::fmt::Write;

use serde::Serialize;

use crate::TrainError;
use crate::chart::{ExpertMap, LayerMap, Row};
use crate::evaluate::{DomainFigures, TextFigures};
use crate::usage::LayerFigures;

const BEGIN: &str = "<!-- figures: written by `moescope eval` -->";
const END: &str = "<!-- end of figures -->";

/// Everything measured about a model; `eval.json` is this.
#[derive(Clone, Debug, Serialize)]
pub struct Card {
    /// Name of the model.
    pub name: String,
    /// All parameters.
    pub n_parameters: usize,
    /// Parameters one token uses.
    pub n_active_parameters: usize,
    /// Size of model.safetensors.
    pub weight_bytes: usize,
    /// E; 0 in a dense model.
    pub n_experts: usize,
    /// K; 0 in a dense model.
    pub top_k: usize,
    /// Figures on the test split of each domain.
    #[serde(flatten)]
    pub figures: TextFigures,
    /// The beginning of each domain's test split, small enough to measure again anywhere.
    pub excerpts: Vec<Excerpt>,
    /// Generated text, temperature 0.7, seed 1, first try.
    pub samples: Vec<Sample>,
}

/// Held-out text and how well it is predicted.
#[derive(Clone, Debug, Serialize)]
pub struct Excerpt {
    /// The domain.
    pub domain: String,
    /// The text.
    pub text: String,
    /// Mean loss in nats.
    pub loss_nats_per_token: f32,
    /// The same per byte, in bits.
    pub bits_per_byte: f32,
}

/// A prompt and how the model went on.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// What was given.
    pub prompt: String,
    /// What came out.
    pub text: String,
}

/// Replaces what stands between the marks of a card by figures in Markdown.
///
/// # Errors
/// [`TrainError::CardMarks`] if the marks are not there.
pub fn fill_card(old: &str, figures: &str) -> Result<String, TrainError> {
    let parts = old.split_once(BEGIN).and_then(|(head, rest)| {
        let (_, tail) = rest.split_once(END)?;
        Some((head, tail))
    });
    let (head, tail) = parts.ok_or(TrainError::CardMarks {
        begin: BEGIN,
        end: END,
    })?;
    Ok(format!("{head}{BEGIN}\n\n{figures}\n{END}{tail}"))
}

/// The figures of a language model as Markdown.
pub fn figures(card: &Card) -> String {
    let mut text = format!(
        "{:.2} M parameters, {:.2} M active per token, {:.1} MB of weights.\n\n",
        card.n_parameters as f64 / 1e6,
        card.n_active_parameters as f64 / 1e6,
        card.weight_bytes as f64 / 1e6
    );
    text.push_str(&loss_table(&card.figures));
    let [low, high] = card.figures.loss_interval;
    let mean = card.figures.loss_nats_per_token;
    // Writing to a string cannot fail.
    let _ = writeln!(
        text,
        "\nMean over domains: **{mean:.4}** nats per token, interval of 95 % {low:.4} to {high:.4}, in which windows of text are what varies.",
    );
    if !card.figures.layers.is_empty() {
        text.push_str(
            "\n![Share of each domain's tokens that select each expert](experts.svg)\n\n",
        );
        text.push_str(&layer_table(&card.figures.layers, "domain"));
    }
    text.push_str("\nSamples: temperature 0.7, seed 1, the first try of each prompt.\n");
    for sample in &card.samples {
        let quoted = format!("{}⟶{}", sample.prompt, sample.text);
        // Documentation comments hold fences of their own.
        let fence = match quoted.contains("```") {
            true => "````",
            false => "```",
        };
        let _ = write!(text, "\n{fence}text\n{}\n{fence}\n", quoted.trim_end());
    }
    text
}

/// Which domain uses which experts; none for a dense model.
pub fn expert_map(card: &Card) -> Option<String> {
    let (figures, n_experts) = (&card.figures, card.n_experts);
    let names = figures.domains.iter();
    let map = ExpertMap {
        title: format!("{}: which experts each domain uses", card.name),
        subtitle: format!(
            "Share of held-out tokens that select the expert, {} of {n_experts} per token",
            card.top_k
        ),
        even: card.top_k as f64 / n_experts as f64,
        rows: names
            .map(|domain| Row {
                label: domain.domain.clone(),
                begins_group: false,
            })
            .collect(),
        layers: layer_maps(&figures.layers, |layer| {
            let domains = figures.domains.iter();
            domains
                .map(|domain| domain.expert_load[layer].clone())
                .collect()
        }),
    };
    (!map.layers.is_empty()).then(|| map.svg())
}

/// Panels of a map, where `shares` gives the rows of the n-th MoE layer.
pub(crate) fn layer_maps(
    layers: &[LayerFigures],
    shares: impl Fn(usize) -> Vec<Vec<f64>>,
) -> Vec<LayerMap> {
    let layers = layers.iter().enumerate();
    layers
        .map(|(place, figures)| LayerMap {
            layer: figures.layer,
            load: figures.expert_load.clone(),
            shares: shares(place),
        })
        .collect()
}

/// Evenness and specialisation of every MoE layer; `group` is what experts may be special for.
pub(crate) fn layer_table(layers: &[LayerFigures], group: &str) -> String {
    let mut text = String::from(
        "| layer | load variation | by chance | specialisation | by chance | busiest expert | idlest expert | dead experts |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for figures in layers {
        let (load, special) = (figures.load_variation, figures.specialisation);
        let share = |pick: fn(f64, f64) -> f64| {
            let load = figures.expert_load.iter().copied();
            100.0 * load.reduce(pick).unwrap_or_default()
        };
        let _ = writeln!(
            text,
            "| {} | **{:.2}** ({:.2} to {:.2}) | {:.2} | **{:.2}** ({:.2} to {:.2}) | {:.2} | {:.1} % | {:.1} % | {} |",
            figures.layer,
            load.value,
            load.low,
            load.high,
            load.chance,
            special.value,
            special.low,
            special.high,
            special.chance,
            share(f64::max),
            share(f64::min),
            figures.dead_experts
        );
    }
    let _ = write!(
        text,
        "\nLoad variation: standard deviation over mean of the experts' loads; 0 is even.\n\
         Specialisation: the share of a {group}'s choices that would have to go to other experts for the {group} to be \
         routed as the mean of all; 0 is alike.\n\
         In brackets intervals of 95 % from drawing the held-out data again; busiest and idlest are shares of tokens.\n"
    );
    text
}

fn loss_table(figures: &TextFigures) -> String {
    let mut text = String::from(
        "| domain (test) | nats per token | interval of 95 % | bits per byte | 5-gram | unigram | against 5-gram | 5-gram of tokens | against it |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for domain in &figures.domains {
        loss_row(&mut text, domain);
    }
    text
}

fn loss_row(text: &mut String, d: &DomainFigures) {
    let [low, high] = d.loss_interval;
    let _ = write!(
        text,
        "| {} | {:.3} | {low:.3} to {high:.3} | **{:.3}** |",
        d.domain, d.loss_nats_per_token, d.bits_per_byte,
    );
    let _ = match &d.counting {
        None => writeln!(text, " | | | | |"),
        Some(counting) => writeln!(
            text,
            " {:.3} | {:.3} | {:+.1} % | {:.3} | {:+.1} % |",
            counting.five_gram_bits_per_byte,
            counting.unigram_bits_per_byte,
            100.0 * (d.bits_per_byte / counting.five_gram_bits_per_byte - 1.0),
            counting.token_five_gram_bits_per_byte,
            100.0 * (d.bits_per_byte / counting.token_five_gram_bits_per_byte - 1.0)
        ),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card() -> Card {
        Card {
            name: "toy".into(),
            n_parameters: 2_000_000,
            n_active_parameters: 1_000_000,
            weight_bytes: 4_000_000,
            n_experts: 2,
            top_k: 1,
            figures: TextFigures {
                loss_nats_per_token: 1.5,
                loss_interval: [1.4, 1.6],
                domains: Vec::new(),
                layers: Vec::new(),
            },
            excerpts: Vec::new(),
            samples: Vec::new(),
        }
    }

    #[test]
    fn filling_twice_keeps_the_text_around_and_changes_nothing_more() {
        let old = format!("# Toy\n\n{BEGIN}\nstale\n{END}\n\nBy hand.\n");
        let once = fill_card(&old, &figures(&card())).unwrap();
        assert!(once.starts_with("# Toy\n") && once.ends_with("By hand.\n"));
        assert!(once.contains("1.00 M active") && !once.contains("stale"));
        assert_eq!(fill_card(&once, &figures(&card())).unwrap(), once);
    }

    #[test]
    fn a_sample_with_a_fence_stays_one_block() {
        let mut card = card();
        card.samples.push(Sample {
            prompt: "/// ```".into(),
            text: "\nlet x = 1;".into(),
        });
        assert!(figures(&card).contains("\n````text\n/// ```⟶\nlet x = 1;\n````\n"));
    }

    #[test]
    fn a_card_without_marks_is_refused() {
        assert!(fill_card("# Toy\n", "").is_err());
    }
}
