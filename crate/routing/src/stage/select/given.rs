//! Choices that come from elsewhere: a recorded plan or an external router.

use crate::batch::Batch;
use crate::context::{RouterContext, RouterInput};
use crate::error::RoutingError;
use crate::needs::Need;
use crate::plan::RoutingPlan;
use crate::spec::RouterSpec;
use crate::stage::restrict::Restrict;
use crate::trace::Verdict;

/// The part of a recorded plan for `n_tokens` tokens from `first`.
pub(super) fn recorded(
    plan: &RoutingPlan,
    first: usize,
    n_tokens: usize,
) -> Result<RoutingPlan, RoutingError> {
    let asked = first.saturating_add(n_tokens);
    if asked > plan.n_tokens() {
        return Err(RoutingError::ReplayTooShort {
            asked,
            recorded: plan.n_tokens(),
        });
    }
    let offsets = &plan.offsets[first..=first + n_tokens];
    let (start, end) = (offsets[0], offsets[n_tokens]);
    let entries = start as usize..end as usize;
    Ok(RoutingPlan {
        offsets: offsets.iter().map(|offset| offset - start).collect(),
        expert_idx: plan.expert_idx[entries.clone()].to_vec(),
        combine_weights: plan.combine_weights[entries].to_vec(),
    })
}

/// The validated plan of the external router.
pub(super) fn ask(
    context: &RouterContext,
    input: &RouterInput,
    scores: &[f32],
) -> Result<RoutingPlan, RoutingError> {
    let Some(decide) = context.external else {
        return Err(RoutingError::NeedMissing {
            need: Need::ExternalRouter,
        });
    };
    let plan = decide(input, scores).map_err(|message| RoutingError::ExternalFailed { message })?;
    plan.validate(input.n_experts)?;
    if plan.n_tokens() != input.n_tokens {
        return Err(RoutingError::PlanInvalid {
            reason: format!(
                "it is for {} tokens; there are {}",
                plan.n_tokens(),
                input.n_tokens
            ),
        });
    }
    Ok(plan)
}

/// An external router must not use what the spec switches off.
pub(super) fn check_disabled(plan: &RoutingPlan, restrict: &Restrict) -> Result<(), RoutingError> {
    let used = |expert: &&usize| plan.expert_idx.iter().any(|e| usize::from(*e) == **expert);
    match restrict.disabled.iter().find(used) {
        Some(expert) => Err(RoutingError::PlanInvalid {
            reason: format!("it uses expert {expert}, which is disabled"),
        }),
        None => Ok(()),
    }
}

/// Makes the plan the choice, in its own order, without disabled experts.
pub(super) fn take(plan: RoutingPlan, with_weights: bool, spec: &RouterSpec, batch: &mut Batch) {
    for verdict in &mut batch.verdicts_tw {
        if *verdict == Verdict::Forced {
            *verdict = spec.select.refusal();
        }
    }
    batch.picks.offsets.push(0);
    for token in 0..plan.n_tokens() {
        for slot in plan.range(token) {
            let expert = plan.expert_idx[slot];
            let cell = batch.cell(token, expert);
            if batch.verdicts_tw[cell] == Verdict::Disabled {
                continue;
            }
            batch.verdicts_tw[cell] = Verdict::Selected;
            batch.picks.expert_idx.push(expert);
            if with_weights {
                batch.picks.combine_weights.push(plan.combine_weights[slot]);
            }
        }
        batch
            .picks
            .offsets
            .push(batch.picks.expert_idx.len() as u32);
    }
}
