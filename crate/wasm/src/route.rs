//! `route`: one decision about given logits, without an engine or a model.
//!
//! The same code decides inside the engine; this is its way in for pages that bring their own logits, and for tests.
//! Reading is strict: a key that means nothing is an error, as in specs.

use js_sys::{Float32Array, Object, Reflect, Uint8Array, Uint16Array, Uint32Array};
use moescope_routing::{
    RouterContext, RouterInput, RouterSpec, Routing, RoutingError, RoutingPlan, route_with,
};
use wasm_bindgen::prelude::*;

use crate::convert::{js_error, set};
use crate::parse;

const INPUT_KEYS: &[&str] = &[
    "logits",
    "n_tokens",
    "n_experts",
    "layer",
    "token_ids",
    "context",
];
const CONTEXT_KEYS: &[&str] = &[
    "first_position",
    "null_logits",
    "modality",
    "importance",
    "previous_layer",
    "previous_token",
];
const PLAN_KEYS: &[&str] = &["offsets", "experts", "weights"];

/// Decides which experts act on each token.
///
/// `spec` is a `RouterSpec` or its link; `input` is
/// `{logits: Float32Array [T, E], n_tokens, n_experts, layer?, token_ids?: Uint32Array [T], context?}` with context
/// `{first_position?, null_logits?: Float32Array [T, M], modality?: Uint8Array [T], importance?: Float32Array [T],
/// previous_layer?: {offsets: Uint32Array, experts: Uint16Array, weights: Float32Array}, previous_token?: Uint16Array}`.
///
/// Returns `{offsets, experts, weights, scores, selection_scores, verdicts, null_picks, shared_weights}`, typed arrays
/// like those of a layer's trace; `null_picks` [T], empty without null experts, and `shared_weights` [T] count as in
/// `RouterTrace`.
#[wasm_bindgen]
pub fn route(spec: JsValue, input: JsValue) -> Result<JsValue, JsValue> {
    let spec = match spec.as_string() {
        Some(link) => RouterSpec::from_link(&link).map_err(error)?,
        None => parse(spec, "routing_invalid")?,
    };
    let input = Fields::new("input", &input, INPUT_KEYS)?;
    let given = Fields::new("input.context", &input.get("context")?, CONTEXT_KEYS)?;
    let null_logits_tm = given.floats("null_logits")?.unwrap_or_default();
    let modality_t = given.typed::<Uint8Array>("modality", "a Uint8Array")?;
    let importance_t = given.floats("importance")?.unwrap_or_default();
    let previous_layer = plan(
        "input.context.previous_layer",
        &given.get("previous_layer")?,
    )?;
    let previous_token = given.typed::<Uint16Array>("previous_token", "a Uint16Array")?;
    let context = RouterContext {
        first_position: given.count("first_position")?.unwrap_or(0),
        null_logits_tm: &null_logits_tm,
        modality_t: &modality_t.map(|array| array.to_vec()).unwrap_or_default(),
        importance_t: &importance_t,
        previous_layer: previous_layer.as_ref(),
        previous_token: &previous_token
            .map(|array| array.to_vec())
            .unwrap_or_default(),
        external: None,
    };
    let token_ids = input.typed::<Uint32Array>("token_ids", "a Uint32Array")?;
    let input = RouterInput {
        logits_te: &input.needed("logits", Fields::floats)?,
        n_tokens: input.needed("n_tokens", Fields::count)?,
        n_experts: input.needed("n_experts", Fields::count)?,
        layer: input.count("layer")?.unwrap_or(0),
        token_ids: &token_ids.map(|array| array.to_vec()).unwrap_or_default(),
    };
    decision(&route_with(&context, &spec, &input).map_err(error)?)
}

fn error(error: RoutingError) -> JsValue {
    js_error(error.code(), &error.to_string())
}

/// A plan `{offsets: Uint32Array, experts: Uint16Array, weights: Float32Array}`, or none if it is absent.
pub fn plan(name: &str, value: &JsValue) -> Result<Option<RoutingPlan>, JsValue> {
    if is_absent(value) {
        return Ok(None);
    }
    let plan = Fields::new(name, value, PLAN_KEYS)?;
    let offsets = plan.needed("offsets", |p, key| {
        p.typed::<Uint32Array>(key, "a Uint32Array")
    })?;
    let experts = plan.needed("experts", |p, key| {
        p.typed::<Uint16Array>(key, "a Uint16Array")
    })?;
    Ok(Some(RoutingPlan {
        offsets: offsets.to_vec(),
        expert_idx: experts.to_vec(),
        combine_weights: plan.needed("weights", Fields::floats)?,
    }))
}

fn decision(Routing { plan, trace }: &Routing) -> Result<JsValue, JsValue> {
    let floats = |values: &[f32]| Float32Array::from(values).into();
    let verdicts: Vec<u8> = trace.verdicts_te.iter().map(|v| v.code()).collect();
    let fields: [(&str, JsValue); 8] = [
        ("offsets", Uint32Array::from(&plan.offsets[..]).into()),
        ("experts", Uint16Array::from(&plan.expert_idx[..]).into()),
        ("weights", floats(&plan.combine_weights)),
        ("scores", floats(&trace.scores_te)),
        ("selection_scores", floats(&trace.selection_scores_te)),
        ("verdicts", Uint8Array::from(&verdicts[..]).into()),
        (
            "null_picks",
            Uint16Array::from(&trace.null_picks_t[..]).into(),
        ),
        ("shared_weights", floats(&trace.shared_weights_t)),
    ];
    let object = Object::new();
    for (key, value) in &fields {
        set(&object, key, value)?;
    }
    Ok(object.into())
}

/// An object from JavaScript, or an absent one, whose keys are known.
struct Fields<'a> {
    /// What errors call it.
    name: &'a str,
    object: Option<Object>,
}

impl<'a> Fields<'a> {
    fn new(name: &'a str, value: &JsValue, allowed: &[&str]) -> Result<Self, JsValue> {
        if is_absent(value) {
            return Ok(Self { name, object: None });
        }
        let Some(object) = value.dyn_ref::<Object>() else {
            return Err(invalid(name, value, "an object"));
        };
        for key in Object::keys(object).iter() {
            let key = key.as_string().unwrap_or_default();
            if !allowed.contains(&key.as_str()) {
                return Err(js_error(
                    "input_invalid",
                    &format!(
                        "{name} has the key {key}; its keys are {}",
                        allowed.join(", ")
                    ),
                ));
            }
        }
        Ok(Self {
            name,
            object: Some(object.clone()),
        })
    }

    fn get(&self, key: &str) -> Result<JsValue, JsValue> {
        match &self.object {
            Some(object) => Reflect::get(object, &key.into()),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    /// A value of type `T`, or none if it is absent.
    fn typed<T: JsCast>(&self, key: &str, allowed: &str) -> Result<Option<T>, JsValue> {
        let value = self.get(key)?;
        if is_absent(&value) {
            return Ok(None);
        }
        match value.dyn_into() {
            Ok(typed) => Ok(Some(typed)),
            Err(value) => Err(invalid(&self.path(key), &value, allowed)),
        }
    }

    fn floats(&self, key: &str) -> Result<Option<Vec<f32>>, JsValue> {
        let array = self.typed::<Float32Array>(key, "a Float32Array")?;
        Ok(array.map(|array| array.to_vec()))
    }

    fn count(&self, key: &str) -> Result<Option<usize>, JsValue> {
        let value = self.get(key)?;
        if is_absent(&value) {
            return Ok(None);
        }
        match value.as_f64() {
            Some(count) if count >= 0.0 && count <= f64::from(u32::MAX) && count.fract() == 0.0 => {
                Ok(Some(count as usize))
            }
            _ => Err(invalid(&self.path(key), &value, "a whole number from 0")),
        }
    }

    /// What `read` finds at `key`, which must be there.
    fn needed<T>(
        &self,
        key: &str,
        read: impl Fn(&Self, &str) -> Result<Option<T>, JsValue>,
    ) -> Result<T, JsValue> {
        match read(self, key)? {
            Some(value) => Ok(value),
            None => Err(js_error(
                "input_invalid",
                &format!("{} is missing; it is needed", self.path(key)),
            )),
        }
    }

    fn path(&self, key: &str) -> String {
        format!("{}.{key}", self.name)
    }
}

fn is_absent(value: &JsValue) -> bool {
    value.is_undefined() || value.is_null()
}

fn invalid(what: &str, got: &JsValue, allowed: &str) -> JsValue {
    let got = match got.as_f64() {
        Some(number) => number.to_string(),
        None => format!(
            "of type {}",
            got.js_typeof().as_string().unwrap_or_default()
        ),
    };
    js_error(
        "input_invalid",
        &format!("{what} is {got}; it must be {allowed}"),
    )
}
