// The end of a decision, of both routers: who acts, as the kernels of experts read it (lib/record.wgsl).

/// Notes an expert in a slot, and its bit in `mask`.
fn write_slot(record: u32, slot: u32, expert: u32, weight: f32, mask: ptr<function, array<u32, 8>>) {
    records[record + IDS + slot] = expert;
    records[record + IDS + args.n_experts + args.n_shared + slot] = bitcast<u32>(weight);
    (*mask)[expert / 32u] |= 1u << (expert % 32u);
}

/// Notes how many experts and null experts were chosen, adds the shared expert, and remembers the last token.
fn write_end(token: u32, record: u32, chosen: vec2<u32>, mask: ptr<function, array<u32, 8>>) {
    let n = chosen.x;
    if token == run[N_TOKENS] - 1u {
        for (var i = 0u; i < 4u; i++) {
            memory[args.moe_layer * 4u + i] = (*mask)[i];
        }
    }
    records[record + ROUTED] = n;
    records[record + NULLS] = chosen.y;
    // The shared expert is cut into experts of the routed size, which always act.
    for (var i = 0u; i < args.n_shared; i++) {
        let gate = logits[token * args.stride + args.n_experts];
        write_slot(record, n + i, args.n_experts + i, sigmoid(gate), mask);
    }
    records[record + COUNT] = n + args.n_shared;
    for (var i = 0u; i < 8u; i++) {
        records[record + MASK + i] = (*mask)[i];
    }
}
