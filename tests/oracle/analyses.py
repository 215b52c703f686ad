"""The analyses of routing, written a second time, one definition after the other.

Definitions are those of the papers named in the crate's metrics.
A plan lists each token's experts, best first; an estimate is a figure, its interval and its baseline.
Draws for intervals and baselines are by position, as those of `routing.py`.
"""

import math
from fractions import Fraction

import numpy as np

from routing import pcg4d, ranked, uniform

Z = 1.959964


def estimate(value, low, high, chance):
    return dict(value=float(value), low=float(low), high=float(high), chance=float(chance))


def wilson(hits, n, chance):
    if n == 0:
        return estimate(0, 0, 1, chance)
    p = hits / n
    middle, reach = p + Z * Z / (2 * n), Z * math.sqrt(p * (1 - p) / n + (Z / (2 * n)) ** 2)
    low, high = [(middle + sign * reach) / (1 + Z * Z / n) for sign in (-1, 1)]
    return estimate(p, max(0, low), min(1, high), chance)


def mean_of(values, chance):
    value = np.mean(values)
    reach = Z * np.std(values, ddof=1) / math.sqrt(len(values)) if len(values) > 1 else 0
    return estimate(value, value - reach, value + reach, chance)


def of_blocks(n_blocks, chance, figure):
    """Block bootstrap: 200 times as many blocks, drawn with replacement; 5 lie beyond each end."""
    drawn = sorted(figure([pcg4d(0, "resample", draw, place, 0)[0] * n_blocks >> 32
                           for place in range(n_blocks)]) for draw in range(200))
    return estimate(figure(range(n_blocks)), drawn[5], drawn[194], chance)


def orders(n_tokens):
    return [ranked([uniform(0, "shuffle", draw, t, 0) for t in range(n_tokens)]) for draw in range(5)]


def shuffled(plan):
    return [[plan[t] for t in order] for order in orders(len(plan))]


def random_plans(plan, n_experts, n_plans):
    return [[ranked([uniform(0, "random_plan", draw, t, e) for e in range(n_experts)])[:len(row)]
             for t, row in enumerate(plan)] for draw in range(n_plans)]


def entropy(values):
    p = np.array(values, float) / (np.sum(values) or 1)
    return float(-sum(x * math.log(x) for x in p if x > 0))


def counts_of(plan, n_experts):
    return [sum(e in row for row in plan) for e in range(n_experts)]


def evenness(counts):
    mean = np.mean(counts)
    return dict(variation=float(np.std(counts) / mean) if mean else 0.0,
                max_over_mean=float(max(counts) / mean) if mean else 0.0,
                effective_experts=math.exp(entropy(counts)), dead=counts.count(0) / len(counts))


def load(plan, n_experts):
    counts, n = counts_of(plan, n_experts), len(plan)
    drawn = [evenness(counts_of(p, n_experts)) for p in random_plans(plan, n_experts, 20)]
    others = [[o for o in range(n_experts) if o != e] for e in range(n_experts)]
    return dict(
        counts=counts, shares=[wilson(c, n, sum(counts) / (n * n_experts)) for c in counts],
        **evenness(counts), chance={k: float(np.mean([d[k] for d in drawn])) for k in drawn[0]},
        controls=[sorted(o, key=lambda x: (abs(counts[x] - counts[e]), x))[:3]
                  for e, o in enumerate(others)])


def tokens(plan, scores):
    n_experts = len(scores[0])
    best = np.sort(scores, axis=1)[:, ::-1]
    margin = [float(best[t, len(r) - 1] - best[t, len(r)]) if 0 < len(r) < n_experts else 0.0
              for t, r in enumerate(plan)]
    h, top = [entropy(row) for row in scores], best[:, 0].tolist()
    return dict(entropy=h, top_share=top, margin=margin, mean_entropy=mean_of(h, math.log(n_experts)),
                mean_top_share=mean_of(top, 1 / n_experts), mean_margin=mean_of(margin, 0))


def co_activation(plan, n_experts):
    counts, every = counts_of(plan, n_experts), range(n_experts)
    both = [[sum(i in row and j in row for row in plan) for j in every] for i in every]
    # Two experts of k that are drawn from E: the second is one given of the E - 1 others with (k - 1) / (E - 1).
    chance = sum(len(r) * (len(r) - 1) for r in plan) / ((sum(counts) * (n_experts - 1)) or 1)
    shares = [[wilson(both[i][j], counts[i], chance) for j in every] for i in every]
    flat = lambda key: [share[key] for row in shares for share in row]
    jaccard = [both[i][j] / ((counts[i] + counts[j] - both[i][j]) or 1) for i in every for j in every]
    return dict(
        counts=sum(both, []), conditional=flat("value"), conditional_low=flat("low"),
        conditional_high=flat("high"), conditional_chance=chance, jaccard=jaccard,
        jaccard_chance=chance / (2 - chance),
        partners=[sum(shares[i][j]["value"] > 2 * chance + 1e-9 for j in every if j != i) for i in every])


def repetition(plan, n_experts):
    pairs = [(a, b) for a, b in zip(plan, plan[1:]) if a and b]
    apart = [math.comb(n_experts - len(a), len(b)) / math.comb(n_experts, len(b)) for a, b in pairs]
    return dict(first=wilson(sum(a[0] == b[0] for a, b in pairs), len(pairs), 1 / n_experts),
                any=wilson(sum(bool(set(a) & set(b)) for a, b in pairs), len(pairs),
                           1 - np.mean(apart) if pairs else 0))


def srp(windows, experts, m):
    """Best F1 over thresholds of "this expert, for the whole window", with the lowest threshold."""
    n = [sum(e in row for row in window) for window in windows for e in experts]
    best = (Fraction(0), 0, 0.0)
    for a in range(m + 1):
        matches, predicted = sum(f for f in n if f >= a), m * sum(f >= a for f in n)
        f1 = Fraction(2 * matches, predicted + sum(n)) if sum(n) else Fraction(0)
        if f1 > best[0]:
            best = (f1, a, predicted / sum(n))
    return float(best[0]), best[1], best[2]


def segments(plan, n_experts, m):
    every = range(n_experts)
    windows = lambda p: [p[s:s + m] for s in range(len(p) - m + 1)]
    own, random = windows(plan), [windows(p) for p in shuffled(plan)]
    # Blocks hold as many windows as a window has tokens.
    blocks = [own[s:s + m] for s in range(0, len(own), m)]
    chance = np.mean([srp(w, every, m)[0] for w in random])
    figure = lambda drawn: srp([w for b in drawn for w in blocks[b]], every, m)[0]
    _, threshold, ratio = srp(own, every, m)
    return dict(length=m, srp=of_blocks(len(blocks), chance, figure), threshold=threshold, size_ratio=ratio,
                srp_by_expert=[srp(own, [e], m)[0] for e in every],
                chance_by_expert=[float(np.mean([srp(w, [e], m)[0] for w in random])) for e in every])


def cache(plan, size, policy, m=16, warm=False):
    """Hits of each token, judged against the cache before the token."""
    if policy == "fixed":
        hits = []
        for s in range(0, len(plan), m):
            segment = plan[s:s + m]
            used = sorted({e for row in segment for e in row})
            kept = sorted(used, key=lambda e: (-sum(e in row for row in segment), e))[:size]
            hits += [sum(e in kept for e in row) for row in segment]
        return hits
    held, uses, last, hits = [], {}, {}, []
    for t, row in enumerate(plan):
        room, hit = size - len(held), 0
        for e in row:
            if e in held:
                hit += 1
            elif warm and e not in last and room > 0:
                hit, room = hit + 1, room - 1
            uses[e], last[e] = uses.get(e, 0) + 1, t
        later = plan[t + 1:]
        soonest = {e: next((i for i, r in enumerate(later) if e in r), 10**9) for e in set(held) | set(row)}
        value = dict(lru=lambda e: 0, lfu=lambda e: uses[e], belady=lambda e: -soonest[e],
                     segment=lambda e: sum(e in r for r in later[:m - 1]))[policy]
        fresh = (lambda e: False) if policy == "belady" else (lambda e: e in row)
        held = sorted(set(held) | set(row), key=lambda e: (not fresh(e), -value(e), -last[e], e))[:size]
        hits.append(hit)
    return hits


def caches(plan, n_experts):
    total = sum(map(len, plan))
    k, random = total / len(plan), shuffled(plan)
    blocks = [range(s, min(s + 16, len(plan))) for s in range(0, len(plan), 16)]

    def rate(size, policy):
        hits = cache(plan, size, policy)

        def figure(drawn):
            spots = [t for b in drawn for t in blocks[b]]
            return sum(hits[t] for t in spots) / (sum(len(plan[t]) for t in spots) or 1)

        chance = np.mean([sum(cache(p, size, policy)) / (total or 1) for p in random])
        return of_blocks(len(blocks), chance, figure)

    sizes = sorted({math.floor(rho * k + 0.5) for rho in (0.5, 1, 1.5, 2, 3, 4)})
    return [dict(size=c, ratio=c / k, **{p: rate(c, p) for p in ("lru", "lfu", "segment", "fixed", "belady")})
            for c in sizes if 1 <= c < n_experts]


def lost(plan, weights, capacity, priority, n_experts):
    """How many experts each token loses: all first choices come before any second choice."""
    n = len(plan)
    order = range(n) if priority == "order" else ranked([max(w, default=-1e30) for w in weights])
    load, losses = [0] * n_experts, [0] * n
    for rank in range(max(map(len, plan), default=0)):
        for t in order:
            if rank < len(plan[t]):
                e = plan[t][rank]
                losses[t] += load[e] >= capacity
                load[e] += load[e] < capacity
    return losses


def drops(plan, weights, n_experts, factor, priority):
    total = sum(map(len, plan))
    capacity = math.ceil(round(factor * total / n_experts, 6))
    stranded = lambda p, losses: sum(0 < x == len(row) for row, x in zip(p, losses))
    own = lost(plan, weights, capacity, priority, n_experts)
    random = [(p, lost(p, weights, capacity, priority, n_experts)) for p in random_plans(plan, n_experts, 5)]
    return dict(
        capacity_factor=factor, priority=priority, capacity=capacity, lost=own,
        choices=wilson(sum(own), total, np.mean([sum(x) / (total or 1) for _, x in random])),
        stranded=wilson(stranded(plan, own), len(plan),
                        np.mean([stranded(p, x) / len(p) for p, x in random])))


def report(plan, weights, logits):
    """Everything that one layer's decision alone says."""
    z = np.array(logits, float)
    scores = np.exp(z - z.max(1, keepdims=True))
    scores /= scores.sum(1, keepdims=True)
    n_experts, sums = z.shape[1], scores.sum(0)
    counts = counts_of(plan, n_experts)
    firsts = [sum(row[:1] == [e] for row in plan) for e in range(n_experts)]
    balance = [n_experts * float(np.dot(c, scores.mean(0))) / max(1, sum(c)) for c in (counts, firsts)]
    return dict(
        load=load(plan, n_experts), balance_loss=balance[0], first_choice_loss=balance[1],
        importance_loss=float((np.std(sums) / sums.mean()) ** 2),
        z_loss=mean_of(np.log(np.exp(z).sum(1)) ** 2, math.log(n_experts) ** 2),
        tokens=tokens(plan, scores), co_activation=co_activation(plan, n_experts),
        repetition=repetition(plan, n_experts),
        segments=[segments(plan, n_experts, m) for m in (4, 16, 64, 256) if m <= len(plan)],
        caches=caches(plan, n_experts),
        drops=[drops(plan, weights, n_experts, factor, priority)
               for factor in (0.5, 1.0, 1.5, 2.0) for priority in ("order", "batch_priority")])


def normal(logits):
    p = np.exp(np.array(logits, float))
    return p / p.sum(1, keepdims=True)


def divergence(p, q, of):
    own = [of(a, b) for a, b in zip(p, q)]
    random = [np.mean([of(a, q[t]) for a, t in zip(p, order)]) for order in orders(len(p))]
    return dict(tokens=[float(x) for x in own], mean=mean_of(own, np.mean(random)))


def jensen_shannon(p, q):
    return 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum()


def compare(a, b, logits, next_logits, labels):
    """What two runs of the same tokens have in common; `labels` and the flow look at both as two layers of one run."""
    (p, q), (u, v) = [list(map(normal, pair)) for pair in (logits, next_logits)]
    n_tokens, n_experts = p.shape
    overlap = [len(set(x) & set(y)) / max(len(x), len(y)) if x or y else 1.0 for x, y in zip(a, b)]
    chance = [min(len(x), len(y)) / n_experts if x or y else 1.0 for x, y in zip(a, b)]
    spots = {x: [t for t, y in enumerate(labels) if y == x] for x in sorted(set(labels))}
    rows, columns = counts_of(a, n_experts), counts_of(b, n_experts)
    top = [u.argmax(1), v.argmax(1)]
    changed = lambda order: sum(top[0][t] != top[1][other] for t, other in enumerate(order))
    return dict(
        saturation=mean_of(overlap, np.mean(chance)), divergence=divergence(p, q, jensen_shannon),
        predictions=dict(
            divergence=divergence(u, v, lambda x, y: (x * np.log(x / y)).sum()),
            top_token=wilson(int(changed(range(n_tokens))), n_tokens,
                             np.mean([changed(order) / n_tokens for order in orders(n_tokens)]))),
        flow=dict(counts=[sum(i in x and j in y for x, y in zip(a, b))
                          for i in range(n_experts) for j in range(n_experts)],
                  chance=[r * c / n_tokens for r in rows for c in columns]),
        labels=[dict(label=x, n_tokens=len(ts), shares=[
            wilson(sum(e in a[t] for t in ts), len(ts), sum(rows) / (n_tokens * n_experts))
            for e in range(n_experts)]) for x, ts in spots.items() if len(ts) >= 2])
