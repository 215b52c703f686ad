// Which tokens top k and top p leave, without sorting: the key of the last one is found over the 32 bits of a float,
// two bits a round, and each round is one look at all logits.

/// Keeps the tokens whose key is above, and of those with this key so many, the lowest ids.
struct Cut {
    key: u32,
    equals: f32,
}
struct Walk {
    mass: f32,
    last: u32,
}

fn weight(logit: f32, highest: f32) -> f32 {
    return exp((logit - highest) / bitcast<f32>(run[TEMPERATURE]));
}

/// What the tokens from each of four rising keys on count for, together: one each, or their mass.
fn measure(least: vec4<u32>, highest: f32, by_mass: bool, thread: u32) -> vec4<f32> {
    var sum = vec4(0.0);
    for (var id = thread; id < args.vocab; id += 256u) {
        let at = key(logits[id]);
        if at >= least.x {
            let counts = select(1.0, weight(logits[id], highest), by_mass);
            sum += select(vec4(0.0), vec4(counts), vec4(at) >= least);
        }
    }
    return sums(sum, thread).all;
}

/// Of what `cut` keeps the fewest best tokens that are `wanted` ones or, by mass, have that share of it.
fn narrowed(cut: Cut, wanted: f32, highest: f32, by_mass: bool, thread: u32) -> Cut {
    let lowest = cut.key + 1u;
    var enough = wanted;
    if by_mass {
        let tied = select(0.0, cut.equals * weight(unkey(cut.key), highest), cut.equals > 0.0);
        enough = wanted * (measure(vec4(lowest), highest, true, thread).x + tied);
    }
    var found = 0u;
    for (var shift = 30i; shift >= 0; shift -= 2) {
        let steps = vec4(found) + (vec4(0u, 1u, 2u, 3u) << vec4(u32(shift)));
        let reach = measure(max(steps, vec4(lowest)), highest, by_mass, thread) >= vec4(enough);
        found = select(select(select(found, steps.y, reach.y), steps.z, reach.z), steps.w, reach.w);
    }
    // Nothing reaches it where some equals of the former cut are needed.
    found = max(found, cut.key);
    let above = measure(vec4(found + 1u), highest, by_mass, thread).x;
    let each = select(1.0, weight(unkey(found), highest), by_mass);
    let equals = max(1.0, ceil((enough - above) / each));
    return Cut(found, select(equals, min(equals, cut.equals), found == cut.key));
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
