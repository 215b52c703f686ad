//! Recorded plans on WebGPU, which compile while the weights of their model are still on their way.

use js_sys::Function;
use moescope_model::{Gpu, ModelFiles, WeightFormat};
use wasm_bindgen::prelude::*;

use crate::vision::VisionEngine;
use crate::{Engine, convert, error};

/// A plan that waits for weights; see `moescope_model::PreparedPlan`.
#[wasm_bindgen]
pub struct PreparedPlan {
    inner: moescope_model::PreparedPlan,
}

#[wasm_bindgen]
impl PreparedPlan {
    /// Records and compiles the model of a config.json.
    ///
    /// `format` is how matrices are stored: `f32` unless given, `f16`, `q8` or `q4`.
    /// `report` is called with how many kernels are compiled, of how many.
    pub async fn prepare(
        config: String,
        format: Option<String>,
        report: Option<Function>,
    ) -> Result<PreparedPlan, JsValue> {
        let (format, gpu) = place(format).await?;
        let progress = progress(report);
        let inner = moescope_model::PreparedPlan::new(&config, format, &gpu, progress).await;
        Ok(Self {
            inner: inner.map_err(error)?,
        })
    }

    /// Reads a model into it; an empty `tokenizer` means it takes token ids only.
    pub fn load(
        self,
        config: &str,
        tokenizer: &str,
        weights: &[u8],
        name: Option<String>,
    ) -> Result<Engine, JsValue> {
        let files = ModelFiles {
            name: name.as_deref().unwrap_or_default(),
            config,
            tokenizer: (!tokenizer.is_empty()).then_some(tokenizer),
            weights,
        };
        let inner = moescope_model::Engine::load_recorded(files, self.inner);
        Ok(Engine {
            inner: inner.map_err(error)?,
        })
    }
}

/// The same for a vision model; see `moescope_model::PreparedVisionPlan`.
#[wasm_bindgen]
pub struct PreparedVisionPlan {
    inner: moescope_model::PreparedVisionPlan,
}

#[wasm_bindgen]
impl PreparedVisionPlan {
    /// Records and compiles the model of a config.json; see `PreparedPlan::prepare`.
    pub async fn prepare(
        config: String,
        format: Option<String>,
        report: Option<Function>,
    ) -> Result<PreparedVisionPlan, JsValue> {
        let (format, gpu) = place(format).await?;
        let progress = progress(report);
        let inner = moescope_model::PreparedVisionPlan::new(&config, format, &gpu, progress).await;
        Ok(Self {
            inner: inner.map_err(error)?,
        })
    }

    /// Reads a model into it.
    pub fn load(
        self,
        config: &str,
        weights: &[u8],
        name: Option<String>,
    ) -> Result<VisionEngine, JsValue> {
        let files = ModelFiles {
            name: name.as_deref().unwrap_or_default(),
            config,
            tokenizer: None,
            weights,
        };
        let inner = moescope_model::vision::VisionEngine::load_recorded(files, self.inner);
        Ok(VisionEngine {
            inner: inner.map_err(error)?,
        })
    }
}

/// How matrices are stored, and where.
async fn place(format: Option<String>) -> Result<(WeightFormat, Gpu), JsValue> {
    let format = format.map_or(Ok(WeightFormat::default()), |name| name.parse());
    let format = format.map_err(|e| convert::js_error("option_invalid", &e.to_string()))?;
    let gpu = Gpu::new().await;
    let gpu = gpu.map_err(|e| convert::js_error("no_gpu", &e.to_string()))?;
    Ok((format, gpu))
}

fn progress(report: Option<Function>) -> impl FnMut(usize, usize) {
    move |done, total| {
        if let Some(report) = &report {
            // What a listener throws is its own affair.
            let _ = report.call2(&JsValue::UNDEFINED, &done.into(), &total.into());
        }
    }
}
