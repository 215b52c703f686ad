// What changes from run to run, in one buffer that every kernel reads; `src/step.rs` writes it.
//
// word   0 position of the first token | 1 tokens T | 2 temperature f32 | 3 top k, 0 is off
//        4 top p f32, 1 is off | 5 draw f32 in [0, 1) | 6 whether a token came before | 7 slots a token may have
//        8 where targets start | 9 where the table of specs starts | 16.. token ids
@group(0) @binding(0) var<storage, read> run: array<u32>;

const POSITION = 0u;
const N_TOKENS = 1u;
const TEMPERATURE = 2u;
const TOP_K = 3u;
const TOP_P = 4u;
const DRAW = 5u;
const HAS_PREVIOUS = 6u;
const SLOTS = 7u;
const TARGETS = 8u;
const SPECS = 9u;
const TOKENS = 16u;
