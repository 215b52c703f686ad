//! [`Reading`]: what one run brings back.

use crate::record::{RESULTS, RecordLayout};

/// The result of one run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// The next token, where the pass samples.
    pub token: u32,
    /// Natural logarithm of its probability at temperature 1.
    pub log_prob: f32,
    /// `[T]` of the targets, where the pass scores and targets are given.
    pub log_probs: Vec<f32>,
    /// Of each router, where the step asks for a trace.
    pub layers: Vec<LayerRecord>,
    /// What the step's `read` asked for.
    pub words: Vec<u32>,
}

/// What one router decided about T tokens, and why; fields as in `moescope-routing`'s plan and trace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerRecord {
    /// E.
    pub n_experts: usize,
    /// `[T, E]` gating logits.
    pub logits: Vec<f32>,
    /// `[T, E]` scores.
    pub scores: Vec<f32>,
    /// `[T, E]` what selection compared.
    pub selection_scores: Vec<f32>,
    /// `[T, E]` verdict codes.
    pub verdicts: Vec<u8>,
    /// `[T + 1]` where each token's experts start.
    pub offsets: Vec<u32>,
    /// `[N]` experts, best first within a token.
    pub experts: Vec<u16>,
    /// `[N]` combine weights.
    pub weights: Vec<f32>,
    /// `[T]` null experts chosen.
    pub null_picks: Vec<u16>,
}

impl Reading {
    /// Words to read back: results, records of the traced layers, and scores behind them.
    pub(crate) fn words(n_tokens: usize, n_layers: usize, layout: RecordLayout) -> usize {
        RESULTS + n_tokens * (n_layers * layout.words() + 1)
    }

    pub(crate) fn new(
        words: &[u32],
        n_tokens: usize,
        n_layers: usize,
        layout: RecordLayout,
        has_scores: bool,
        has_trace: bool,
    ) -> Self {
        let layer_words = n_tokens * layout.words();
        let records = RESULTS..RESULTS + n_layers * layer_words;
        let scores = if has_scores {
            &words[records.end..]
        } else {
            &[]
        };
        let layers = if has_trace && layer_words > 0 {
            words[records]
                .chunks_exact(layer_words)
                .map(|layer| LayerRecord::new(layer, layout))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            token: words[0],
            log_prob: f32::from_bits(words[1]),
            log_probs: reals(&scores[..scores.len().min(n_tokens)]).collect(),
            layers,
            words: Vec::new(),
        }
    }
}

impl LayerRecord {
    /// # Shapes
    /// `words`: one record for each of T tokens.
    pub(crate) fn new(words: &[u32], layout: RecordLayout) -> Self {
        let n_experts = layout.n_experts;
        let mut layer = Self {
            n_experts,
            offsets: vec![0],
            ..Self::default()
        };
        for record in words.chunks_exact(layout.words()) {
            let n_routed = record[1] as usize;
            let part = |start: usize, n: usize| &record[start..start + n];
            layer.null_picks.push(record[2] as u16);
            layer
                .experts
                .extend(part(layout.ids(), n_routed).iter().map(|id| *id as u16));
            layer
                .weights
                .extend(reals(part(layout.weights(), n_routed)));
            layer.offsets.push(layer.experts.len() as u32);
            layer.logits.extend(reals(part(layout.logits(), n_experts)));
            layer.scores.extend(reals(part(layout.scores(), n_experts)));
            layer
                .selection_scores
                .extend(reals(part(layout.selection(), n_experts)));
            let verdict = |e: usize| (record[layout.verdicts() + e / 4] >> (8 * (e % 4))) as u8;
            layer.verdicts.extend((0..n_experts).map(verdict));
        }
        layer
    }
}

fn reals(words: &[u32]) -> impl Iterator<Item = f32> + '_ {
    words.iter().map(|word| f32::from_bits(*word))
}
