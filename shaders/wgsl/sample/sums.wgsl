// What 256 invocations have found, put together: sums, also of those before each, and the best token of a row.
struct Sums {
    /// Of the invocations before this one.
    before: f32,
    /// Of all invocations.
    all: f32,
}

var<workgroup> parts: array<f32, 256>;
var<workgroup> rows: array<f32, 16>;
var<workgroup> bests: array<vec2<u32>, 256>;

/// Sixteen parts are a row; what is before an invocation never falls from one to the next, however sums round.
fn sums(part: f32, thread: u32) -> Sums {
    parts[thread] = part;
    workgroupBarrier();
    var inside = 0.0;
    for (var other = thread & 0xf0u; other < thread; other++) {
        inside += parts[other];
    }
    if thread % 16u == 15u {
        rows[thread / 16u] = inside + part;
    }
    workgroupBarrier();
    var found = Sums(0.0, 0.0);
    for (var row = 0u; row < 16u; row++) {
        found.before = select(found.before, found.all + inside, row == thread / 16u);
        found.all += rows[row];
    }
    workgroupBarrier();
    return found;
}

/// The better of two tokens, each its key and its id upside down, so that of equals the lower id is better.
fn better(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return select(a, b, b.x > a.x || (b.x == a.x && b.y > a.y));
}

/// The best token of a row of logits, as `better` compares it.
fn likeliest(row: u32, thread: u32) -> vec2<u32> {
    var best = vec2(0u);
    for (var id = thread; id < args.vocab; id += 256u) {
        best = better(best, vec2(key(logits[row + id]), ~id));
    }
    bests[thread] = best;
    for (var width = 16u; width <= 256u; width *= 16u) {
        workgroupBarrier();
        if thread % width == 0u {
            for (var other = 1u; other < 16u; other++) {
                best = better(best, bests[thread + other * (width / 16u)]);
            }
            bests[thread] = best;
        }
    }
    workgroupBarrier();
    return bests[0];
}
