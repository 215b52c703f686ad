//! The wasm-bindgen surface of the engine: specs in, typed arrays out, no logic.
//!
//! Built three times from this source: with feature `cpu`, Burn on Flex and the recorded plan on WebGPU, which a page
//! uses both; with `threads`, the same with threads for Flex, which only a page that is cross-origin isolated can start;
//! with `gpu`, Burn on WebGPU, many times the size and there for comparison. Every error is a JavaScript `Error` with a
//! stable `code`.

mod convert;
mod external;
#[cfg(feature = "cpu")]
mod plan;
mod route;
#[cfg(feature = "threads")]
mod threads;
mod vision;

#[cfg(any(
    all(feature = "cpu", feature = "gpu"),
    not(any(feature = "cpu", feature = "gpu"))
))]
compile_error!("build with exactly one of the features `cpu` and `gpu`");

use std::cell::RefCell;
use std::sync::Once;

use js_sys::{Float32Array, Function, Promise, Uint32Array};
use moescope_model::{
    Device, ExpertQuestion, GenerateOptions, ModelError, ModelFiles, RerouteOptions,
};
use moescope_routing::ModelRouting;
use serde::de::DeserializeOwned;
use wasm_bindgen::prelude::*;
use wasm_bindgen_futures::JsFuture;

use convert::{analysis, plain, step, trace};
use external::JsRouter;

unsafe extern "C" {
    fn __wasm_call_ctors();
}

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Runs when the module is instantiated; threads that share its memory instantiate it again.
#[wasm_bindgen(start)]
pub fn start() {
    static ONCE: Once = Once::new();
    ONCE.call_once(begin);
}

fn begin() {
    // The linker takes a module that never calls this for a command, and then runs all constructors again on
    // every call into it, which costs a GPU operation 7 ms instead of 0.2.
    // SAFETY: the linker defines the symbol in every module, and this is its only call.
    unsafe { __wasm_call_ctors() };
    std::panic::set_hook(Box::new(|info| {
        PANIC.set(Some(info.to_string()));
        console_error_panic_hook::hook(info);
    }));
}

/// What the engine said when it last panicked, after which it must be thrown away.
#[wasm_bindgen]
pub fn panic_message() -> Option<String> {
    PANIC.with_borrow(Clone::clone)
}

/// A model with the routing in force; see `moescope_model::Engine`.
#[wasm_bindgen]
pub struct Engine {
    inner: moescope_model::Engine,
}

#[wasm_bindgen]
impl Engine {
    /// Reads a model onto Burn's device in this build; an empty `tokenizer` means it takes token ids only.
    ///
    /// `format` is how matrices are kept: `f32` unless given, or, on the CPU, `q8`.
    pub async fn load(
        config: String,
        tokenizer: String,
        weights: Vec<u8>,
        name: Option<String>,
        format: Option<String>,
    ) -> Result<Engine, JsValue> {
        let files = ModelFiles {
            name: name.as_deref().unwrap_or_default(),
            config: &config,
            tokenizer: (!tokenizer.is_empty()).then_some(tokenizer.as_str()),
            weights: &weights,
        };
        let inner = match packs(format)? {
            #[cfg(feature = "cpu")]
            true => moescope_model::Engine::load_packed(files),
            _ => moescope_model::Engine::load(files, &device().await?),
        };
        Ok(Engine {
            inner: inner.map_err(error)?,
        })
    }

    /// `ModelInfo`.
    pub fn info(&self) -> Result<JsValue, JsValue> {
        plain(&self.inner.info())
    }

    /// Takes a `ModelRouting`; on an error the old one stays.
    pub fn set_routing(&mut self, routing: JsValue) -> Result<(), JsValue> {
        self.inner
            .set_routing(parse(routing, "routing_invalid")?)
            .map_err(error)
    }

    /// The `ModelRouting` in force.
    pub fn routing(&self) -> Result<JsValue, JsValue> {
        plain(self.inner.routing())
    }

    /// Sets the function that decides where a spec selects by `external`, or removes it; see `JsRouter`.
    pub fn set_external_router(&mut self, decide: Option<Function>) {
        self.inner.set_external_router(JsRouter::boxed(decide));
    }

    /// Turns the recording of traces on or off, to measure its cost.
    pub fn set_tracing(&mut self, tracing: bool) {
        self.inner.set_tracing(tracing);
    }

    /// Reads a prompt; returns the `Trace` of its tokens.
    pub async fn begin(&mut self, prompt: String, options: JsValue) -> Result<JsValue, JsValue> {
        let options: GenerateOptions = parse(options, "option_invalid")?;
        trace(&self.inner.begin(&prompt, options).await.map_err(error)?)
    }

    /// One generated token as a `Step`, or undefined at the end.
    pub async fn next(&mut self) -> Result<JsValue, JsValue> {
        match self.inner.next().await.map_err(error)? {
            Some(next) => step(&next),
            None => Ok(JsValue::UNDEFINED),
        }
    }

    /// `Analysis` of a text under a `ModelRouting`, or under the one in force.
    pub async fn analyse(&self, text: String, routing: JsValue) -> Result<JsValue, JsValue> {
        let routing: Option<ModelRouting> = parse(routing, "routing_invalid")?;
        analysis(
            &self
                .inner
                .analyse(&text, routing.as_ref())
                .await
                .map_err(error)?,
        )
    }

    /// `ExpertAnswer` to an `ExpertQuestion` about token ids, under a `ModelRouting` or the one in force.
    pub async fn ask_expert(
        &self,
        ids: Vec<u32>,
        question: JsValue,
        routing: JsValue,
    ) -> Result<JsValue, JsValue> {
        let question: ExpertQuestion = parse(question, "option_invalid")?;
        let routing: Option<ModelRouting> = parse(routing, "routing_invalid")?;
        let engine = &self.inner;
        let asked = engine.ask_expert_ids(&ids, question, routing.as_ref());
        plain(&asked.await.map_err(error)?)
    }

    /// `Rerouted` for a text, from a `ModelRouting` or from the one in force.
    ///
    /// `report` is called with the loss before and after each step; the work ends early when it answers false, or a
    /// promise of it.
    pub async fn reroute(
        &self,
        text: String,
        options: JsValue,
        routing: JsValue,
        report: Function,
    ) -> Result<JsValue, JsValue> {
        let options: RerouteOptions = parse(options, "option_invalid")?;
        let routing: Option<ModelRouting> = parse(routing, "routing_invalid")?;
        let engine = &self.inner;
        let begun = engine.begin_reroute(&text, routing.as_ref(), &options);
        let mut rerouting = begun.await.map_err(error)?;
        loop {
            let loss = rerouting.losses().last().copied();
            let answer = report.call1(&JsValue::UNDEFINED, &loss.into())?;
            let go_on = JsFuture::from(Promise::resolve(&answer)).await?;
            if go_on == JsValue::FALSE || !rerouting.step(engine).await.map_err(error)? {
                break;
            }
        }
        plain(&rerouting.finish(engine).await.map_err(error)?)
    }

    /// Tokens of a text, special ones included.
    pub fn tokenize(&self, text: &str) -> Result<JsValue, JsValue> {
        plain(&self.inner.tokenize(text).map_err(error)?)
    }

    /// `{logits: [T, V], trace}` of token ids, for tests.
    pub async fn forward_ids(&self, ids: Vec<u32>) -> Result<JsValue, JsValue> {
        let (logits, layers) = self.inner.forward_ids(&ids).await.map_err(error)?;
        let object = js_sys::Object::new();
        convert::set(&object, "logits", &Float32Array::from(logits.as_slice()))?;
        convert::set(&object, "trace", &trace(&layers)?)?;
        Ok(object.into())
    }

    /// The `n` likeliest tokens after `ids`, one by one, past any end of text, for tests.
    pub async fn greedy_ids(&mut self, ids: Vec<u32>, n: usize) -> Result<Uint32Array, JsValue> {
        let greedy = self.inner.greedy_ids(&ids, n).await.map_err(error)?;
        Ok(Uint32Array::from(greedy.as_slice()))
    }
}

#[cfg(feature = "gpu")]
async fn device() -> Result<Device, JsValue> {
    Device::wgpu_options()
        .init_async()
        .await
        .map_err(|e| convert::js_error("no_gpu", &e.to_string()))
}

#[cfg(feature = "cpu")]
async fn device() -> Result<Device, JsValue> {
    Ok(Device::flex())
}

/// Whether matrices are to be kept in blocks of 8 bits.
fn packs(format: Option<String>) -> Result<bool, JsValue> {
    match format.as_deref() {
        None | Some("f32") => Ok(false),
        Some("q8") if cfg!(feature = "cpu") => Ok(true),
        Some(got) => {
            let allowed = if cfg!(feature = "cpu") {
                "f32 and q8"
            } else {
                "f32"
            };
            let message = format!("the format of weights is {got:?}; allowed here: {allowed}");
            Err(convert::js_error("option_invalid", &message))
        }
    }
}

fn error(error: ModelError) -> JsValue {
    convert::js_error(error.code(), &error.to_string())
}

fn parse<T: DeserializeOwned>(value: JsValue, code: &str) -> Result<T, JsValue> {
    serde_wasm_bindgen::from_value(value).map_err(|e| convert::js_error(code, &e.to_string()))
}
