// Which tokens top k and top p leave, without sorting: the key of the last one is found over the 32 bits of a float,
// one bit a look at all logits. A look at everything comes before, one at what is above the key after.

/// Keeps the tokens whose key is above, and of those with this key so many, the lowest ids.
struct Cut {
    key: u32,
    equals: f32,
}
struct Walk {
    mass: f32,
    last: u32,
}

/// Looks that one of the two rules takes.
const LOOKS = 34u;

fn weight(logit: f32, highest: f32) -> f32 {
    return exp((logit - highest) / bitcast<f32>(run[TEMPERATURE]));
}

/// What the tokens from a key on count for, together: one each, or their mass.
fn measure(least: u32, highest: f32, by_mass: bool, thread: u32) -> f32 {
    var sum = 0.0;
    for (var id = thread; id < args.vocab; id += 256u) {
        if key(logits[id]) >= least {
            sum += select(1.0, weight(logits[id], highest), by_mass);
        }
    }
    return sums(sum, thread).all;
}

/// What top k and, of that, top p leave. Both go through one loop, because compilers inline every call and a sum is
/// most of this kernel.
fn kept(highest: f32, thread: u32) -> Cut {
    var cut = Cut(0u, 0.0);
    var found = 0u;
    var enough = 0.0;
    let top_p = bitcast<f32>(run[TOP_P]);
    let first = select(0u, LOOKS, run[TOP_K] == 0u || run[TOP_K] >= args.vocab);
    let end = select(2u * LOOKS, LOOKS, top_p >= 1.0);
    for (var look = first; look < end; look++) {
        let by_mass = look >= LOOKS;
        let round = look % LOOKS;
        var least = 0u;
        if round == LOOKS - 1u {
            // Where only equals of the former cut reach it, nothing is found above.
            found = max(found, cut.key);
            least = found + 1u;
        } else if round > 0u {
            least = found | (1u << (LOOKS - 2u - round));
        }
        let counts = measure(max(least, cut.key + 1u), highest, by_mass, thread);
        let each = select(1.0, weight(unkey(select(found, cut.key, round == 0u)), highest), by_mass);
        if round == 0u {
            let tied = select(0.0, cut.equals * each, cut.equals > 0.0);
            enough = select(f32(run[TOP_K]), top_p * (counts + tied), by_mass);
            found = 0u;
        } else if round < LOOKS - 1u {
            found = select(found, least, counts >= enough);
        } else {
            let equals = max(1.0, ceil((enough - counts) / each));
            cut = Cut(found, select(equals, min(equals, cut.equals), found == cut.key));
        }
    }
    return cut;
}

/// Adds up what is kept of consecutive ids until that is more than `most`; `equals` came before with the key of the cut.
fn walk(first: u32, end: u32, cut: Cut, equals: f32, highest: f32, most: f32) -> Walk {
    var walked = Walk(0.0, first);
    var rank = equals;
    for (var id = first; id < end && walked.mass <= most; id++) {
        let at = key(logits[id]);
        let is_equal = at == cut.key;
        if at > cut.key || (is_equal && rank < cut.equals) {
            let mass = weight(logits[id], highest);
            walked = Walk(walked.mass + mass, select(walked.last, id, mass > 0.0));
        }
        rank += select(0.0, 1.0, is_equal);
    }
    return walked;
}
