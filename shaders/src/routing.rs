//! What the route kernel interprets, what it leaves to the host, and why.

use moescope_routing::RouterSpec;
use moescope_routing::stage::adjust::{Adjust, NullRule};
use moescope_routing::stage::restrict::Restrict;
use moescope_routing::stage::score::ScoreFunction;
use moescope_routing::stage::select::Select;
use moescope_routing::stage::weigh::{Weigh, WeightSource};

use crate::error::ShaderError;
use crate::recorder::Sizes;
use crate::step::specs_start;

/// As many experts as the kernel has columns for, with as many null experts beside them.
pub(crate) const MOST_EXPERTS: usize = 128;

/// Columns of the route kernel: invocations of its workgroup.
pub(crate) fn width(n_experts: usize) -> usize {
    (2 * n_experts).next_power_of_two().max(64)
}

/// Why the route kernel does not do a spec; none if it does.
///
/// The host interpreter in `moescope-routing` does all of them.
#[must_use]
pub fn refusal(spec: &RouterSpec, n_experts: usize) -> Option<&'static str> {
    let n_nulls = match (spec.adjust.null_rule, spec.adjust.null_experts) {
        (NullRule::None, _) => 0,
        (_, 0) => n_experts,
        (_, n) => n,
    };
    if n_experts > MOST_EXPERTS {
        return Some("the GPU routes up to 128 experts");
    }
    if n_experts + n_nulls > width(n_experts) {
        return Some("the GPU has as many null experts as experts at most, or 64 together");
    }
    if spec.score.function == ScoreFunction::Sinkhorn {
        return Some("sinkhorn balances the whole batch, which the host does");
    }
    if spec.adjust.null_rule == NullRule::Learned {
        return Some("learned null experts need a gate that has them");
    }
    if spec.limit.capacity_factor.is_some() || spec.limit.capacity.is_some() {
        return Some("capacity needs the whole batch, which the host has");
    }
    if spec.prune.protect > 0.0 || spec.prune.sacrifice > 0.0 {
        return Some("protecting or sacrificing tokens needs their importance, which the host has");
    }
    match spec.select {
        Select::ExpertChoice {} => Some("expert choice needs the whole batch, which the host has"),
        Select::Soft {} => Some("a soft plan mixes tokens, which experts on the GPU do not take"),
        Select::External {} => Some("an external router is asked on the host"),
        _ => None,
    }
}

/// Whether a spec asks for no more than `route_best.wgsl` looks at: then that kernel decides, and `route.wgsl` need not be
/// there.
#[must_use]
pub fn takes_the_best(spec: &RouterSpec) -> bool {
    let looked_at = RouterSpec {
        adjust: Adjust {
            temperature: spec.adjust.temperature,
            ..Adjust::default()
        },
        score: spec.score.clone(),
        restrict: Restrict {
            disabled: spec.restrict.disabled.clone(),
            ..Restrict::default()
        },
        select: spec.select.clone(),
        weigh: Weigh {
            from: WeightSource::Scores,
            ..spec.weigh.clone()
        },
        seed: spec.seed,
        ..RouterSpec::default()
    };
    matches!(spec.select, Select::TopK { .. }) && *spec == looked_at
}

/// The most experts that a spec can let act on one token.
#[must_use]
pub fn most_picks(spec: &RouterSpec, n_experts: usize) -> usize {
    let chosen = match &spec.select {
        Select::TopP { max_experts, .. }
        | Select::Threshold { max_experts, .. }
        | Select::MinP { max_experts, .. }
        | Select::Gap { max_experts, .. }
        | Select::NSigma { max_experts, .. }
            if *max_experts > 0 =>
        {
            *max_experts
        }
        // As many as the previous layer let act.
        Select::PreviousLayer { .. } => n_experts,
        Select::Rank { ranks } => ranks.len(),
        select => select.places().unwrap_or(n_experts),
    };
    (chosen + spec.restrict.forced.len()).min(n_experts)
}

/// Checks the specs of all MoE layers and packs them: a table of where each starts, then the specs, each once.
pub(crate) fn pack(
    specs: &[&RouterSpec],
    layers: &[usize],
    sizes: &Sizes,
) -> Result<Vec<u32>, ShaderError> {
    let first = specs_start(sizes.max_tokens) + sizes.n_moe_layers;
    let mut table = Vec::new();
    let mut words: Vec<u32> = Vec::new();
    let mut packed: Vec<(&RouterSpec, u32)> = Vec::new();
    for (spec, layer) in specs.iter().zip(layers) {
        check(spec, *layer, sizes.n_experts)?;
        let known = packed.iter().find(|(other, _)| other == spec);
        let start = match known {
            Some((_, start)) => *start,
            None => {
                let start = (first + words.len()) as u32;
                words.extend(spec.pack());
                packed.push((spec, start));
                start
            }
        };
        table.push(start);
    }
    if words.len() > sizes.spec_words {
        return Err(crate::error::size(
            "words of routing specs",
            words.len(),
            format!("up to {} (Sizes::spec_words)", sizes.spec_words),
        ));
    }
    table.extend(words);
    Ok(table)
}

fn check(spec: &RouterSpec, layer: usize, n_experts: usize) -> Result<(), ShaderError> {
    let refused = |reason: String| ShaderError::Refused { layer, reason };
    spec.validate(n_experts)
        .map_err(|error| refused(error.to_string()))?;
    if let Some(reason) = refusal(spec, n_experts) {
        return Err(refused(reason.into()));
    }
    let (thresholds, importance) = (&spec.prune.layer_thresholds, &spec.prune.layer_importance);
    if !importance.is_empty() && layer >= importance.len() / thresholds.len() {
        let n_layers = importance.len() / thresholds.len();
        return Err(refused(format!(
            "the importance of layers ends at {n_layers}"
        )));
    }
    Ok(())
}

/// Whether a spec can be run over these tokens: recorded choices and limits per token end somewhere.
pub(crate) fn check_run(
    spec: &RouterSpec,
    layer: usize,
    position: usize,
    n_tokens: usize,
) -> Result<(), ShaderError> {
    let refused = |reason: String| Err(ShaderError::Refused { layer, reason });
    if let Select::Replay { plan, .. } = &spec.select
        && position + n_tokens > plan.n_tokens()
    {
        let (asked, recorded) = (position + n_tokens, plan.n_tokens());
        return refused(format!(
            "{recorded} tokens are recorded; {asked} are asked for"
        ));
    }
    let limits = spec.limit.per_token.len();
    if limits > 1 && limits != n_tokens {
        return refused(format!(
            "limit.per_token is for {limits} tokens; there are {n_tokens}"
        ));
    }
    Ok(())
}
