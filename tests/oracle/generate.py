"""Writes tests/vectors/routing/*.json from the second implementation.

Usage: python generate.py        rewrites the vectors
       python generate.py check  fails if they are not what this code gives
Needs numpy. Every case is drawn from a fixed seed; one whose decision hangs on rounding is
redrawn, and ties are exact.
"""

import json
import math
import sys
from pathlib import Path

import numpy as np

from decide import route
from methods import METHODS
from routing import DEFAULTS, PRESETS, sinkhorn
from worked import WORKED

FOLDER = Path(__file__).parent.parent / "vectors" / "routing"
SHAPES = [(2, 1), (2, 5), (3, 4), (4, 8), (4, 64), (5, 3), (6, 6), (8, 1), (8, 2), (8, 16),
          (8, 33), (12, 5), (16, 8), (16, 1), (24, 4), (32, 6), (48, 3), (64, 4), (64, 1),
          (128, 4), (128, 1)]
KINDS = ["plain", "ties", "masked", "equal", "hot", "cold", "banned", "forced", "infinite", "empty"]


def draw(rng, kind, n_tokens, n_experts):
    """Logits of one case; two decimals, so that they are short and the same everywhere."""
    logits = np.round(rng.normal(0, 1.5, (n_tokens, n_experts)), 2) + 0.0
    if kind == "ties":
        logits = np.round(logits) + 0.0
    if kind == "equal":
        logits[:] = 0.5
    if kind == "masked":
        logits[rng.random(logits.shape) < 0.3] = -math.inf
    if kind == "infinite":
        logits[:, int(rng.integers(n_experts))] = math.inf
    if kind == "empty":
        logits[int(rng.integers(n_tokens))] = -math.inf
    return logits.tolist()


def overrides(rng, name, kind, n_experts):
    """What the case changes of the preset, so that it fits the number of experts."""
    fields = {}
    preset = {**DEFAULTS, **PRESETS[name]}
    if preset["method"] in ("top_k", "hash"):
        fields["top_k"] = min(preset["top_k"], n_experts)
    if preset["n_groups"] > 1:
        fields["n_groups"] = next(g for g in (8, 6, 5, 4, 3, 2, 1) if n_experts % g == 0)
        fields["topk_groups"] = min(preset["topk_groups"], max(1, fields["n_groups"] // 2))
    if kind == "hot":
        fields["temperature"] = 2.0
    if kind == "cold":
        fields["temperature"] = 0.5
    if kind == "banned":
        banned = rng.choice(n_experts, max(1, n_experts // 2), replace=False)
        fields["disabled"] = sorted(int(e) for e in banned[: n_experts - 1])
    if kind == "forced":
        fields["forced"] = [int(rng.integers(n_experts))]
    if name in ("deepseek_v3", "lfm2_moe", "ernie4_5"):
        spread = 0.05 if name == "ernie4_5" else 0.5
        bias = np.round(rng.normal(-spread, spread, n_experts), 3) + 0.0
        fields["selection_bias"] = bias.tolist()
    return fields


def context_of(rng, fields, n_tokens):
    context = {}
    full = {**DEFAULTS, **fields}
    if full["null_rule"] == "learned":
        nulls = np.round(rng.normal(0, 1, (n_tokens, full["null_experts"])), 2) + 0.0
        context["null_logits"] = nulls.tolist()
    if full["protect"] or full["sacrifice"]:
        context["importance"] = np.round(rng.random(n_tokens), 2).tolist()
    return context


def hangs_on_rounding(case, base):
    """Whether nudging the logits by what float32 may lose changes a decision."""
    outcome = run(case, base)
    if {**base, **case["fields"]}.get("score") == "sinkhorn" and balance_is_close(case):
        return True
    for sign in (1, -1):
        nudged = [[z * (1 + sign * 3e-7 * (-1) ** e) for e, z in enumerate(row)]
                  for row in case["logits"]]
        if nudged_ties(case["logits"]):
            nudged = [[z * (1 + sign * 3e-7) for z in row] for row in case["logits"]]
        if run({**case, "logits": nudged}, base)["verdicts"] != outcome["verdicts"]:
            return True
    return False


def balance_is_close(case):
    """Whether the best expert nearly ties with another in the balanced plan without having its logits.

    A single token is always balanced, so that all experts tie and the first is chosen.
    """
    if len(case["logits"]) == 1:
        return False
    logits = np.array(case["logits"])
    for row in np.array(sinkhorn(case["logits"], 50)):
        best = int(np.argmax(row))
        others = (logits != logits[:, [best]]).any(axis=0)
        if row[best] > 0 and (row[best] - row[others] < 1e-6).any():
            return True
    return False


def nudged_ties(logits):
    return any(len(set(row)) < len(row) for row in logits)


def run(case, base):
    return route({**base, **case["fields"]}, case["logits"], case.get("layer", 0),
                 case.get("token_ids", ()), case.get("context"))


def finish(case, base):
    """The case with what it must give; verdicts only where they are few."""
    outcome = run(case, base)
    expected = dict(experts=outcome["experts"],
                    weights=[[round(w, 7) for w in row] for row in outcome["weights"]])
    if len(case["logits"]) * len(case["logits"][0]) <= 160:
        expected["verdicts"] = outcome["verdicts"]
    if any(outcome["shared"]):
        expected["shared"] = [round(w, 7) for w in outcome["shared"]]
    return {**case, "expected": expected}


def preset_cases(name):
    cases = []
    for i, (n_experts, n_tokens) in enumerate(SHAPES):
        kind = KINDS[i % len(KINDS)]
        if kind == "infinite" and name in ("base", "expert_choice", "soft"):
            kind = "plain"  # an infinite column starves the others of these whole-batch rules
        for attempt in range(100):
            rng = np.random.default_rng([i, attempt, *name.encode()])
            fields = overrides(rng, name, kind, n_experts)
            case = dict(name=f"{kind}_e{n_experts}_t{n_tokens}", fields=fields,
                        layer=int(rng.integers(4)), logits=draw(rng, kind, n_tokens, n_experts))
            if {**DEFAULTS, **PRESETS[name]}["method"] == "hash":
                case["token_ids"] = [int(x) for x in rng.integers(0, 50, n_tokens)]
            context = context_of(rng, {**PRESETS[name], **fields}, n_tokens)
            if context:
                case["context"] = context
            if not hangs_on_rounding(case, PRESETS[name]):
                cases.append(finish(case, PRESETS[name]))
                break
        else:
            raise SystemExit(f"{name} {kind} {n_experts}x{n_tokens}: every draw hangs on rounding")
    return cases


def method_cases(fields, n_cases=8):
    cases = []
    for i in range(n_cases):
        for attempt in range(100):
            rng = np.random.default_rng([i, attempt, *json.dumps(fields).encode()])
            n_experts, n_tokens = [(8, 5), (4, 9), (16, 3), (8, 1)][i % 4]
            kind = ["plain", "ties", "masked", "cold", "plain", "banned", "forced", "empty"][i % 8]
            own = overrides(rng, "mixtral", kind, n_experts)
            own.pop("top_k")
            case = dict(name=f"{kind}_e{n_experts}_t{n_tokens}", fields={**fields, **own},
                        layer=i % 2, logits=draw(rng, kind, n_tokens, n_experts))
            case["token_ids"] = [int(x) for x in rng.integers(0, 50, n_tokens)]
            context = {**context_of(rng, case["fields"], n_tokens)}
            if fields.get("method") == "previous_layer":
                context["previous_layer"] = [sorted(int(e) for e in rng.choice(4, 2, replace=False))
                                             for _ in range(n_tokens)]
            if fields.get("method") in ("random", "round_robin", "sticky"):
                context["first_position"] = i
            if fields.get("method") == "sticky":
                context["previous_token"] = [1, 3]
            if fields.get("layer_thresholds", [0])[1:]:
                context["modality"] = [int(x) for x in rng.integers(0, 2, n_tokens)]
            if context:
                case["context"] = context
            if not hangs_on_rounding(case, {}):
                cases.append(finish(case, {}))
                break
        else:
            raise SystemExit(f"{fields} {kind}: every draw hangs on rounding")
    return cases


def text(cases):
    """JSON with one case a line; infinities are strings."""
    def plain(value):
        if isinstance(value, float) and math.isinf(value):
            return "inf" if value > 0 else "-inf"
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        return [plain(v) for v in value] if isinstance(value, (list, tuple)) else value

    lines = [json.dumps(plain(case), separators=(",", ":")) for case in cases]
    return "[\n" + ",\n".join(lines) + "\n]\n"


def main():
    files = {f"preset_{name}": [dict(preset=name, **case) for case in preset_cases(name)]
             for name in PRESETS}
    files["methods"] = [case for fields in METHODS for case in method_cases(fields)]
    files["worked"] = WORKED
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, cases in files.items():
        path = FOLDER / f"{name}.json"
        if sys.argv[1:] == ["check"]:
            if path.read_text() != text(cases):
                raise SystemExit(f"{path} is not what this code gives")
        else:
            path.write_text(text(cases))
    print(f"{sum(map(len, files.values()))} cases in {len(files)} files")


main()
