//! Text to token ids and back, by the `tokenizers` library and an ordinary `tokenizer.json`.
//!
//! What this adds: the text that each single token contributes, also where one character spans several tokens.

use serde::Serialize;
use tokenizers::Tokenizer as Inner;

use crate::error::ModelError;

/// A token as people see it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[cfg_attr(feature = "ts", derive(ts_rs::TS))]
pub struct Token {
    /// Id in the vocabulary.
    pub id: u32,
    /// What it adds to the text; empty while a character is still incomplete.
    pub text: String,
    /// Whether it is a marker, such as the start of a document, and no text.
    pub special: bool,
}

/// A loaded `tokenizer.json`.
#[derive(Debug)]
pub struct Tokenizer {
    inner: Inner,
}

/// The end of a token sequence, as far as it is needed to decode the next token.
#[derive(Clone, Debug, Default)]
pub struct TextStream {
    ids: Vec<u32>,
    shown: usize,
}

impl Tokenizer {
    /// Reads `tokenizer.json`.
    ///
    /// # Errors
    /// [`ModelError::TokenizerInvalid`] with the library's reason.
    pub fn from_json(json: &str) -> Result<Self, ModelError> {
        let inner = Inner::from_bytes(json).map_err(|e| {
            ModelError::TokenizerInvalid(format!("{e}; expected the tokenizers format"))
        })?;
        Ok(Self { inner })
    }

    /// Number of ids, added tokens included.
    pub fn vocab_size(&self) -> usize {
        self.inner.get_vocab_size(true)
    }

    /// Ids of `text`, with the special tokens the tokenizer adds.
    ///
    /// # Errors
    /// [`ModelError::TokenizerInvalid`] with the library's reason.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, ModelError> {
        let encoding = self.inner.encode(text, true);
        let encoding = encoding.map_err(|e| ModelError::TokenizerInvalid(e.to_string()))?;
        Ok(encoding.get_ids().to_vec())
    }

    /// The next token of a stream.
    pub fn next_token(&self, stream: &mut TextStream, id: u32) -> Token {
        if let Some(marker) = self.inner.get_added_tokens_decoder().get(&id)
            && marker.special
        {
            *stream = TextStream::default();
            let text = marker.content.clone();
            return Token {
                id,
                text,
                special: true,
            };
        }
        stream.ids.push(id);
        let text = self.decode(&stream.ids);
        // A replacement character at the end is a character still incomplete.
        let text = if text.ends_with('\u{fffd}') && stream.ids.len() < 8 {
            String::new()
        } else {
            let added = text.get(stream.shown..).unwrap_or_default().to_owned();
            // One token of context is enough for decoders that treat the first token differently.
            stream.ids = vec![id];
            stream.shown = self.decode(&stream.ids).len();
            added
        };
        Token {
            id,
            text,
            special: false,
        }
    }

    /// Tokens of a whole sequence.
    pub fn tokens(&self, ids: &[u32]) -> Vec<Token> {
        let mut stream = TextStream::default();
        ids.iter()
            .map(|&id| self.next_token(&mut stream, id))
            .collect()
    }

    fn decode(&self, ids: &[u32]) -> String {
        self.inner.decode(ids, false).unwrap_or_default()
    }
}
