//! An external router that is a JavaScript function: asked with an object, answers a plan or a promise of one.

use js_sys::{Float32Array, Function, Object, Promise, Reflect, Uint32Array};
use moescope_model::{Deciding, ExternalRouter};
use moescope_routing::{RouterInput, RoutingPlan};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;

use crate::convert::set;
use crate::route::plan;

/// A function from `{layer, n_tokens, n_experts, logits: Float32Array [T, E], token_ids: Uint32Array [T]}` to
/// `{offsets: Uint32Array [T + 1], experts: Uint16Array, weights: Float32Array}`.
pub struct JsRouter(Function);

impl ExternalRouter for JsRouter {
    fn decide<'a>(&'a self, input: &'a RouterInput<'a>) -> Deciding<'a> {
        Box::pin(async move { self.ask(input).await.map_err(|thrown| message(&thrown)) })
    }
}

impl JsRouter {
    /// As engines take it.
    pub fn boxed(decide: Option<Function>) -> Option<Box<dyn ExternalRouter>> {
        decide.map(|decide| Box::new(Self(decide)) as Box<dyn ExternalRouter>)
    }

    async fn ask(&self, input: &RouterInput<'_>) -> Result<RoutingPlan, JsValue> {
        let fields: [(&str, JsValue); 5] = [
            ("layer", input.layer.into()),
            ("n_tokens", input.n_tokens.into()),
            ("n_experts", input.n_experts.into()),
            ("logits", Float32Array::from(input.logits_te).into()),
            ("token_ids", Uint32Array::from(input.token_ids).into()),
        ];
        let question = Object::new();
        for (key, value) in &fields {
            set(&question, key, value)?;
        }
        let answer = self.0.call1(&JsValue::UNDEFINED, &question)?;
        let answer = JsFuture::from(Promise::resolve(&answer)).await?;
        match plan("its plan", &answer)? {
            Some(plan) => Ok(plan),
            None => Err("it gave no plan".into()),
        }
    }
}

/// What a thrown value says.
fn message(thrown: &JsValue) -> String {
    let own = Reflect::get(thrown, &"message".into()).ok();
    own.as_ref()
        .and_then(JsValue::as_string)
        .or_else(|| thrown.as_string())
        .unwrap_or_else(|| {
            let kind = thrown.js_typeof().as_string().unwrap_or_default();
            match thrown.dyn_ref::<Object>() {
                Some(object) => String::from(object.to_string()),
                None => format!("a thrown value of type {kind}"),
            }
        })
}
