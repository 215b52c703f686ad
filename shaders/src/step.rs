//! [`Step`]: what changes from run to run, and its words; `wgsl/lib/run.wgsl` has the same.

use crate::recorder::Buffer;

/// Words before the token ids.
pub(crate) const TOKENS: usize = 16;

/// How the next token is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sampling {
    /// 0 takes the likeliest, the lower id on a tie.
    pub temperature: f32,
    /// Draws among the k likeliest, of equals the lower ids; 0 is all.
    pub top_k: usize,
    /// Draws among the fewest likeliest with this share of what top k leaves; 1 is all.
    pub top_p: f32,
    /// From [0, 1), by the caller's seeded generator, so that a seed means the same on every backend.
    pub draw: f32,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            draw: 0.0,
        }
    }
}

/// Some words of a buffer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Words {
    /// Which.
    pub buffer: Buffer,
    /// Where they start.
    pub first: usize,
    /// How many.
    pub count: usize,
}

/// One run of a pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Step<'a> {
    /// Position of the first token in its sequence.
    pub position: usize,
    /// T token ids.
    pub tokens: &'a [u32],
    /// How the next token is drawn.
    pub sampling: Sampling,
    /// The next token at each of the T positions, where the pass scores; else empty.
    pub targets: &'a [u32],
    /// Whether the token before the first went through this plan, in this sequence: sticky routing looks at it.
    pub previous: bool,
    /// Whether the records of all layers are read back.
    pub trace: bool,
    /// Words of a buffer to read back with the result, such as logits.
    pub read: Option<Words>,
}

impl Step<'_> {
    /// The words, up to the tables that stay.
    pub(crate) fn words(&self, max_tokens: usize, slots: usize) -> Vec<u32> {
        let mut words = vec![
            self.position as u32,
            self.tokens.len() as u32,
            self.sampling.temperature.to_bits(),
            self.sampling.top_k as u32,
            self.sampling.top_p.to_bits(),
            self.sampling.draw.to_bits(),
            u32::from(self.previous),
            slots as u32,
            (TOKENS + max_tokens) as u32,
            specs_start(max_tokens) as u32,
        ];
        words.resize(TOKENS, 0);
        words.extend(self.tokens);
        if !self.targets.is_empty() {
            words.resize(TOKENS + max_tokens, 0);
            words.extend(self.targets);
        }
        words
    }
}

/// Where the table of specs starts: one word for each MoE layer, then the specs.
pub(crate) fn specs_start(max_tokens: usize) -> usize {
    TOKENS + 2 * max_tokens
}
