//! Reading what `moescope trace` wrote, and checking that it fits together.

use std::path::Path;

use moescope_routing::{RouterInput, RouterSpec, RoutingPlan, route};
use serde::Deserialize;

use super::read_json;
use super::real::{Real, flatten};

/// A trace, as far as analyses read it.
pub struct Trace {
    /// [T] token ids.
    pub tokens: Vec<u32>,
    /// [T, V] next-token logits; empty if the file does not say.
    pub next_logits_tv: Vec<f32>,
    /// V.
    pub n_vocab: usize,
    /// MoE layers, all with as many experts.
    pub layers: Vec<Layer>,
}

/// The file.
#[derive(Deserialize)]
struct File {
    /// [T] token ids.
    tokens: Vec<u32>,
    /// [T][V] next-token logits; null stands for one that is no number and therefore never the likeliest.
    #[serde(default)]
    logits: Vec<Vec<Option<f32>>>,
    layers: Vec<FileLayer>,
}

#[derive(Deserialize)]
struct FileLayer {
    layer: usize,
    router_logits: Vec<Vec<Real>>,
    /// [T][E]; traces without them are read as if the score function were softmax.
    scores: Option<Vec<Vec<Real>>>,
    experts: Vec<Vec<u16>>,
    weights: Vec<Vec<f32>>,
}

/// A layer of a trace, checked.
pub struct Layer {
    /// Index of the transformer layer.
    pub layer: usize,
    /// E.
    pub n_experts: usize,
    /// [T, E] gating logits.
    pub logits_te: Vec<f32>,
    /// [T, E] scores.
    pub scores_te: Vec<f32>,
    /// The decision.
    pub plan: RoutingPlan,
}

impl Trace {
    /// Reads a file and checks that it fits together.
    pub fn read(path: &Path) -> Result<Self, Box<dyn std::error::Error>> {
        let file: File = read_json(path)?;
        Self::new(file).map_err(|e| format!("{}: {e}", path.display()).into())
    }

    /// [T] the likeliest next token, the lowest id of equals; empty if the file does not say.
    pub fn predicted(&self) -> Vec<u32> {
        let rows = self.next_logits_tv.chunks_exact(self.n_vocab.max(1));
        rows.map(|row| {
            let best = |best: usize, id: usize| if row[id] > row[best] { id } else { best };
            (0..row.len()).fold(0, best) as u32
        })
        .collect()
    }

    fn new(file: File) -> Result<Self, String> {
        let n_tokens = file.tokens.len();
        if n_tokens == 0 {
            return Err("tokens is empty; a trace has at least 1".into());
        }
        let (next_logits_tv, n_vocab) = next_logits(&file.logits, n_tokens)?;
        let layer = |layer: FileLayer| {
            let index = layer.layer;
            Layer::new(layer, n_tokens).map_err(|e| format!("layer {index}: {e}"))
        };
        let layers: Vec<Layer> = file
            .layers
            .into_iter()
            .map(layer)
            .collect::<Result<_, _>>()?;
        if let Some(odd) = layers.iter().find(|l| l.n_experts != layers[0].n_experts) {
            return Err(format!(
                "layer {} has {} experts; all must have as many as layer {}, which has {}",
                odd.layer, odd.n_experts, layers[0].layer, layers[0].n_experts
            ));
        }
        Ok(Self {
            tokens: file.tokens,
            next_logits_tv,
            n_vocab,
            layers,
        })
    }
}

/// [T, V] and V; nothing if the file has no logits.
fn next_logits(rows: &[Vec<Option<f32>>], n_tokens: usize) -> Result<(Vec<f32>, usize), String> {
    let Some(first) = rows.first() else {
        return Ok((Vec::new(), 0));
    };
    expect_rows("logits", rows.len(), n_tokens)?;
    let rows: Vec<Vec<Real>> = rows
        .iter()
        .map(|row| {
            row.iter()
                .map(|z| Real(z.unwrap_or(f32::NEG_INFINITY)))
                .collect()
        })
        .collect();
    match first.len() {
        0 => Err(
            "logits has empty rows; it must have a number for each token of the vocabulary".into(),
        ),
        _ => flatten("logits", &rows),
    }
}

impl Layer {
    fn new(layer: FileLayer, n_tokens: usize) -> Result<Self, Box<dyn std::error::Error>> {
        expect_rows("router_logits", layer.router_logits.len(), n_tokens)?;
        expect_rows("experts", layer.experts.len(), n_tokens)?;
        expect_rows("weights", layer.weights.len(), n_tokens)?;
        let (logits_te, n_experts) = flatten("router_logits", &layer.router_logits)?;
        if n_experts == 0 {
            return Err(
                "router_logits has empty rows; it must have a number for each expert".into(),
            );
        }
        let scores_te = match &layer.scores {
            Some(rows) => checked_scores(rows, n_tokens, n_experts)?,
            None => softmax(&logits_te, n_tokens, n_experts)?,
        };
        let plan = plan_of(&layer.experts, &layer.weights)?;
        plan.validate(n_experts)?;
        Ok(Self {
            layer: layer.layer,
            n_experts,
            logits_te,
            scores_te,
            plan,
        })
    }
}

fn expect_rows(what: &str, got: usize, n_tokens: usize) -> Result<(), String> {
    if got == n_tokens {
        return Ok(());
    }
    Err(format!(
        "{what} has {got} rows; it must have {n_tokens}, one for each token"
    ))
}

fn checked_scores(
    rows: &[Vec<Real>],
    n_tokens: usize,
    n_experts: usize,
) -> Result<Vec<f32>, String> {
    expect_rows("scores", rows.len(), n_tokens)?;
    match flatten("scores", rows)? {
        (scores_te, n_columns) if n_columns == n_experts => Ok(scores_te),
        (_, n_columns) => Err(format!(
            "scores has {n_columns} columns; it must have {n_experts}, as router_logits has"
        )),
    }
}

/// Softmax scores, as the default strategy has them; taken from a decision so that there is one softmax.
fn softmax(
    logits_te: &[f32],
    n_tokens: usize,
    n_experts: usize,
) -> Result<Vec<f32>, moescope_routing::RoutingError> {
    let input = RouterInput {
        logits_te,
        n_tokens,
        n_experts,
        layer: 0,
        token_ids: &[],
    };
    Ok(route(&RouterSpec::top_k(1), &input)?.trace.scores_te)
}

fn plan_of(experts: &[Vec<u16>], weights: &[Vec<f32>]) -> Result<RoutingPlan, String> {
    let mut plan = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for (token, (experts, weights)) in experts.iter().zip(weights).enumerate() {
        if experts.len() != weights.len() {
            return Err(format!(
                "token {token} has {} experts and {} weights; there must be one weight for each",
                experts.len(),
                weights.len()
            ));
        }
        plan.expert_idx.extend(experts);
        plan.combine_weights.extend(weights);
        plan.offsets.push(plan.expert_idx.len() as u32);
    }
    Ok(plan)
}
