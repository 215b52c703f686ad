//! `moescope metrics TRACE.json`: every analysis of `moescope_routing::metrics`, over what `moescope trace` wrote.
//!
//! Prints one report for each layer, the flow of tokens between neighbouring MoE layers, and, beside a second trace
//! of the same tokens, how the two runs differ.
//! A figure that has no value, such as the z-loss of infinite logits, is null.

use std::path::{Path, PathBuf};

use moescope_routing::metrics::{
    LabelShare, LayerReport, LayerView, divergence, flow, report, saturation, share_by_label,
};
use serde::Serialize;

use super::trace_file::{Layer, Trace};
use super::write_json;
use crate::Outcome;

/// A token id must occur so often to say something about it (as in OLMoE, arXiv:2409.02060).
const MIN_TOKENS: usize = 10;

/// Arguments of `moescope metrics`.
#[derive(clap::Args)]
pub struct Args {
    /// File that `moescope trace --json` wrote.
    trace: PathBuf,
    /// A second trace of the same tokens, under other weights or another strategy, to compare with.
    #[arg(long, value_name = "TRACE.json")]
    against: Option<PathBuf>,
    /// A token id must occur so often to be listed.
    #[arg(long, default_value_t = MIN_TOKENS)]
    min_tokens: usize,
    /// File to write; standard output if absent.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

#[derive(Serialize)]
struct Output {
    /// T.
    n_tokens: usize,
    /// One entry for each MoE layer.
    layers: Vec<LayerOutput>,
    /// One entry for each two neighbouring MoE layers.
    flows: Vec<Flow>,
    /// One entry for each MoE layer, where there is a second trace.
    #[serde(skip_serializing_if = "Option::is_none")]
    against: Option<Vec<Comparison>>,
}

#[derive(Serialize)]
struct LayerOutput {
    layer: usize,
    n_experts: usize,
    mean_experts: f32,
    #[serde(flatten)]
    report: LayerReport,
    /// Shares by the id of the token itself.
    by_input_id: Vec<LabelShare>,
    /// Shares by the id that the model holds likeliest to follow.
    by_predicted_id: Vec<LabelShare>,
    /// Shares by the id that does follow; the last token has none.
    by_next_id: Vec<LabelShare>,
}

#[derive(Serialize)]
struct Flow {
    from: usize,
    to: usize,
    /// [E, E] tokens that go from the row expert to the column expert.
    counts: Vec<usize>,
}

#[derive(Serialize)]
struct Comparison {
    layer: usize,
    /// Mean overlap of each token's experts.
    saturation: f32,
    /// [T] Jensen-Shannon divergence of the scores in nats.
    divergence: Vec<f32>,
}

pub fn run(args: &Args) -> Outcome {
    let trace = Trace::read(&args.trace)?;
    let layers = &trace.layers;
    let neighbours = layers.iter().zip(layers.iter().skip(1));
    let against = match &args.against {
        Some(path) => Some(compare(&trace, path)?),
        None => None,
    };
    let output = Output {
        n_tokens: trace.tokens.len(),
        layers: layers
            .iter()
            .map(|layer| analyse(layer, &trace, args.min_tokens))
            .collect(),
        flows: neighbours
            .map(|(from, to)| Flow {
                from: from.layer,
                to: to.layer,
                counts: flow(&from.plan, &to.plan, from.n_experts),
            })
            .collect(),
        against,
    };
    write_json(&output, args.json.as_deref())
}

fn analyse(layer: &Layer, trace: &Trace, min_tokens: usize) -> LayerOutput {
    let view = LayerView {
        plan: &layer.plan,
        n_experts: layer.n_experts,
        logits_te: &layer.logits_te,
        scores_te: &layer.scores_te,
    };
    let shares = |labels: &[u32]| share_by_label(&layer.plan, layer.n_experts, labels, min_tokens);
    LayerOutput {
        layer: layer.layer,
        n_experts: layer.n_experts,
        mean_experts: view.mean_experts(),
        report: report(&view),
        by_input_id: shares(&trace.tokens),
        by_predicted_id: shares(&trace.predicted),
        by_next_id: shares(trace.tokens.get(1..).unwrap_or_default()),
    }
}

/// Both runs, layer by layer.
fn compare(trace: &Trace, path: &Path) -> Result<Vec<Comparison>, Box<dyn std::error::Error>> {
    let other = Trace::read(path)?;
    let differs = |what: &str| {
        format!(
            "{}: {what} differ from those of the first trace; compare two runs of the same tokens",
            path.display()
        )
    };
    if other.tokens != trace.tokens {
        return Err(differs("the tokens").into());
    }
    let shape = |trace: &Trace| -> Vec<(usize, usize)> {
        let layers = trace.layers.iter();
        layers.map(|layer| (layer.layer, layer.n_experts)).collect()
    };
    if shape(&other) != shape(trace) {
        return Err(differs("the MoE layers or their numbers of experts").into());
    }
    let pairs = trace.layers.iter().zip(&other.layers);
    Ok(pairs
        .map(|(a, b)| Comparison {
            layer: a.layer,
            saturation: saturation(&a.plan, &b.plan),
            divergence: divergence(&a.scores_te, &b.scores_te, a.n_experts),
        })
        .collect())
}
