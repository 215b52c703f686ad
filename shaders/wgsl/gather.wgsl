// Sorts the chosen (token, expert) pairs by expert, without the host: a counting sort in one workgroup.
//
// binding 2 records  who acts (lib/record.wgsl)
//         3 groups   rows and tiles (lib/groups.wgsl)
// Grid: 1. An invocation is a slot id: 256 are as many as a workgroup may have, and as many ids as a record has bits for.
// It reads one word for each token, twice: to count, then to place, so that the order is that of the tokens on every run.
// Workgroup memory: 1 KiB; one barrier.
struct Args {
    moe_layer: u32,
    record_words: u32,
    n_slots: u32,
    max_tiles: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> records: array<u32>;
@group(0) @binding(3) var<storage, read_write> groups: array<u32>;

var<workgroup> n_tiles: array<u32, 256>;

fn acts(expert: u32, token: u32) -> bool {
    let word = records[record_at(args.moe_layer, token, args.record_words) + MASK + expert / 32u];
    return ((word >> (expert % 32u)) & 1u) == 1u;
}

@compute @workgroup_size(256)
fn main(@builtin(local_invocation_index) expert: u32) {
    var count = 0u;
    if expert < args.n_slots {
        for (var token = 0u; token < run[N_TOKENS]; token++) {
            count += select(0u, 1u, acts(expert, token));
        }
    }
    n_tiles[expert] = (count + TILE - 1u) / TILE;
    workgroupBarrier();
    if expert >= args.n_slots {
        return;
    }
    var first_tile = 0u;
    for (var before = 0u; before < expert; before++) {
        first_tile += n_tiles[before];
    }
    let last_tile = first_tile + n_tiles[expert];
    if expert == args.n_slots - 1u {
        groups[0] = last_tile;
    }
    for (var tile = first_tile; tile < last_tile; tile++) {
        groups[TILE_EXPERTS + tile] = expert;
    }
    var row = first_tile * TILE;
    for (var token = 0u; token < run[N_TOKENS]; token++) {
        if acts(expert, token) {
            groups[row_tokens() + row] = token;
            groups[rows_of(token, args.n_slots) + expert] = row;
            row++;
        }
    }
    for (; row < last_tile * TILE; row++) {
        groups[row_tokens() + row] = NO_TOKEN;
    }
}
