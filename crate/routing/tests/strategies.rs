//! Behaviour that vectors cannot show: outside routers, links, the packed form, and errors.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::stage::select::Select;
use moescope_routing::{
    ExternalRouter, ModelRouting, RouterContext, RouterInput, RouterSpec, Routing, RoutingError,
    RoutingPlan, SoftPlan, Verdict, route, route_with,
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

fn code(link: &str) -> &'static str {
    decide(link).unwrap_err().code()
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
fn a_link_starts_from_a_preset_and_changes_fields() {
    let spec = RouterSpec::from_link("olmoe,top_k=4,disabled=3+7,capacity_factor=none").unwrap();
    assert_eq!(spec.select, Select::TopK { top_k: 4 });
    assert_eq!(spec.restrict.disabled, [3, 7]);
    assert!(!spec.weigh.renormalize);
    assert_eq!(spec.to_link(), "disabled=3+7,renormalize=false,top_k=4");
    assert_eq!(RouterSpec::default().to_link(), "");
}

#[test]
fn a_field_named_like_a_method_switches_to_it() {
    let method = |link: &str| RouterSpec::from_link(link).unwrap().select;
    assert!(matches!(
        method("olmoe,top_p=0.5"),
        Select::TopP { top_p: 0.5, .. }
    ));
    assert!(matches!(method("top_p,top_k=3"), Select::TopK { top_k: 3 }));
    assert!(matches!(
        method("method=random,top_k=3"),
        Select::Random { top_k: 3 }
    ));
    assert!(matches!(method("hash,top_k=3"), Select::Hash { top_k: 3 }));
    assert!(matches!(
        method("threshold=0.1,max_experts=2"),
        Select::Threshold {
            min_experts: 1,
            max_experts: 2,
            ..
        }
    ));
}

#[test]
fn links_that_mean_nothing_are_refused() {
    assert_eq!(code("olmo"), "unknown_preset");
    assert_eq!(code("topk=3"), "unknown_field");
    assert_eq!(code("top_k=3,min_experts=1"), "unknown_field");
    assert_eq!(code("top_k=two"), "field_invalid");
    assert_eq!(code("top_k=1,top_k=2"), "field_invalid");
    assert_eq!(code("group_score=best"), "field_invalid");
    assert_eq!(code("temperature=NaN"), "field_invalid");
    assert_eq!(code("disabled=1+"), "field_invalid");
    assert_eq!(
        ModelRouting::from_link("top_k=1;two:top_k=1")
            .unwrap_err()
            .code(),
        "field_invalid"
    );
    let message = RouterSpec::from_link("overflow=spill")
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "overflow is \"spill\"; it must be one of drop, next_best, shared"
    );
}

#[test]
fn a_model_link_gives_layers_their_own_specs() {
    let routing = ModelRouting::from_link("top_k=8;2:top_k=1;5:mixtral,disabled=0").unwrap();
    assert_eq!(routing.for_layer(2), &RouterSpec::top_k(1));
    assert_eq!(routing.for_layer(5).restrict.disabled, [0]);
    assert_eq!(routing.to_link(), "top_k=8;2:top_k=1;5:disabled=0");
}

#[test]
fn offsets_differ_by_layer_and_by_expert() {
    let routing = ModelRouting::from_link("top_k=1;3:top_k=1,offsets=5+0+0+0").unwrap();
    let choose = |layer| {
        let mut asked = input();
        asked.layer = layer;
        route(routing.for_layer(layer), &asked)
            .unwrap()
            .plan
            .expert_idx
    };
    assert_eq!(choose(2), [1, 2]);
    assert_eq!(choose(3), [0, 0]);
}

#[test]
fn a_preset_takes_every_field_by_its_flat_name() {
    for (preset, field) in [
        ("olmoe", "top_k=3"),
        ("olmoe", "top_p=0.5"),
        ("top_p", "min_experts=2"),
        ("top_p", "max_experts=3"),
        ("olmoe", "threshold=0.2"),
        ("olmoe", "min_p=0.2"),
        ("olmoe", "temperature=0.5"),
        ("olmoe", "noise=0.1"),
        ("olmoe", "seed=7"),
        ("olmoe", "renormalize=true"),
        ("olmoe", "scale=2.5"),
        ("olmoe", "disabled=1+3"),
        ("olmoe", "forced=0+2"),
        ("olmoe", "n_groups=2"),
        ("olmoe", "topk_groups=2"),
        ("olmoe", "group_score=top2_sum"),
        ("olmoe", "selection_bias=0.5+0+-0.5+0"),
        ("olmoe", "prune_ratio=0.4"),
        ("olmoe", "null_logit=0.3"),
        ("olmoe", "capacity_factor=1.25"),
        ("olmoe", "priority=batch_priority"),
        ("olmoe", "overflow=next_best"),
    ] {
        let (usual, changed) = (preset, format!("{preset},{field}"));
        let spec = RouterSpec::from_link(&changed).unwrap();
        assert_ne!(spec, RouterSpec::from_link(usual).unwrap(), "{changed}");
        let link = spec.to_link();
        let default = field == "renormalize=true";
        assert!(
            default || link.split(',').any(|item| item == field),
            "{changed} gives {link}"
        );
    }
}

#[test]
fn the_packed_form_keeps_its_layout() {
    let words = RouterSpec::from_link("temperature=0.5,offsets=1+2")
        .unwrap()
        .pack();
    assert_eq!(words[0], 0.5_f32.to_bits());
    // The list of offsets: where it starts, how long it is, and there its numbers.
    let start = words[1] as usize;
    assert_eq!(words[2], 2);
    assert_eq!(&words[start..], [1.0_f32.to_bits(), 2.0_f32.to_bits()]);
    // The settings of the method are the last fixed words.
    assert_eq!(words[start - 2..start], [0, 2]);
}

#[test]
fn a_packed_form_that_is_cut_short_or_meaningless_is_refused() {
    let words = RouterSpec::default().pack();
    let error = RouterSpec::unpack(&words[..10]).unwrap_err();
    assert_eq!(error.code(), "packed_invalid");
    let mut wrong = words.clone();
    wrong[4] = 99;
    let error = RouterSpec::unpack(&wrong).unwrap_err();
    assert_eq!(
        error,
        RoutingError::PackedInvalid {
            word: 4,
            reason: "no choice has this code"
        }
    );
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

#[test]
fn specs_written_before_later_stages_existed_still_parse() {
    let json = r#"{"adjust": {"temperature": 1.0}, "score": {"function": "softmax"},
        "restrict": {"disabled": [], "forced": []}, "select": {"method": "top_k", "top_k": 2},
        "weigh": {"renormalize": true, "scale": 1.0}}"#;
    let spec: RouterSpec = serde_json::from_str(json).unwrap();
    assert_eq!(spec, RouterSpec::default());
}
