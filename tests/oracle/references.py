"""Turns recorded router decisions of the transformers library into vectors.

Usage: python references.py FOLDER
FOLDER holds tiny checkpoints by architecture, each with config.json, model.safetensors and
golden.safetensors: p1.<layer>.{router_logits, selected, weights, selection_scores} as recorded.
The result, tests/vectors/routing/transformers.json, is the word of a third party: neither
implementation of this repository computed it.  Needs numpy and safetensors.
"""

import json
import sys
from pathlib import Path

from safetensors.numpy import load_file

OUT = Path(__file__).parent.parent / "vectors" / "routing" / "transformers.json"


def softmax_then_norm(config):
    return dict(preset="qwen3_moe", renormalize=bool(config.get("norm_topk_prob")))


# Which preset speaks for an architecture, and what its config overrides.
RULES = dict(
    mixtral=lambda c: dict(preset="mixtral"),
    olmoe=softmax_then_norm,
    qwen2_moe=softmax_then_norm,
    qwen3_moe=softmax_then_norm,
    granitemoe=lambda c: dict(preset="granite"),
    granitemoeshared=lambda c: dict(preset="granite"),
    jetmoe=lambda c: dict(preset="granite"),
    gpt_oss=lambda c: dict(preset="gpt_oss"),
    phimoe=lambda c: dict(preset="phimoe", mixer_jitter=c["router_jitter_noise"]),
    deepseek_v2=lambda c: dict(preset="deepseek_v2", n_groups=c["n_group"],
                               topk_groups=c["topk_group"], scale=c["routed_scaling_factor"]),
    deepseek_v3=lambda c: dict(preset="deepseek_v3", n_groups=c["n_group"],
                               topk_groups=c["topk_group"], scale=c["routed_scaling_factor"]),
    glm4_moe=lambda c: dict(preset="deepseek_v3", n_groups=1, topk_groups=1,
                            scale=c["routed_scaling_factor"]),
    dots1=lambda c: dict(preset="deepseek_v3", n_groups=1, topk_groups=1,
                         scale=c["routed_scaling_factor"]),
    ernie4_5_moe=lambda c: dict(preset="ernie4_5", min_sum=c["moe_norm_min"]),
    lfm2_moe=lambda c: dict(preset="lfm2_moe", scale=c["routed_scaling_factor"]),
    switch_transformers=lambda c: dict(preset="switch", capacity=c["expert_capacity"]),
)


def bias_of(weights, layer):
    """The learned selection bias of a layer, if there is one."""
    names = [n for n in weights if f".layers.{layer}." in n
             and (n.endswith("e_score_correction_bias") or n.endswith("expert_bias"))]
    return [float(x) for x in weights[names[0]].reshape(-1)] if names else None


def cases(folder, architecture):
    config = json.loads((folder / "config.json").read_text())
    golden = load_file(folder / "golden.safetensors")
    weights = load_file(folder / "model.safetensors")
    for layer in json.loads((folder / "golden.json").read_text())["moe_layers"]:
        prefix = f"p1.{layer['key']}."
        fields = {**RULES[architecture](config), "top_k": layer["top_k"]}
        preset = fields.pop("preset")
        bias = bias_of(weights, layer["layer"])
        if bias:
            fields["selection_bias"] = bias
        experts, factors = [], []
        recorded = [golden[prefix + n] for n in ("selected", "weights", "selection_scores")]
        for selected, factor, score in zip(*recorded):
            # Rows are recorded in no particular order; -1 is a token over capacity.
            order = sorted((i for i, e in enumerate(selected) if e >= 0),
                           key=lambda i: (-score[selected[i]], selected[i]))
            experts.append([int(selected[i]) for i in order])
            factors.append([round(float(factor[i]), 7) for i in order])
        yield dict(name=f"{architecture}_{layer['key']}", preset=preset, fields=fields,
                   layer=layer["layer"], tolerance=2e-5,
                   logits=[[float(x) for x in row] for row in golden[prefix + "router_logits"]],
                   expected=dict(experts=experts, weights=factors))


def main():
    root = Path(sys.argv[1])
    found = [case for name in RULES for case in cases(root / name, name)]
    lines = [json.dumps(case, separators=(",", ":")) for case in found]
    OUT.write_text("[\n" + ",\n".join(lines) + "\n]\n")
    print(f"{len(found)} layers of {len(RULES)} architectures")


main()
