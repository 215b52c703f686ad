//! [`RecordLayout`]: what a router leaves for each token, word by word; `wgsl/lib/record.wgsl` has the same.

/// Words of results before the first record: the token and its log-probability, the rest unused.
pub(crate) const RESULTS: usize = 16;
const MASK: usize = 4;
const IDS: usize = 12;

/// Where things stand in a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct RecordLayout {
    /// E.
    pub n_experts: usize,
    /// Slot ids that stand for the shared expert.
    pub n_shared: usize,
}

impl RecordLayout {
    /// S: ids that a token may use.
    #[must_use]
    pub fn slots(self) -> usize {
        self.n_experts + self.n_shared
    }

    /// Words of one record.
    #[must_use]
    pub fn words(self) -> usize {
        self.verdicts() + self.n_experts.div_ceil(4)
    }

    pub(crate) fn ids(self) -> usize {
        IDS
    }

    pub(crate) fn weights(self) -> usize {
        IDS + self.slots()
    }

    pub(crate) fn logits(self) -> usize {
        IDS + 2 * self.slots()
    }

    pub(crate) fn scores(self) -> usize {
        self.logits() + self.n_experts
    }

    pub(crate) fn selection(self) -> usize {
        self.scores() + self.n_experts
    }

    pub(crate) fn verdicts(self) -> usize {
        self.selection() + self.n_experts
    }

    /// The record of one token under a decision of the host, columns left out; the shared expert weighs `shared`.
    pub(crate) fn decision(self, experts: &[u16], weights: &[f32], shared: f32) -> Vec<u32> {
        let mut record = vec![0; self.words()];
        let shared = (0..self.n_shared).map(|part| (self.n_experts + part, shared));
        let routed = experts
            .iter()
            .map(|e| usize::from(*e))
            .zip(weights.iter().copied());
        for (place, (id, weight)) in routed.chain(shared).enumerate() {
            record[self.ids() + place] = id as u32;
            record[self.weights() + place] = weight.to_bits();
            record[MASK + id / 32] |= 1 << (id % 32);
        }
        record[0] = (experts.len() + self.n_shared) as u32;
        record[1] = experts.len() as u32;
        record
    }

    /// Records that say that the one expert of a dense layer acts with weight 1 on each of `n_tokens` tokens.
    pub(crate) fn dense(n_tokens: usize) -> Vec<u32> {
        let layout = Self {
            n_experts: 1,
            n_shared: 0,
        };
        let mut words = vec![0; RESULTS + n_tokens * layout.words()];
        for record in words[RESULTS..].chunks_exact_mut(layout.words()) {
            record[0] = 1;
            record[1] = 1;
            record[MASK] = 1;
            record[layout.weights()] = 1.0_f32.to_bits();
        }
        words
    }
}
