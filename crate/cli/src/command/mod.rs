//! The commands, and what several of them share: finding a model, choosing a backend, reading a routing.

pub mod bench;
pub mod curves;
pub mod data;
pub mod eval;
mod eval_text;
mod eval_vision;
pub mod expert;
pub mod generate;
pub mod growth;
pub mod metrics;
mod real;
pub mod reroute;
pub mod route;
pub mod saturation;
pub mod trace;
mod trace_file;
pub mod train;

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;
use moescope_model::checkpoint::write_safetensors;
use moescope_model::config::LmConfig;
use moescope_model::{Device, Engine, Gpu, ModelFiles, PreparedPlan, WeightFormat};
use moescope_routing::{ModelRouting, RouterSpec, RoutingError};
use moescope_train::init::initial_tensors;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::Outcome;

/// Written by `train` where the routing has learnt biases.
const ROUTING_FILE: &str = "routing.json";

/// Options of every command that runs a model.
#[derive(clap::Args)]
pub struct ModelArgs {
    /// Folder with config.json, model.safetensors and, for text, tokenizer.json.
    #[arg(long)]
    model: PathBuf,
    /// The routing: a JSON file, such as `reroute` writes, or a preset with changes and layers of their own, as in olmoe,top_k=4;2:top_k=1.
    #[arg(long, value_name = "FILE|PRESET[,field=value...]")]
    spec: Option<String>,
    /// Where to compute.
    #[arg(long, value_enum, default_value_t = Backend::Cpu)]
    backend: Backend,
    /// How matrices are kept: f32, or q8 on the CPU; in a recorded plan also f16 and q4.
    #[arg(long, default_value_t)]
    weights: WeightFormat,
}

/// Where to compute.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Backend {
    /// Burn's Flex backend.
    Cpu,
    /// A recorded plan of our own kernels on the graphics API of this machine.
    Recorded,
    /// Burn's WebGPU backend there.
    Gpu,
}

impl Backend {
    /// As it is written on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Recorded => "recorded",
            Self::Gpu => "gpu",
        }
    }

    /// Whether it has matrices in that format.
    fn keeps(self, format: WeightFormat) -> bool {
        match self {
            Self::Cpu => matches!(format, WeightFormat::F32 | WeightFormat::Q8),
            Self::Recorded => true,
            Self::Gpu => format == WeightFormat::F32,
        }
    }
}

impl std::fmt::Display for Backend {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

impl ModelArgs {
    /// Loads the model and sets the routing.
    pub fn engine(&self) -> Result<Engine, Box<dyn std::error::Error>> {
        let mut engine = load(&self.model, self.backend, self.weights)?;
        if let Some(routing) = choose_routing(self.spec.as_deref(), &self.model)? {
            engine.set_routing(routing)?;
        }
        Ok(engine)
    }
}

/// Loads the model of a folder.
fn load(
    folder: &Path,
    backend: Backend,
    format: WeightFormat,
) -> Result<Engine, Box<dyn std::error::Error>> {
    load_weights(folder, &folder.join("model.safetensors"), backend, format)
}

/// Loads the model of a folder with the weights of another file.
fn load_weights(
    folder: &Path,
    weights: &Path,
    backend: Backend,
    format: WeightFormat,
) -> Result<Engine, Box<dyn std::error::Error>> {
    let config = read_text(&folder.join("config.json"))?;
    let tokenizer_path = folder.join("tokenizer.json");
    let tokenizer = match tokenizer_path.is_file() {
        true => Some(read_text(&tokenizer_path)?),
        false => None,
    };
    let weights = read_bytes(weights)?;
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    let files = ModelFiles {
        name: &name,
        config: &config,
        tokenizer: tokenizer.as_deref(),
        weights: &weights,
    };
    start(files, backend, format)
}

/// Brings a model up on a backend.
fn start(
    files: ModelFiles,
    backend: Backend,
    format: WeightFormat,
) -> Result<Engine, Box<dyn std::error::Error>> {
    if !backend.keeps(format) {
        let message = format!("--weights {format} needs --backend recorded; got {backend}");
        return Err(message.into());
    }
    match backend {
        Backend::Cpu if format == WeightFormat::Q8 => Ok(Engine::load_packed(files)?),
        Backend::Cpu => Ok(Engine::load(files, &Device::flex())?),
        Backend::Recorded => pollster::block_on(async {
            let gpu = Gpu::new().await?;
            let plan = PreparedPlan::new(files.config, format, &gpu, |_, _| {}).await?;
            Ok(Engine::load_recorded(files, plan)?)
        }),
        #[cfg(feature = "gpu")]
        Backend::Gpu => Ok(Engine::load(files, &Device::wgpu_options().init()?)?),
        #[cfg(not(feature = "gpu"))]
        Backend::Gpu => Err(
            "this build has no stock GPU backend; build it with --features gpu, \
             as `npm run moescope -- ... --backend gpu` does, or choose --backend recorded"
                .into(),
        ),
    }
}

/// A model of that shape with random weights, for what does not depend on them.
fn start_random(
    config: &LmConfig,
    backend: Backend,
    format: WeightFormat,
) -> Result<Engine, Box<dyn std::error::Error>> {
    let weights = write_safetensors(config, &initial_tensors(config, 1))?;
    let files = ModelFiles {
        name: "random",
        config: &config.to_json(),
        tokenizer: None,
        weights: &weights,
    };
    start(files, backend, format)
}

/// What `--spec` names, or else the `routing.json` of a model whose trained routing config.json cannot hold.
fn choose_routing(
    spec: Option<&str>,
    folder: &Path,
) -> Result<Option<ModelRouting>, Box<dyn std::error::Error>> {
    let trained = folder.join(ROUTING_FILE);
    match spec {
        Some(spec) => read_routing("--spec", spec).map(Some),
        None if trained.is_file() => Ok(Some(read_json(&trained)?)),
        None => Ok(None),
    }
}

/// The routing that an option names: the file of that name if there is one, else a link.
///
/// A file holds a `RouterSpec`, which applies to every layer, a `ModelRouting`, or one under `routing`.
fn read_routing(option: &str, spec: &str) -> Result<ModelRouting, Box<dyn std::error::Error>> {
    let path = Path::new(spec);
    if !path.is_file() {
        return ModelRouting::from_link(spec).map_err(|e| match e {
            RoutingError::UnknownPreset { .. } => {
                format!("{option} {spec}: there is no such file, and {e}").into()
            }
            e => format!("{option} {spec}: {e}").into(),
        });
    }
    let mut value: serde_json::Value = read_json(path)?;
    if let Some(routing) = value.get_mut("routing") {
        value = routing.take();
    }
    let routing = if value.get("default").is_some() || value.get("layers").is_some() {
        serde_json::from_value::<ModelRouting>(value)
    } else {
        serde_json::from_value::<RouterSpec>(value).map(ModelRouting::from)
    };
    routing.map_err(|e| format!("{}: {e}", path.display()).into())
}

fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, String> {
    serde_json::from_str(&read_text(path)?).map_err(|e| format!("{}: {e}", path.display()))
}

/// Writes a value to a file, or to standard output.
fn write_json<T: Serialize>(value: &T, path: Option<&Path>) -> Outcome {
    let json = serde_json::to_string(value)?;
    match path {
        Some(path) => std::fs::write(path, json)
            .map_err(|e| format!("cannot write {}: {e}", path.display()).into()),
        None => Ok(writeln!(std::io::stdout(), "{json}")?),
    }
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
