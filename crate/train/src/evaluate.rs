//! Held-out figures of a trained model, beside what counting reaches on the same tokens.
//!
//! Every token of a test stream but the first is predicted once. Windows overlap by half, and only the second half of
//! a window counts, so that a token is predicted from at least half a window of text (the first window counts whole).

use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::checkpoint::{Checkpoint, Storage, build};
use moescope_model::config::LmConfig;
use moescope_model::host_router::{ExpertPath, HostRouter, read_f32};
use moescope_model::lm::MoeLm;
use moescope_routing::ModelRouting;
use serde::Serialize;

use crate::TrainError;
use crate::progress::{OnProgress, Progress};
use crate::usage::{Block, LayerFigures, Usage};

mod counting;
mod windows;

pub use counting::{Baselines, CountingFigures};
use windows::{Window, windows};

/// Figures of one domain, or of any text.
#[derive(Clone, Debug, Serialize)]
pub struct DomainFigures {
    /// The domain.
    pub domain: String,
    /// Predicted tokens.
    pub tokens: usize,
    /// Bytes of the text.
    pub bytes: u64,
    /// Mean loss in nats.
    pub loss_nats_per_token: f64,
    /// Ends of its interval of 95 %, in which windows are what varies.
    pub loss_interval: [f64; 2],
    /// The mean loss per byte, in bits.
    pub bits_per_byte: f64,
    /// What counting reaches on the same text, where there is training text to count.
    #[serde(flatten)]
    pub counting: Option<CountingFigures>,
    /// [L][E] share of the domain's tokens that select each expert.
    pub expert_load: Vec<Vec<f64>>,
}

/// Figures of all texts of an evaluation.
#[derive(Clone, Debug, Serialize)]
pub struct TextFigures {
    /// Mean loss in nats, each domain weighing the same.
    pub loss_nats_per_token: f64,
    /// Ends of its interval of 95 %.
    pub loss_interval: [f64; 2],
    /// Figures of each text.
    pub domains: Vec<DomainFigures>,
    /// Figures of each MoE layer over all texts.
    pub layers: Vec<LayerFigures>,
}

/// A text to evaluate.
#[derive(Clone, Debug)]
pub struct Text {
    /// Its domain, or another name.
    pub name: String,
    /// All tokens, of which the first is given and the others are predicted.
    pub tokens: Vec<u32>,
    /// Bytes that the loss is divided by.
    pub bytes: u64,
    /// What counting reaches.
    pub counting: Option<CountingFigures>,
}

/// A model ready to be evaluated.
pub struct Evaluator {
    config: LmConfig,
    model: MoeLm,
    routing: ModelRouting,
    device: Device,
}

/// What one window contributes.
struct WindowResult {
    tokens: usize,
    nats: f64,
    /// [L * E] selections.
    selections: Vec<u32>,
}

impl Evaluator {
    /// Loads `config.json` and `model.safetensors` as anyone else would.
    ///
    /// # Errors
    /// Whatever is wrong with the files.
    pub fn load(config: &str, weights: &[u8], storage: Storage) -> Result<Self, TrainError> {
        let config = LmConfig::from_json(config)?;
        let device = Device::flex();
        let tensors = Checkpoint::open(&config, weights)?;
        let model = build(&config, &tensors, &device, storage)?;
        let routing = config.trained_routing();
        Ok(Self {
            config,
            model,
            routing,
            device,
        })
    }

    /// The same under another routing.
    ///
    /// # Errors
    /// A routing that does not fit this model.
    pub fn with_routing(self, routing: ModelRouting) -> Result<Self, TrainError> {
        self.config.check_routing(&routing)?;
        Ok(Self { routing, ..self })
    }

    /// The model's configuration.
    pub fn config(&self) -> &LmConfig {
        &self.config
    }

    /// Figures of some texts.
    ///
    /// # Errors
    /// A text shorter than two tokens, or whatever the model reports.
    pub fn figures(
        &self,
        texts: &[Text],
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<TextFigures, TrainError> {
        let (layers, n_experts) = (self.config.moe_layers.clone(), self.config.n_experts);
        let mut usage = Usage::new(layers, n_experts, texts.len());
        let mut domains = Vec::new();
        for (group, text) in texts.iter().enumerate() {
            let results = self.measure(text, threads, on_progress)?;
            let (loss, interval) = mean_loss(&results);
            usage.blocks.extend(results.into_iter().map(|window| Block {
                group,
                tokens: window.tokens,
                selections: window.selections,
            }));
            let tokens = text.tokens.len() - 1;
            domains.push(DomainFigures {
                domain: text.name.clone(),
                tokens,
                bytes: text.bytes,
                loss_nats_per_token: loss,
                loss_interval: interval,
                bits_per_byte: loss * tokens as f64 / std::f64::consts::LN_2 / text.bytes as f64,
                counting: text.counting,
                expert_load: usage.group_load(group),
            });
        }
        let (loss_nats_per_token, loss_interval) = mean_of_domains(&domains);
        Ok(TextFigures {
            loss_nats_per_token,
            loss_interval,
            domains,
            layers: usage.figures(),
        })
    }

    fn measure(
        &self,
        text: &Text,
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Vec<WindowResult>, TrainError> {
        let n_tokens = text.tokens.len();
        if n_tokens < 2 {
            return Err(TrainError::DomainTooShort {
                domain: text.name.clone(),
                tokens: n_tokens,
                needed: 2,
            });
        }
        let windows = windows(n_tokens, self.config.max_positions);
        let mut results = Vec::with_capacity(windows.len());
        for group in windows.chunks(threads) {
            results.extend(self.run_group(&text.tokens, group)?);
            on_progress(&Progress {
                what: &format!("evaluating {}", text.name),
                done: results.len() as u64,
                total: windows.len() as u64,
                unit: "windows",
            });
        }
        Ok(results)
    }

    fn run_group(&self, tokens: &[u32], group: &[Window]) -> Result<Vec<WindowResult>, ModelError> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = group
                .iter()
                .map(|window| scope.spawn(move || pollster::block_on(self.run(tokens, window))))
                .collect();
            workers.into_iter().map(crate::step::join).collect()
        })
    }

    async fn run(&self, tokens: &[u32], window: &Window) -> Result<WindowResult, ModelError> {
        let ids = &tokens[window.start..window.end];
        let n_inputs = ids.len() - 1;
        let signed = |ids: &[u32]| ids.iter().map(|&id| id as i32).collect::<Vec<i32>>();
        let input = TensorData::new(signed(&ids[..n_inputs]), [1, n_inputs]);
        let tokens_bs = Tensor::<2, Int>::from_data(input, &self.device);
        let (path, read) = (ExpertPath::Selected, &ids[..n_inputs]);
        let mut router = HostRouter::new(&self.routing, read, path, true);
        let hidden_td = self.model.forward(tokens_bs, None, &mut router).await?;
        // What does not count needs no logits, which are a third of the work.
        let counted = window.first_counted - window.start - 1;
        let hidden_td = hidden_td.slice(counted..n_inputs);
        let losses = self.model.losses(hidden_td, signed(&ids[counted + 1..]));
        let losses = read_f32(losses).await?;
        let (layers, _) = router.finish();
        let selections = layers.iter().flat_map(|layer| {
            let mut counts = vec![0; self.config.n_experts];
            for &expert in &layer.experts[layer.offsets[counted] as usize..] {
                counts[usize::from(expert)] += 1;
            }
            counts
        });
        let selections = selections.collect();
        Ok(WindowResult {
            tokens: losses.len(),
            nats: losses.iter().map(|&loss| f64::from(loss)).sum(),
            selections,
        })
    }
}

/// Half the width of a 95 % interval in standard errors.
const Z: f64 = 1.959_964;

/// Mean loss of the tokens of some windows, and its interval as a ratio of two sums over windows.
fn mean_loss(windows: &[WindowResult]) -> (f64, [f64; 2]) {
    let tokens: usize = windows.iter().map(|window| window.tokens).sum();
    let mean = windows.iter().map(|window| window.nats).sum::<f64>() / tokens as f64;
    let residues = windows
        .iter()
        .map(|window| window.nats - mean * window.tokens as f64);
    let squares: f64 = residues.map(|residue| residue * residue).sum();
    let n = windows.len() as f64;
    // A single window says nothing about how windows vary.
    let widened = if n > 1.0 { n / (n - 1.0) } else { 0.0 };
    let reach = Z * (squares * widened).sqrt() / tokens as f64;
    (mean, [mean - reach, mean + reach])
}

/// Mean loss over domains, and its interval from theirs.
fn mean_of_domains(domains: &[DomainFigures]) -> (f64, [f64; 2]) {
    let n = domains.len() as f64;
    let mean = domains
        .iter()
        .map(|domain| domain.loss_nats_per_token)
        .sum::<f64>()
        / n;
    let reaches = domains
        .iter()
        .map(|domain| domain.loss_interval[1] - domain.loss_nats_per_token);
    let reach = reaches.map(|reach| reach * reach).sum::<f64>().sqrt() / n;
    (mean, [mean - reach, mean + reach])
}
