//! The bars that counting sets: n-gram models of bytes and of tokens, counted on the training text of all domains.

use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::ngram::KneserNey;
use crate::shards::Shard;

/// What counting reaches, in bits per byte.
#[derive(Clone, Copy, Debug, Deserialize, Serialize)]
pub struct CountingFigures {
    /// A unigram model of bytes.
    pub unigram_bits_per_byte: f64,
    /// A 5-gram model of bytes.
    pub five_gram_bits_per_byte: f64,
    /// A 5-gram model of the model's own tokens, which sees as far back as about fourteen bytes.
    pub token_five_gram_bits_per_byte: f64,
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
        let tokens: Vec<&[u16]> = shards.iter().map(|shard| &*shard.tokens).collect();
        Ok(Self {
            byte_unigram: KneserNey::count(&bytes, BYTE_VOCABULARY, 1)?,
            byte_five_gram: KneserNey::count(&bytes, BYTE_VOCABULARY, 5)?,
            token_five_gram: KneserNey::count(&tokens, vocab_size, 5)?,
        })
    }

    /// What they reach on the test split of a domain, given as text and as tokens.
    pub fn figures(&self, documents: &[String], shard: &Shard) -> CountingFigures {
        let bytes = byte_stream(documents);
        let bits = |nats| shard.bits_per_byte(nats);
        CountingFigures {
            unigram_bits_per_byte: bits(self.byte_unigram.total_nats(&bytes)),
            five_gram_bits_per_byte: bits(self.byte_five_gram.total_nats(&bytes)),
            token_five_gram_bits_per_byte: bits(self.token_five_gram.total_nats(&shard.tokens)),
        }
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
