//! Token streams: every split of every domain encoded once and kept in a cache folder.
//!
//! A stream is all documents of a split in file order, each with `<|doc|>` first.
//! The cache is `$XDG_CACHE_HOME/moescope/data/<tokenizer>/<domain>-<split>-<source>.tokens`
//! (`~/.cache` without `XDG_CACHE_HOME`), where <tokenizer> and <source> are hashes of the
//! `tokenizer.json` and of the packed text: what has changed is encoded again, by itself.
//! File: 8 bytes `MOETOKS1`, then tokens, text bytes and documents as little-endian u64,
//! then the tokens as little-endian u16; it is mapped into memory, not read.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::TrainError;
use crate::data::{DataFolder, Split, unpack_documents};
use crate::progress::OnProgress;
use crate::run::io;
use crate::tokenizer::{TextTokenizer, short_hash};
use crate::tokens::Tokens;

const MAGIC: &[u8; 8] = b"MOETOKS1";
const HEADER_BYTES: usize = 32;

/// The tokens of one split of one domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shard {
    /// The domain.
    pub domain: String,
    /// The split.
    pub split: Split,
    /// Token ids, `<|doc|>` before every document.
    pub tokens: Tokens,
    /// Bytes of the documents themselves, separators not counted.
    pub text_bytes: u64,
    /// Number of documents.
    pub documents: u64,
}

impl Shard {
    /// Mean bytes of text per token, `<|doc|>` tokens counted.
    pub fn bytes_per_token(&self) -> f64 {
        self.text_bytes as f64 / self.tokens.len() as f64
    }

    /// Bits per byte of a model that gives the tokens this total negative log-likelihood in nats.
    ///
    /// The sum runs over every token but the first `<|doc|>`, so ending a document is paid for too,
    /// and the bytes are those of the documents.
    pub fn bits_per_byte(&self, total_nats: f64) -> f64 {
        total_nats / std::f64::consts::LN_2 / self.text_bytes as f64
    }
}

/// The folder in which shards are kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShardCache {
    folder: PathBuf,
}

impl ShardCache {
    /// The user's cache folder.
    ///
    /// # Errors
    /// Neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn of_user() -> Result<Self, TrainError> {
        Self::choose(std::env::var_os("XDG_CACHE_HOME"), std::env::var_os("HOME"))
    }

    fn choose(cache: Option<OsString>, home: Option<OsString>) -> Result<Self, TrainError> {
        let folder =
            |variable: Option<OsString>| variable.filter(|v| !v.is_empty()).map(PathBuf::from);
        let base = folder(cache).or_else(|| folder(home).map(|home| home.join(".cache")));
        let base = base.ok_or(TrainError::NoCacheFolder)?;
        Ok(Self::at(base.join("moescope").join("data")))
    }

    /// This folder; it is made when the first shard is written.
    pub fn at(folder: PathBuf) -> Self {
        Self { folder }
    }

    /// Where it is.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the run of the recipe called `name` keeps its checkpoints: beside the token streams.
    pub fn run_folder(&self, name: &str) -> PathBuf {
        self.folder.with_file_name("runs").join(name)
    }

    /// One shard, read from the cache or encoded and put there.
    ///
    /// # Errors
    /// Missing or damaged text, a damaged cache file, or a folder that cannot be written.
    pub fn load_or_encode(
        &self,
        data: &DataFolder,
        tokenizer: &TextTokenizer,
        domain: &str,
        split: Split,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Shard, TrainError> {
        let packed = data.packed(domain, split)?;
        let path = self
            .folder
            .join(tokenizer.hash())
            .join(format!("{domain}-{split}-{}.tokens", short_hash(&packed)));
        if path.is_file() {
            return read(&path, domain, split);
        }
        let documents = unpack_documents(&packed).map_err(|problem| TrainError::DataInvalid {
            path: data.path(domain, split),
            problem,
        })?;
        let what = format!("encoding {domain} {split}");
        let shard = Shard {
            domain: domain.to_owned(),
            split,
            tokens: tokenizer
                .encode_documents(&documents, &what, on_progress)?
                .into(),
            text_bytes: documents.iter().map(|document| document.len() as u64).sum(),
            documents: documents.len() as u64,
        };
        write(&path, &shard)?;
        Ok(shard)
    }

    /// Where what counting reaches on the test split of some domains is kept, named after all that it depends on.
    ///
    /// # Errors
    /// Missing text.
    pub fn counting_path(
        &self,
        data: &DataFolder,
        tokenizer: &TextTokenizer,
        domains: &[&str],
    ) -> Result<PathBuf, TrainError> {
        let mut key = String::new();
        for domain in domains {
            for split in [Split::Train, Split::Test] {
                key += &short_hash(&data.packed(domain, split)?);
            }
        }
        let name = format!("counting-{}.json", short_hash(key.as_bytes()));
        Ok(self.folder.join(tokenizer.hash()).join(name))
    }

    /// One split of several domains, in their order.
    ///
    /// # Errors
    /// Those of [`ShardCache::load_or_encode`].
    pub fn load_domains(
        &self,
        data: &DataFolder,
        tokenizer: &TextTokenizer,
        domains: &[&str],
        split: Split,
        on_progress: &mut OnProgress<'_>,
    ) -> Result<Vec<Shard>, TrainError> {
        domains
            .iter()
            .map(|domain| self.load_or_encode(data, tokenizer, domain, split, on_progress))
            .collect()
    }
}

fn write(path: &Path, shard: &Shard) -> Result<(), TrainError> {
    let failed = |action| {
        move |source| TrainError::Io {
            action,
            path: path.to_path_buf(),
            source,
        }
    };
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed("create the folder of"))?;
    }
    let mut bytes = Vec::with_capacity(HEADER_BYTES + 2 * shard.tokens.len());
    bytes.extend(MAGIC);
    for number in [shard.tokens.len() as u64, shard.text_bytes, shard.documents] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(shard.tokens.iter().flat_map(|token| token.to_le_bytes()));
    // Written beside and renamed, so that a killed run leaves no half file under the final name.
    let beside = path.with_extension(format!("{}.part", std::process::id()));
    std::fs::write(&beside, bytes).map_err(failed("write"))?;
    std::fs::rename(&beside, path).map_err(failed("write"))
}

fn read(path: &Path, domain: &str, split: Split) -> Result<Shard, TrainError> {
    let invalid = |problem: String| TrainError::ShardInvalid {
        path: path.to_path_buf(),
        problem,
    };
    let mut file = File::open(path).map_err(io("read", path))?;
    let mut header = [0; HEADER_BYTES];
    let is_whole = file.read_exact(&mut header).is_ok();
    if !is_whole || &header[..8] != MAGIC {
        let problem = "does not begin with the header of a token file";
        return Err(invalid(problem.to_owned()));
    }
    let number = |index: usize| {
        let mut field = [0; 8];
        field.copy_from_slice(&header[8 * index..8 * index + 8]);
        u64::from_le_bytes(field)
    };
    let tokens = Tokens::map(&file, HEADER_BYTES).map_err(|e| invalid(e.to_string()))?;
    if number(1) != tokens.len() as u64 {
        let (found, expected) = (tokens.len(), number(1));
        return Err(invalid(format!(
            "got {found} tokens, the header says {expected}"
        )));
    }
    Ok(Shard {
        domain: domain.to_owned(),
        split,
        tokens,
        text_bytes: number(2),
        documents: number(3),
    })
}

#[cfg(test)]
mod tests;
