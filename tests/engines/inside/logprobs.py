"""The oracle: exact log-probabilities over the whole vocabulary, in fp32.

Runs in the engines' environment:  python logprobs.py REQUEST.json OUT.npz
The request names model folders, prompts (chat messages or token ids) and whether every position is wanted.
"""

# mypy: ignore-errors
# (its imports exist in the engines' environment only)

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer


def main() -> None:
    """Answer the request that the command line names."""
    request: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    torch.set_num_threads(1)
    out: dict[str, np.ndarray] = {}
    ids: list[list[int]] = []
    for name, folder in request["models"].items():
        if not ids:
            tokenizer = AutoTokenizer.from_pretrained(folder)
            for prompt in request["prompts"]:
                if prompt and isinstance(prompt[0], dict):
                    text = tokenizer.apply_chat_template(
                        prompt, tokenize=False, add_generation_prompt=True, **request["template"]
                    )
                    ids.append(tokenizer(text, add_special_tokens=False)["input_ids"])
                else:
                    ids.append(prompt)
        model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        for number, prompt in enumerate(ids):
            with torch.inference_mode():
                logits = model(torch.tensor([prompt])).logits[0]
            kept = logits if request["every_position"] else logits[-1]
            # The logits are fp32, as in a server; the normalisation is exact.
            out[f"{name}/{number}"] = torch.log_softmax(kept.double(), dim=-1).numpy()
    for number, prompt in enumerate(ids):
        out[f"ids/{number}"] = np.array(prompt, dtype=np.int64)
    np.savez(sys.argv[2], **out)


if __name__ == "__main__":
    main()
