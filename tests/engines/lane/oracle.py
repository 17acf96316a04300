"""Exact log-probabilities of the tiny models, to hold what an engine returns against."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from .build import INSIDE, TinyModels
from .cache import run_logged

__all__ = ["Array", "ExactLogprobs", "Prompt", "exact_logprobs"]

Array = npt.NDArray[np.float64]
Prompt = Sequence[Mapping[str, str]] | Sequence[int]


@dataclass(frozen=True)
class ExactLogprobs:
    """What torch computes in fp32, over the whole (padded) vocabulary, normalised in double precision."""

    ids: list[list[int]]
    """The token ids of each prompt, after the chat template."""
    logprobs: dict[str, list[Array]]
    """For each model name one array a prompt: (vocabulary,), or (tokens, vocabulary) for every position.

    Row i of the latter predicts token i + 1.
    """


def exact_logprobs(
    models: TinyModels,
    prompts: Sequence[Prompt],
    *,
    names: Sequence[str] | None = None,
    every_position: bool = False,
    enable_thinking: bool | None = None,
) -> ExactLogprobs:
    """Compute next-token log-probabilities of the named models (default: all) after each prompt.

    A prompt is a list of chat messages, put through the models' chat template, or a list of token ids. All models
    share one tokenizer. `enable_thinking=False` is what llama-server passes to the template unless told otherwise.
    """
    wanted = list(names) if names is not None else list(models.hf)
    request = {
        "models": {name: str(models.hf[name]) for name in wanted},
        "prompts": [list(prompt) for prompt in prompts],
        "template": {} if enable_thinking is None else {"enable_thinking": enable_thinking},
        "every_position": every_position,
    }
    with tempfile.TemporaryDirectory(prefix="auditor-oracle-") as scratch:
        asked, answered = Path(scratch, "request.json"), Path(scratch, "logprobs.npz")
        asked.write_text(json.dumps(request))
        run_logged([models.python, INSIDE / "logprobs.py", asked, answered], Path(scratch, "oracle.log"))
        with np.load(answered) as arrays:
            count = range(len(prompts))
            return ExactLogprobs(
                ids=[arrays[f"ids/{number}"].tolist() for number in count],
                logprobs={name: [arrays[f"{name}/{number}"] for number in count] for name in wanted},
            )
