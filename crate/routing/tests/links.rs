//! Links and the packed form: what they mean and what they refuse.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::stage::select::Select;
use moescope_routing::{ModelRouting, RouterInput, RouterSpec, RoutingError, route};

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

fn code(link: &str) -> &'static str {
    RouterSpec::from_link(link).unwrap_err().code()
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
fn specs_written_before_later_stages_existed_still_parse() {
    let json = r#"{"adjust": {"temperature": 1.0}, "score": {"function": "softmax"},
        "restrict": {"disabled": [], "forced": []}, "select": {"method": "top_k", "top_k": 2},
        "weigh": {"renormalize": true, "scale": 1.0}}"#;
    let spec: RouterSpec = serde_json::from_str(json).unwrap();
    assert_eq!(spec, RouterSpec::default());
}
