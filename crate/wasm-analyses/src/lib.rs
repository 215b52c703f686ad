//! The wasm-bindgen surface of the analyses: a question in, an answer out, no logic.
//!
//! A file of its own, without engine or tensors: a trace of a big model is analysed by a tenth of what the engine weighs,
//! beside a model that is writing, or without any.

#![cfg(target_arch = "wasm32")]

use js_sys::Reflect;
use moescope_routing::metrics::Question;
use serde::Serialize;
use wasm_bindgen::prelude::*;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

/// Runs once, when the module is instantiated.
#[wasm_bindgen(start)]
pub fn start() {
    // A module that never calls this runs all constructors again on every call into it; see `moescope-wasm`.
    // SAFETY: the linker defines the symbol in every module, and this is its only call.
    unsafe { __wasm_call_ctors() };
}

/// The `Answer` to a `Question`; throws an `Error` with a stable `code`.
#[wasm_bindgen]
pub fn answer(question: JsValue) -> Result<JsValue, JsValue> {
    let question: Question = serde_wasm_bindgen::from_value(question)
        .map_err(|error| js_error("question_invalid", &error.to_string()))?;
    let answer = question
        .answer()
        .map_err(|error| js_error(error.code(), &error.to_string()))?;
    let serializer = serde_wasm_bindgen::Serializer::new()
        .serialize_maps_as_objects(true)
        .serialize_missing_as_null(true);
    Ok(answer.serialize(&serializer)?)
}

fn js_error(code: &str, message: &str) -> JsValue {
    let error = js_sys::Error::new(message);
    // Setting a property of a fresh object cannot fail.
    let _ = Reflect::set(&error, &"code".into(), &code.into());
    error.into()
}
