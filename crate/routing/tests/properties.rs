//! What must hold for any spec and any logits.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::stage::select::Select;
use moescope_routing::{
    RouterContext, RouterInput, RouterSpec, Routing, Verdict, route, route_with,
};
use proptest::prelude::*;

const N_EXPERTS: usize = 8;

fn decide(spec: &RouterSpec, logits_te: &[f32]) -> Routing {
    let n_tokens = logits_te.len() / N_EXPERTS;
    let token_ids: Vec<u32> = (0..n_tokens as u32).map(|t| t % 3).collect();
    let null_logits_tm = vec![0.25; n_tokens * 16];
    let importance_t: Vec<f32> = (0..n_tokens).map(|t| (t % 4) as f32).collect();
    let context = RouterContext {
        null_logits_tm: &null_logits_tm,
        importance_t: &importance_t,
        ..RouterContext::default()
    };
    let input = RouterInput {
        logits_te,
        n_tokens,
        n_experts: N_EXPERTS,
        layer: 1,
        token_ids: &token_ids,
    };
    route_with(&context, spec, &input).unwrap()
}

/// Whole rows of logits, with many ties and some exclusions.
fn logits() -> impl Strategy<Value = Vec<f32>> {
    let logit = prop_oneof![
        4 => -4.0_f32..4.0,
        2 => (-3_i8..4).prop_map(f32::from),
        1 => Just(f32::NEG_INFINITY),
    ];
    (0_usize..7)
        .prop_flat_map(move |n_tokens| prop::collection::vec(logit.clone(), n_tokens * N_EXPERTS))
}

/// Rows without ties, for properties in which the order of experts must not matter.
fn distinct_logits() -> impl Strategy<Value = Vec<f32>> {
    let row = Just(
        (0..N_EXPERTS)
            .map(|e| e as f32 * 0.37 - 1.5)
            .collect::<Vec<f32>>(),
    );
    prop::collection::vec(row.prop_shuffle(), 1..6).prop_map(|rows| rows.concat())
}

/// A spec with one entry of each list, which are links of their own.
fn spec_of(lists: &'static [&'static [&'static str]]) -> impl Strategy<Value = RouterSpec> {
    let picks: Vec<_> = lists
        .iter()
        .map(|list| prop::sample::select(*list))
        .collect();
    picks.prop_map(|parts| RouterSpec::from_link(&parts.join(",")).unwrap())
}

/// Every method that decides by itself, with its default settings.
fn method() -> impl Strategy<Value = Select> {
    let alone = |select: &Select| !matches!(select, Select::Replay { .. } | Select::External {});
    let methods: Vec<Select> = Select::all().into_iter().filter(alone).collect();
    prop::sample::select(methods)
}

/// Settings of every stage.
fn spec() -> impl Strategy<Value = RouterSpec> {
    let listed = listed_spec();
    let usual = (listed_spec(), method()).prop_map(|(spec, select)| RouterSpec { select, ..spec });
    prop_oneof![listed, usual]
}

fn listed_spec() -> impl Strategy<Value = RouterSpec> {
    spec_of(&[
        &[
            "top_k=3",
            "top_k=1",
            "top_k=8",
            "top_p=0.5",
            "top_p=1,max_experts=3",
            "threshold=0.2",
            "threshold=0.9,min_experts=0",
            "min_p=0.5",
            "method=gap",
            "method=gap,min_experts=2",
            "method=random,top_k=2",
            "method=rank,ranks=0+3",
            "method=dense",
            "method=expert_choice",
            "method=hash,top_k=3",
            "method=round_robin",
            "method=previous_layer",
            "method=sticky,margin=0.2",
            "method=soft",
        ],
        &[
            "",
            "temperature=0.5",
            "noise=0.7,seed=5",
            "noise=1,noise_kind=gumbel",
            "jitter=0.1",
            "offsets=0.5+0+0+-0.5+0+0+0+1",
        ],
        &[
            "",
            "score=sigmoid",
            "score=relu",
            "score=sinkhorn,iterations=8",
            "score=sigmoid,selection_bias=0+0.5+0+-0.5+0+0.25+0+0",
        ],
        &[
            "",
            "disabled=0+5",
            "disabled=2,disabled_keep_place=true",
            "forced=6",
            "forced=1+7,count_forced=false",
            "n_groups=4,topk_groups=2",
            "n_groups=2,group_score=top2_sum,disabled=1",
        ],
        &[
            "",
            "prune_ratio=0.6",
            "prune_share=0.3",
            "layer_thresholds=0.2,layer_importance=1+0.5",
            "protect=0.3,sacrifice=0.3",
        ],
        &[
            "",
            "per_token=2",
            "capacity=2",
            "capacity=1,overflow=next_best",
            "capacity_factor=1",
            "capacity=1,overflow=shared,priority=batch_priority",
            "capacity=2,priority=random",
        ],
        &[
            "",
            "renormalize=false",
            "weights=softmax_selected,scale=2.5",
            "weights=sigmoid",
            "weights=equal,sum_over=chosen",
            "weights=sparse_mixer,renormalize=false",
            "epsilon=0.001,min_sum=0.5",
        ],
    ])
}

/// Specs that decide for one token at a time and treat all experts alike.
fn even_spec() -> impl Strategy<Value = RouterSpec> {
    spec_of(&[
        &[
            "top_k=3",
            "top_k=1",
            "top_k=8",
            "top_p=0.5",
            "top_p=1,max_experts=3",
            "threshold=0.2",
            "min_p=0.5",
            "method=gap",
            "method=rank,ranks=0+3",
            "method=dense",
        ],
        &["", "temperature=0.5"],
        &["", "score=sigmoid"],
        &["", "prune_ratio=0.6", "prune_share=0.3", "per_token=2"],
        &[
            "",
            "renormalize=false",
            "weights=softmax_selected",
            "weights=equal",
            "weights=sparse_mixer",
        ],
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(400) })]

    #[test]
    fn every_plan_keeps_its_invariants(spec in spec(), logits_te in logits()) {
        let Routing { plan, trace } = decide(&spec, &logits_te);
        plan.validate(N_EXPERTS).unwrap();
        prop_assert_eq!(plan.n_tokens(), trace.n_tokens);
        prop_assert_eq!(trace.shared_weights_t.len(), trace.n_tokens);
        prop_assert_eq!(trace.verdicts_te.len(), logits_te.len());
        for token in 0..plan.n_tokens() {
            let row = token * N_EXPERTS..(token + 1) * N_EXPERTS;
            let verdicts = &trace.verdicts_te[row.clone()];
            let selection = &trace.selection_scores_te[row];
            let experts = plan.experts(token);
            for (expert, verdict) in verdicts.iter().enumerate() {
                prop_assert_eq!(verdict.acts(), experts.contains(&(expert as u16)));
            }
            for pair in experts.windows(2) {
                let [a, b] = [selection[usize::from(pair[0])], selection[usize::from(pair[1])]];
                prop_assert!(a > b || (a == b && pair[0] < pair[1]), "order of {experts:?}");
            }
            for expert in &spec.restrict.disabled {
                prop_assert_eq!(verdicts[*expert], Verdict::Disabled);
            }
        }
        if let Some(capacity) = spec.limit.capacity {
            for expert in 0..N_EXPERTS as u16 {
                let load = plan.expert_idx.iter().filter(|e| **e == expert).count();
                prop_assert!(load <= capacity, "expert {expert} has {load} of {capacity}");
            }
        }
    }

    #[test]
    fn weights_sum_as_declared(
        top_k in 1_usize..=8, scale in 0.5_f32..3.0, logits_te in distinct_logits()
    ) {
        let mut spec = RouterSpec::top_k(top_k);
        spec.weigh.scale = scale;
        let plan = decide(&spec, &logits_te).plan;
        for token in 0..plan.n_tokens() {
            let sum: f32 = plan.weights(token).iter().sum();
            prop_assert!((sum - scale).abs() < 1e-5 * scale, "{sum} against {scale}");
        }
    }

    #[test]
    fn the_order_of_experts_does_not_matter(
        spec in even_spec(), logits_te in distinct_logits(),
        order in Just((0..N_EXPERTS).collect::<Vec<_>>()).prop_shuffle()
    ) {
        let moved: Vec<f32> = logits_te
            .chunks_exact(N_EXPERTS)
            .flat_map(|row| order.iter().map(|from| row[*from]))
            .collect();
        let (plan, other) = (decide(&spec, &logits_te).plan, decide(&spec, &moved).plan);
        prop_assert_eq!(&plan.offsets, &other.offsets);
        let back: Vec<u16> = other.expert_idx.iter().map(|e| order[usize::from(*e)] as u16).collect();
        prop_assert_eq!(plan.expert_idx, back);
        for (a, b) in plan.combine_weights.iter().zip(&other.combine_weights) {
            prop_assert!((a - b).abs() < 1e-5);
        }
    }

    #[test]
    fn tokens_do_not_matter_to_each_other(spec in even_spec(), logits_te in logits()) {
        prop_assert!(spec.needs().is_empty());
        let together = decide(&spec, &logits_te).plan;
        for (token, row) in logits_te.chunks_exact(N_EXPERTS).enumerate() {
            let alone = decide(&spec, row).plan;
            prop_assert_eq!(together.experts(token), &alone.expert_idx[..]);
            prop_assert_eq!(together.weights(token), &alone.combine_weights[..]);
        }
    }

    #[test]
    fn the_order_of_tokens_does_not_matter_where_scores_set_it(
        logits_te in distinct_logits(), order in Just((0..6).collect::<Vec<usize>>()).prop_shuffle(),
        link in prop::sample::select(vec![
            "method=expert_choice,capacity=2", "top_k=2,capacity=1,priority=batch_priority",
            "top_p=0.6,capacity=2,priority=batch_priority,overflow=next_best",
        ])
    ) {
        let spec = RouterSpec::from_link(link).unwrap();
        // A sharpness of its own for each token, so that no two tokens tie.
        let rows: Vec<Vec<f32>> = logits_te
            .chunks_exact(N_EXPERTS)
            .enumerate()
            .map(|(t, row)| row.iter().map(|z| z * (1.0 + 0.07 * t as f32)).collect())
            .collect();
        let order: Vec<usize> = order.into_iter().filter(|t| *t < rows.len()).collect();
        let moved: Vec<f32> = order.iter().flat_map(|t| rows[*t].clone()).collect();
        let (plan, other) = (decide(&spec, &rows.concat()).plan, decide(&spec, &moved).plan);
        for (place, token) in order.into_iter().enumerate() {
            prop_assert_eq!(plan.experts(token), other.experts(place));
            prop_assert_eq!(plan.weights(token), other.weights(place));
        }
    }

    #[test]
    fn positions_make_random_draws_independent_of_the_split(
        logits_te in distinct_logits(), method in prop::sample::select(vec![
            "method=random", "method=round_robin", "noise=1", "jitter=0.3",
        ])
    ) {
        let spec = RouterSpec::from_link(method).unwrap();
        let together = decide(&spec, &logits_te).plan;
        for (token, row) in logits_te.chunks_exact(N_EXPERTS).enumerate() {
            let context = RouterContext { first_position: token, ..RouterContext::default() };
            let input = RouterInput {
                logits_te: row, n_tokens: 1, n_experts: N_EXPERTS, layer: 1, token_ids: &[],
            };
            let alone = route_with(&context, &spec, &input).unwrap().plan;
            prop_assert_eq!(together.experts(token), &alone.expert_idx[..]);
        }
    }

    #[test]
    fn routing_is_deterministic_and_replays_to_itself(spec in spec(), logits_te in logits()) {
        let routing = decide(&spec, &logits_te);
        prop_assert_eq!(&routing, &decide(&spec, &logits_te));
        let link = "method=replay,recorded_weights=true";
        let mut replay = RouterSpec::from_link(link).unwrap();
        if let Select::Replay { plan, .. } = &mut replay.select {
            *plan = routing.plan.clone();
        }
        prop_assert_eq!(decide(&replay, &logits_te).plan, routing.plan);
    }
}

#[test]
fn a_needy_strategy_says_what_it_lacks() {
    let input = RouterInput {
        logits_te: &[0.0; 8],
        n_tokens: 1,
        n_experts: 8,
        layer: 0,
        token_ids: &[],
    };
    for (link, code) in [
        ("method=hash", "need_missing"),
        ("method=external", "need_missing"),
        ("protect=0.5", "need_missing"),
        ("null_rule=learned,null_experts=2", "need_missing"),
    ] {
        let spec = RouterSpec::from_link(link).unwrap();
        assert_eq!(route(&spec, &input).unwrap_err().code(), code, "{link}");
    }
}
