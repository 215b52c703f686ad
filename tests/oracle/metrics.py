"""Writes tests/vectors/metrics.json: the analyses of routing, written a second time.

Usage: python metrics.py        rewrites the vectors
       python metrics.py check  fails if they are not what this code gives
Definitions are those of the papers named in the crate's metrics; needs numpy.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

OUT = Path(__file__).parent.parent / "vectors" / "metrics.json"


def wilson(hits, n, z=1.959964):
    if n == 0:
        return [0.0, 0.0, 1.0]
    p = hits / n
    middle, reach = p + z * z / (2 * n), z * math.sqrt(p * (1 - p) / n + (z / (2 * n)) ** 2)
    return [p, max(0.0, (middle - reach) / (1 + z * z / n)), min(1.0, (middle + reach) / (1 + z * z / n))]


def entropy(values):
    p = np.array(values, float) / (np.sum(values) or 1)
    return float(-sum(x * math.log(x) for x in p if x > 0))


def srp(plan, experts, m):
    """Best F1 over thresholds of "this expert, for the whole window"."""
    n = [[sum(e in row for row in plan[s:s + m]) for s in range(len(plan) - m + 1)] for e in experts]
    flat = [f for row in n for f in row]
    best = (0.0, 0, 0.0)
    for a in range(m + 1):
        matches, predicted = sum(f for f in flat if f >= a), m * sum(f >= a for f in flat)
        f1 = 2 * matches / (predicted + sum(flat)) if predicted + sum(flat) else 0.0
        if f1 > best[0] + 1e-12:
            best = (f1, a, predicted / sum(flat))
    return best


def cache(plan, size, policy, m=16, warm=False):
    """Hit rate; hits are judged against the cache before the token."""
    held, uses, last, hits = [], {}, {}, 0
    for t, row in enumerate(plan):
        room = size - len(held)
        for e in row:
            if e in held:
                hits += 1
            elif warm and e not in last and room > 0:
                hits, room = hits + 1, room - 1
            uses[e], last[e] = uses.get(e, 0) + 1, t
        later = plan[t + 1:]
        soonest = {e: next((i for i, r in enumerate(later) if e in r), 10**9) for e in set(held) | set(row)}
        value = dict(lru=lambda e: 0, lfu=lambda e: uses[e], belady=lambda e: -soonest[e],
                     segment=lambda e: sum(e in r for r in later[:m - 1]))[policy]
        fresh = (lambda e: False) if policy == "belady" else (lambda e: e in row)
        held = sorted(set(held) | set(row), key=lambda e: (not fresh(e), -value(e), -last[e], e))[:size]
    total = sum(map(len, plan))
    return hits / total if total else 0.0


def analyse(plan, logits):
    """What one layer's decision says; `plan` lists each token's experts, best first."""
    z = np.array(logits, float)
    scores = np.exp(z - z.max(1, keepdims=True))
    scores /= scores.sum(1, keepdims=True)
    n_tokens, n_experts = z.shape
    counts = [sum(e in row for row in plan) for e in range(n_experts)]
    firsts = [sum(row[:1] == [e] for row in plan) for e in range(n_experts)]
    mean, sums = np.mean(counts), scores.sum(0)
    ranked = np.sort(scores, axis=1)[:, ::-1]
    pairs = [(a, b) for a, b in zip(plan, plan[1:]) if a and b]
    apart = [math.comb(n_experts - len(a), len(b)) / math.comb(n_experts, len(b)) for a, b in pairs]
    both = [[sum(i in row and j in row for row in plan) for j in range(n_experts)]
            for i in range(n_experts)]
    k = math.ceil(sum(counts) / n_tokens)
    balance = [n_experts * float(np.dot(c, scores.mean(0))) / max(1, sum(c)) for c in (counts, firsts)]
    return dict(
        counts=counts, share_0=wilson(counts[0], n_tokens),
        variation=float(np.std(counts) / mean), max_over_mean=float(max(counts) / mean),
        effective_experts=math.exp(entropy(counts)), dead=counts.count(0) / n_experts,
        balance_loss=balance[0], first_choice_loss=balance[1],
        importance_loss=float((np.std(sums) / sums.mean()) ** 2),
        z_loss=float(np.mean(np.log(np.exp(z).sum(1)) ** 2)),
        entropy=[entropy(row) for row in scores], top_share=ranked[:, 0].tolist(),
        margin=[float(ranked[t, len(r) - 1] - ranked[t, len(r)]) if 0 < len(r) < n_experts else 0.0
                for t, r in enumerate(plan)],
        co_activation=sum(both, []),
        conditional=[both[i][j] / counts[i] if counts[i] else 0.0
                     for i in range(n_experts) for j in range(n_experts)],
        jaccard=[both[i][j] / ((counts[i] + counts[j] - both[i][j]) or 1)
                 for i in range(n_experts) for j in range(n_experts)],
        repeat_first=wilson(sum(a[0] == b[0] for a, b in pairs), len(pairs)) + [1 / n_experts],
        repeat_any=wilson(sum(bool(set(a) & set(b)) for a, b in pairs), len(pairs))
        + [float(1 - np.mean(apart)) if pairs else 0.0],
        segments=[[m, *srp(plan, range(n_experts), m), [srp(plan, [e], m)[0] for e in range(n_experts)]]
                  for m in (4, 16, 64) if m <= n_tokens],
        caches=[[c] + [cache(plan, c, p) for p in ("lru", "lfu", "segment", "belady")]
                for c in (k, 2 * k, 3 * k) if 1 <= c < n_experts],
    )


def compare(a, b, logits_a, logits_b, labels):
    n_experts = len(logits_a[0])
    p, q = [np.exp(np.array(z, float)) for z in (logits_a, logits_b)]
    p, q = p / p.sum(1, keepdims=True), q / q.sum(1, keepdims=True)
    js = 0.5 * (p * np.log(2 * p / (p + q)) + q * np.log(2 * q / (p + q))).sum(1)
    overlap = [len(set(x) & set(y)) / max(len(x), len(y)) if x or y else 1.0 for x, y in zip(a, b)]
    tokens = {x: [t for t, y in enumerate(labels) if y == x] for x in sorted(set(labels))}
    return dict(
        saturation=float(np.mean(overlap)), divergence=js.tolist(),
        flow=[sum(i in x and j in y for x, y in zip(a, b))
              for i in range(n_experts) for j in range(n_experts)],
        labels=[[x, len(ts), [sum(e in a[t] for t in ts) / len(ts) for e in range(n_experts)]]
                for x, ts in tokens.items() if len(ts) >= 2])


def draw(seed, n_tokens, n_experts, k):
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(2):
        drift = np.cumsum(rng.normal(0, 0.5, (n_tokens, n_experts)), axis=0)
        logits = np.round(drift + rng.normal(0, 1, (n_tokens, n_experts)), 2) + 0.0
        number = [k] * n_tokens if seed % 3 else rng.integers(0, k + 1, n_tokens).tolist()
        order = [sorted(range(n_experts), key=lambda e: (-row[e], e)) for row in logits]
        runs.append(([row[:n] for row, n in zip(order, number)], logits.tolist()))
    (a, logits_a), (b, logits_b) = runs
    labels = [int(x) for x in rng.integers(0, 4, n_tokens)]
    return dict(plan=a, logits=logits_a, other_plan=b, other_logits=logits_b, labels=labels)


def rounded(value):
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value


def main():
    shapes = [(5, 4, 2), (20, 8, 2), (70, 6, 3), (33, 16, 4), (12, 3, 1), (64, 8, 1), (17, 12, 5),
              (2, 4, 2), (40, 32, 8), (1, 4, 2)]
    cases = []
    for seed, shape in enumerate(shapes, 1):
        case = draw(seed, *shape)
        case["expected"] = rounded(analyse(case["plan"], case["logits"]))
        case["compared"] = rounded(compare(case["plan"], case["other_plan"], case["logits"],
                                           case["other_logits"], case["labels"]))
        cases.append(json.dumps(case, separators=(",", ":")))
    text = "[\n" + ",\n".join(cases) + "\n]\n"
    if sys.argv[1:] == ["check"]:
        if OUT.read_text() != text:
            raise SystemExit(f"{OUT} is not what this code gives")
    else:
        OUT.write_text(text)
    print(f"{len(cases)} cases")


main()
