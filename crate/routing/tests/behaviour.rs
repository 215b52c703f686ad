//! What a caller of `route` can rely on, one behaviour per test.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    reason = "tests state behaviour by name and stop on the first surprise"
)]

use moescope_routing::{RouterInput, RouterSpec, Routing, RoutingError, Verdict, route};

const NEG: f32 = f32::NEG_INFINITY;

fn spec(json: &str) -> RouterSpec {
    serde_json::from_str(json).unwrap()
}

fn try_route(spec: &RouterSpec, rows: &[&[f32]]) -> Result<Routing, RoutingError> {
    let logits_te = rows.concat();
    route(
        spec,
        &RouterInput {
            logits_te: &logits_te,
            n_tokens: rows.len(),
            n_experts: rows[0].len(),
            layer: 0,
            token_ids: &[],
        },
    )
}

fn experts(spec: &RouterSpec, row: &[f32]) -> Vec<u16> {
    let routing = try_route(spec, &[row]).unwrap();
    routing.plan.validate(row.len()).unwrap();
    routing.plan.expert_idx
}

fn weights(spec: &RouterSpec, row: &[f32]) -> Vec<f32> {
    try_route(spec, &[row]).unwrap().plan.combine_weights
}

fn code(spec: &RouterSpec, rows: &[&[f32]]) -> &'static str {
    try_route(spec, rows).unwrap_err().code()
}

fn assert_close(got: &[f32], expected: &[f32]) {
    assert_eq!(got.len(), expected.len(), "{got:?} against {expected:?}");
    for (g, e) in got.iter().zip(expected) {
        assert!((g - e).abs() < 1e-6, "{got:?} against {expected:?}");
    }
}

#[test]
fn the_empty_object_is_the_default_spec() {
    assert_eq!(spec("{}"), RouterSpec::default());
}

#[test]
fn an_unknown_field_is_named() {
    let error = serde_json::from_str::<RouterSpec>(r#"{"selct": {}}"#).unwrap_err();
    assert!(error.to_string().contains("selct"), "{error}");
    let error = serde_json::from_str::<RouterSpec>(
        r#"{"select": {"method": "top_k", "top_k": 1, "p": 2}}"#,
    );
    assert!(error.unwrap_err().to_string().contains('p'));
}

#[test]
fn the_json_of_the_default_spec_is_stable() {
    let json = serde_json::to_value(RouterSpec::default()).unwrap();
    assert_eq!(json["adjust"]["temperature"], 1.0);
    assert_eq!(json["score"]["function"], "softmax");
    assert_eq!(json["restrict"]["disabled"], serde_json::json!([]));
    assert_eq!(
        json["select"],
        serde_json::json!({"method": "top_k", "top_k": 2})
    );
    assert_eq!(json["weigh"]["renormalize"], true);
}

#[test]
fn experts_are_listed_best_first() {
    assert_eq!(
        experts(&RouterSpec::top_k(3), &[0.0, 3.0, 1.0, 2.0]),
        [1, 3, 2]
    );
}

#[test]
fn top_k_prefers_lower_index_on_tie() {
    assert_eq!(
        experts(&RouterSpec::top_k(2), &[1.0, 2.0, 1.0, 1.0]),
        [1, 0]
    );
    assert_eq!(experts(&RouterSpec::top_k(2), &[0.0, -0.0, 0.0]), [0, 1]);
}

#[test]
fn top_k_of_all_experts_selects_all() {
    let routing = try_route(&RouterSpec::top_k(3), &[&[0.0, 2.0, 1.0]]).unwrap();
    assert_eq!(routing.plan.expert_idx, [1, 2, 0]);
    assert!(
        routing
            .trace
            .verdicts_te
            .iter()
            .all(|v| *v == Verdict::Selected)
    );
}

#[test]
fn each_token_owns_its_range_of_the_plan() {
    let routing = try_route(
        &RouterSpec::top_k(1),
        &[&[0.0, 1.0], &[1.0, 0.0], &[0.0, 2.0]],
    )
    .unwrap();
    assert_eq!(routing.plan.offsets, [0, 1, 2, 3]);
    assert_eq!(routing.plan.expert_idx, [1, 0, 1]);
}

#[test]
fn no_tokens_make_an_empty_plan() {
    let input = RouterInput {
        logits_te: &[],
        n_tokens: 0,
        n_experts: 4,
        layer: 0,
        token_ids: &[],
    };
    let routing = route(&RouterSpec::default(), &input).unwrap();
    assert_eq!(routing.plan.offsets, [0]);
    routing.plan.validate(4).unwrap();
}

#[test]
fn renormalised_weights_sum_to_one_and_others_are_the_scores() {
    let row = [1.0, 2.0, 3.0, 0.0];
    let renormalised = weights(&RouterSpec::top_k(2), &row);
    assert_close(&renormalised, &[0.731_058_6, 0.268_941_4]);
    let plain = spec(r#"{"weigh": {"renormalize": false}}"#);
    assert_close(&weights(&plain, &row), &[0.643_914_3, 0.236_882_8]);
}

#[test]
fn scale_multiplies_after_renormalisation() {
    let spec = spec(r#"{"weigh": {"scale": 2.5}}"#);
    assert_close(
        &[weights(&spec, &[1.0, 2.0, 3.0]).iter().sum::<f32>()],
        &[2.5],
    );
}

#[test]
fn low_temperature_sharpens_and_keeps_the_order() {
    let cold = spec(r#"{"adjust": {"temperature": 0.5}}"#);
    let row = [0.0, 1.0, 0.5];
    assert_eq!(experts(&cold, &row), experts(&RouterSpec::default(), &row));
    // exp(2) / (exp(2) + exp(1))
    assert_close(&weights(&cold, &row), &[0.731_058_6, 0.268_941_4]);
}

#[test]
fn disabled_experts_never_act_and_say_so() {
    let spec = spec(r#"{"restrict": {"disabled": [1]}}"#);
    let routing = try_route(&spec, &[&[0.0, 9.0, 1.0, 2.0]]).unwrap();
    assert_eq!(routing.plan.expert_idx, [3, 2]);
    assert_eq!(routing.trace.verdicts_te[1], Verdict::Disabled);
    assert_eq!(routing.trace.selection_scores_te[1], NEG);
    assert!(
        routing.trace.scores_te[1] > 0.9,
        "the score itself stays on record"
    );
}

#[test]
fn when_bans_leave_fewer_than_top_k_those_left_act() {
    let spec = spec(r#"{"restrict": {"disabled": [0, 2, 3]}}"#);
    assert_eq!(experts(&spec, &[1.0, 0.0, 2.0, 3.0]), [1]);
    assert_close(&weights(&spec, &[1.0, 0.0, 2.0, 3.0]), &[1.0]);
}

#[test]
fn a_forced_expert_takes_a_place_of_the_top_k() {
    let spec = spec(r#"{"restrict": {"forced": [0]}}"#);
    let routing = try_route(&spec, &[&[0.0, 3.0, 2.0]]).unwrap();
    assert_eq!(routing.plan.expert_idx, [1, 0]);
    assert_eq!(
        routing.trace.verdicts_te,
        [Verdict::Forced, Verdict::Selected, Verdict::OutsideTopK]
    );
}

#[test]
fn a_forced_expert_can_come_on_top_of_the_top_k() {
    let spec = spec(r#"{"restrict": {"forced": [0], "count_forced": false}}"#);
    assert_eq!(experts(&spec, &[0.0, 3.0, 2.0, 1.0]), [1, 2, 0]);
}

#[test]
fn more_forced_experts_than_top_k_all_act() {
    let spec = spec(r#"{"restrict": {"forced": [0, 1, 2]}}"#);
    assert_eq!(experts(&spec, &[0.0, 3.0, 2.0, 9.0]), [1, 2, 0]);
}

#[test]
fn a_logit_of_minus_infinity_excludes_its_expert() {
    let routing = try_route(&RouterSpec::top_k(2), &[&[NEG, 1.0, NEG]]).unwrap();
    assert_eq!(routing.plan.expert_idx, [1]);
    assert_eq!(routing.trace.verdicts_te[0], Verdict::MaskedByGate);
}

#[test]
fn a_token_whose_logits_are_all_minus_infinity_has_no_expert() {
    let routing = try_route(&RouterSpec::top_k(1), &[&[NEG, NEG], &[0.0, 1.0]]).unwrap();
    assert_eq!(routing.plan.offsets, [0, 0, 1]);
    routing.plan.validate(2).unwrap();
}

#[test]
fn a_forced_expert_that_the_gate_masks_acts_with_weight_zero() {
    let spec = spec(r#"{"restrict": {"forced": [0]}}"#);
    assert_eq!(experts(&spec, &[NEG, 1.0, 0.0]), [1, 0]);
    assert_close(&weights(&spec, &[NEG, 1.0, 0.0]), &[1.0, 0.0]);
}

#[test]
fn plus_infinity_takes_the_whole_weight() {
    assert_close(
        &weights(&RouterSpec::top_k(2), &[0.0, f32::INFINITY, 1.0]),
        &[1.0, 0.0],
    );
}

#[test]
fn each_wrong_input_has_its_own_error() {
    let ok: &[&[f32]] = &[&[0.0, 1.0]];
    assert_eq!(
        code(&RouterSpec::top_k(1), &[&[0.0, f32::NAN]]),
        "logit_nan"
    );
    assert_eq!(code(&RouterSpec::top_k(0), ok), "top_k_zero");
    assert_eq!(code(&RouterSpec::top_k(3), ok), "top_k_too_large");
    assert_eq!(
        code(&spec(r#"{"restrict": {"disabled": [0, 1]}}"#), ok),
        "all_disabled"
    );
    assert_eq!(
        code(&spec(r#"{"restrict": {"disabled": [2]}}"#), ok),
        "expert_out_of_range"
    );
    assert_eq!(
        code(
            &spec(r#"{"restrict": {"forced": [1], "disabled": [1]}}"#),
            ok
        ),
        "forced_and_disabled"
    );
    assert_eq!(
        code(&spec(r#"{"adjust": {"temperature": 0.0}}"#), ok),
        "number_invalid"
    );
    assert_eq!(
        code(&spec(r#"{"adjust": {"temperature": -1.0}}"#), ok),
        "number_invalid"
    );
}

#[test]
fn wrong_shapes_are_errors() {
    let mut input = RouterInput {
        logits_te: &[0.0; 5],
        n_tokens: 2,
        n_experts: 3,
        layer: 0,
        token_ids: &[],
    };
    let error = route(&RouterSpec::default(), &input).unwrap_err();
    assert_eq!(
        error,
        RoutingError::LogitsShape {
            got: 5,
            n_tokens: 2,
            n_experts: 3
        }
    );
    input.n_experts = 0;
    assert_eq!(
        route(&RouterSpec::default(), &input).unwrap_err().code(),
        "expert_count_invalid"
    );
    let input = RouterInput {
        logits_te: &[0.0; 6],
        n_tokens: 2,
        n_experts: 3,
        layer: 0,
        token_ids: &[1],
    };
    assert_eq!(
        route(&RouterSpec::default(), &input).unwrap_err().code(),
        "token_ids_shape"
    );
}

#[test]
fn messages_say_what_came_and_what_is_allowed() {
    let message = try_route(&RouterSpec::top_k(9), &[&[0.0, 1.0]])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "top_k is 9; it must be from 1 to the number of experts, 2"
    );
}

#[test]
fn top_p_needs_strictly_more_than_its_share() {
    let half = spec(r#"{"select": {"method": "top_p", "top_p": 0.5}}"#);
    assert_eq!(experts(&half, &[0.0; 4]), [0, 1, 2]);
}

#[test]
fn of_equal_gaps_the_first_counts() {
    let gap = spec(r#"{"score": {"function": "identity"}, "select": {"method": "gap"}}"#);
    assert_eq!(experts(&gap, &[1.0, 3.0, 2.0, 0.0]), [1]);
    assert_eq!(experts(&gap, &[1.0, 3.0, 2.0, -4.0]), [1, 2, 0]);
}
