//! What chunks of a text need: the targets of one, how the token behind the last is drawn, and traces joined to one.

use std::ops::Range;

use moescope_shaders as gpu;

use crate::engine::Drawing;
use crate::trace::LayerTrace;

/// What follows each of some tokens; nothing follows the last of all, whose place holds a 0.
pub(super) fn targets(ids: &[u32], tokens: &Range<usize>) -> Vec<u32> {
    let end = ids.len().min(tokens.end + 1);
    let mut targets = ids[tokens.start + 1..end].to_vec();
    targets.resize(tokens.len(), 0);
    targets
}

/// A drawing in the words of the kernel.
pub(super) fn sampling(Drawing { sampler, draw }: Drawing) -> gpu::Sampling {
    gpu::Sampling {
        temperature: sampler.temperature,
        top_k: sampler.top_k,
        top_p: sampler.top_p,
        draw,
    }
}

/// What a router recorded, as a trace.
pub(super) fn trace(layer: usize, record: gpu::LayerRecord) -> LayerTrace {
    LayerTrace {
        layer,
        n_experts: record.n_experts,
        logits: record.logits,
        scores: record.scores,
        selection_scores: record.selection_scores,
        verdicts: record.verdicts,
        offsets: record.offsets,
        experts: record.experts,
        weights: record.weights,
    }
}

/// Joins the traces of a chunk to those of the chunks before it.
pub(super) fn append(layers: &mut Vec<LayerTrace>, chunk: Vec<LayerTrace>) {
    if layers.is_empty() {
        *layers = chunk;
        return;
    }
    for (layer, more) in layers.iter_mut().zip(chunk) {
        let placed = layer.experts.len() as u32;
        layer.logits.extend(more.logits);
        layer.scores.extend(more.scores);
        layer.selection_scores.extend(more.selection_scores);
        layer.verdicts.extend(more.verdicts);
        layer
            .offsets
            .extend(more.offsets[1..].iter().map(|offset| placed + offset));
        layer.experts.extend(more.experts);
        layer.weights.extend(more.weights);
    }
}
