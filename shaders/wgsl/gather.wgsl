// Sorts the chosen (token, expert) pairs by expert, without the host: a counting sort in one workgroup.
//
// binding 2 records  who acts (lib/record.wgsl)
//         3 groups   rows and tiles (lib/groups.wgsl)
// Grid: 1. An invocation is a slot id and a stripe of consecutive tokens: with 256, as many as a workgroup may have and as
// many ids as a record has bits for, 16 experts have 16 stripes. It reads one word for each of its tokens, twice: to
// count, then to place, so that the order is that of the tokens on every run.
// Workgroup memory: 2 KiB; two barriers.
struct Args {
    moe_layer: u32,
    record_words: u32,
    n_slots: u32,
    max_tiles: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> records: array<u32>;
@group(0) @binding(3) var<storage, read_write> groups: array<u32>;

/// Tokens of each stripe, stripe by stripe, that an expert acts on.
var<workgroup> counts: array<u32, 256>;
/// Tiles of each expert.
var<workgroup> n_tiles: array<u32, 256>;

fn acts(expert: u32, token: u32) -> bool {
    let word = records[record_at(args.moe_layer, token, args.record_words) + MASK + expert / 32u];
    return ((word >> (expert % 32u)) & 1u) == 1u;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) invocation: u32) {
    let n_slots = args.n_slots;
    let n_stripes = 256u / n_slots;
    let expert = invocation % n_slots;
    let stripe = invocation / n_slots;
    let n_tokens = run[N_TOKENS];
    let length = (n_tokens + n_stripes - 1u) / n_stripes;
    // Invocations beyond the last stripe have no tokens.
    let first = select(min(stripe * length, n_tokens), n_tokens, stripe >= n_stripes);
    let end = min(first + length, n_tokens);
    var count = 0u;
    for (var token = first; token < end; token++) {
        count += select(0u, 1u, acts(expert, token));
    }
    counts[invocation] = count;
    workgroupBarrier();
    var total = 0u;
    var before = 0u;
    for (var other = 0u; other < n_stripes; other++) {
        before = select(before, total, other == stripe);
        total += counts[other * n_slots + expert];
    }
    if stripe == 0u {
        n_tiles[expert] = (total + TILE - 1u) / TILE;
    }
    workgroupBarrier();
    if stripe >= n_stripes {
        return;
    }
    var first_tile = 0u;
    for (var other = 0u; other < expert; other++) {
        first_tile += n_tiles[other];
    }
    let last_tile = first_tile + n_tiles[expert];
    var row = first_tile * TILE + before;
    for (var token = first; token < end; token++) {
        if acts(expert, token) {
            groups[row_tokens() + row] = token;
            groups[rows_of(token, n_slots) + expert] = row;
            row++;
        }
    }
    if stripe != 0u {
        return;
    }
    if expert == n_slots - 1u {
        groups[0] = last_tile;
    }
    for (var tile = first_tile; tile < last_tile; tile++) {
        groups[TILE_EXPERTS + tile] = expert;
    }
    for (row = first_tile * TILE + total; row < last_tile * TILE; row++) {
        groups[row_tokens() + row] = NO_TOKEN;
    }
}
