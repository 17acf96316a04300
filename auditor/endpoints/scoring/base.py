"""Making an endpoint say how likely a *given* text is: what chat has no words for.

A scorer speaks in token ids, so that the text one model wrote is scored by the other as it was written, without being
cut into tokens a second time.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, runtime_checkable

from auditor.errors import NotAnApi, RequestRejected
from auditor.records import Ask, EndpointSpec, Message, TokenPosition

ScoreProtocol = Literal["F", "S", "P"]
"""F: every position in one call, with alternatives. S: every position, the given token alone. P: a call per position."""

Targets = Literal["none", "each", "all"]
"""Whether given alternatives can be asked for by id: not at all, with a call for each position, or with one for all."""

Known = dict[int, dict[int, float]]
"""By place in the continuation: logprobs in nats of the tokens that were asked for there, by id."""

FORCE: Final = 10_000.0
"""Added to a token's logit, it makes the token certain to be generated; servers report logprobs from before it."""


@dataclass(frozen=True, slots=True)
class Prefix:
    """A conversation as the model sees it when its reply begins: after the chat template, as token ids.

    ``text`` is what a scorer has to send in place of ids, where its server reads text only; "" for the others.
    """

    ids: tuple[int, ...]
    text: str = ""

    def then(self, more: Sequence[int], pieces: Sequence[str] = ()) -> Prefix:
        """This with more tokens behind it, which print as ``pieces``."""
        return Prefix((*self.ids, *more), self.text + "".join(pieces))


@dataclass(frozen=True, slots=True)
class Sampled:
    """What a model wrote.

    Attributes:
        ids: the generated tokens, with the end token where the server gives it.
        positions: a position per token with its alternatives; () if none came.
        ended: the model ended by itself, not at the token limit.
        text: what the server says the tokens spell, without the end token.
    """

    ids: tuple[int, ...]
    positions: tuple[TokenPosition, ...]
    ended: bool
    text: str = ""

    @property
    def keyed(self) -> bool:
        """Whether the lists are there and their entries carry ids, so that they can be held against scored ones."""
        return bool(self.positions) and all(t.id is not None for p in self.positions for t in p.top)


@dataclass(slots=True)
class Spent:
    """What a scorer has asked for so far. The same question again is answered by the tape and costs nothing."""

    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    _asked: set[int] = field(default_factory=set)

    def asks(self, question: tuple[str, bytes, int]) -> bool:
        """Count a call, and tell whether it is new."""
        key = hash(question)
        if key in self._asked:
            return False
        self._asked.add(key)
        self.calls += 1
        return True

    def tokens(self, prompt: int, completion: int) -> None:
        """Count the tokens of a new call."""
        self.prompt_tokens += prompt
        self.completion_tokens += completion


@runtime_checkable
class Server(Protocol):
    """What a scorer needs of an endpoint."""

    @property
    def spec(self) -> EndpointSpec:
        """Address and model."""
        ...

    def request_body(self, ask: Ask) -> dict[str, Any]:
        """The chat request for a question."""
        ...

    async def exchange(self, url: str, body: dict[str, Any], *, purpose: str, sample: int = 0) -> bytes:
        """Post to any route; the body of a 200, else an EndpointError."""
        ...


class Scorer(Protocol):
    """An endpoint that scores given tokens. All methods raise EndpointError leaves."""

    name: str
    """How it is done, as it stands in results: "prompt_logprobs", "echo", "one_by_one", "llama-cpp", …"""
    protocol: ScoreProtocol
    targets: Targets
    spent: Spent

    async def prefix(self, messages: Sequence[Message]) -> Prefix:
        """Put messages through the server's chat template, with the reasoning options of its endpoint."""
        ...

    async def tokenise(self, text: str) -> tuple[int, ...]:
        """A text's token ids, nothing added."""
        ...

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        """Let the model write on at temperature 1 from the whole distribution, and list ``top`` alternatives."""
        ...

    async def score(
        self,
        prefix: Prefix,
        continuation: Sequence[int],
        *,
        top: int,
        at: Sequence[int] | None = None,
        sample: int = 0,
        pieces: Sequence[str] = (),
    ) -> dict[int, TokenPosition]:
        """Logprobs of given tokens after a prefix, by place in the continuation.

        ``sampled`` of each position is the given token (its logprob None where the server does not tell), ``top`` its
        alternatives: the ``top`` best, and never more. ``at`` are the places wanted; one call each with protocol P, and
        no cheaper than all of them otherwise. ``pieces`` is how the tokens print, for servers that read text only: they
        raise RequestRejected where that is not known, or where the text is cut into other tokens than those given.
        """
        ...

    async def known(
        self, prefix: Prefix, continuation: Sequence[int], ids: Mapping[int, Sequence[int]], *, sample: int = 0
    ) -> Known:
        """Logprobs of chosen alternatives, ``ids`` by place in the continuation; E3's input.

        Empty where the server can't be asked (``targets`` is "none"); tokens without a usable number are left out.
        """
        ...


def root_of(spec: EndpointSpec) -> str:
    """The address without /v1: where servers keep routes of their own."""
    return spec.base_url.removesuffix("/v1").rstrip("/")


def spelled(pieces: Sequence[str], count: int, spec: EndpointSpec) -> tuple[str, ...]:
    """The pieces of ``count`` tokens. Raises RequestRejected if one is missing or is part of a character."""
    if len(pieces) != count or any(not piece or "\ufffd" in piece for piece in pieces):
        raise RequestRejected(
            f"{spec.base_url} reads text only, and how the tokens print is not known for all of them.",
            "Compare endpoints that take token ids, or two that read text.",
        )
    return tuple(pieces)


def same_ids(got: Sequence[int | None], wanted: Sequence[int], spec: EndpointSpec) -> None:
    """Raise RequestRejected if a server cut the text into other tokens than those that were given."""
    if list(got) != list(wanted):
        raise RequestRejected(
            f"{spec.base_url} cuts the text into other tokens than the ones that were written.",
            "Compare endpoints that take token ids.",
        )


def unreadable(spec: EndpointSpec, what: str) -> NotAnApi:
    """The error for a 200 that lacks what was asked for."""
    return NotAnApi(f"{spec.base_url} answered without {what}.", "It can't be made to score given text this way.")
