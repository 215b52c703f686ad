//! `moescope route`: decides about given logits, without any model, and says why.
//!
//! The decision is `moescope_routing::route_with`; this file reads its input and prints its plan and verdicts.

use std::path::PathBuf;

use moescope_routing::{
    ModelRouting, RouterContext, RouterInput, Routing, RoutingPlan, SoftPlan, Verdict, route_with,
};
use serde::{Deserialize, Serialize};

use super::real::{Real, flatten};
use super::{read_json, read_routing, write_json};
use crate::Outcome;

/// Arguments of `moescope route`.
#[derive(clap::Args)]
pub struct Args {
    /// The strategy: a JSON file, or a preset with changes, as in olmoe,top_k=4,disabled=3+7.
    #[arg(long, value_name = "FILE|PRESET[,field=value...]")]
    spec: String,
    /// JSON file with what to decide about: {"logits": [[E numbers] x T], "token_ids": [T numbers], "layer": 0};
    /// all but the logits may be absent, and infinities are "inf" and "-inf".
    #[arg(long, value_name = "FILE")]
    logits: PathBuf,
    /// File to write; standard output if absent.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What to decide about.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Input {
    /// [T][E] gating logits.
    logits: Vec<Vec<Real>>,
    /// [T] token ids; only some strategies ask for them.
    #[serde(default)]
    token_ids: Vec<u32>,
    /// Index of the transformer layer.
    #[serde(default)]
    layer: usize,
    #[serde(default)]
    context: Context,
}

/// What some strategies need besides; see `RouterContext`.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Context {
    /// Position of the first token in its sequence.
    first_position: usize,
    /// [T][M] logits of learned null experts.
    null_logits: Vec<Vec<Real>>,
    /// [T] modalities, from 0.
    modality: Vec<u8>,
    /// [T] importances.
    importance: Vec<f32>,
    /// [T][..] experts of the previous MoE layer.
    previous_layer: Option<Vec<Vec<u16>>>,
    /// [..] experts of the token before the first.
    previous_token: Vec<u16>,
}

#[derive(Serialize)]
struct Output {
    /// One entry for each token.
    tokens: Vec<Token>,
    /// What slots take of tokens, where the method is soft.
    #[serde(skip_serializing_if = "Option::is_none")]
    soft: Option<SoftPlan>,
}

#[derive(Serialize)]
struct Token {
    /// The experts that act, best first.
    experts: Vec<Choice>,
    /// [E] why each expert does or does not act.
    verdicts: Vec<Verdict>,
    /// The weight that overflow hands to the shared expert, if it hands it any.
    #[serde(skip_serializing_if = "is_zero")]
    shared_weight: f32,
    /// How many null experts the token chose, where there are null experts.
    #[serde(skip_serializing_if = "Option::is_none")]
    null_experts: Option<u16>,
}

#[derive(Serialize)]
struct Choice {
    expert: u16,
    weight: f32,
}

pub fn run(args: &Args) -> Outcome {
    let routing = read_routing("--spec", &args.spec)?;
    let input: Input = read_json(&args.logits)?;
    write_json(
        &Output::new(&decide(&routing, &input)?),
        args.json.as_deref(),
    )
}

fn decide(routing: &ModelRouting, input: &Input) -> Result<Routing, Box<dyn std::error::Error>> {
    if input.logits.is_empty() {
        return Err("logits has no rows; it must have one for each token, at least 1".into());
    }
    let (logits_te, n_experts) = flatten("logits", &input.logits)?;
    let given = &input.context;
    let (null_logits_tm, _) = flatten("context.null_logits", &given.null_logits)?;
    let previous_layer = given.previous_layer.as_deref().map(plan_of);
    let context = RouterContext {
        first_position: given.first_position,
        null_logits_tm: &null_logits_tm,
        modality_t: &given.modality,
        importance_t: &given.importance,
        previous_layer: previous_layer.as_ref(),
        previous_token: &given.previous_token,
        external: None,
    };
    let input = RouterInput {
        logits_te: &logits_te,
        n_tokens: input.logits.len(),
        n_experts,
        layer: input.layer,
        token_ids: &input.token_ids,
    };
    Ok(route_with(
        &context,
        routing.for_layer(input.layer),
        &input,
    )?)
}

/// A plan from its choices; weights do not matter to who asks for it.
fn plan_of(experts: &[Vec<u16>]) -> RoutingPlan {
    let mut plan = RoutingPlan {
        offsets: vec![0],
        ..RoutingPlan::default()
    };
    for row in experts {
        plan.expert_idx.extend(row);
        plan.offsets.push(plan.expert_idx.len() as u32);
    }
    plan.combine_weights = vec![1.0; plan.expert_idx.len()];
    plan
}

impl Output {
    fn new(Routing { plan, trace }: &Routing) -> Self {
        let verdicts = trace.verdicts_te.chunks_exact(trace.n_experts);
        let token = |(token, verdicts): (usize, &[Verdict])| Token {
            experts: plan
                .experts(token)
                .iter()
                .zip(plan.weights(token))
                .map(|(&expert, &weight)| Choice { expert, weight })
                .collect(),
            verdicts: verdicts.to_vec(),
            shared_weight: trace.shared_weights_t.get(token).copied().unwrap_or(0.0),
            null_experts: trace.null_picks_t.get(token).copied(),
        };
        Self {
            tokens: verdicts.enumerate().map(token).collect(),
            soft: trace.soft.clone(),
        }
    }
}

fn is_zero(value: &f32) -> bool {
    *value == 0.0
}
