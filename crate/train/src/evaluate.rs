//! Held-out figures of a trained model, beside what counting reaches on the same tokens.
//!
//! Every token of a test stream but the first is predicted once. Windows overlap by half, and only the second half of
//! a window counts, so that a token is predicted from at least half a window of text (the first window counts whole).

use burn::tensor::{Device, Int, Tensor, TensorData};
use moescope_model::ModelError;
use moescope_model::checkpoint::{build, read_safetensors};
use moescope_model::config::LmConfig;
use moescope_model::host_router::{ExpertPath, HostRouter, read_f32};
use moescope_model::lm::MoeLm;
use moescope_routing::ModelRouting;
use serde::Serialize;

use crate::TrainError;
use crate::ngram::KneserNey;
use crate::progress::{OnProgress, Progress};
use crate::shards::Shard;

/// Figures of one domain.
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
    /// The same per byte, in bits.
    pub bits_per_byte: f64,
    /// A unigram model of bytes.
    pub unigram_bits_per_byte: f64,
    /// A 5-gram model of bytes.
    pub five_gram_bits_per_byte: f64,
    /// A 5-gram model of the model's own tokens, which sees as far back as about fourteen bytes.
    pub token_five_gram_bits_per_byte: f64,
    /// [L][E] share of the domain's tokens that select each expert.
    pub expert_load: Vec<Vec<f64>>,
}

/// A model ready to be evaluated.
pub struct Evaluator {
    config: LmConfig,
    model: MoeLm,
    routing: ModelRouting,
    device: Device,
}

/// What counting learns from the training text of all domains.
pub struct Baselines {
    byte_unigram: KneserNey,
    byte_five_gram: KneserNey,
    token_five_gram: KneserNey,
}

impl Baselines {
    /// Counts bytes and tokens of the training split, one entry for each domain.
    ///
    /// # Errors
    /// Text too short to count.
    pub fn count(
        documents: &[Vec<String>],
        shards: &[Shard],
        vocab_size: usize,
    ) -> Result<Self, TrainError> {
        let bytes: Vec<Vec<u16>> = documents.iter().map(|texts| byte_stream(texts)).collect();
        let bytes: Vec<&[u16]> = bytes.iter().map(Vec::as_slice).collect();
        let tokens: Vec<&[u16]> = shards.iter().map(|shard| shard.tokens.as_slice()).collect();
        Ok(Self {
            byte_unigram: KneserNey::count(&bytes, BYTE_VOCABULARY, 1)?,
            byte_five_gram: KneserNey::count(&bytes, BYTE_VOCABULARY, 5)?,
            token_five_gram: KneserNey::count(&tokens, vocab_size, 5)?,
        })
    }
}

/// All bytes, and a mark before each document, as tokens have one.
const BYTE_VOCABULARY: usize = 257;

fn byte_stream(documents: &[String]) -> Vec<u16> {
    let mark = BYTE_VOCABULARY as u16 - 1;
    let documents = documents.iter();
    documents
        .flat_map(|text| std::iter::once(mark).chain(text.bytes().map(u16::from)))
        .collect()
}

/// What one window contributes.
struct WindowResult {
    nats: f64,
    /// [L][E] selections.
    selections: Vec<Vec<u64>>,
}

impl Evaluator {
    /// Loads `config.json` and `model.safetensors` as anyone else would.
    ///
    /// # Errors
    /// Whatever is wrong with the files.
    pub fn load(config: &str, weights: &[u8]) -> Result<Self, TrainError> {
        let config = LmConfig::from_json(config)?;
        let device = Device::flex();
        let model = build(&config, &read_safetensors(&config, weights)?, &device)?;
        let routing = config.trained_routing();
        Ok(Self {
            config,
            model,
            routing,
            device,
        })
    }

    /// The model's configuration.
    pub fn config(&self) -> &LmConfig {
        &self.config
    }

    /// Figures of a domain's test split, given as text and as tokens.
    ///
    /// # Errors
    /// A text shorter than two tokens, or whatever the model reports.
    pub fn domain(
        &self,
        documents: &[String],
        shard: &Shard,
        baselines: &Baselines,
        threads: usize,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<DomainFigures, TrainError> {
        let tokens = &shard.tokens;
        if tokens.len() < 2 {
            let (domain, tokens) = (shard.domain.clone(), tokens.len());
            return Err(TrainError::DomainTooShort {
                domain,
                tokens,
                needed: 2,
            });
        }
        let windows = windows(tokens.len(), self.config.max_positions);
        let n_layers = self.config.moe_layers.len();
        let mut selections = vec![vec![0_u64; self.config.n_experts]; n_layers];
        let mut nats = 0.0;
        for (done, group) in windows.chunks(threads).enumerate() {
            for result in self.run_group(tokens, group)? {
                nats += result.nats;
                for (total, layer) in selections.iter_mut().zip(result.selections) {
                    for (total, count) in total.iter_mut().zip(layer) {
                        *total += count;
                    }
                }
            }
            on_progress(&Progress {
                what: &format!("evaluating {}", shard.domain),
                done: ((done + 1) * threads).min(windows.len()) as u64,
                total: windows.len() as u64,
                unit: "windows",
            });
        }
        let predicted = tokens.len() - 1;
        let share = |count: u64| count as f64 / predicted as f64;
        let bytes = byte_stream(documents);
        Ok(DomainFigures {
            domain: shard.domain.clone(),
            tokens: predicted,
            bytes: shard.text_bytes,
            loss_nats_per_token: nats / predicted as f64,
            bits_per_byte: shard.bits_per_byte(nats),
            unigram_bits_per_byte: shard.bits_per_byte(baselines.byte_unigram.total_nats(&bytes)),
            five_gram_bits_per_byte: shard
                .bits_per_byte(baselines.byte_five_gram.total_nats(&bytes)),
            token_five_gram_bits_per_byte: shard
                .bits_per_byte(baselines.token_five_gram.total_nats(tokens)),
            expert_load: selections
                .into_iter()
                .map(|layer| layer.into_iter().map(share).collect())
                .collect(),
        })
    }

    fn run_group(&self, tokens: &[u16], group: &[Window]) -> Result<Vec<WindowResult>, ModelError> {
        std::thread::scope(|scope| {
            let workers: Vec<_> = group
                .iter()
                .map(|window| scope.spawn(move || pollster::block_on(self.run(tokens, window))))
                .collect();
            workers
                .into_iter()
                .map(|worker| match worker.join() {
                    Ok(result) => result,
                    Err(panic) => std::panic::resume_unwind(panic),
                })
                .collect()
        })
    }

    async fn run(&self, tokens: &[u16], window: &Window) -> Result<WindowResult, ModelError> {
        let ids: Vec<i32> = tokens[window.start..window.end]
            .iter()
            .map(|&id| i32::from(id))
            .collect();
        let n_inputs = ids.len() - 1;
        let input = TensorData::new(ids[..n_inputs].to_vec(), [1, n_inputs]);
        let tokens_bs = Tensor::<2, Int>::from_data(input, &self.device);
        let unread: Vec<u32> = ids[..n_inputs].iter().map(|&id| id as u32).collect();
        let mut router = HostRouter::new(&self.routing, &unread, ExpertPath::Selected, true);
        let hidden_td = self.model.forward(tokens_bs, None, &mut router).await?;
        let losses = read_f32(self.model.losses(hidden_td, ids[1..].to_vec())).await?;
        let counted = window.first_counted - window.start - 1;
        let nats = losses[counted..].iter().map(|&loss| f64::from(loss)).sum();
        let (layers, _) = router.finish();
        let selections = layers.iter().map(|layer| {
            let mut counts = vec![0_u64; layer.n_experts];
            for &expert in &layer.experts[layer.offsets[counted] as usize..] {
                counts[usize::from(expert)] += 1;
            }
            counts
        });
        Ok(WindowResult {
            nats,
            selections: selections.collect(),
        })
    }
}

/// Tokens `start..end` of a stream, of which those from `first_counted` are scored.
#[derive(Debug, PartialEq, Eq)]
struct Window {
    start: usize,
    first_counted: usize,
    end: usize,
}

/// Windows that score every token but the first exactly once; a window has one token more than it reads.
fn windows(n_tokens: usize, max_positions: usize) -> Vec<Window> {
    let (longest, stride) = (max_positions + 1, max_positions.div_ceil(2));
    let mut windows = vec![Window {
        start: 0,
        first_counted: 1,
        end: n_tokens.min(longest),
    }];
    let mut end = n_tokens.min(longest);
    while end < n_tokens {
        let next = n_tokens.min(end + stride);
        windows.push(Window {
            start: next.saturating_sub(longest),
            first_counted: end,
            end: next,
        });
        end = next;
    }
    windows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_score_every_token_but_the_first_once() {
        for n_tokens in [2, 8, 9, 10, 13, 50] {
            let mut scored = vec![0; n_tokens];
            for window in windows(n_tokens, 8) {
                assert!(window.end - window.start <= 9, "{window:?}");
                assert!(window.start < window.first_counted, "{window:?}");
                for count in &mut scored[window.first_counted..window.end] {
                    *count += 1;
                }
            }
            assert_eq!(scored[0], 0);
            assert!(scored[1..].iter().all(|&count| count == 1), "{scored:?}");
        }
    }
}
