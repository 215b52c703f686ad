//! `moescope metrics TRACE.json`: every analysis of `moescope_routing::metrics`, over what `moescope trace` wrote.
//!
//! Prints one report for each layer, the flow of tokens between MoE layers, and, beside a second trace of the same
//! tokens, how the two runs differ.
//! A figure that has no value, such as the z-loss of infinite logits, is null.
//! What needs the model, such as the loss when an expert is banned, is not here.

use std::path::{Path, PathBuf};

use moescope_routing::RoutingError;
use moescope_routing::metrics::{
    Divergence, Estimate, Flow, LabelShare, LayerReport, LayerView, PredictionChange, divergence,
    flow, prediction_change, report, saturation, share_by_label,
};
use serde::Serialize;

use super::trace_file::{Layer, Trace};
use super::{read_json, write_json};
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
    /// JSON list with a whole number for each token, such as its domain or the class of its image; adds shares by label.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Lists the flows between every two MoE layers, not only between neighbours.
    #[arg(long)]
    all_flows: bool,
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
    /// One entry for each two neighbouring MoE layers, or for every two.
    flows: Vec<FlowOutput>,
    /// Where there is a second trace.
    #[serde(flatten)]
    comparison: Option<Comparison>,
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
    /// Shares by the labels given.
    #[serde(skip_serializing_if = "Option::is_none")]
    by_label: Option<Vec<LabelShare>>,
}

#[derive(Serialize)]
struct FlowOutput {
    from: usize,
    to: usize,
    #[serde(flatten)]
    flow: Flow,
}

#[derive(Serialize)]
struct Comparison {
    /// One entry for each MoE layer.
    against: Vec<LayerComparison>,
    /// Where both traces have next-token logits.
    #[serde(skip_serializing_if = "Option::is_none")]
    predictions: Option<PredictionChange>,
}

#[derive(Serialize)]
struct LayerComparison {
    layer: usize,
    /// Mean overlap of each token's experts.
    saturation: Estimate,
    /// Jensen-Shannon divergence of the scores in nats.
    divergence: Divergence,
}

pub fn run(args: &Args) -> Outcome {
    let trace = Trace::read(&args.trace)?;
    let labels = match &args.labels {
        Some(path) => Some(read_labels(path, trace.tokens.len())?),
        None => None,
    };
    let comparison = match &args.against {
        Some(path) => Some(compare(&trace, path)?),
        None => None,
    };
    let analyse = |layer| analyse(layer, &trace, labels.as_deref(), args.min_tokens);
    let output = Output {
        n_tokens: trace.tokens.len(),
        layers: trace.layers.iter().map(analyse).collect::<Result<_, _>>()?,
        flows: flows(&trace.layers, args.all_flows),
        comparison,
    };
    write_json(&output, args.json.as_deref())
}

fn analyse(
    layer: &Layer,
    trace: &Trace,
    labels: Option<&[u32]>,
    min_tokens: usize,
) -> Result<LayerOutput, RoutingError> {
    let view = LayerView {
        plan: &layer.plan,
        n_experts: layer.n_experts,
        logits_te: &layer.logits_te,
        scores_te: &layer.scores_te,
    };
    let shares =
        |labels: &[u32], least| share_by_label(&layer.plan, layer.n_experts, labels, least);
    Ok(LayerOutput {
        layer: layer.layer,
        n_experts: layer.n_experts,
        mean_experts: view.mean_experts(),
        report: report(&view)?,
        by_input_id: shares(&trace.tokens, min_tokens),
        by_predicted_id: shares(&trace.predicted(), min_tokens),
        by_next_id: shares(trace.tokens.get(1..).unwrap_or_default(), min_tokens),
        by_label: labels.map(|labels| shares(labels, 1)),
    })
}

fn flows(layers: &[Layer], all: bool) -> Vec<FlowOutput> {
    let mut flows = Vec::new();
    for (place, from) in layers.iter().enumerate() {
        let later = &layers[place + 1..];
        let reach = if all { later.len() } else { later.len().min(1) };
        flows.extend(later[..reach].iter().map(|to| FlowOutput {
            from: from.layer,
            to: to.layer,
            flow: flow(&from.plan, &to.plan, from.n_experts),
        }));
    }
    flows
}

fn read_labels(path: &Path, n_tokens: usize) -> Result<Vec<u32>, Box<dyn std::error::Error>> {
    let labels: Vec<u32> = read_json(path)?;
    if labels.len() == n_tokens {
        return Ok(labels);
    }
    Err(format!(
        "{}: got {} labels; there must be {n_tokens}, one for each token",
        path.display(),
        labels.len()
    )
    .into())
}

/// Both runs, layer by layer.
fn compare(trace: &Trace, path: &Path) -> Result<Comparison, Box<dyn std::error::Error>> {
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
    let has_both = trace.n_vocab > 0 && other.n_vocab > 0;
    if has_both && trace.n_vocab != other.n_vocab {
        return Err(differs("the numbers of next-token logits").into());
    }
    let predictions =
        || prediction_change(&trace.next_logits_tv, &other.next_logits_tv, trace.n_vocab);
    let pairs = trace.layers.iter().zip(&other.layers);
    Ok(Comparison {
        against: pairs
            .map(|(a, b)| LayerComparison {
                layer: a.layer,
                saturation: saturation(&a.plan, &b.plan, a.n_experts),
                divergence: divergence(&a.scores_te, &b.scores_te, a.n_experts),
            })
            .collect(),
        predictions: has_both.then(predictions),
    })
}
