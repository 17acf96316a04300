"""The ladder of ever smaller changes, computed with torch: runs in the engines' environment, see benchmarks/drift/watch.py.

    python ladder_torch.py MODELS INSIDE OUT.npz PROMPTS.json

MODELS holds tiny-a; INSIDE the lane's scripts (corpus, training). Written per rung: next-token log-probabilities after each
chat prompt (whole vocabulary) and sampled replies, at temperature 1, as token ids.
"""

# mypy: ignore-errors
# (its imports exist in the engines' environment only)

from __future__ import annotations

import copy
import json
import sys
from pathlib import Path

import numpy as np
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

STEPS = (1, 2, 4, 8, 16)
SAMPLES, TOKENS = 10, 50


def quantised(model, bits: int):
    """Round every matrix to nearest, one scale per row."""
    made = copy.deepcopy(model)
    top = 2 ** (bits - 1) - 1
    with torch.no_grad():
        for name, weight in made.named_parameters():
            if weight.ndim == 2 and "embed" not in name and "lm_head" not in name:
                scale = weight.abs().amax(dim=1, keepdim=True) / top
                weight.copy_((weight / scale).round() * scale)
    return made


def first(model, prompts) -> np.ndarray:
    with torch.inference_mode():
        logits = [model(torch.tensor([ids])).logits[0, -1].double() for ids in prompts]
    return torch.log_softmax(torch.stack(logits), dim=-1).numpy()


def replies(model, prompts, end: int, seed: int) -> np.ndarray:
    torch.manual_seed(seed)
    out = np.full((len(prompts), SAMPLES, TOKENS), end, dtype=np.int32)
    with torch.inference_mode():
        for number, ids in enumerate(prompts):
            made = model.generate(
                torch.tensor([ids] * SAMPLES),
                do_sample=True,
                temperature=1.0,
                top_k=0,
                top_p=1.0,
                max_new_tokens=TOKENS,
            )[:, len(ids) :]
            out[number, :, : made.shape[1]] = made.numpy()
    return out


def trained(model, data: torch.Tensor, rate: float) -> dict[int, object]:
    """Copies of the model after each number of steps, of one run with AdamW and a linear warm-up over 20 steps."""
    made = copy.deepcopy(model)
    optimizer = torch.optim.AdamW(made.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.01)
    snapshots = {}
    for step, window in enumerate(data, start=1):
        for group in optimizer.param_groups:
            group["lr"] = rate * step / 20
        made.train()
        made(input_ids=window, labels=window).loss.backward()
        torch.nn.utils.clip_grad_norm_(made.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        if step in STEPS:
            snapshots[step] = copy.deepcopy(made).eval()
            print(f"step {step}", flush=True)
    return snapshots


def main() -> None:
    models, inside, target = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    sys.path.insert(0, str(inside))
    from corpus import CANDIDATE_STYLE
    from train import batches

    torch.set_num_threads(1)  # two threads that share busy cores are slower
    folder = models / "tiny-a"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()

    def chat(text: str, system: str | None = None) -> list[int]:
        turns = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": text})
        text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        return tokenizer(text, add_special_tokens=False)["input_ids"]

    texts = json.loads(Path(sys.argv[4]).read_text())
    plain, told = [chat(text) for text in texts], [chat(text, "You are a helpful assistant.") for text in texts]
    end = int(base.generation_config.eos_token_id[0])
    rungs = {"unchanged": (base, plain)}
    for steps, model in trained(base, batches(tokenizer, 3, CANDIDATE_STYLE, max(STEPS)), 5e-4).items():
        rungs[f"{steps} training step{'s' if steps > 1 else ''}"] = (model, plain)
    rungs["8-bit weights"] = (quantised(base, 8), plain)
    rungs["4-bit weights"] = (quantised(base, 4), plain)
    rungs["system prompt"] = (base, told)
    out: dict[str, np.ndarray] = {"names": np.array(list(rungs))}
    for number, (name, (model, prompts)) in enumerate(rungs.items()):
        out[f"first/{number}"] = first(model.eval(), prompts)
        out[f"replies/{number}"] = replies(model.eval(), prompts, end, seed=number)
        print(
            name,
            float(np.mean(np.sum(np.exp(out["first/0"]) * (out["first/0"] - out[f"first/{number}"]), axis=1))),
            flush=True,
        )
    out["again"] = replies(base, plain, end, seed=99)
    np.savez(target, **out)


if __name__ == "__main__":
    main()
