//! The chosen experts: token by token when decoding, expert by expert in tiles for prompts.

use super::{PassBuilder, groups, norm_parts, word};
use crate::kernel::{COMBINE, EXPERT_DOWN, EXPERT_UP, GATHER, GROUPED_DOWN, GROUPED_UP};
use crate::operations::Experts;
use crate::record::RecordLayout;
use crate::recorder::{Buffer, Count, Mode, TILE};

/// Who acts, and how many could: of a router, or of a dense layer.
struct Choice {
    records: Buffer,
    layout: RecordLayout,
    moe_layer: usize,
    slots: Count,
    tiles: Count,
}

impl PassBuilder<'_> {
    /// The chosen experts. Two dispatches, or four in tiles.
    pub fn experts(&mut self, experts: Experts) {
        let choice = self.choice(experts.moe_layer);
        match self.mode() {
            Mode::Vector => self.experts_by_token(&experts, &choice),
            Mode::Tile => self.experts_by_expert(&experts, &choice),
        }
    }

    fn experts_by_token(&mut self, experts: &Experts, choice: &Choice) {
        let common = self.recording.common;
        let (gate_up, down) = (experts.gate_up, experts.down);
        let (d_model, d_ff) = (gate_up.columns, down.columns);
        let rows = self
            .recording
            .sizes
            .expert_rows
            .max(self.recording.sizes.max_tokens);
        self.recording.reserve(common.hidden, rows * d_ff);
        let (gain, epsilon) = norm_parts(experts.norm, common.nothing);
        let (layer, words) = (word(choice.moe_layer), word(choice.layout.words()));
        let has_norm = u32::from(experts.norm.is_some());
        let (up_lanes, down_lanes) = (self.lanes(gate_up), self.lanes(down));
        let up = [
            word(d_ff),
            word(d_model),
            word(gate_up.scales()),
            has_norm,
            epsilon,
            layer,
            words,
        ];
        self.push(
            &EXPERT_UP,
            &[gate_up.format.code(), word(up_lanes)],
            &[
                gate_up.buffer,
                experts.input,
                gain,
                choice.records,
                common.hidden,
            ],
            &up,
            [groups(d_ff, 128 / up_lanes), choice.slots, Count::Tokens(1)],
        );
        let n_slots = word(choice.layout.slots());
        self.push(
            &EXPERT_DOWN,
            &[down.format.code(), word(down_lanes)],
            &[
                down.buffer,
                common.hidden,
                common.nothing,
                choice.records,
                experts.output,
            ],
            &[
                word(d_model),
                word(d_ff),
                word(down.scales()),
                layer,
                words,
                n_slots,
            ],
            [
                groups(d_model, 256 / down_lanes),
                Count::Tokens(1),
                Count::Fixed(1),
            ],
        );
    }

    fn experts_by_expert(&mut self, experts: &Experts, choice: &Choice) {
        let common = self.recording.common;
        let (gate_up, down) = (experts.gate_up, experts.down);
        let (d_model, d_ff) = (gate_up.columns, down.columns);
        let max_tiles = self.recording.sizes.max_tiles();
        self.recording
            .reserve(common.hidden, max_tiles * TILE * d_ff);
        self.recording
            .reserve(common.expert_out, max_tiles * TILE * d_model);
        let (gain, epsilon) = norm_parts(experts.norm, common.nothing);
        let (layer, words) = (word(choice.moe_layer), word(choice.layout.words()));
        let (n_slots, tiles) = (word(choice.layout.slots()), word(max_tiles));
        let one = Count::Fixed(1);
        let gather = [layer, words, n_slots, tiles];
        self.push(
            &GATHER,
            &[],
            &[choice.records, common.groups],
            &gather,
            [one; 3],
        );
        let has_norm = u32::from(experts.norm.is_some());
        self.push(
            &GROUPED_UP,
            &[gate_up.format.code()],
            &[
                gate_up.buffer,
                experts.input,
                gain,
                common.groups,
                common.hidden,
            ],
            &[
                word(d_ff),
                word(d_model),
                word(gate_up.scales()),
                has_norm,
                epsilon,
                tiles,
            ],
            [groups(d_ff, 128), choice.tiles, one],
        );
        self.push(
            &GROUPED_DOWN,
            &[down.format.code()],
            &[
                down.buffer,
                common.hidden,
                common.nothing,
                common.groups,
                common.expert_out,
            ],
            &[word(d_model), word(d_ff), word(down.scales()), tiles],
            [groups(d_model, 256), choice.tiles, one],
        );
        self.push(
            &COMBINE,
            &[],
            &[
                common.expert_out,
                common.groups,
                choice.records,
                experts.output,
            ],
            &[word(d_model), layer, words, n_slots, tiles],
            [groups(d_model, 4 * 64), Count::Tokens(1), one],
        );
    }

    fn choice(&self, moe_layer: Option<usize>) -> Choice {
        let common = &self.recording.common;
        match moe_layer {
            Some(moe_layer) => Choice {
                records: common.records,
                layout: self.recording.sizes.layout(),
                moe_layer,
                slots: Count::Slots,
                tiles: Count::Tiles,
            },
            None => Choice {
                records: common.dense_records,
                layout: RecordLayout {
                    n_experts: 1,
                    n_shared: 0,
                },
                moe_layer: 0,
                slots: Count::Fixed(1),
                tiles: Count::Tokens(TILE),
            },
        }
    }
}
