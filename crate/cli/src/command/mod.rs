//! The commands, and what several of them share: finding a model, choosing a backend, reading a routing.

pub mod eval;
pub mod generate;
pub mod trace;
pub mod train;

use std::path::{Path, PathBuf};

use clap::ValueEnum;
use moescope_model::{Device, Engine, ModelFiles};
use moescope_routing::{ModelRouting, RouterSpec};

/// Options of every command that runs a model.
#[derive(clap::Args)]
pub struct ModelArgs {
    /// Folder with config.json, model.safetensors and, for text, tokenizer.json.
    #[arg(long)]
    model: PathBuf,
    /// JSON file with a `RouterSpec`, or a `ModelRouting` with specs for single layers.
    #[arg(long)]
    spec: Option<PathBuf>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Backend::Cpu)]
    backend: Backend,
}

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Burn's Flex backend.
    Cpu,
    /// Burn's WebGPU backend on the graphics API of this machine.
    Gpu,
}

impl ModelArgs {
    /// Loads the model and sets the routing.
    pub fn engine(&self) -> Result<Engine, Box<dyn std::error::Error>> {
        let config = read_text(&self.model.join("config.json"))?;
        let tokenizer_path = self.model.join("tokenizer.json");
        let tokenizer = match tokenizer_path.is_file() {
            true => Some(read_text(&tokenizer_path)?),
            false => None,
        };
        let weights_path = self.model.join("model.safetensors");
        let weights = read_bytes(&weights_path)?;
        let name = self.model.file_name().unwrap_or_default().to_string_lossy();
        let files = ModelFiles {
            name: &name,
            config: &config,
            tokenizer: tokenizer.as_deref(),
            weights: &weights,
        };
        let mut engine = Engine::load(files, &device(self.backend)?)?;
        if let Some(path) = &self.spec {
            engine.set_routing(read_routing(path)?)?;
        }
        Ok(engine)
    }
}

fn device(backend: Backend) -> Result<Device, Box<dyn std::error::Error>> {
    match backend {
        Backend::Cpu => Ok(Device::flex()),
        #[cfg(feature = "gpu")]
        Backend::Gpu => Ok(Device::wgpu_options().init()?),
        #[cfg(not(feature = "gpu"))]
        Backend::Gpu => Err(
            "this build has no GPU backend; build it with --features gpu, \
             as `npm run moescope -- ... --backend gpu` does, or choose --backend cpu"
                .into(),
        ),
    }
}

/// A file with either form: a bare spec applies to every layer.
fn read_routing(path: &Path) -> Result<ModelRouting, Box<dyn std::error::Error>> {
    let text = read_text(path)?;
    let value: serde_json::Value = serde_json::from_str(&text)?;
    let routing = if value.get("default").is_some() || value.get("layers").is_some() {
        serde_json::from_value::<ModelRouting>(value)
    } else {
        serde_json::from_value::<RouterSpec>(value).map(ModelRouting::from)
    };
    routing.map_err(|e| format!("{}: {e}", path.display()).into())
}

fn read_text(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| cannot_read(path, &e))
}

fn read_bytes(path: &Path) -> Result<Vec<u8>, String> {
    std::fs::read(path).map_err(|e| cannot_read(path, &e))
}

fn cannot_read(path: &Path, error: &std::io::Error) -> String {
    format!("cannot read {}: {error}", path.display())
}
