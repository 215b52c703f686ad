//! Behaviour that vectors cannot show: outside routers, recorded plans, soft plans, and errors.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::stage::select::Select;
use moescope_routing::{
    ExternalRouter, RouterContext, RouterInput, RouterSpec, Routing, RoutingError, RoutingPlan,
    SoftPlan, Verdict, route, route_with,
};

const LOGITS: [f32; 8] = [0.0, 3.0, 1.0, 2.0, 2.0, 0.0, 3.0, 1.0];

fn input() -> RouterInput<'static> {
    RouterInput {
        logits_te: &LOGITS,
        n_tokens: 2,
        n_experts: 4,
        layer: 0,
        token_ids: &[7, 7],
    }
}

fn decide(link: &str) -> Result<Routing, RoutingError> {
    route(&RouterSpec::from_link(link)?, &input())
}

fn ask(link: &str, external: &ExternalRouter) -> Result<Routing, RoutingError> {
    let context = RouterContext {
        external: Some(external),
        ..RouterContext::default()
    };
    route_with(&context, &RouterSpec::from_link(link)?, &input())
}

fn plan(offsets: &[u32], experts: &[u16], weights: &[f32]) -> RoutingPlan {
    RoutingPlan {
        offsets: offsets.to_vec(),
        expert_idx: experts.to_vec(),
        combine_weights: weights.to_vec(),
    }
}

#[test]
fn an_external_router_has_the_last_word_on_choice_order_and_weights() {
    let given = plan(&[0, 2, 3], &[3, 0, 1], &[0.1, 0.7, 0.5]);
    let routing = ask("method=external,scale=9", &|seen, scores| {
        assert_eq!(seen.logits_te, &LOGITS);
        assert!((scores[..4].iter().sum::<f32>() - 1.0).abs() < 1e-6);
        Ok(given.clone())
    })
    .unwrap();
    assert_eq!(routing.plan, given);
    assert_eq!(routing.trace.verdicts_te[0], Verdict::Selected);
    assert_eq!(routing.trace.verdicts_te[1], Verdict::NotPicked);
}

#[test]
fn an_external_plan_is_validated_like_any_other() {
    let refuse = |link: &str, plan: RoutingPlan| {
        let error = ask(link, &|_, _| Ok(plan.clone())).unwrap_err();
        (error.code(), error.to_string())
    };
    let bad_index = refuse("method=external", plan(&[0, 1, 2], &[0, 4], &[1.0, 1.0]));
    assert_eq!(bad_index.0, "plan_invalid");
    assert!(bad_index.1.contains("expert 4"), "{}", bad_index.1);
    let too_short = refuse("method=external", plan(&[0, 1], &[0], &[1.0]));
    assert!(
        too_short.1.contains("1 tokens; there are 2"),
        "{}",
        too_short.1
    );
    let disabled = refuse(
        "method=external,disabled=2",
        plan(&[0, 1, 2], &[0, 2], &[1.0, 1.0]),
    );
    assert!(
        disabled.1.contains("expert 2, which is disabled"),
        "{}",
        disabled.1
    );
}

#[test]
fn the_message_of_an_external_router_that_fails_is_kept() {
    let error = ask("method=external", &|_, _| Err("no opinion".into())).unwrap_err();
    assert_eq!(error.code(), "external_failed");
    assert!(error.to_string().contains("no opinion"));
}

#[test]
fn a_replay_can_weigh_by_the_present_scores() {
    let mut spec = RouterSpec::from_link("method=replay").unwrap();
    if let Select::Replay { plan: recorded, .. } = &mut spec.select {
        *recorded = plan(&[0, 2, 3], &[0, 2, 1], &[0.5, 0.5, 1.0]);
    }
    let routing = route(&spec, &input()).unwrap();
    assert_eq!(routing.plan.experts(0), [0, 2]);
    let expected = 1.0 / (1.0 + 1.0_f32.exp());
    assert!((routing.plan.weights(0)[0] - expected).abs() < 1e-6);
}

#[test]
fn a_replay_goes_on_where_the_last_call_ended_and_says_when_it_ends() {
    let link = "method=replay,replay_offsets=0+1+2+3,replay_experts=0+1+2,replay_weights=1+1+1";
    let spec = RouterSpec::from_link(link).unwrap();
    let at = |first_position| {
        let context = RouterContext {
            first_position,
            ..RouterContext::default()
        };
        route_with(&context, &spec, &input()).map(|routing| routing.plan.expert_idx)
    };
    assert_eq!(at(1).unwrap(), [1, 2]);
    assert_eq!(
        at(2).unwrap_err(),
        RoutingError::ReplayTooShort {
            asked: 4,
            recorded: 3
        }
    );
}

#[test]
fn the_same_token_id_hashes_to_the_same_experts() {
    let plan = decide("method=hash,top_k=2").unwrap().plan;
    assert_eq!(plan.experts(0), plan.experts(1));
}

#[test]
fn soft_routing_gives_both_mixtures() {
    let routing = decide("soft").unwrap();
    let soft = routing.trace.soft.unwrap();
    assert_eq!(routing.plan.experts(0), [1, 3, 2, 0]);
    let row: f32 = soft.combine_ts[..4].iter().sum();
    let column = soft.dispatch_ts[1] + soft.dispatch_ts[5];
    assert!((row - 1.0).abs() < 1e-6 && (column - 1.0).abs() < 1e-6);
}

#[test]
fn the_balanced_plan_of_the_paper_is_what_selection_compares() {
    let asked = RouterInput {
        logits_te: &[1.0, 0.0, 1.2, 0.3, 0.9, 0.8, 0.2, 0.1],
        n_tokens: 4,
        n_experts: 2,
        layer: 0,
        token_ids: &[],
    };
    let routing = route(&RouterSpec::from_link("base").unwrap(), &asked).unwrap();
    let expected = [
        0.154_149, 0.095_851, 0.148_175, 0.101_825, 0.098_838, 0.151_162, 0.098_838, 0.151_162,
    ];
    for (got, expected) in routing.trace.selection_scores_te.iter().zip(expected) {
        assert!((got - expected).abs() < 1e-5, "{got} against {expected}");
    }
    assert_eq!(routing.plan.expert_idx, [0, 0, 1, 1]);
}

#[test]
fn the_soft_plan_of_the_paper_has_more_slots_than_experts() {
    let soft = SoftPlan::new(&[1.0, 0.0, 0.0, 1.0, 0.5, 0.5], 2).unwrap();
    let dispatch = [
        0.506_480, 0.186_324, 0.186_324, 0.506_480, 0.307_196, 0.307_196,
    ];
    let combine = [0.731_059, 0.268_941, 0.268_941, 0.731_059, 0.5, 0.5];
    for (got, expected) in soft.dispatch_ts.iter().zip(dispatch) {
        assert!((got - expected).abs() < 1e-6);
    }
    for (got, expected) in soft.combine_ts.iter().zip(combine) {
        assert!((got - expected).abs() < 1e-6);
    }
    assert_eq!(
        SoftPlan::new(&[0.0; 5], 2).unwrap_err().code(),
        "logits_shape"
    );
}

#[test]
fn overflow_to_the_shared_expert_hands_over_the_weight() {
    let routing = decide("top_k=1,capacity=1,overflow=shared,forced=1").unwrap();
    assert_eq!(routing.plan.offsets, [0, 1, 1]);
    assert_eq!(routing.trace.shared_weights_t, [0.0, 1.0]);
    assert_eq!(routing.trace.verdicts_te[5], Verdict::OverflowToShared);
}

#[test]
fn every_rule_of_a_spec_has_its_error() {
    for (link, expected) in [
        ("n_groups=3", "groups_do_not_divide"),
        ("n_groups=2,topk_groups=3", "topk_groups_invalid"),
        ("capacity_factor=0", "capacity_invalid"),
        ("capacity=0", "capacity_invalid"),
        ("offsets=1+2", "list_length"),
        ("selection_bias=1", "list_length"),
        ("top_p=1.5", "number_invalid"),
        ("noise=-1", "number_invalid"),
        ("jitter=1", "number_invalid"),
        ("null_rule=quantile,null_logit=2", "number_invalid"),
        ("top_p=0.5,min_experts=3,max_experts=2", "min_above_max"),
        ("top_p=0.5,score=identity", "conflict"),
        ("method=hash,null_logit=0", "conflict"),
        ("method=rank,ranks=4", "expert_out_of_range"),
        ("method=rank,ranks=", "number_invalid"),
        (
            "layer_thresholds=0.1+0.2,layer_importance=1",
            "importance_length",
        ),
        ("layer_thresholds=0.1,layer_importance=", "none"),
        ("prune_ratio=2", "number_invalid"),
        ("per_token=1+2+3", "context_shape"),
        ("method=replay,replay_experts=0", "plan_invalid"),
    ] {
        let got = decide(link).map_or_else(|error| error.code(), |_| "none");
        assert_eq!(got, expected, "{link}");
    }
}

#[test]
fn layers_and_modalities_outside_the_spec_are_refused() {
    let spec = RouterSpec::from_link("layer_thresholds=0.1,layer_importance=1").unwrap();
    let mut beyond = input();
    beyond.layer = 1;
    assert_eq!(
        route(&spec, &beyond).unwrap_err().code(),
        "layer_out_of_range"
    );
    let context = RouterContext {
        modality_t: &[0, 1],
        ..RouterContext::default()
    };
    let error = route_with(&context, &spec, &input()).unwrap_err();
    assert_eq!(error.code(), "modality_out_of_range");
    let context = RouterContext {
        modality_t: &[0],
        ..RouterContext::default()
    };
    let error = route_with(&context, &spec, &input()).unwrap_err();
    assert_eq!(error.code(), "context_shape");
}

#[test]
fn what_is_given_beside_the_logits_is_checked_too() {
    let learned = RouterSpec::from_link("null_rule=learned,null_experts=2").unwrap();
    let sticky = RouterSpec::from_link("method=sticky").unwrap();
    let protect = RouterSpec::from_link("protect=0.5").unwrap();
    let broken = plan(&[0, 1, 2], &[0, 4], &[1.0, 1.0]);
    let empty = RouterContext::default();
    for (spec, context, expected) in [
        (
            &learned,
            RouterContext {
                null_logits_tm: &[0.0; 3],
                ..empty
            },
            "context_shape",
        ),
        (
            &learned,
            RouterContext {
                null_logits_tm: &[0.0, 0.0, f32::NAN, 0.0],
                ..empty
            },
            "context_nan",
        ),
        (
            &protect,
            RouterContext {
                importance_t: &[f32::NAN, 0.0],
                ..empty
            },
            "context_nan",
        ),
        (
            &protect,
            RouterContext {
                importance_t: &[0.0],
                ..empty
            },
            "context_shape",
        ),
        (
            &sticky,
            RouterContext {
                previous_token: &[4],
                ..empty
            },
            "expert_out_of_range",
        ),
        (
            &sticky,
            RouterContext {
                previous_layer: Some(&broken),
                ..empty
            },
            "plan_invalid",
        ),
    ] {
        let error = route_with(&context, spec, &input()).unwrap_err();
        assert_eq!(error.code(), expected, "{error}");
    }
}

#[test]
fn a_weight_that_overflows_is_an_error() {
    let mut infinite = input();
    infinite.logits_te = &[0.0, f32::INFINITY, 1.0, 2.0, 0.0, 0.0, 0.0, 0.0];
    let spec = RouterSpec::from_link("score=relu,renormalize=false").unwrap();
    assert_eq!(
        route(&spec, &infinite).unwrap_err().code(),
        "weight_not_finite"
    );
}
