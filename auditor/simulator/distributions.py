"""The next-token distributions of both sides: known in full, so every divergence between them is known exactly.

A context is the bytes before the token. Its hash gives the baseline's logits over the whole vocabulary: −s·ln u with u
uniform makes the probabilities fall off like a power of their rank (Zipf), with words that replies begin with raised, and
bytes and markers (but not the end token) lowered. The candidate's logits are the baseline's plus the planted drift (nats)
times a number of zero mean and unit variance per token, so its probabilities are never further than a bounded factor away.
"""

from __future__ import annotations

import hashlib
import math
from functools import cache
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from auditor.records import Message, Prompt, Side
from auditor.simulator.truth import PlantedTruth
from auditor.simulator.vocabulary import END_ID, LEXICON, SPECIALS, Lexicon

Floats = npt.NDArray[np.float64]
Direction = Literal["forward", "reverse"]

_STEEPNESS: Final = 1.4
_ROOT3: Final = math.sqrt(3.0)


@cache
def _offsets(words: Lexicon) -> Floats:
    offsets = np.zeros(len(words.tokens))
    offsets[: 256 + len(SPECIALS)] = -7.0
    offsets[END_ID] = 0.0
    offsets[list(words.openers)] = 5.5
    return offsets


def _uniforms(key: bytes, count: int) -> Floats:
    words = np.frombuffer(hashlib.shake_128(key).digest(4 * count), dtype="<u4")
    uniforms: Floats = (words + 0.5) * 2.0**-32
    return uniforms


def _normalised(logits: Floats) -> Floats:
    shifted: Floats = logits - logits.max()
    shifted -= np.log(np.exp(shifted).sum())
    return shifted


class Context:
    """The bytes before a token, hashed as they grow, and the planted drift that holds there."""

    def __init__(self, truth: PlantedTruth, text: bytes, dimension: str | None) -> None:
        self._truth = truth
        self._seed = truth.seed
        self._drift = truth.drift_of(dimension)
        self._hash = hashlib.blake2b(text, digest_size=16)

    def extend(self, token: int, side: Side = "baseline") -> None:
        """Add the bytes of a token of one side's vocabulary."""
        self._hash.update(self._truth.lexicon(side).tokens[token].raw)

    def logprobs(self, side: Side) -> Floats:
        """Log-probabilities (nats) of the next token over the side's whole vocabulary, shape (tokens,)."""
        words = self._truth.lexicon(side)
        count = len(words.tokens)
        key = self._seed.to_bytes(16, "big", signed=True) + self._hash.digest()
        logits = _offsets(words) - _STEEPNESS * np.log(_uniforms(b"base" + key, count))
        if side == "candidate" and self._drift:
            logits = logits + self._drift * _ROOT3 * (2.0 * _uniforms(b"shift" + key, count) - 1.0)
        return _normalised(logits)


def render(messages: tuple[Message, ...]) -> str:
    """The chat template: what the models see of a conversation when they begin to reply."""
    turns = "".join(f"<|{message.role}|>\n{message.content}<|end|>\n" for message in messages)
    return f"{turns}<|assistant|>\n"


def render_ids(messages: tuple[Message, ...], words: Lexicon = LEXICON) -> list[int]:
    """The same as token ids. Markers inside contents are read as plain characters."""
    ids: list[int] = []
    for message in messages:
        ids += [*words.tokenise(f"<|{message.role}|>\n", specials=True), *words.tokenise(message.content)]
        ids += words.tokenise("<|end|>\n", specials=True)
    return [*ids, *words.tokenise("<|assistant|>\n", specials=True)]


def first_token_logprobs(truth: PlantedTruth, prompt: Prompt, side: Side) -> Floats:
    """Log-probabilities (nats) of the first token of a chat reply to a prompt, over the whole vocabulary."""
    return Context(truth, context_bytes(prompt.messages), prompt.dimension).logprobs(side)


def context_bytes(messages: tuple[Message, ...]) -> bytes:
    """What `Context` hashes for the beginning of a reply: equal to the bytes of `render_ids`."""
    return render(messages).encode("utf-8", "replace")


def kl(p: Floats, q: Floats) -> float:
    """KL(p‖q) in nats of two full distributions given as natural logs."""
    return float(max(0.0, math.fsum(np.exp(p) * (p - q))))


def exact_first_token_kl(truth: PlantedTruth, prompt: Prompt, direction: Direction = "forward") -> float:
    """The planted KL divergence in nats at the first token of a reply: forward is KL(baseline‖candidate), reverse
    KL(candidate‖baseline).
    """
    base = first_token_logprobs(truth, prompt, "baseline")
    candidate = first_token_logprobs(truth, prompt, "candidate")
    return kl(base, candidate) if direction == "forward" else kl(candidate, base)
