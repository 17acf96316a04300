"""How many requests drift takes, before one is sent: for estimates, and for what a hard budget has to set aside. Pure.

A text is what one prompt costs in one direction under one audit: one model writes it, both score it. Requests that were
made before are answered by the tape and cost nothing, so there is a least and a most: the least where nobody thinks aloud
and lists come by id, the most where both do, switching thinking off makes a difference, and nothing is shared.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from auditor.drift.protocol_gather import Reasoning
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.scoring import SCORING_MAX_CALLS
from auditor.plan import Plan
from auditor.records import EndpointSpec

TARGETS_CALLS: Final = 2
"""Requests that finding out whether tokens can be asked for by id takes at each side."""
FIND_LEAST: Final = 6
"""Requests that finding a scorer takes at least at each side: the first way works, and no thinking is to be switched off."""
REPLIES: Final = 4
"""Replies per prompt and side with protocol T."""

_BY_DIALECT: Final = {"vllm": "F", "sglang": "F", "fireworks": "F", "llama-cpp": "P", "tgi": "S", "together": "S"}


@dataclass(frozen=True, slots=True)
class Calls:
    """The least and the most requests of one side."""

    least: int = 0
    most: int = 0

    def __add__(self, other: Calls) -> Calls:
        return Calls(self.least + other.least, self.most + other.most)

    def __mul__(self, count: int) -> Calls:
        return Calls(self.least * count, self.most * count)


def writing(protocol: str, positions: int, *, noise: bool) -> Calls:
    """What the writer of a text is asked: the prefix, the text, its own score, and that again for the noise floor."""
    scored = positions if protocol == "P" else 1
    return Calls(2 + scored * noise, 2 + scored * (1 + noise))


def reading(protocol: str, positions: int, reasoning: Reasoning) -> Calls:
    """What the reader of a text is asked: the prefix and the score; in ``own_trace`` a trace of its own before."""
    scored = positions if protocol == "P" else 1
    return Calls(1 + scored, 1 + scored + (reasoning == "own_trace"))


def text_calls(protocol: str, positions: int, reasoning: Reasoning, *, noise: bool) -> int:
    """The most requests of both sides for one text, with tokens asked for by id on both."""
    return writing(protocol, positions, noise=noise).most + reading(protocol, positions, reasoning).most + 2


def likely_protocol(spec: EndpointSpec) -> str:
    """What an endpoint of this dialect permits, as far as that is known before it is probed; "" if it isn't."""
    dialect = dialect_named(spec.dialect)
    known = _BY_DIALECT.get(dialect.name)
    if known is not None or not dialect.base_url:
        return known or ""
    return "G" if dialect.has_logprobs else "T"


def first_token(plan: Plan, prompts: int) -> Calls:
    """One side's requests for first tokens, and for tokens by id where both sides might take that."""
    if not plan.drift.enabled:
        return Calls()
    count = min(plan.drift.prompts, prompts)
    hosted = any(dialect_named(side.spec().dialect).base_url for side in (plan.baseline, plan.candidate))
    return Calls(count, count if hosted else 2 * count + TARGETS_CALLS)


def beyond(plan: Plan, prompts: int) -> Calls:
    """One side's requests for drift beyond the first token; the most over what the endpoints may turn out to permit."""
    if not plan.drift.enabled or plan.drift.protocol == "first_token":
        return Calls()
    count = min(plan.drift.prompts, prompts)
    wanted = plan.drift.protocol
    if wanted == "auto":
        told = [likely_protocol(side.spec()) for side in (plan.baseline, plan.candidate)]
        # The weaker of two decides; where one is not known, anything from text to a call per position may come.
        possible = [max(told, key="FPSGT".index)] if all(told) else ["T", "G", "F", "P"]
    else:
        possible = [wanted]
    each = [_of(plan, protocol) * count + _finding(protocol) for protocol in possible]
    return Calls(min(one.least for one in each), max(one.most for one in each))


def _finding(protocol: str) -> Calls:
    if protocol in ("G", "T"):
        return Calls(0, TARGETS_CALLS)
    return Calls(FIND_LEAST, 2 * SCORING_MAX_CALLS)


def _of(plan: Plan, protocol: str) -> Calls:
    if protocol == "T":
        return Calls(REPLIES, REPLIES)
    if protocol == "G":
        # The first token is on the tape already; greedy text only where temperature 0 leaves logprobs alone.
        return Calls(0, 2)
    # A side writes once and reads once per audit; prefixes and texts of one audit serve the others.
    positions = plan.drift.positions
    wrote, read = writing(protocol, positions, noise=True), reading(protocol, positions, "as_served")
    scored = read.most - 1
    as_served = Calls(wrote.least + scored, wrote.most + scored)
    off = as_served.most
    # Answers after a trace: scored again from where they begin, by one position at a time for both.
    again = scored if protocol == "P" else 0
    traces = 2 * scored + 1 + 4 * again
    return Calls(as_served.least, as_served.most + off + traces)
