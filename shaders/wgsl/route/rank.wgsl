// Stage select of route.wgsl, at its beginning: what is compared, and the ranking.

/// Replaces selection scores where something else than scores decides; excluded columns stay excluded.
fn change_keys(token: u32, column: u32) {
    workgroupBarrier();
    let position = run[POSITION] + token;
    let method = whole(AT_METHOD);
    var score = selection[column];
    let is_allowed = !is_minus_infinity(score) && column < width();
    if is_allowed && method == RANDOM_METHOD {
        score = uniform_draw(RANDOM_STREAM, position, column);
    } else if is_allowed && method == HASH_METHOD {
        score = uniform_draw(HASH_STREAM, run[TOKENS + token], column);
    } else if is_allowed && method == ROUND_ROBIN_METHOD {
        var n_allowed = 0u;
        var turn = 0u;
        for (var other = 0u; other < args.n_experts; other++) {
            if !is_minus_infinity(selection[other]) {
                turn += select(0u, 1u, other < column);
                n_allowed++;
            }
        }
        score = -f32((turn + n_allowed - (position * whole(AT_SETTING)) % n_allowed) % n_allowed);
    } else if is_allowed && method == STICKY_METHOD && column < args.n_experts {
        score += select(0.0, real(AT_SETTING + 1u), ((last[column / 32u] >> (column % 32u)) & 1u) == 1u);
    }
    workgroupBarrier();
    selection[column] = score;
}

/// Sorts by counting: a column's rank is how many stand before it.
fn rank(column: u32) {
    workgroupBarrier();
    let mine = key(selection[column]);
    var place = 0u;
    var n_allowed = 0u;
    for (var other = 0u; other < width(); other++) {
        let theirs = key(selection[other]);
        if theirs != ~MINUS_INFINITY {
            n_allowed++;
            place += select(0u, 1u, theirs > mine || (theirs == mine && other < column));
        }
    }
    if column < width() && mine != ~MINUS_INFINITY {
        ranked[place] = column;
    }
    if column == 0u {
        n_ranked = n_allowed;
    }
    workgroupBarrier();
}
