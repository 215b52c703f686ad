//! Which values of a recipe make sense.
//!
//! Every refusal names the field, what it holds and what it may hold.

use super::{Architecture, ModelRecipe, Recipe, TrainRecipe};
use crate::TrainError;
use crate::tokenizer::{MAX_VOCAB_SIZE, MIN_VOCAB_SIZE};

impl Recipe {
    pub(super) fn validate(&self) -> Result<(), TrainError> {
        check_name("name", &self.name)?;
        let domains = &self.data.domains;
        check(
            "data.domains",
            !domains.is_empty(),
            "an empty list",
            "at least one domain",
        )?;
        for (index, domain) in domains.iter().enumerate() {
            let known = domains[..index]
                .iter()
                .any(|other| other.name == domain.name);
            check_name("data.domains.name", &domain.name)?;
            check(
                "data.domains.name",
                !known,
                &domain.name,
                "each domain once",
            )?;
            check(
                "data.domains.weight",
                positive(domain.weight),
                domain.weight,
                "above 0",
            )?;
        }
        check(
            "tokenizer.sample_bytes",
            self.tokenizer.sample_bytes > 0,
            0,
            "at least 1",
        )?;
        self.model.validate()?;
        let (seq_len, longest) = (self.train.seq_len, self.model.max_positions);
        check(
            "train.seq_len",
            seq_len <= longest,
            seq_len,
            format!("at most model.max_positions = {longest}"),
        )?;
        self.train.validate()
    }
}

impl ModelRecipe {
    fn validate(&self) -> Result<(), TrainError> {
        let sizes = [
            ("model.n_layers", self.n_layers),
            ("model.d_model", self.d_model),
            ("model.n_heads", self.n_heads),
            ("model.n_kv_heads", self.n_kv_heads),
            ("model.max_positions", self.max_positions),
        ];
        for (field, size) in sizes {
            check(field, size > 0, size, "at least 1")?;
        }
        check(
            "model.n_kv_heads",
            self.n_heads.is_multiple_of(self.n_kv_heads),
            self.n_kv_heads,
            format!("a divisor of model.n_heads = {}", self.n_heads),
        )?;
        let pairs = self.head_dim > 0 && self.head_dim.is_multiple_of(2);
        check(
            "model.head_dim",
            pairs,
            self.head_dim,
            "an even number above 0 (rotary pairs)",
        )?;
        // Expert indices are kept in 16 bits.
        let most = usize::from(u16::MAX);
        check(
            "model.n_experts",
            self.n_experts <= most,
            self.n_experts,
            format!("at most {most}"),
        )?;
        self.validate_feed_forward()?;
        let vocabulary = MIN_VOCAB_SIZE..=MAX_VOCAB_SIZE;
        check(
            "model.vocab_size",
            vocabulary.contains(&self.vocab_size),
            self.vocab_size,
            format!("{MIN_VOCAB_SIZE} to {MAX_VOCAB_SIZE}"),
        )?;
        check(
            "model.rope_theta",
            positive(self.rope_theta),
            self.rope_theta,
            "above 0",
        )
    }
}

impl ModelRecipe {
    /// Each layout has some of the sizes, and the others are 0, so that no recipe says what is not so.
    fn validate_feed_forward(&self) -> Result<(), TrainError> {
        let is_moe = self.architecture != Architecture::Qwen3;
        let is_shared = self.architecture == Architecture::Qwen2Moe;
        let sizes = [
            ("model.n_experts", self.n_experts, is_moe),
            ("model.moe_d_ff", self.moe_d_ff, is_moe),
            ("model.shared_d_ff", self.shared_d_ff, is_shared),
            ("model.dense_d_ff", self.dense_d_ff, !is_moe),
        ];
        for (field, size, is_there) in sizes {
            let allowed = match is_there {
                true => "at least 1 in this layout",
                false => "0 in this layout, which has none",
            };
            check(field, (size > 0) == is_there, size, allowed)?;
        }
        let top_k = match is_moe {
            true => 1..=self.n_experts,
            false => 0..=0,
        };
        let allowed = format!("{} to model.n_experts = {}", top_k.start(), top_k.end());
        check(
            "model.top_k",
            top_k.contains(&self.top_k),
            self.top_k,
            allowed,
        )
    }
}

impl TrainRecipe {
    pub(crate) fn validate(&self) -> Result<(), TrainError> {
        let sizes = [
            ("train.tokens", self.tokens),
            ("train.batch_sequences", self.batch_sequences as u64),
            ("train.seq_len", self.seq_len as u64),
            ("train.checkpoint_seconds", self.checkpoint_seconds),
        ];
        for (field, size) in sizes {
            check(field, size > 0, size, "at least 1")?;
        }
        check(
            "train.learning_rate",
            positive(self.learning_rate),
            self.learning_rate,
            "above 0",
        )?;
        check(
            "train.min_learning_rate",
            (0.0..=self.learning_rate).contains(&self.min_learning_rate),
            self.min_learning_rate,
            format!("0 to train.learning_rate = {}", self.learning_rate),
        )?;
        check(
            "train.warmup_steps",
            self.warmup_steps < self.steps(),
            self.warmup_steps,
            format!("below the {} steps of the training", self.steps()),
        )?;
        check(
            "train.beta1",
            (0.0..1.0).contains(&self.beta1),
            self.beta1,
            "0 to below 1",
        )?;
        check(
            "train.beta2",
            (0.0..1.0).contains(&self.beta2),
            self.beta2,
            "0 to below 1",
        )?;
        check(
            "train.grad_clip",
            positive(self.grad_clip),
            self.grad_clip,
            "above 0",
        )?;
        let coefficients = [
            ("train.weight_decay", self.weight_decay),
            ("train.load_balancing_coef", self.load_balancing_coef),
            ("train.z_loss_coef", self.z_loss_coef),
        ];
        for (field, value) in coefficients {
            check(field, value == 0.0 || positive(value), value, "0 or above")?;
        }
        if let Some(step) = self.selection_bias_step {
            check("train.selection_bias_step", positive(step), step, "above 0")?;
        }
        if let Some(warm) = self.dense_to_sparse {
            let field = "train.dense_to_sparse.steps";
            let allowed = format!("1 to the {} steps of the training", self.steps());
            check(
                field,
                (1..=self.steps()).contains(&warm.steps),
                warm.steps,
                allowed,
            )?;
            let (field, warmth) = ("train.dense_to_sparse.temperature", warm.temperature);
            check(
                field,
                warmth.is_finite() && warmth >= 1.0,
                warmth,
                "1 or above",
            )?;
        }
        for &part in &self.snapshots {
            let inside = part > 0.0 && part < 1.0;
            check("train.snapshots", inside, part, "parts above 0 and below 1")?;
        }
        Ok(())
    }
}

/// Names of models and folders.
pub(crate) fn check_name(field: &'static str, name: &str) -> Result<(), TrainError> {
    let simple = !name.is_empty()
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_".contains(&b));
    check(field, simple, name, "lower-case letters, digits, - and _")
}

pub(crate) fn positive(value: f64) -> bool {
    value.is_finite() && value > 0.0
}

pub(crate) fn check(
    field: &'static str,
    fine: bool,
    got: impl ToString,
    allowed: impl ToString,
) -> Result<(), TrainError> {
    if fine {
        return Ok(());
    }
    Err(TrainError::RecipeField {
        field,
        got: got.to_string(),
        allowed: allowed.to_string(),
    })
}
