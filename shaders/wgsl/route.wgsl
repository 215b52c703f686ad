// Routing: interprets the packed RouterSpec of a layer for every token, as crate/routing does on the host.
// A change of routing is a write to `run`; nothing is compiled again.
//
// binding 2 logits   [T, E], or [T, E + 1] where the last column is the gate of the shared expert
//         3 records  what was decided and why (lib/record.wgsl)
//         4 memory   [layers, 4] a bit for each expert of the last token, for sticky routing
// Grid: T, a workgroup a token; sticky routing looks at the token before, so there the first workgroup does them all.
// An invocation is a column: up to 128 experts and as many null experts behind them, hence up to 256; fewer experts
// have a narrower workgroup, WIDTH, chosen when the pipeline is made.
// What is one pass over columns runs in parallel; what walks along the ranking is short and runs on invocation 0,
// in the host's order, so that sums round alike. Workgroup memory: 9 KiB.
// Stages: route/score.wgsl, restrict.wgsl, rank.wgsl, select.wgsl, count.wgsl, weigh.wgsl, finish.wgsl, write.wgsl.
// What most models were trained with, route_best.wgsl decides sooner.
// Left to the host, which says so (src/routing.rs): what needs the whole batch, and routers from outside.
override WIDTH: u32 = 256u;

struct Args {
    n_experts: u32,
    n_shared: u32,
    layer: u32,
    moe_layer: u32,
    record_words: u32,
    // Columns of a row of logits.
    stride: u32,
}
@group(0) @binding(1) var<storage, read> args: Args;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> records: array<u32>;
@group(0) @binding(4) var<storage, read_write> memory: array<u32>;

/// Of each column: adjusted logit, score, selection score, verdict.
var<workgroup> adjusted: array<f32, 256>;
var<workgroup> scores: array<f32, 256>;
var<workgroup> selection: array<f32, 256>;
var<workgroup> verdicts: array<u32, 256>;
/// Columns by descending selection score, excluded ones left out.
var<workgroup> ranked: array<u32, 256>;
var<workgroup> n_ranked: u32;
/// The choice in rank order, what it weighs, and where each expert stands in it.
var<workgroup> picks: array<u32, 128>;
var<workgroup> weights: array<f32, 128>;
var<workgroup> n_picks: u32;
var<workgroup> n_nulls: u32;
/// Numbers in passing: scores of groups, sorted logits, the result of a reduction.
var<workgroup> scratch: array<f32, 256>;
var<workgroup> reduced: f32;
/// Experts of the token before.
var<workgroup> last: array<u32, 4>;

@compute @workgroup_size(WIDTH)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) column: u32) {
    let own_spec = run[run[SPECS] + args.moe_layer];
    let is_sticky = run[own_spec + AT_METHOD] == STICKY_METHOD;
    if is_sticky && group.x > 0u {
        return;
    }
    spec = own_spec;
    if column < 4u {
        last[column] = select(0u, memory[args.moe_layer * 4u + column], run[HAS_PREVIOUS] != 0u);
    }
    let end = select(group.x + 1u, run[N_TOKENS], is_sticky);
    for (var token = group.x; token < end; token++) {
        workgroupBarrier();
        score_columns(token, column, run[own_spec + AT_NULL_RULE], run[own_spec + AT_SCORE] == 0u);
        restrict_columns(column, run[own_spec + AT_TOPK_GROUPS] < run[own_spec + AT_N_GROUPS]);
        change_keys(token, column);
        rank(column);
        if column == 0u {
            choose(token);
        }
        workgroupBarrier();
        weigh(column);
        workgroupBarrier();
        if column == 0u {
            finish(token);
        }
        workgroupBarrier();
        write_columns(token, column);
    }
}

/// Columns: experts and null experts.
fn width() -> u32 {
    let asked = whole(AT_NULL_EXPERTS);
    let nulls = select(asked, args.n_experts, asked == 0u);
    return args.n_experts + select(nulls, 0u, whole(AT_NULL_RULE) == 0u);
}

/// What the page draws, of each column.
fn write_columns(token: u32, column: u32) {
    if column >= args.n_experts {
        return;
    }
    let n = args.n_experts;
    let at = record_at(args.moe_layer, token, args.record_words) + IDS + 2u * (n + args.n_shared);
    records[at + column] = bitcast<u32>(logits[token * args.stride + column]);
    records[at + n + column] = bitcast<u32>(scores[column]);
    records[at + 2u * n + column] = bitcast<u32>(selection[column]);
    if column % 4u == 0u {
        var word = 0u;
        for (var i = 0u; i < min(4u, n - column); i++) {
            word |= verdicts[column + i] << (8u * i);
        }
        records[at + 3u * n + column / 4u] = word;
    }
}
