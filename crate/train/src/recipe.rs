//! A recipe: everything that decides what a trained model becomes, as one TOML file.
//!
//! Unknown fields are refused, so that a misspelt one is never silently a default;
//! nothing has a value that is not written, so that a recipe reads the same in every version: what came to be a field
//! later is off where it is absent.
//! It does not say where the text is or on what machine the training runs.
//! Schedule: linear warm-up, then cosine decay (Loshchilov and Hutter, "SGDR", 2017).

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::balance::BalanceOver;

mod validate;

pub(crate) use validate::{check, check_name, positive};

/// The whole recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the model, and of its folder.
    pub name: String,
    /// What it reads.
    pub data: DataRecipe,
    /// How its vocabulary is learnt.
    pub tokenizer: TokenizerRecipe,
    /// Its shape.
    pub model: ModelRecipe,
    /// How it is trained.
    pub train: TrainRecipe,
}

/// The text of a recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataRecipe {
    /// The domains, in the order in which figures are reported.
    pub domains: Vec<DomainRecipe>,
}

/// One domain of text.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainRecipe {
    /// Its folder below `text/`.
    pub name: String,
    /// Its share of the training sequences, relative to the other weights.
    pub weight: f64,
}

/// The sample that the vocabulary (`model.vocab_size`) is learnt from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenizerRecipe {
    /// Bytes of text from each domain.
    pub sample_bytes: usize,
    /// Decides which documents.
    pub seed: u64,
}

/// A layout that a model can be written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Architecture {
    /// `Qwen3MoeForCausalLM` of the `transformers` library.
    Qwen3Moe,
    /// `Qwen2MoeForCausalLM`: with a shared expert, its weights not renormalised.
    Qwen2Moe,
    /// `Qwen3ForCausalLM`: dense.
    Qwen3,
}

/// The shape of a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelRecipe {
    /// Layout of the checkpoint.
    pub architecture: Architecture,
    /// L: transformer layers, each with a mixture of experts unless the layout is dense.
    pub n_layers: usize,
    /// D: width of the hidden state.
    pub d_model: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads, each shared by `n_heads / n_kv_heads` query heads.
    pub n_kv_heads: usize,
    /// Width of one head.
    pub head_dim: usize,
    /// E: experts per layer; 0 in a dense layout.
    pub n_experts: usize,
    /// K: experts per token; 0 in a dense layout.
    pub top_k: usize,
    /// F: hidden width of one expert; 0 in a dense layout.
    pub moe_d_ff: usize,
    /// Hidden width of the shared expert; 0 where the layout has none.
    pub shared_d_ff: usize,
    /// Hidden width of a dense layer; 0 where all layers have experts.
    pub dense_d_ff: usize,
    /// Entries in the vocabulary.
    pub vocab_size: usize,
    /// Base of the rotary embedding's wavelengths.
    pub rope_theta: f64,
    /// Whether the output matrix is the embedding matrix.
    pub tie_embeddings: bool,
    /// Longest text in tokens.
    pub max_positions: usize,
}

/// What turns gradients into updates of the matrices; embedding, gates and norms always take AdamW.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OptimizerKind {
    /// AdamW (Loshchilov and Hutter, 2019).
    Adamw,
    /// Muon (Jordan et al., 2024), scaled to AdamW's step size (Liu et al., 2025).
    Muon,
}

/// How a model is trained: warm-up and cosine decay.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainRecipe {
    /// Tokens to learn from, rounded up to whole steps.
    pub tokens: u64,
    /// B: sequences per step.
    pub batch_sequences: usize,
    /// S: predicted tokens per sequence.
    pub seq_len: usize,
    /// What updates the matrices.
    pub optimizer: OptimizerKind,
    /// Highest learning rate, at the end of the warm-up.
    pub learning_rate: f64,
    /// Learning rate of the last step.
    pub min_learning_rate: f64,
    /// Steps of linear warm-up.
    pub warmup_steps: usize,
    /// Decoupled weight decay.
    pub weight_decay: f64,
    /// AdamW's decay of the mean gradient.
    pub beta1: f64,
    /// AdamW's decay of the mean squared gradient.
    pub beta2: f64,
    /// Largest norm of the gradient.
    pub grad_clip: f64,
    /// Weight of the load balancing loss.
    pub load_balancing_coef: f64,
    /// What that loss balances.
    pub load_balancing_over: BalanceOver,
    /// Weight of the router z-loss.
    pub z_loss_coef: f64,
    /// Decides the first weights and the order of the text.
    pub seed: u64,
    /// Seconds between two checkpoints of a run.
    pub checkpoint_seconds: u64,
    /// Parts of the schedule, above 0 and below 1, after which the weights so far are kept.
    pub snapshots: Vec<f64>,
    /// What a step adds to or takes from each expert's bias of the selection scores, which evens the load without a
    /// loss; absent where there is no bias.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selection_bias_step: Option<f64>,
    /// How the routing begins dense; absent where it is sparse from the first step.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dense_to_sparse: Option<DenseToSparse>,
    /// Folder of the model whose weights the training begins with, from the recipe's own folder; absent where they are
    /// random.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_from: Option<PathBuf>,
}

/// A warm start of the routing (after the dense-to-sparse gate, Nie et al. 2021, arXiv:2112.14397).
///
/// At first every token takes all experts under a high temperature, so that all of them learn what the gate is to
/// tell apart; both fall to those of the trained routing along a straight line.
/// The paper's gate lets a threshold decide how many experts are left; here the step does, so that its cost is known.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DenseToSparse {
    /// Steps until the routing is the trained one.
    pub steps: usize,
    /// Temperature of the gating logits in the first step, 1 or above.
    pub temperature: f64,
}

impl DenseToSparse {
    /// Part of the way that is left at a step, from 1 to 0.
    fn left(self, step: usize) -> f64 {
        1.0 - (step as f64 / self.steps as f64).min(1.0)
    }

    /// Temperature at a step, counted from 0.
    pub fn temperature_at(self, step: usize) -> f64 {
        1.0 + (self.temperature - 1.0) * self.left(step)
    }

    /// Experts of a token at a step.
    pub fn top_k_at(self, step: usize, n_experts: usize, top_k: usize) -> usize {
        top_k + (self.left(step) * n_experts.saturating_sub(top_k) as f64).round() as usize
    }
}

impl Recipe {
    /// Reads and checks the text of a recipe; the path is for messages only.
    ///
    /// # Errors
    /// Bad TOML, unknown or missing fields, values that make no sense.
    pub fn parse(text: &str, path: &Path) -> Result<Self, TrainError> {
        let recipe: Self = toml::from_str(text).map_err(|error| TrainError::RecipeUnreadable {
            path: path.to_path_buf(),
            reason: error.to_string(),
        })?;
        recipe.validate()?;
        Ok(recipe)
    }

    /// Names of the domains, in order.
    pub fn domain_names(&self) -> Vec<&str> {
        self.data
            .domains
            .iter()
            .map(|domain| domain.name.as_str())
            .collect()
    }

    /// Weights of the domains, in order.
    pub fn domain_weights(&self) -> Vec<f64> {
        self.data
            .domains
            .iter()
            .map(|domain| domain.weight)
            .collect()
    }
}

impl TrainRecipe {
    /// Predicted tokens per step.
    pub fn tokens_per_step(&self) -> u64 {
        self.batch_sequences as u64 * self.seq_len as u64
    }

    /// Steps in the whole training.
    pub fn steps(&self) -> usize {
        self.tokens.div_ceil(self.tokens_per_step()) as usize
    }

    /// Steps after which the weights are kept, in order.
    pub fn snapshot_steps(&self) -> Vec<usize> {
        let steps = self.steps() as f64;
        let step = |part: &f64| ((part * steps).round() as usize).max(1);
        self.snapshots.iter().map(step).collect()
    }

    /// Learning rate of a step, counted from 0.
    pub fn learning_rate_at(&self, step: usize) -> f64 {
        if step < self.warmup_steps {
            return self.learning_rate * (step + 1) as f64 / self.warmup_steps as f64;
        }
        let last = self.steps().saturating_sub(1).max(self.warmup_steps + 1);
        let part = (step - self.warmup_steps) as f64 / (last - self.warmup_steps) as f64;
        let above = 0.5 * (1.0 + (std::f64::consts::PI * part.min(1.0)).cos());
        self.min_learning_rate + (self.learning_rate - self.min_learning_rate) * above
    }
}

#[cfg(test)]
mod tests;
