//! Vision models: pixels in, class probabilities and the routing of every patch out.

use js_sys::Function;
use moescope_model::ModelFiles;
use moescope_model::vision::RgbImage;
use moescope_routing::ModelRouting;
use wasm_bindgen::prelude::*;

use crate::convert::{classification, plain};
use crate::external::JsRouter;
use crate::{device, error, packs, parse};

/// A vision model with the routing in force; see `moescope_model::vision::VisionEngine`.
#[wasm_bindgen]
pub struct VisionEngine {
    pub(crate) inner: moescope_model::vision::VisionEngine,
}

#[wasm_bindgen]
impl VisionEngine {
    /// Reads a model onto Burn's device in this build; `format` as for `Engine::load`.
    pub async fn load(
        config: String,
        weights: Vec<u8>,
        name: Option<String>,
        format: Option<String>,
    ) -> Result<VisionEngine, JsValue> {
        let files = ModelFiles {
            name: name.as_deref().unwrap_or_default(),
            config: &config,
            tokenizer: None,
            weights: &weights,
        };
        let inner = match packs(format)? {
            #[cfg(feature = "cpu")]
            true => moescope_model::vision::VisionEngine::load_packed(files),
            _ => moescope_model::vision::VisionEngine::load(files, &device().await?),
        };
        Ok(VisionEngine {
            inner: inner.map_err(error)?,
        })
    }

    /// `VisionInfo`.
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

    /// `Classification` of an image of any size, [height, width, 4] as canvases give it: the square in its middle,
    /// at the model's size. `label` is the right class, if it is known; `routing` a `ModelRouting`, or the one in force.
    pub async fn classify(
        &self,
        rgba: Vec<u8>,
        width: u32,
        height: u32,
        label: Option<u32>,
        routing: JsValue,
    ) -> Result<JsValue, JsValue> {
        let routing: Option<ModelRouting> = parse(routing, "routing_invalid")?;
        let image = RgbImage::from_rgba(width as usize, height as usize, &rgba).map_err(error)?;
        let (image, label) = (self.inner.fitted(&image), label.map(|label| label as usize));
        let seen = self.inner.classify(&image, label, routing.as_ref()).await;
        classification(&seen.map_err(error)?)
    }
}
