//! Rust values as the JavaScript objects that the TypeScript types describe.
//!
//! Small values go through serde; matrices become typed arrays with buffers of their own,
//! so that a worker can hand them over without copying.

use js_sys::{Array, Float32Array, Object, Reflect, Uint8Array, Uint16Array, Uint32Array};
use moescope_model::vision::Classification;
use moescope_model::{Analysis, LayerTrace, Step, Trace};
use serde::Serialize;
use wasm_bindgen::{JsCast, JsValue};

/// Any serialisable value as plain objects and arrays.
pub fn plain<T: Serialize + ?Sized>(value: &T) -> Result<JsValue, JsValue> {
    let serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_missing_as_null(true);
    Ok(value.serialize(&serializer)?)
}

/// An `Error` with a `code`.
pub fn js_error(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Setting a property of a fresh object cannot fail.
    let _ = set(error.unchecked_ref(), "code", &code.into());
    error.into()
}

/// Sets a property.
pub fn set(object: &Object, key: &str, value: &JsValue) -> Result<(), JsValue> {
    Reflect::set(object, &key.into(), value).map(drop)
}

/// `Trace`.
pub fn trace(trace: &Trace) -> Result<JsValue, JsValue> {
    let object = Object::new();
    set(&object, "tokens", &plain(&trace.tokens)?)?;
    set(&object, "layers", &layers(&trace.layers)?)?;
    set(&object, "routing", &plain(&trace.routing)?)?;
    Ok(object.into())
}

fn layers(traces: &[LayerTrace]) -> Result<JsValue, JsValue> {
    let layers: Result<Array, JsValue> = traces.iter().map(layer).collect();
    layers.map(JsValue::from)
}

fn layer(layer: &LayerTrace) -> Result<JsValue, JsValue> {
    let floats = |values: &[f32]| Float32Array::from(values).into();
    let fields: [(&str, JsValue); 9] = [
        ("layer", layer.layer.into()),
        ("n_experts", layer.n_experts.into()),
        ("logits", floats(&layer.logits)),
        ("scores", floats(&layer.scores)),
        ("selection_scores", floats(&layer.selection_scores)),
        (
            "verdicts",
            Uint8Array::from(layer.verdicts.as_slice()).into(),
        ),
        (
            "offsets",
            Uint32Array::from(layer.offsets.as_slice()).into(),
        ),
        (
            "experts",
            Uint16Array::from(layer.experts.as_slice()).into(),
        ),
        ("weights", floats(&layer.weights)),
    ];
    let object = Object::new();
    for (key, value) in &fields {
        set(&object, key, value)?;
    }
    Ok(object.into())
}

/// `Step`.
pub fn step(step: &Step) -> Result<JsValue, JsValue> {
    let object = Object::new();
    set(&object, "token", &plain(&step.token)?)?;
    set(&object, "log_prob", &step.log_prob.into())?;
    set(&object, "trace", &trace(&step.trace)?)?;
    set(&object, "contrast", &plain(&step.contrast)?)?;
    Ok(object.into())
}

/// `Analysis`.
pub fn analysis(analysis: &Analysis) -> Result<JsValue, JsValue> {
    let object = Object::new();
    set(&object, "trace", &trace(&analysis.trace)?)?;
    set(
        &object,
        "losses",
        &Float32Array::from(analysis.losses.as_slice()),
    )?;
    set(&object, "loss", &analysis.loss.into())?;
    set(&object, "bits_per_byte", &analysis.bits_per_byte.into())?;
    Ok(object.into())
}

/// `Classification`.
pub fn classification(seen: &Classification) -> Result<JsValue, JsValue> {
    let object = Object::new();
    let probabilities = Float32Array::from(seen.probabilities.as_slice());
    set(&object, "probabilities", &probabilities)?;
    set(&object, "pixels", &Uint8Array::from(seen.pixels.as_slice()))?;
    set(&object, "loss", &plain(&seen.loss)?)?;
    set(&object, "layers", &layers(&seen.layers)?)?;
    set(&object, "routing", &plain(&seen.routing)?)?;
    Ok(object.into())
}
