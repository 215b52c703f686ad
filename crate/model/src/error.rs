//! Everything that can go wrong between a model folder and a routed token.
//!
//! Each variant says what was wrong, what was found and what is allowed; [`ModelError::code`] is stable
//! and crosses into JavaScript unchanged.

use moescope_routing::RoutingError;

/// The one error type of this crate.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// `config.json` is not JSON, lacks a field or asks for something this crate does not run.
    #[error("config.json: {0}")]
    ConfigInvalid(String),
    /// `tokenizer.json` could not be read.
    #[error("tokenizer.json: {0}")]
    TokenizerInvalid(String),
    /// The weights end before the header says they do.
    #[error(
        "the weights are truncated or damaged: {0}; expected a complete safetensors file, download it again"
    )]
    WeightsTruncated(String),
    /// A tensor that the configuration calls for is not in the weights.
    #[error(
        "the weights hold no tensor {name:?}; config.json calls for it with shape {expected:?} (the file holds {found} tensors)"
    )]
    TensorMissing {
        /// Published name of the tensor.
        name: String,
        /// Shape that config.json implies.
        expected: Vec<usize>,
        /// Number of tensors in the file.
        found: usize,
    },
    /// A tensor has another shape than the configuration implies.
    #[error("tensor {name:?} has shape {got:?}, but config.json implies {expected:?}")]
    ShapeMismatch {
        /// Published name of the tensor.
        name: String,
        /// Shape that config.json implies.
        expected: Vec<usize>,
        /// Shape in the file.
        got: Vec<usize>,
    },
    /// A tensor is stored in a type this crate does not read.
    #[error("tensor {name:?} is stored as {got}; F32, F16 and BF16 are read")]
    DtypeUnsupported {
        /// Published name of the tensor.
        name: String,
        /// Stored type.
        got: String,
    },
    /// Nothing to run on.
    #[error("the prompt is empty; give at least one character")]
    PromptEmpty,
    /// More tokens than the model has positions for.
    #[error(
        "the text is {n_tokens} tokens long, but {name} reads at most {allowed}; shorten it by about {} %",
        100 - 100 * .allowed / .n_tokens.max(&1)
    )]
    PromptTooLong {
        /// Name of the model.
        name: String,
        /// Tokens in the text.
        n_tokens: usize,
        /// Tokens the model can take here.
        allowed: usize,
    },
    /// Nothing to predict, so that there is no loss to lower.
    #[error("the text is 1 token long; rerouting needs 2 or more")]
    TextTooShort,
    /// A token id outside the vocabulary.
    #[error("token id {token_id} is outside the vocabulary; allowed are 0 to {}", .vocab_size - 1)]
    TokenOutOfRange {
        /// The offending id.
        token_id: u32,
        /// Size of the vocabulary.
        vocab_size: usize,
    },
    /// An option of a generation is out of range.
    #[error("{name} is {got}; allowed is {allowed}")]
    OptionInvalid {
        /// Name of the option.
        name: &'static str,
        /// Value that was given.
        got: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// `next` was called before `begin`.
    #[error("no generation is running; begin one first")]
    NotGenerating,
    /// The bytes of an image do not fit its size.
    #[error(
        "an image of {width} x {height} pixels came with {got} bytes; allowed is {} ({channels} for each pixel, at least one)",
        .width.saturating_mul(*.height).saturating_mul(*.channels)
    )]
    ImageInvalid {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// Bytes of a pixel.
        channels: usize,
        /// Bytes in all.
        got: usize,
    },
    /// An image has another size than the model reads.
    #[error(
        "the image is {width} x {height} pixels; this model reads {side} x {side}, resize it first"
    )]
    ImageSize {
        /// Pixels in a row.
        width: usize,
        /// Rows.
        height: usize,
        /// What the model reads.
        side: usize,
    },
    /// A label that is no class of the model.
    #[error("class {got} does not exist; allowed are 0 to {}", .n_classes - 1)]
    ClassOutOfRange {
        /// The label given.
        got: usize,
        /// Classes of the model.
        n_classes: usize,
    },
    /// Routing rules were broken; see [`RoutingError`].
    #[error("MoE layer {layer}: {source}")]
    Routing {
        /// Index of the transformer layer.
        layer: usize,
        /// What the routing engine said.
        source: RoutingError,
    },
    /// The routing names a layer that is not an MoE layer of this model.
    #[error(
        "the routing has a spec for layer {layer}, but the MoE layers of this model are {allowed:?}"
    )]
    NotAnMoeLayer {
        /// Layer named in the routing.
        layer: usize,
        /// MoE layers of the model.
        allowed: Vec<usize>,
    },
    /// A question about a layer that has no experts.
    #[error("layer {got} has no experts; allowed are {}", named(.allowed))]
    NoExperts {
        /// The layer asked about.
        got: usize,
        /// MoE layers of the model.
        allowed: Vec<usize>,
    },
    /// A question about an expert that a layer does not have.
    #[error("expert {got} does not exist; allowed are 0 to {}", .n_experts - 1)]
    NoSuchExpert {
        /// The expert asked about.
        got: usize,
        /// E.
        n_experts: usize,
    },
    /// A question about a token that a text does not have.
    #[error("position {got} is outside the text; allowed are 0 to {}", .n_tokens - 1)]
    PositionOutOfRange {
        /// The position asked about.
        got: usize,
        /// Tokens in the text.
        n_tokens: usize,
    },
    /// A recorded plan keeps nothing of what happens inside an expert.
    #[error("a recorded plan does not tell what happens inside an expert; ask on the backend cpu")]
    PlanCannotTell,
    /// A strategy asks for something the model does not have.
    #[error(
        "MoE layer {layer}: this strategy needs {need}, which the model does not have; choose another"
    )]
    NeedUnmet {
        /// Index of the transformer layer.
        layer: usize,
        /// What it needs.
        need: String,
    },
    /// A spec selects by `external`, and nobody is there to ask.
    #[error(
        "MoE layer {layer}: this strategy asks an external router, and none is set; set one first, or choose another strategy"
    )]
    NoExternalRouter {
        /// Index of the transformer layer.
        layer: usize,
    },
    /// Offsets cannot be optimised by gradient under this strategy.
    #[error(
        "MoE layer {layer}: the weights of this strategy have no gradient that is known here; use the method search"
    )]
    NotDifferentiable {
        /// Index of the transformer layer.
        layer: usize,
    },
    /// The device could not read a tensor back.
    #[error("the device could not read a result back: {0}")]
    Device(String),
}

impl ModelError {
    /// A stable name for programs; the message is for people.
    pub fn code(&self) -> &'static str {
        match self {
            Self::ConfigInvalid(_) => "config_invalid",
            Self::TokenizerInvalid(_) => "tokenizer_invalid",
            Self::WeightsTruncated(_) => "weights_truncated",
            Self::TensorMissing { .. } => "tensor_missing",
            Self::ShapeMismatch { .. } => "shape_mismatch",
            Self::DtypeUnsupported { .. } => "dtype_unsupported",
            Self::PromptEmpty => "prompt_empty",
            Self::PromptTooLong { .. } => "prompt_too_long",
            Self::TextTooShort => "text_too_short",
            Self::TokenOutOfRange { .. } => "token_out_of_range",
            Self::OptionInvalid { .. } => "option_invalid",
            Self::NotGenerating => "not_generating",
            Self::ImageInvalid { .. } => "image_invalid",
            Self::ImageSize { .. } => "image_size",
            Self::ClassOutOfRange { .. } => "class_out_of_range",
            Self::Routing { source, .. } => source.code(),
            Self::NotAnMoeLayer { .. } => "not_an_moe_layer",
            Self::NoExperts { .. } => "no_experts",
            Self::NoSuchExpert { .. } => "expert_out_of_range",
            Self::PositionOutOfRange { .. } => "position_out_of_range",
            Self::PlanCannotTell => "plan_cannot_tell",
            Self::NeedUnmet { .. } => "need_unmet",
            Self::NoExternalRouter { .. } => "no_external_router",
            Self::NotDifferentiable { .. } => "not_differentiable",
            Self::Device(_) => "device",
        }
    }
}

/// The layers that may be asked about.
fn named(layers: &[usize]) -> String {
    match layers {
        [] => "none, because this model is dense".into(),
        layers => format!("{layers:?}"),
    }
}
