"""The rest of the second implementation: choosing, pruning, limits and weights of a whole batch."""

import math

from routing import (ACTING, DEFAULTS, NEG, REFUSALS, SKIPPED, adjust, capacity_of, how_many,
                     ranked, restrict, scores_of, sigmoid, sinkhorn, softmax, uniform)


def route(fields, logits, layer=0, token_ids=(), context=None):
    """Experts, weights and verdicts of every token; `fields` may leave out defaults."""
    f, c = {**DEFAULTS, **fields}, context or {}
    first, n_experts = c.get("first_position", 0), len(logits[0])
    learned = c.get("null_logits", [[]] * len(logits))
    adjusted = [adjust(f, row, first + t, layer, learned[t]) for t, row in enumerate(logits)]
    scores = scores_of(f, adjusted)
    source = sinkhorn(adjusted, f["iterations"]) if f["score"] == "sinkhorn" else scores
    bias = f["selection_bias"] + [0.0] * len(adjusted[0]) if f["selection_bias"] else None
    selection = [[s + bias[e] if bias else s for e, s in enumerate(row)] for row in source]
    refusal = REFUSALS.get(f["method"], "not_picked")
    verdicts = [[refusal] * len(row) for row in adjusted]
    for t in range(len(logits)):
        restrict(f, n_experts, adjusted[t], selection[t], verdicts[t])
    b = dict(n_experts=n_experts, layer=layer, first=first, adjusted=adjusted, scores=scores,
             selection=selection, verdicts=verdicts, refusal=refusal, ids=token_ids, context=c)
    b["picks"] = choose(f, b)
    null_picks = [sum(e >= n_experts for e in row) for row in b["picks"]]
    b["picks"] = [[e for e in row if e < n_experts] for row in b["picks"]]
    prune(f, b)
    limit(f, b)
    return finish(f, b, null_picks)


def choose(f, b):
    method, n_tokens = f["method"], len(b["adjusted"])
    if method == "expert_choice":
        capacity = capacity_of(f, n_tokens, b["n_experts"])
        for e in range(b["n_experts"]):
            for t in ranked([row[e] for row in b["selection"]])[:capacity]:
                if b["verdicts"][t][e] not in ("disabled", "forced"):
                    b["verdicts"][t][e] = "selected"
    picks = []
    for t in range(n_tokens):
        scores, selection, verdicts = b["scores"][t], b["selection"][t], b["verdicts"][t]
        rewrite(f, b, t, selection, picks)
        order = ranked(selection)
        if method == "rank":
            chosen = [order[r] for r in f["ranks"] if r < len(order)]
        elif method == "previous_layer" and "previous_layer" in b["context"]:
            chosen = [e for e in order if e in b["context"]["previous_layer"][t]]
        elif method == "expert_choice":
            chosen = []
        else:
            forced = verdicts.count("forced") if f["count_forced"] else 0
            places = max(0, how_many(f, order, scores, selection) - forced)
            chosen = [e for e in order if verdicts[e] != "forced"][:places]
        for e in chosen:
            if verdicts[e] not in ("disabled", "forced"):
                verdicts[e] = "selected"
        # Who stands at other ranks has lost nothing to a null expert.
        n_nulls = 0 if method == "rank" else sum(v in ACTING for v in verdicts[b["n_experts"]:])
        losers = [e for e in order if e < b["n_experts"] and verdicts[e] == b["refusal"]]
        for e in losers[:n_nulls]:
            verdicts[e] = "beaten_by_null"
        hidden = [e for e, v in enumerate(verdicts) if v == "forced" and selection[e] == NEG]
        picks.append([e for e in order if verdicts[e] in ACTING] + hidden)
    return picks


def rewrite(f, b, t, selection, picks):
    """Methods in which scores do not decide put something else in their place."""
    place = b["first"] + t
    allowed = [e for e, s in enumerate(selection) if s != NEG]
    for turn, e in enumerate(allowed):
        if f["method"] == "random":
            selection[e] = uniform(f["seed"], "random", b["layer"], place, e)
        elif f["method"] == "hash":
            selection[e] = uniform(f["seed"], "hash", b["layer"], b["ids"][t], e)
        elif f["method"] == "round_robin":
            selection[e] = -float((turn - place * f["top_k"]) % len(allowed))
        elif f["method"] == "sticky":
            before = picks[-1] if picks else b["context"].get("previous_token", [])
            selection[e] += f["margin"] if e in before else 0.0


def base_weights(f, b, t):
    """What picks weigh before any normalisation."""
    picks, z, s = b["picks"][t], b["adjusted"][t], b["scores"][t]
    if f["weights"] == "scores":
        # The authors of DeepSeek-V2 weigh by the very scores that they fill with zero.
        filled = f["group_fill"] == "zero" and f["topk_groups"] < f["n_groups"]
        return [0.0 if filled and b["selection"][t][e] == 0 else s[e] for e in picks]
    if f["weights"] == "sigmoid":
        return [sigmoid(z[e]) for e in picks]
    if f["weights"] == "equal":
        return [1.0 for _ in picks]
    if f["weights"] == "softmax_selected":
        return softmax([z[e] for e in picks]) if picks else []
    left = {e: z[e] for e in range(b["n_experts"]) if b["selection"][t][e] != NEG}
    weights = []
    for e in picks:
        best = z[e]
        near = [x for x in left.values()
                if x == best or (best - x) / max(abs(x), best) <= 2 * f["mixer_jitter"]]
        weights.append(1 / sum(1.0 if x == best else math.exp(x - best) for x in near))
        left.pop(e, None)
    return weights


def mark(b, t, verdict, lost):
    for i, e in enumerate(b["picks"][t]):
        if b["verdicts"][t][e] == "selected" and lost(i):
            b["verdicts"][t][e] = verdict


def prune(f, b):
    n_tokens, importance = len(b["picks"]), b["context"].get("importance", [])
    by_rank = ranked(importance)
    from_below = ranked([-x for x in importance])
    protected = by_rank[:math.floor(f["protect"] * n_tokens)]
    sacrificed = from_below[:math.floor(f["sacrifice"] * n_tokens)]
    for t in range(n_tokens):
        w = base_weights(f, b, t)
        if t in protected or not w:
            continue
        if t in sacrificed:
            mark(b, t, "token_sacrificed", lambda i: True)
            continue
        mark(b, t, "pruned", lambda i: w[i] < f["prune_ratio"] * max(w)
             or w[i] < f["prune_share"] * sum(w))
        if f["layer_thresholds"]:
            modality = b["context"].get("modality", [0] * n_tokens)[t]
            n_layers = len(f["layer_importance"]) // len(f["layer_thresholds"])
            alpha = f["layer_importance"][modality * n_layers + b["layer"]] if n_layers else 1.0
            tau = f["layer_thresholds"][modality]
            mark(b, t, "below_layer_threshold", lambda i: alpha * w[i] / sum(w) < tau)


def limit(f, b):
    n_tokens = len(b["picks"])
    for t in range(n_tokens):
        if f["per_token"]:
            most = f["per_token"][0 if len(f["per_token"]) == 1 else t]
            mark(b, t, "over_token_limit", lambda i: i >= most)
    if f["capacity"] is None and f["capacity_factor"] is None:
        return
    fixed = {"top_k", "random", "hash", "round_robin", "sticky", "previous_layer"}
    n_choices = (f["top_k"] * n_tokens if f["method"] in fixed else n_tokens
                 if f["method"] == "expert_choice" else sum(map(len, b["picks"])))
    capacity = capacity_of(f, n_choices, b["n_experts"])
    keys = dict(order=lambda t: 0.0, batch_priority=lambda t: max(base_weights(f, b, t), default=-1e30),
                random=lambda t: uniform(f["seed"], "priority", b["layer"], b["first"] + t, 0))
    tokens = ranked([keys[f["priority"]](t) for t in range(n_tokens)])
    load = [0] * b["n_experts"]
    for rank in range(max(map(len, b["picks"]), default=0)):
        for t in tokens:
            if rank < len(b["picks"][t]):
                claim(f, b, t, rank, capacity, load)
    if f["overflow"] == "next_best":
        for t, row in enumerate(b["picks"]):
            row.sort(key=lambda e: (-b["selection"][t][e], e))


def claim(f, b, t, rank, capacity, load):
    e, verdicts = b["picks"][t][rank], b["verdicts"][t]
    if verdicts[e] not in ACTING:
        return
    if load[e] < capacity:
        load[e] += 1
        return
    verdicts[e] = "overflow_to_shared" if f["overflow"] == "shared" else "over_capacity"
    if f["overflow"] == "next_best":
        for other in ranked(b["selection"][t]):
            if load[other] < capacity and verdicts[other] in (b["refusal"], "beaten_by_null"):
                load[other] += 1
                b["picks"][t][rank], verdicts[other] = other, "took_overflow"
                return


def finish(f, b, null_picks):
    experts, weights, shared = [], [], []
    for t, row in enumerate(b["picks"]):
        w, verdicts = base_weights(f, b, t), b["verdicts"][t]
        if f["renormalize"] or f["weights"] == "softmax_selected":
            counted = [w[i] for i, e in enumerate(row)
                       if f["sum_over"] == "chosen" or verdicts[e] not in SKIPPED]
            divisor = max(sum(counted) + f["epsilon"], f["min_sum"])
            w = [x / divisor for x in w] if divisor else w
        w = [x * f["scale"] for x in w]
        acting = [i for i, e in enumerate(row) if verdicts[e] in ACTING]
        experts.append([row[i] for i in acting])
        weights.append([w[i] for i in acting])
        shared.append(sum(w[i] for i, e in enumerate(row) if verdicts[e] == "overflow_to_shared"))
    return dict(experts=experts, weights=weights, shared=shared, null_picks=null_picks,
                verdicts=[row[:b["n_experts"]] for row in b["verdicts"]])
