//! The part of a model card that is measured: tables, loads and samples, written between two marks.
//!
//! What surrounds the marks is written by hand and kept.

use std::fmt::Write;

use serde::Serialize;

use crate::TrainError;
use crate::evaluate::DomainFigures;

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
    /// Figures on the test split of each domain.
    pub domains: Vec<DomainFigures>,
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
    text.push_str(&loss_table(card));
    text.push_str(
        "\nShare of tokens that select each expert (an even load would be the same everywhere).\n",
    );
    for domain in &card.domains {
        text.push_str(&load_table(domain));
    }
    text.push_str("\nSamples: temperature 0.7, seed 1, the first try of each prompt.\n");
    for sample in &card.samples {
        let quoted = format!("{}⟶{}", sample.prompt, sample.text);
        // Writing to a string cannot fail.
        let _ = write!(text, "\n```text\n{}\n```\n", quoted.trim_end());
    }
    text
}

fn loss_table(card: &Card) -> String {
    let mut text = String::from(
        "| domain (test) | nats per token | bits per byte | 5-gram | unigram | against 5-gram | 5-gram of tokens | against it |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for d in &card.domains {
        let _ = writeln!(
            text,
            "| {} | {:.3} | **{:.3}** | {:.3} | {:.3} | {:+.1} % | {:.3} | {:+.1} % |",
            d.domain,
            d.loss_nats_per_token,
            d.bits_per_byte,
            d.five_gram_bits_per_byte,
            d.unigram_bits_per_byte,
            100.0 * (d.bits_per_byte / d.five_gram_bits_per_byte - 1.0),
            d.token_five_gram_bits_per_byte,
            100.0 * (d.bits_per_byte / d.token_five_gram_bits_per_byte - 1.0)
        );
    }
    text
}

fn load_table(d: &DomainFigures) -> String {
    let n_experts = d.expert_load.first().map_or(0, Vec::len);
    let header: String = (0..n_experts).map(|e| format!(" {e} |")).collect();
    let mut text = format!(
        "\n| {} |{header}\n|---|{}\n",
        d.domain,
        "---|".repeat(n_experts)
    );
    for (layer, load) in d.expert_load.iter().enumerate() {
        let cells: String = load
            .iter()
            .map(|share| format!(" {:.0} % |", 100.0 * share))
            .collect();
        let _ = writeln!(text, "| layer {layer} |{cells}");
    }
    text
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
            domains: Vec::new(),
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
    fn a_card_without_marks_is_refused() {
        assert!(fill_card("# Toy\n", "").is_err());
    }
}
