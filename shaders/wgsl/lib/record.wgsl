// The record of one token at one router: what the experts' kernels read and the page draws.
// `src/record.rs` has the same layout. S slots are the E routed experts and the shared ones behind them.
//
// word   0 slots in use | 1 routed experts among them | 2 null experts chosen | 3 unused
//        4..12 a bit for each expert that acts | 12.. ids [S] | weights f32 [S] | logits f32 [E] | scores f32 [E]
//        selection scores f32 [E] | verdicts [E], four to a word
// Records stand layer by layer, token by token, behind 16 words of results.
const COUNT = 0u;
const ROUTED = 1u;
const NULLS = 2u;
const MASK = 4u;
const IDS = 12u;
const RESULTS = 16u;

fn record_at(moe_layer: u32, token: u32, words: u32) -> u32 {
    return RESULTS + (moe_layer * run[N_TOKENS] + token) * words;
}
