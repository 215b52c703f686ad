"""Loss and greedy tokens of a shipped model, computed by `transformers` from the same folder.

Prints both beside what the model's eval.json and the browser tests' fixture say, and fails where they differ.

    pip install torch==2.15.0 transformers==5.23.0
    python tests/oracle/transformers_loss.py models/first
"""

import json
import sys
from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

TOLERANCE = 1e-4


def main(folder: Path) -> int:
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    failures = 0
    for excerpt in json.loads((folder / "eval.json").read_text())["excerpts"]:
        ids = torch.tensor([tokenizer(excerpt["text"])["input_ids"]])
        with torch.no_grad():
            loss = model(ids, labels=ids).loss.item()
        ours = excerpt["loss_nats_per_token"]
        agrees = abs(loss - ours) < TOLERANCE
        failures += not agrees
        print(f"{excerpt['domain']}: {loss:.6f} here, {ours:.6f} in eval.json, {'equal' if agrees else 'DIFFERENT'}")
    fixture = Path(__file__).parents[1] / "browser/fixtures/first-greedy.json"
    if folder.name == "first":
        expected = json.loads(fixture.read_text())
        ids = torch.tensor([tokenizer(expected["prompt"])["input_ids"]])
        greedy = model.generate(ids, max_new_tokens=len(expected["ids"]), do_sample=False)
        agrees = greedy[0, ids.shape[1] :].tolist() == expected["ids"]
        failures += not agrees
        print(f"greedy tokens: {'equal' if agrees else 'DIFFERENT'}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
