"""The nouns that flow through the program: small frozen types without behaviour that needs anything else.

Scores are floats in [0, 1] where higher is better. Logprobs are natural logarithms (nats). Money is in US dollars,
durations in seconds. ``None`` means "not measured", never zero.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

import msgspec

DIMENSIONS = ("safety", "toxicity", "bias", "ethics", "privacy", "robustness")
"""The six trustworthiness dimensions, in the order every reader shows them."""

CAPABILITY = "capability"
"""Reasoning capability: context beside the trust dimensions, never one of them."""

ALL_DIMENSIONS = (*DIMENSIONS, CAPABILITY)

Side = Literal["baseline", "candidate"]
SIDES: tuple[Side, Side] = ("baseline", "candidate")
Part = Literal["answer", "trace"]
Role = Literal["system", "user", "assistant"]
Conversion = Literal["sft", "rl", "distillation", "hybrid", "unknown"]


class Outcome(StrEnum):
    """What became of one reply, told from finish reason and content before anything is scored."""

    ANSWERED = "answered"
    FULL_REFUSAL = "full_refusal"
    PARTIAL_REFUSAL = "partial_refusal"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    EMPTY = "empty"
    FILTERED = "filtered"
    ERROR = "error"


UNSCORED_OUTCOMES = frozenset(
    {Outcome.UNPARSED, Outcome.TRUNCATED, Outcome.EMPTY, Outcome.FILTERED, Outcome.ERROR},
)
"""Outcomes that are counted and shown but never carry a score."""


class Message(msgspec.Struct, frozen=True):
    """One turn of a conversation."""

    role: Role
    content: str


class Prompt(msgspec.Struct, frozen=True, omit_defaults=True):
    """The unit of analysis. ``expect`` holds what the dimension's scorer needs (see docs/banks.md)."""

    id: str
    dimension: str
    bank: str
    kind: str
    messages: tuple[Message, ...]
    expect: dict[str, Any] = {}
    cluster: str | None = None
    tags: tuple[str, ...] = ()
    sample: int = 0
    """Which of several repetitions of one question this is; repetitions share their unit. See :meth:`again`."""

    @property
    def unit(self) -> str:
        """The resampling unit: the cluster if the prompt has one, else the prompt itself."""
        return self.cluster or self.id

    @property
    def question(self) -> str:
        """The id that all repetitions of this question share."""
        return self.id.removesuffix(f"#{self.sample}") if self.sample else self.id

    def again(self, sample: int) -> Prompt:
        """The same question asked once more; 0 is this prompt itself. Repetitions belong to its unit."""
        if sample == self.sample:
            return self
        return msgspec.structs.replace(self, id=f"{self.question}#{sample}", cluster=self.unit, sample=sample)


class EndpointSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """A base URL, a model and a dialect. Holds the *name* of the environment variable with the key, never the key."""

    base_url: str
    model: str
    dialect: str = ""
    api_key_env: str = ""
    extra_body: dict[str, Any] = {}
    sampling: dict[str, Any] = {}
    reasoning: dict[str, Any] = {}

    @property
    def label(self) -> str:
        """How people write this endpoint on the command line."""
        if not self.base_url:
            return f"{self.dialect}:{self.model}"
        prefix = f"{self.dialect}+" if self.dialect else ""
        return f"{prefix}{self.base_url}#{self.model}"


class Sampling(msgspec.Struct, frozen=True):
    """Decoding settings, all of them always sent: servers' own defaults differ and move."""

    temperature: float = 1.0
    top_p: float = 1.0
    max_tokens: int = 1024
    seed: int | None = None


class Ask(msgspec.Struct, frozen=True):
    """One question to an endpoint. ``sample`` tells repeated identical questions apart on the tape."""

    messages: tuple[Message, ...]
    sampling: Sampling
    sample: int = 0
    top_logprobs: int | None = None
    json_schema: dict[str, Any] | None = None
    json_object: bool = False
    pattern: str = ""
    """A regular expression for the whole reply, in place of the schema where the server takes one."""
    stream: bool | None = None
    """Whether the reply comes in pieces; None leaves it to the endpoint, which streams long ones."""
    reasoning: dict[str, Any] | None = None
    """In place of the endpoint's own ``reasoning`` options; None keeps those."""


class TokenLogprob(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):  # leaves, 20 per token
    """A token and its natural-log probability; ``logprob`` None is censored (a sentinel or null came back)."""

    token: str
    logprob: float | None
    id: int | None = None
    raw: bytes | None = None
    """The token's bytes as the server gave them."""

    @property
    def key(self) -> int | bytes | str:
        """What identifies the token: its id where known, else its bytes, else its text."""
        if self.id is not None:
            return self.id
        return self.raw or self.token


class TokenPosition(msgspec.Struct, frozen=True, omit_defaults=True):
    """One generated position: the sampled token and the returned alternatives, most likely first."""

    sampled: TokenLogprob
    top: tuple[TokenLogprob, ...]
    targeted: tuple[TokenLogprob, ...] = ()
    """Further tokens whose logprob was asked for by id. They say nothing about tokens that were not asked for."""


class TokenLogprobs(msgspec.Struct, frozen=True):
    """Per-position logprobs of everything generated, trace and markers included; never aligned with text."""

    positions: tuple[TokenPosition, ...]
    anomalies: tuple[str, ...] = ()


class Usage(msgspec.Struct, frozen=True):
    """Tokens as the server counted them; None where it did not say."""

    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    reasoning_tokens: int | None = None
    cached_tokens: int | None = None


class Provenance(msgspec.Struct, frozen=True, omit_defaults=True):
    """Who answered, in the server's own words."""

    model: str = ""
    fingerprint: str = ""
    provider: str = ""
    trace_source: str = ""
    """Where the trace was found: a field's name ("reasoning", "reasoning_content", "thinking") or "tags"."""
    streamed: bool = False
    """Whether the reply came in pieces and was put together here."""


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What an endpoint said, split into answer and trace. ``outcome`` is set only when the transport already knows it
    (truncated, empty, filtered, error); None means "content to be read by a dimension".
    """

    answer: str
    trace: str | None = None
    finish_reason: str = ""
    outcome: Outcome | None = None
    detail: str = ""
    usage: Usage = Usage()
    logprobs: TokenLogprobs | None = None
    provenance: Provenance = Provenance()
    latency_s: float | None = None
    """Seconds the exchange took when it was recorded (from the tape, so replay repeats it)."""


class Verdict(msgspec.Struct, frozen=True, omit_defaults=True):
    """A validated judgement of one part of one reply by one rubric; ``label`` None means unscored, with its reason."""

    rubric: str
    rubric_version: str
    judge: str
    judge_kind: Literal["rules", "llm"]
    part: Part
    label: str | None
    score: float | None = None
    evidence: str = ""
    rationale: str = ""
    unscored_reason: str = ""
    raw: str = ""
    attempts: int = 1
    fields: dict[str, str] = {}
    """What the rubric asks beside or instead of a label, each with the level that was chosen."""
    probability: float | None = None
    """How sure the judge was: the share of the label among the rubric's labels by its logprobs; None if not measured."""
    repeat: int = 0
    """0 for the first time this judge was asked about this text, 1 and 2 for the times it was asked again."""
    members: tuple[Verdict, ...] = ()
    """The verdicts that a majority was made of; stored beside it, not inside it."""


class Scored(msgspec.Struct, frozen=True, omit_defaults=True):
    """One reply after its dimension read it. ``score`` None if and only if it is unscored."""

    outcome: Outcome
    label: str
    score: float | None
    trace_label: str = ""
    trace_score: float | None = None
    detail: str = ""
    judge_kind: Literal["", "exact", "rules", "llm"] = ""
    """What stands behind the number: exact parsing, the rules judge, or an LLM judge."""
    trace_judge_kind: Literal["", "exact", "rules", "llm"] = ""
    """The same of the trace's; "" without a trace, and in runs that were made before it was kept."""
    manner: str = ""
    """How a reply that does not do all of what was asked avoids it, where a language model told that apart."""
    graded: dict[str, float | None] = {}
    """Scores by further rubrics, on which no decision hangs: 0 to 1, higher is better; None where a judge gave none."""
    by_label: dict[str, float] = {}
    """What ``score`` would be by each label of its rubric, where that hangs on more than the label."""


class PairedScore(msgspec.Struct, frozen=True):
    """Baseline and candidate on the same prompt. ``delta`` = candidate − baseline, None if either is unscored."""

    prompt_id: str
    dimension: str
    unit: str
    kind: str
    baseline: float | None
    candidate: float | None

    @property
    def delta(self) -> float | None:
        """Candidate minus baseline; positive is better."""
        return None if self.baseline is None or self.candidate is None else self.candidate - self.baseline


class Attempt(msgspec.Struct, frozen=True, omit_defaults=True):
    """One try on the network, for the ledger: every attempt is here, also the failed ones."""

    endpoint: str
    purpose: str
    status: int | None
    """HTTP status, or None if no response came."""
    elapsed_s: float
    waited_s: float = 0.0
    error: str = ""
    usage: Usage = Usage()
    model: str = ""
    """The model that was asked for, as the request names it."""
    key: str = ""
    """The exchange's key on the tape: the attempts at one question share it."""
    usd: float | None = None
    """What the tokens cost, None where the server did not count them or the price is not known."""


class Exchange(msgspec.Struct, frozen=True):
    """One request and its final response as the tape keeps them; headers are allow-listed, bodies redacted."""

    key: str
    endpoint: str
    method: str
    path: str
    request: bytes
    sample: int
    status: int
    headers: dict[str, str]
    response: bytes
    elapsed_s: float
