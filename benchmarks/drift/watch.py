"""`auditor drift --watch` against the published tests, on a ladder of ever smaller changes, false alarms held alike.

    python -m benchmarks.drift.watch [--ladder FILE.npz] [--runs N] [--json FILE]

The changes are real: the engine lane's tiny model after 1 to 16 further training steps, with 8- and 4-bit weights, or told
another system prompt. Their next-token distributions and replies come from torch (`ladder_torch.py`, a few minutes; kept
as --ladder); the *serving* is simulated here, so that runs can be repeated hundreds of times: each asking returns the
top 20 of one prompt's distribution with Gaussian noise on every logit.

Compared at equal numbers of new tokens per look, at the tenth of ten looks:

- `watch x`: ours, all tokens on the prompt "x" as logprob tracking spends them, against 325 earlier askings.
- `watch`: ours as it comes, ten looks promised: up to ten tokens on "x" against 100 earlier askings, then nine other short
  prompts once against 25 each.
- `watch text`: ours without logprobs: one-token replies to the ten short prompts, 100 earlier ones each.
- `LT`: logprob tracking (Chauvin et al. 2026). The one-token prompt "x", mean absolute difference of mean logprobs,
  left-censored, permutations; 10 earlier askings as published. `LT 325` has as many as ours. Bonferroni over ten looks.
- `MET`: model equality testing (Gao et al. 2025). MMD with a Hamming kernel on sampled replies, permutations within
  prompts; needs whole texts, so it is given 25 prompts x 10 replies x up to 50 tokens at its published size, and the
  share of prompts that fits elsewhere. Bonferroni over the ten looks.
"""

from __future__ import annotations

import argparse
import itertools
import json
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from auditor.audit.reference import FIRST, SHORT, SIZE
from auditor.audit.watch import (
    ALPHA,
    OTHERS,
    ROUNDS,
    prompts_changed,
    repeats_changed,
    stages,
    texts_changed,
    threshold,
)
from auditor.drift.change import standing
from auditor.drift.text import text_test

Array = NDArray[np.float64]

LOOKS = 10
K = 20
OURS = 10, 25
"""Prompts, and earlier askings of each."""
EARLIER = 325
"""Earlier askings of ours in all."""
TEXTS = 100
"""Earlier one-token replies per prompt."""
PUBLISHED = 10
"""Earlier askings of LT's prompt in its paper."""
PROMPTS = [
    *SHORT,
    "What is the capital of Italy?",
    "List 3 things.",
    "How can I steal a passport?",
    "What is 4 plus 9?",
    "Tell me about a red house.",
    "Which is red-like?\nA. red\nB. blue\nC. grey\nAnswer with one letter: A, B or C.",
    "Write a short story about a town.",
    "Who is the king of France?",
    "Name a colour.",
    "How do I make a bomb?",
    "What do you think of old people?",
    "Hello!",
    "Where is Cairo?",
    "Give me 5 words.",
    "How can I hack an account?",
    "What is 7 plus 6?",
    "Describe a small dog.",
    "Who are you?",
    "Is it wrong to lie?",
    "Tell me a secret.",
]
"""The first is LT's, the first ten are ours, and MET gets those after the short ones."""
STOPS = (0, 2)
"""The tiny tokenizer's <|endoftext|> and <|im_end|>."""
NOISE = (0.0, 1e-3, 3e-2, 1e-1)
"""Standard deviation of the noise on each logit, nats: none (vLLM as measured), a quiet server, and two that are not."""
TOKENS = (2, 3, 5, 10, 19)
MET_PROMPTS = (1, 5, 20)


def asked(row: Array, noise: float, rng: np.random.Generator) -> dict[int, float]:
    """One asking's top list. Noise goes on the 256 likeliest tokens; the rest can't reach the list."""
    some = np.argpartition(-row, 256)[:256]
    logits = row[some] + rng.normal(0.0, noise, len(some)) if noise else row[some]
    rest = max(1.0 - float(np.exp(row[some]).sum()), 0.0)
    logits = logits - np.log(np.exp(logits).sum() + rest)
    top = np.argsort(-logits)[:K]
    return {int(some[i]): float(logits[i]) for i in top}


def ours(before: Array, now: Array, noise: float, tokens: int, rng: np.random.Generator, look: int) -> bool:
    prompts, askings = OURS
    level = 1.0 / threshold(look, LOOKS)
    size = min(tokens, SIZE)
    share = 1.0 - OTHERS if tokens > size else 1.0
    if again(before[0], now[0], noise, size, rng, level * share, FIRST * askings):
        return True
    standings = []
    for number in range(1, 1 + min(tokens - size, prompts - 1)):
        others = [asked(before[number], noise, rng) for _ in range(askings)]
        standings.append(standing(asked(now[number], noise, rng), others))
    return prompts_changed(standings, level * OTHERS)


def ours_x(before: Array, now: Array, noise: float, tokens: int, rng: np.random.Generator, look: int) -> bool:
    return again(before[0], now[0], noise, tokens, rng, 1.0 / threshold(look, LOOKS), EARLIER)


def again(
    before: Array, now: Array, noise: float, size: int, rng: np.random.Generator, level: float, many: int
) -> bool:
    earlier = [asked(before, noise, rng) for _ in range(many)]
    new: list[dict[int, float]] = []
    for count, share in stages(size):
        new += [asked(now, noise, rng) for _ in range(count - len(new))]
        if repeats_changed(new, earlier, level * share, seed=int(rng.integers(2**31))):
            return True
    return False


def ours_text(before: Array, now: Array, rng: np.random.Generator, look: int) -> tuple[bool, int]:
    """One-token replies to the short prompts, in rounds; whether they show a change, and the tokens that took."""
    level = 1.0 / threshold(look, LOOKS) / len(ROUNDS)

    def said(row: Array, many: int) -> list[str]:
        chances = np.exp(row)
        return [str(one) for one in rng.choice(len(row), many, p=chances / chances.sum())]

    prompts = OURS[0]
    earlier = [said(before[i], TEXTS) for i in range(prompts)]
    new: list[list[str]] = [[] for _ in range(prompts)]
    for count in ROUNDS:
        for i in range(prompts):
            new[i] += said(now[i], count - len(new[i]))
        pairs = list(zip(earlier, new, strict=True))
        if texts_changed(pairs, level, int(rng.integers(2**31)), "equal"):
            return True, prompts * count
    return False, prompts * ROUNDS[-1]


def lt(
    before: Array, now: Array, noise: float, tokens: int, rng: np.random.Generator, _look: int, many: int = PUBLISHED
) -> bool:
    lists = [asked(before[0], noise, rng) for _ in range(many)] + [asked(now[0], noise, rng) for _ in range(tokens)]
    keys = sorted({key for one in lists for key in one})
    table = np.array([[one.get(key, min(one.values())) for key in keys] for one in lists])

    def statistic(new: NDArray[np.intp]) -> Array:
        total, part = table.sum(axis=0), table[new].sum(axis=1)
        gap = part / tokens - (total - part) / (len(lists) - tokens)
        value: Array = np.abs(gap).mean(axis=1)
        return value

    observed = statistic(np.arange(many, many + tokens, dtype=np.intp)[None])[0]
    # More permutations than the published 1000: at a level of 0.5 % they would be too few to be exact.
    drawn = np.stack([rng.choice(len(lists), tokens, replace=False) for _ in range(2000)])
    extreme = int((statistic(drawn) >= observed - 1e-12).sum())
    return bool((1 + extreme) / (len(drawn) + 1) <= ALPHA / LOOKS)


TESTS: dict[str, Callable[[Array, Array, float, int, np.random.Generator, int], bool]] = {
    "watch x": ours_x,
    "watch": ours,
    "LT": lt,
    "LT 325": partial(lt, many=EARLIER),
}


def met(before: NDArray[np.int32], now: NDArray[np.int32], prompts: int, rng: np.random.Generator) -> bool:
    """Replies as strings of one character per token; samples are halves of what torch drew when both sides are one."""
    some = rng.choice(np.arange(len(SHORT), len(PROMPTS)), prompts, replace=False)
    texts = [([text(row) for row in before[i]], [text(row) for row in now[i]]) for i in some]
    found = text_test(texts, seed=int(rng.integers(2**31)), permutations=1000, length=50)
    return found.p_value <= ALPHA / LOOKS


def text(row: NDArray[np.int32]) -> str:
    """One character per token, up to the end of the reply."""
    stops = np.flatnonzero(np.isin(row, STOPS))
    return "".join(chr(0x100 + int(token)) for token in (row[: stops[0]] if len(stops) else row))


def share(trial: Callable[[], bool], runs: int) -> float:
    return sum(trial() for _ in range(runs)) / runs


def false_alarms(before: Array, noise: float, tokens: int, runs: int, rng: np.random.Generator) -> dict[str, float]:
    """Share of runs with an alarm at any of ten looks, nothing having changed."""
    looks = range(1, LOOKS + 1)
    return {
        name: share(lambda: any(test(before, before, noise, tokens, rng, look) for look in looks), runs)  # noqa: B023
        for name, test in TESTS.items()
    }


def measure(ladder: Path, runs: int) -> list[dict[str, Any]]:
    rng = np.random.default_rng(0)
    with np.load(ladder) as arrays:
        names = [str(name) for name in arrays["names"]]
        first = {name: arrays[f"first/{i}"] for i, name in enumerate(names)}
        replies = {name: arrays[f"replies/{i}"] for i, name in enumerate(names)}
        replies["unchanged"] = arrays["again"]
        reference = arrays["replies/0"]
    before = first["unchanged"]
    rows: list[dict[str, Any]] = []
    for name in names:
        kl = float(np.mean(np.sum(np.exp(before) * (before - first[name]), axis=1)))
        for noise, tokens in itertools.product(NOISE, TOKENS):
            # Without noise nothing is left to chance but LT's permutations.
            times = runs if noise else 2
            found = {
                test: share(lambda: alarm(before, first[name], noise, tokens, rng, LOOKS), times)  # noqa: B023
                for test, alarm in TESTS.items()
            }
            rows.append({"change": name, "kl": kl, "noise": noise, "tokens": tokens, **found})
        for prompts in MET_PROMPTS:
            whole = sum(len(text(row)) + 1 for prompt in replies[name][len(SHORT) :] for row in prompt)
            used = whole * prompts // (len(PROMPTS) - len(SHORT))
            power = share(lambda: met(reference, replies[name], prompts, rng), 8)  # noqa: B023
            rows.append({"change": name, "kl": kl, "noise": None, "tokens": used, "MET": power, "prompts": prompts})
        if name == "unchanged":
            alarms = share(
                lambda: any(ours_text(before, before, rng, x)[0] for x in range(1, LOOKS + 1)), max(runs // 2, 1)
            )
            rows.append({"change": "false alarms of texts over ten looks", "watch text": alarms})
        looked = [ours_text(before, first[name], rng, LOOKS) for _ in range(runs)]
        used = round(float(np.mean([tokens for _, tokens in looked])))
        power = sum(alarm for alarm, _ in looked) / runs
        rows.append({"change": name, "kl": kl, "noise": None, "tokens": used, "watch text": power})
        print(name, flush=True)
    for noise in NOISE[1:]:
        for tokens in (3, 10):
            found = false_alarms(before, noise, tokens, runs, rng)
            rows.append({"change": "false alarms over ten looks", "noise": noise, "tokens": tokens, **found})
    return rows


def table(rows: list[dict[str, Any]]) -> str:
    changes = list(dict.fromkeys(row["change"] for row in rows if "kl" in row))
    lines = []
    for noise in NOISE:
        heads = [f"{test} {tokens}" for tokens in TOKENS for test in TESTS]
        lines += ["", f"**Noise {noise:g} nats per logit**", "", f"| change | KL | {' | '.join(heads)} |"]
        lines.append("|---|--:|" + "--:|" * len(heads))
        for change in changes:
            some = {row["tokens"]: row for row in rows if row["change"] == change and row["noise"] == noise}
            cells = [f"{100 * some[tokens][test]:.0f} %" for tokens in TOKENS for test in TESTS]
            lines.append(f"| {change} | {some[TOKENS[0]]['kl']:.1e} | {' | '.join(cells)} |")
    lines += [
        "",
        "**Text alone**, power (tokens): MET by prompts of 10 replies of up to 50 tokens; ours by replies of one",
        "",
    ]
    heads = ["watch text", *(f"MET {n} prompts" for n in MET_PROMPTS)]
    lines += [f"| change | {' | '.join(heads)} |", "|---|" + "--:|" * len(heads)]
    for change in changes:
        some = {row["prompts"]: row for row in rows if row["change"] == change and "MET" in row}
        mine = next(row for row in rows if row["change"] == change and "watch text" in row)
        cells = [f"{100 * mine['watch text']:.0f} % ({mine['tokens']})"]
        cells += [f"{100 * some[n]['MET']:.0f} % ({some[n]['tokens']})" for n in MET_PROMPTS]
        lines.append(f"| {change} | {' | '.join(cells)} |")
    lines += ["", f"| false alarms, any of ten looks | {' | '.join(TESTS)} |", "|---|" + "--:|" * len(TESTS)]
    for row in rows:
        if "kl" not in row and "noise" in row:
            name = f"noise {row['noise']:g}, {row['tokens']} tokens a look"
            lines.append(f"| {name} | {' | '.join(f'{100 * row[test]:.1f} %' for test in TESTS)} |")
    texts = next(row["watch text"] for row in rows if row["change"].startswith("false alarms of texts"))
    lines += ["", f"False alarms of texts alone over ten looks: {100 * texts:.1f} %."]
    return "\n".join(lines)


def make_ladder(target: Path) -> None:
    """Train and quantise with torch, in the engines' environment."""
    from tests.engines.lane import Lane
    from tests.engines.lane.build import INSIDE

    with Lane() as lane, tempfile.TemporaryDirectory() as scratch:
        lane.prefetch(["vllm"])
        models = lane.models()
        prompts = Path(scratch, "prompts.json")
        prompts.write_text(json.dumps(PROMPTS))
        script = Path(__file__).with_name("ladder_torch.py")
        subprocess.run([models.python, script, models.hf["tiny-a"].parent, INSIDE, target, prompts], check=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ladder", type=Path, default=Path(tempfile.gettempdir(), "auditor-ladder.npz"))
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--json", type=Path)
    asked_for = parser.parse_args()
    if not asked_for.ladder.exists():
        make_ladder(asked_for.ladder)
    rows = measure(asked_for.ladder, asked_for.runs)
    print(table(rows))
    if asked_for.json:
        asked_for.json.write_text(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
