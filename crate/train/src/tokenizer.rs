//! Byte-level BPE: trained on the recipe's own text, kept as an ordinary `tokenizer.json`.
//!
//! Any text can be encoded, because the 256 bytes are in the vocabulary.
//! Text is first cut by `SPLIT_PATTERN`, then merges happen only inside the pieces.
//! The pattern follows GPT-2's with three additions: digits stand alone (numbers look the same
//! wherever they stand), a French elision keeps its apostrophe (`l'`, `qu'`), and a line break
//! takes the indentation after it, all but the last space, which belongs to the next word.
//! Sources: Sennrich, Haddow and Birch, "Neural machine translation of rare words with subword units", 2016;
//! Radford et al., "Language models are unsupervised multitask learners", 2019 (byte-level BPE).

use std::path::Path;

use sha2::{Digest, Sha256};
use tokenizers::models::TrainerWrapper;
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split as SplitAt, SplitPattern};
use tokenizers::processors::template::TemplateProcessing;
use tokenizers::{AddedToken, SplitDelimiterBehavior, Tokenizer};

use crate::TrainError;
use crate::data::{DataFolder, Split};
use crate::progress::{OnProgress, Progress};
use crate::recipe::{Recipe, TokenizerRecipe};
use crate::shuffle::SplitMix64;

/// The one special token: it stands before every document, and so also ends the one before.
pub const DOCUMENT_TOKEN: &str = "<|doc|>";

/// Id of [`DOCUMENT_TOKEN`].
pub const DOCUMENT_ID: u16 = 0;

/// Fewest entries a vocabulary can have: the document token and the 256 bytes.
pub const MIN_VOCAB_SIZE: usize = 257;

/// Most entries a vocabulary can have: ids are kept in 16 bits.
pub const MAX_VOCAB_SIZE: usize = 65_536;

/// Where text may be cut; every alternative is one kind of piece, tried in this order:
/// English endings, French elisions, words, single digits, signs, line breaks with indentation,
/// spaces before a word's own space, any other space.
pub const SPLIT_PATTERN: &str = concat!(
    r"(?i:'(?:s|t|re|ve|m|ll|d)(?!\p{L}))",
    r"| ?(?i:[cdjlmnst]|qu)'(?=\p{L})",
    r"| ?\p{L}+",
    r"|\p{N}",
    r"| ?[^\s\p{L}\p{N}]+",
    r"|\s*\n(?: +(?= \S))?",
    r"|\s+(?!\S)",
    r"|\s+",
);

/// Bytes of text encoded between two progress reports.
const REPORT_EVERY_BYTES: usize = 1 << 20;

/// A tokenizer together with the text of its `tokenizer.json`.
#[derive(Debug, Clone)]
pub struct TextTokenizer {
    inner: Tokenizer,
    json: String,
}

impl TextTokenizer {
    /// Learns a vocabulary of `vocab_size` entries from a sample; the same sample gives the same file.
    ///
    /// # Errors
    /// A `vocab_size` outside 257..=65536, or a sample too small to fill the vocabulary.
    pub fn train(sample: &[&str], vocab_size: usize) -> Result<Self, TrainError> {
        if !(MIN_VOCAB_SIZE..=MAX_VOCAB_SIZE).contains(&vocab_size) {
            return Err(problem(format!(
                "vocabulary size: got {vocab_size}, allowed is {MIN_VOCAB_SIZE} to {MAX_VOCAB_SIZE}"
            )));
        }
        let mut inner = untrained()?;
        let mut trainer: TrainerWrapper = BpeTrainer::builder()
            .vocab_size(vocab_size)
            .min_frequency(2)
            .show_progress(false)
            .initial_alphabet(ByteLevel::alphabet().into_iter().collect())
            .special_tokens(vec![document_token()])
            .build()
            .into();
        inner.train(&mut trainer, sample.iter()).map_err(problem)?;
        inner.with_post_processor(Some(document_first()?));
        let json = inner.to_string(true).map_err(problem)?;
        // Read it back, so that what is used is exactly what is kept.
        let trained = Self::from_json(json)?;
        if trained.vocab_size() != vocab_size {
            return Err(problem(format!(
                "the sample fills {} of {vocab_size} vocabulary entries; give more text or a smaller vocabulary",
                trained.vocab_size()
            )));
        }
        Ok(trained)
    }

    /// Learns the tokenizer of a recipe from the training text of its domains.
    ///
    /// # Errors
    /// Missing or damaged text, and those of [`TextTokenizer::train`].
    pub fn for_recipe(recipe: &Recipe, data: &DataFolder) -> Result<Self, TrainError> {
        let mut domains = Vec::new();
        for domain in recipe.domain_names() {
            domains.push(data.documents(domain, Split::Train)?);
        }
        let TokenizerRecipe { sample_bytes, seed } = recipe.tokenizer;
        let sample = balanced_sample(&domains, sample_bytes, seed);
        Self::train(&sample, recipe.model.vocab_size)
    }

    /// Takes the text of a `tokenizer.json`.
    ///
    /// # Errors
    /// Text that is no tokenizer, or one whose id 0 is not `<|doc|>`, or with ids past 16 bits.
    pub fn from_json(json: String) -> Result<Self, TrainError> {
        let inner: Tokenizer = json.parse().map_err(problem)?;
        let first = inner.token_to_id(DOCUMENT_TOKEN);
        if first != Some(u32::from(DOCUMENT_ID)) {
            return Err(problem(format!(
                "id of {DOCUMENT_TOKEN}: got {first:?}, allowed is {DOCUMENT_ID}"
            )));
        }
        let tokenizer = Self { inner, json };
        if tokenizer.vocab_size() > MAX_VOCAB_SIZE {
            return Err(problem(format!(
                "vocabulary size: got {}, allowed is at most {MAX_VOCAB_SIZE}",
                tokenizer.vocab_size()
            )));
        }
        Ok(tokenizer)
    }

    /// Reads a `tokenizer.json`.
    ///
    /// # Errors
    /// An unreadable file, or what [`TextTokenizer::from_json`] refuses.
    pub fn load(path: &Path) -> Result<Self, TrainError> {
        let json = std::fs::read_to_string(path).map_err(|source| TrainError::Io {
            action: "read",
            path: path.to_path_buf(),
            source,
        })?;
        Self::from_json(json)
    }

    /// The text of the `tokenizer.json`, as trained or read.
    pub fn json(&self) -> &str {
        &self.json
    }

    /// The text of a `tokenizer_config.json`, which tells `transformers` to use the tokenizer as it is.
    ///
    /// # Errors
    /// None in practice: only what writing JSON can fail with.
    pub fn hugging_face_config(&self, max_positions: usize) -> Result<String, TrainError> {
        let config = serde_json::json!({
            "bos_token": DOCUMENT_TOKEN,
            "clean_up_tokenization_spaces": false,
            "eos_token": DOCUMENT_TOKEN,
            "model_max_length": max_positions,
            "tokenizer_class": "PreTrainedTokenizerFast",
        });
        serde_json::to_string_pretty(&config)
            .map(|text| text + "\n")
            .map_err(problem)
    }

    /// First 16 hexadecimal digits of the SHA-256 of the `tokenizer.json`.
    pub fn hash(&self) -> String {
        short_hash(self.json.as_bytes())
    }

    /// Entries in the vocabulary, the special token included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Tokens of one document, `<|doc|>` first.
    ///
    /// # Errors
    /// Whatever the tokenizer refuses, and ids past 16 bits.
    pub fn encode(&self, document: &str) -> Result<Vec<u16>, TrainError> {
        let encoding = self.inner.encode_fast(document, true).map_err(problem)?;
        encoding
            .get_ids()
            .iter()
            .map(|&id| u16::try_from(id).map_err(problem))
            .collect()
    }

    /// One stream of tokens of all documents, each with `<|doc|>` first.
    ///
    /// # Errors
    /// Those of [`TextTokenizer::encode`].
    pub fn encode_documents(
        &self,
        documents: &[String],
        what: &str,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Vec<u16>, TrainError> {
        let total: usize = documents.iter().map(String::len).sum();
        let mut stream = Vec::with_capacity(total / 3);
        let (mut done, mut reported) = (0, 0);
        for document in documents {
            stream.extend(self.encode(document)?);
            done += document.len();
            if done - reported >= REPORT_EVERY_BYTES || done == total {
                reported = done;
                on_progress(&Progress {
                    what,
                    done: done as u64,
                    total: total as u64,
                    unit: "bytes",
                });
            }
        }
        Ok(stream)
    }

    /// The text of tokens, special tokens left out.
    ///
    /// # Errors
    /// Ids the vocabulary does not have.
    pub fn decode(&self, tokens: &[u16]) -> Result<String, TrainError> {
        let ids: Vec<u32> = tokens.iter().map(|&token| u32::from(token)).collect();
        if let Some(unknown) = ids.iter().find(|&&id| self.inner.id_to_token(id).is_none()) {
            return Err(problem(format!(
                "token id: got {unknown}, allowed is 0 to {}",
                self.vocab_size().saturating_sub(1)
            )));
        }
        self.inner.decode(&ids, true).map_err(problem)
    }
}

/// About `bytes_per_domain` bytes of whole documents from each domain, drawn with a seed.
///
/// Every domain weighs the same in the vocabulary, however much text it has; one with less gives all.
pub fn balanced_sample(domains: &[Vec<String>], bytes_per_domain: usize, seed: u64) -> Vec<&str> {
    let mut sample = Vec::new();
    for (stream, documents) in domains.iter().enumerate() {
        let mut order: Vec<&str> = documents.iter().map(String::as_str).collect();
        SplitMix64::for_stream(seed, stream as u64).shuffle(&mut order);
        let mut taken = 0;
        for document in order {
            if taken >= bytes_per_domain {
                break;
            }
            taken += document.len();
            sample.push(document);
        }
    }
    sample
}

/// First 16 hexadecimal digits of the SHA-256 of some bytes.
pub(crate) fn short_hash(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .take(8)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn untrained() -> Result<Tokenizer, TrainError> {
    let pattern = SplitPattern::Regex(SPLIT_PATTERN.to_owned());
    let split = SplitAt::new(pattern, SplitDelimiterBehavior::Isolated, false).map_err(problem)?;
    // The split above decides the pieces: no extra leading space, no second pattern.
    let bytes = ByteLevel::new(false, false, false);
    let mut tokenizer = Tokenizer::new(BPE::default());
    tokenizer.with_pre_tokenizer(Some(Sequence::new(vec![split.into(), bytes.into()])));
    tokenizer.with_decoder(Some(bytes));
    Ok(tokenizer)
}

fn document_token() -> AddedToken {
    AddedToken::from(DOCUMENT_TOKEN, true)
}

fn document_first() -> Result<TemplateProcessing, TrainError> {
    TemplateProcessing::builder()
        .try_single(format!("{DOCUMENT_TOKEN} $A"))
        .map_err(problem)?
        .try_pair(format!("{DOCUMENT_TOKEN} $A {DOCUMENT_TOKEN} $B"))
        .map_err(problem)?
        .special_tokens(vec![(DOCUMENT_TOKEN, u32::from(DOCUMENT_ID))])
        .build()
        .map_err(problem)
}

fn problem(error: impl ToString) -> TrainError {
    TrainError::Tokenizer {
        problem: error.to_string(),
    }
}

#[cfg(test)]
mod tests;
