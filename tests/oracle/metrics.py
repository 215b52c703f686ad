"""Writes tests/vectors/metrics.json: cases for the analyses of `analyses.py`.

Usage: python metrics.py        rewrites the vectors
       python metrics.py check  fails if they are not what this code gives
Needs numpy.
"""

import json
import sys
from pathlib import Path

import numpy as np

from analyses import compare, normal, report

OUT = Path(__file__).parent.parent / "vectors" / "metrics.json"
# Tokens, experts, experts per token; every third case has another number of experts for each token.
SHAPES = [(5, 4, 2), (20, 8, 2), (70, 6, 3), (33, 16, 4), (12, 3, 1), (64, 8, 1), (17, 12, 5),
          (2, 4, 2), (40, 32, 8), (1, 4, 2), (9, 2, 1), (24, 64, 2)]


def draw(seed, n_tokens, n_experts, k):
    rng = np.random.default_rng(seed)
    runs = []
    for _ in range(2):
        drift = np.cumsum(rng.normal(0, 0.5, (n_tokens, n_experts)), axis=0)
        logits = np.round(drift + rng.normal(0, 1, (n_tokens, n_experts)), 2) + 0.0
        number = [k] * n_tokens if seed % 3 else rng.integers(0, k + 1, n_tokens).tolist()
        order = [sorted(range(n_experts), key=lambda e: (-row[e], e)) for row in logits]
        plan = [row[:n] for row, n in zip(order, number)]
        weights = [[round(float(p[e]), 4) for e in row] for row, p in zip(plan, normal(logits))]
        runs.append((plan, weights, logits.tolist()))
    (a, weights, logits), (b, other_weights, other_logits) = runs
    predictions = [np.round(rng.normal(0, 2, (n_tokens, 7)), 2) + 0.0 for _ in range(2)]
    return dict(plan=a, weights=weights, logits=logits, other_plan=b, other_weights=other_weights,
                other_logits=other_logits, labels=[int(x) for x in rng.integers(0, 4, n_tokens)],
                next_logits=predictions[0].tolist(), other_next_logits=predictions[1].tolist())


def rounded(value):
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, dict):
        return {k: rounded(v) for k, v in value.items()}
    return [rounded(v) for v in value] if isinstance(value, (list, tuple)) else value


def main():
    cases = []
    for seed, shape in enumerate(SHAPES, 1):
        case = draw(seed, *shape)
        case["expected"] = rounded(report(case["plan"], case["weights"], case["logits"]))
        case["compared"] = rounded(compare(
            case["plan"], case["other_plan"], (case["logits"], case["other_logits"]),
            (case["next_logits"], case["other_next_logits"]), case["labels"]))
        cases.append(json.dumps(case, separators=(",", ":")))
    text = "[\n" + ",\n".join(cases) + "\n]\n"
    if sys.argv[1:] == ["check"]:
        if OUT.read_text() != text:
            raise SystemExit(f"{OUT} is not what this code gives")
    else:
        OUT.write_text(text)
    print(f"{len(cases)} cases")


main()
