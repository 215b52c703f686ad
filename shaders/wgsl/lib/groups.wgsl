// Rows of (token, expert) pairs sorted by expert, in tiles of 4 that belong to one expert each; gather.wgsl makes them.
//
// word   0 tiles in use
//        1.. expert of each tile [tiles] | token of each row [4 * tiles], or NO_TOKEN
//        then the row of each token and slot id [T, S]
// The kernel declares `groups`, and `args` with `max_tiles`.
const TILE = 4u;
const TILE_EXPERTS = 1u;
const NO_TOKEN = 0xffffffffu;

/// Where the tokens of rows start.
fn row_tokens() -> u32 {
    return TILE_EXPERTS + args.max_tiles;
}

/// Where the rows of a token start, one for each slot id.
fn rows_of(token: u32, n_slots: u32) -> u32 {
    return row_tokens() + TILE * args.max_tiles + token * n_slots;
}
