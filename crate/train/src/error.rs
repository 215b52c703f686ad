//! Everything that can go wrong between a recipe and its batches.
//!
//! Each message says what was wanted, what was found and what is allowed.

use std::path::PathBuf;

/// Why a recipe, its data or its tokenizer cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The operating system refused.
    #[error("cannot {action} {path}: {source}", path = .path.display())]
    Io {
        /// What was tried: "read", "write", "create".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: std::io::Error,
    },

    /// The recipe is not TOML, or has an unknown, missing or mistyped field.
    #[error("recipe {path} cannot be read: {reason}", path = .path.display())]
    RecipeUnreadable {
        /// The recipe file.
        path: PathBuf,
        /// The parser's message, with line and column.
        reason: String,
    },

    /// The manifest of data is not TOML, or has an unknown, missing or mistyped field.
    #[error("manifest {path} cannot be read: {reason}", path = .path.display())]
    ManifestUnreadable {
        /// The manifest file.
        path: PathBuf,
        /// The parser's message, with line and column.
        reason: String,
    },

    /// A field of the recipe has a value that makes no sense.
    #[error("recipe field {field}: got {got}, allowed is {allowed}")]
    RecipeField {
        /// Dotted name of the field.
        field: &'static str,
        /// The value found.
        got: String,
        /// The values allowed.
        allowed: String,
    },

    /// No folder was given for the training text.
    #[error(
        "no training data: give its folder with --data DIR or in the environment variable {variable}. \
         {layout}"
    )]
    DataNotSet {
        /// The environment variable that would name it.
        variable: &'static str,
        /// What the folder has to hold, and where the text comes from.
        layout: &'static str,
    },

    /// A file of the training text is missing.
    #[error("training data is missing: {path} does not exist. {layout}", path = .path.display())]
    DataMissing {
        /// The file or folder looked for.
        path: PathBuf,
        /// What the folder has to hold, and where the text comes from.
        layout: &'static str,
    },

    /// A text file is damaged or not in the expected form.
    #[error("training data {path}: {problem}", path = .path.display())]
    DataInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// A tokenizer could not be trained, read or used.
    #[error("tokenizer: {problem}")]
    Tokenizer {
        /// What is wrong.
        problem: String,
    },

    /// A cached token stream is damaged.
    #[error("cached data {path}: {problem}; delete the file and it is made again", path = .path.display())]
    ShardInvalid {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    #[error("no cache folder: set XDG_CACHE_HOME or HOME, got neither")]
    NoCacheFolder,

    /// A domain has less text than one training sequence.
    #[error("domain {domain} has {tokens} tokens, one training sequence needs {needed}")]
    DomainTooShort {
        /// The domain.
        domain: String,
        /// Tokens it has.
        tokens: usize,
        /// Tokens one sequence needs (`seq_len` + 1).
        needed: usize,
    },

    /// A set of images that the model cannot read.
    #[error("image set {set}: {problem}")]
    ImageSetUnusable {
        /// The set.
        set: String,
        /// What is wrong with it.
        problem: String,
    },

    /// A language model cannot be counted from what was given.
    #[error("n-gram model: {problem}")]
    Ngram {
        /// What is wrong.
        problem: String,
    },

    /// A log of a run that cannot be drawn.
    #[error("log of a run, line {line}: {problem}")]
    LogInvalid {
        /// Line of the file, from 1.
        line: usize,
        /// What is wrong with it.
        problem: String,
    },

    /// The weights grew without bound.
    #[error(
        "the training diverged: loss {loss}, gradient norm {grad_norm}; lower train.learning_rate"
    )]
    Diverged {
        /// Cross-entropy of the step.
        loss: f64,
        /// Norm of the gradient.
        grad_norm: f64,
    },

    /// A run folder cannot be resumed.
    #[error("run {path}: {problem}; give another folder, or delete it to start anew", path = .path.display())]
    RunInvalid {
        /// The folder or file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },

    /// The model could not be built or run.
    #[error(transparent)]
    Model(#[from] moescope_model::ModelError),

    /// A model card has no place for the figures.
    #[error("the card has no place for figures: it needs the lines {begin:?} and {end:?}")]
    CardMarks {
        /// First mark.
        begin: &'static str,
        /// Last mark.
        end: &'static str,
    },
}
