"""Mixture-of-experts routing, written a second time.

An independent implementation in Python and numpy, from the papers and the authors' code, one
token and one expert at a time and without regard for speed.
It shares no code with the Rust crate; vectors made from it hold the crate to the papers.
Fields have the flat names of links: {"top_k": 2, "renormalize": True, ...}.
Ties go to the lower index, and minus infinity excludes.
"""

import math

import numpy as np

NEG = -math.inf
DEFAULTS = dict(
    temperature=1.0, offsets=[], noise=0.0, noise_kind="gaussian", jitter=0.0, null_rule="none",
    null_logit=0.0, null_experts=0, score="softmax", iterations=50, selection_bias=[], disabled=[],
    disabled_keep_place=False, forced=[], count_forced=True, n_groups=1, topk_groups=1,
    group_score="max", group_fill="minus_infinity", prune_ratio=0.0, prune_share=0.0,
    layer_thresholds=[], layer_importance=[], protect=0.0, sacrifice=0.0, per_token=[],
    capacity_factor=None, capacity=None, priority="order", overflow="drop", weights="scores",
    renormalize=True, sum_over="kept", epsilon=0.0, min_sum=0.0, scale=1.0, mixer_jitter=0.01,
    seed=0, method="top_k", top_k=2, min_experts=1, max_experts=0, top_p=0.4, threshold=0.0,
    min_p=0.1, n_sigma=1.0, ranks=[0], margin=0.1,
)
# The published routers, from the papers and configs named in the crate's presets.
PRESETS = dict(
    switch=dict(top_k=1, renormalize=False),
    gshard=dict(top_k=2, capacity_factor=1.0),
    mixtral=dict(top_k=2),
    olmoe=dict(top_k=8, renormalize=False),
    qwen2_moe=dict(top_k=4, renormalize=False),
    qwen3_moe=dict(top_k=8),
    granite=dict(top_k=8, score="identity", weights="softmax_selected"),
    phimoe=dict(top_k=2, score="identity", weights="sparse_mixer", renormalize=False),
    deepseek_v2=dict(top_k=6, renormalize=False, scale=16.0, n_groups=8, topk_groups=3,
                     group_fill="zero"),
    deepseek_v3=dict(top_k=8, score="sigmoid", epsilon=1e-20, scale=2.5, n_groups=8,
                     topk_groups=4, group_score="top2_sum"),
    llama4=dict(top_k=1, score="identity", weights="sigmoid", renormalize=False),
    gpt_oss=dict(top_k=4, score="identity", weights="softmax_selected"),
    lfm2_moe=dict(top_k=4, score="sigmoid", epsilon=1e-6),
    ernie4_5=dict(top_k=6, min_sum=1e-12),
    top_p=dict(method="top_p", top_p=0.4, renormalize=False),
    adamoe=dict(top_k=4, null_rule="constant", null_logit=0.0, null_experts=8),
    adamoe_learned=dict(top_k=4, null_rule="learned", null_experts=16),
    mc_moe=dict(top_k=2, prune_ratio=0.5),
    modes=dict(top_k=8, sum_over="chosen", layer_thresholds=[0.08]),
    expert_choice=dict(method="expert_choice", capacity_factor=2.0, renormalize=False),
    base=dict(top_k=1, score="sinkhorn", weights="sigmoid", renormalize=False),
    hash=dict(method="hash", top_k=1, weights="equal"),
    soft=dict(method="soft", renormalize=False),
    top_n_sigma=dict(method="n_sigma", score="identity", weights="softmax_selected"),
)
REFUSALS = dict(top_k="outside_top_k", sticky="outside_top_k", top_p="outside_top_p",
                threshold="below_threshold", min_p="below_threshold",
                n_sigma="below_threshold", gap="after_gap",
                expert_choice="not_taken_by_expert")
ACTING = ("selected", "forced", "took_overflow")
SKIPPED = ("pruned", "below_layer_threshold", "token_sacrificed", "over_token_limit")
STREAMS = dict(noise=1, jitter=2, random=3, hash=4, priority=5, random_plan=6, shuffle=7, resample=8)


def pcg4d(seed, stream, layer, token, expert):
    """Jarzynski and Olano 2020, JCGT 9(3), on (seed mixed with the stream, layer, token, expert)."""
    mask = 0xFFFFFFFF
    v = [seed ^ (STREAMS[stream] * 0x9E3779B9 & mask), layer, token, expert]
    v = [(x * 1664525 + 1013904223) & mask for x in v]

    def mix():
        v[0] = (v[0] + v[1] * v[3]) & mask
        v[1] = (v[1] + v[2] * v[0]) & mask
        v[2] = (v[2] + v[0] * v[1]) & mask
        v[3] = (v[3] + v[1] * v[2]) & mask

    mix()
    v[:] = [x ^ (x >> 16) for x in v]
    mix()
    return v


def uniform(*place):
    return (pcg4d(*place)[0] >> 8) / 2**24


def open_uniform(word):
    return ((word >> 9) + 0.5) / 2**23


def draw_noise(kind, *place):
    x, y, _, _ = pcg4d(*place)
    if kind == "gumbel":
        return -math.log(-math.log(open_uniform(x)))
    return math.sqrt(-2 * math.log(open_uniform(x))) * math.cos(2 * math.pi * open_uniform(y))


def softmax(row):
    best = max(row)
    if best == NEG:
        return [0.0 for _ in row]
    terms = [1.0 if z == best else math.exp(z - best) for z in row]
    return [t / sum(terms) for t in terms]


def sigmoid(z):
    return 0.0 if z == NEG else 1 / (1 + math.exp(-z))


def ranked(scores):
    """Indices by descending score, lower index first among equals, excluded ones left out."""
    return sorted((i for i, s in enumerate(scores) if s != NEG), key=lambda i: (-scores[i], i))


def adjust(f, logits, token, layer, learned):
    row = [z * (1 + f["jitter"] * (2 * uniform(f["seed"], "jitter", layer, token, e) - 1))
           if f["jitter"] else z for e, z in enumerate(logits)]
    if f["offsets"]:
        row = [z + d for z, d in zip(row, f["offsets"])]
    if f["noise"]:
        row = [z + f["noise"] * draw_noise(f["noise_kind"], f["seed"], "noise", layer, token, e)
               for e, z in enumerate(row)]
    n_nulls = f["null_experts"] or len(logits)
    finite = [z for z in row if math.isfinite(z)]
    nulls = dict(none=lambda: [], learned=lambda: list(learned),
                 constant=lambda: [f["null_logit"]] * n_nulls,
                 below_best=lambda: [max(row) - f["null_logit"]] * n_nulls,
                 quantile=lambda: [float(np.quantile(finite, f["null_logit"]))
                                   if finite else NEG] * n_nulls)[f["null_rule"]]()
    return [z / f["temperature"] for z in row + nulls]


def scores_of(f, adjusted):
    function = dict(softmax=softmax, sinkhorn=softmax, identity=list,
                    sigmoid=lambda row: [sigmoid(z) for z in row],
                    relu=lambda row: [max(z, 0.0) for z in row])[f["score"]]
    return [function(row) for row in adjusted]


def sinkhorn(adjusted, iterations):
    """Alternate scaling of exp(z) to rows of 1/T and columns of 1/E."""
    plan = np.array([softmax(row) for row in adjusted], dtype=float)
    for _ in range(iterations):
        for axis in (1, 0):
            sums = plan.sum(axis=axis, keepdims=True)
            target = 1 / plan.shape[0] if axis == 1 else 1 / plan.shape[1]
            plan = np.where(sums > 0, plan / np.where(sums > 0, sums, 1) * target, plan)
    return plan.tolist()


def restrict(f, n_experts, adjusted, selection, verdicts):
    for e, z in enumerate(adjusted):
        if z == NEG:
            selection[e], verdicts[e] = NEG, "masked_by_gate"
    for e in f["disabled"]:
        verdicts[e] = "disabled"
        if not f["disabled_keep_place"]:
            selection[e] = NEG
    size = n_experts // f["n_groups"]
    if f["topk_groups"] < f["n_groups"]:
        totals = []
        for g in range(f["n_groups"]):
            best = sorted((s for s in selection[g * size:(g + 1) * size] if s != NEG), reverse=True)
            n = 2 if f["group_score"] == "top2_sum" else 1
            totals.append(sum(best[:n]) if best else NEG)
        open_groups = ranked(totals)[:f["topk_groups"]]
        for e in range(n_experts):
            if e // size not in open_groups and selection[e] != NEG:
                selection[e] = 0.0 if f["group_fill"] == "zero" else NEG
                if verdicts[e] != "disabled":
                    verdicts[e] = "outside_groups"
    for e in f["forced"]:
        verdicts[e] = "forced"


def how_many(f, order, scores, selection):
    method, n = f["method"], len(order)
    if method == "top_p":
        mass, total = 0.0, sum(scores[e] for e in order)
        count = n
        for i, e in enumerate(order):
            mass += scores[e]
            if mass > f["top_p"] * total * (1 + 1e-9):
                count = i + 1
                break
    elif method == "threshold":
        count = sum(selection[e] > f["threshold"] for e in order)
    elif method == "min_p":
        count = sum(selection[e] >= f["min_p"] * selection[order[0]] for e in order)
    elif method == "n_sigma":
        values = [selection[e] for e in order]
        spread = float(np.std(values)) if values and np.isfinite(values).all() else math.nan
        count = sum(v >= values[0] - f["n_sigma"] * spread for v in values)
    elif method == "gap":
        least = max(1, min(f["min_experts"], n))
        most = max(least, min(f["max_experts"] or n, n))
        cuts = range(least, min(most, n - 1) + 1)
        drops = {c: selection[order[c - 1]] - selection[order[c]] for c in cuts}
        return max(drops, key=lambda c: (drops[c], -c)) if drops else most
    elif method in ("dense", "soft"):
        return n
    else:
        return f["top_k"]
    return min(max(count, f["min_experts"]), f["max_experts"] or n, n)


def capacity_of(f, n_choices, n_experts):
    if f["capacity"] is not None:
        return f["capacity"]
    factor = 1.0 if f["capacity_factor"] is None else f["capacity_factor"]
    return math.ceil(round(factor * n_choices / n_experts, 6))
