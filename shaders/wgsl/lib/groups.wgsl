// Rows of (token, expert) pairs sorted by expert, in tiles of 16 that belong to one expert each; gather.wgsl makes them.
//
// word   0 tiles in use
//        1.. expert of each tile [tiles] | token of each row [16 * tiles], or NO_TOKEN
//        then the row of each token and slot id [T, S]
const TILE_EXPERTS = 1u;
const NO_TOKEN = 0xffffffffu;
