"""What an endpoint was measured to do."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

SCHEMA = "auditor.probe/1"

Protocol = Literal["F", "S", "P", "G", "T"]
"""The drift protocol an endpoint permits: F full teacher forcing with top-k, S scored prompt tokens, P prefill one
position at a time, G generated logprobs only, T text only. The probe tells G from T; the others are `find_scorer`'s."""
LogprobsTemperature = Literal["raw", "scaled", "unknown"]
StructuredOutput = Literal["json_schema", "json_object", "none"]
SeedBehaviour = Literal["repeats", "varies", "unsupported", "unknown"]
ReasoningSwitch = Literal["on", "off", "none"]
TopList = Literal["top", "sampled_first", "appended", "unknown"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """The record of one probe. None means "not measured"; JSON shape `auditor.probe/1`."""

    schema: Literal["auditor.probe/1"] = "auditor.probe/1"
    endpoint: str
    """The endpoint as people write it."""
    dialect: str
    """As the plan says, or as the server was recognised; "" for a server that is not known by name."""
    dialect_recognised: bool = False
    """The plan named no dialect and the server told which it is. Reconnect with it: its settings are sent in full then."""
    server: str = ""
    """What the server calls itself: its fingerprint or its model list's owner."""
    version: str = ""
    """The version that the server tells on a route of its own."""
    model: str
    served_model: str = ""
    """The model's name in the answers."""
    models: tuple[str, ...] | None = None
    chat: bool = True
    completions: bool | None = None
    """Whether plain text completions work; only looked for at self-hosted servers."""
    logprobs: bool | None = None
    top_logprobs_max: int | None = None
    """The most alternatives per position that were asked for and came. 0 if logprobs come without alternatives."""
    top_logprobs_limited: bool | None = None
    """True if more than that were refused or did not come; False if the probe asked for no more."""
    top_list: TopList = "unknown"
    """top: the k best, nothing else; sampled_first: the sampled token can stand in the k-th best's place;
    appended: k + 1 entries when the sampled token is not among the best."""
    logprobs_temperature: LogprobsTemperature = "unknown"
    """Whether values are the model's own or those after temperature; None of it matters at T = 1."""
    logprobs_at_temperature_zero: LogprobsTemperature = "unknown"
    """raw if at T = 0 they equal those at T = 1. Some servers scale at every other temperature only."""
    sentinels: bool | None = None
    """Whether "no number" stood in place of a logprob (-9999 and its like)."""
    largest_sum: float | None = None
    """The largest sum of probabilities that one position's list had; above 1 it is broken."""
    aa_noise: float | None = None
    """Nats: the largest difference between the logprobs of one question asked twice. 0 is a server that repeats itself."""
    prompt_logprobs: bool | None = None
    """Whether tokens of a given prompt are scored with alternatives, by id."""
    echo: bool | None = None
    """Whether completions score an echoed prompt with the logprobs that its text had when it was generated."""
    token_ids: bool | None = None
    """Whether alternatives carry token ids, in chat or where given text is scored."""
    targeted_token_ids: bool | None = None
    """Whether the logprobs of tokens of one's choice can be had, by id."""
    prefill: bool | None = None
    """Whether an assistant message at the end is continued as the beginning of the reply."""
    reasoning_field: str | None = None
    """Where a trace was seen: a field's name, "thinking" (typed blocks), "tags", "harmony", or "hidden" (tokens are counted,
    no text comes). None: no trace was seen in the probe's short replies."""
    reasoning_switch: ReasoningSwitch | None = None
    """Whether thinking can be switched, and how it stands as the plan has the endpoint asked: on, off, or none (no switch
    was seen)."""
    tokenizer: str | None = None
    """Fingerprint of the tokenizer: equal for equal tokenizers, on any server that has ``/tokenize``."""
    structured_output: StructuredOutput | None = None
    """The strictest form of output that the server was seen to enforce."""
    seed: SeedBehaviour = "unknown"
    """repeats: the same seed gave the same text and another seed another text."""
    streaming: bool | None = None
    """Whether a reply that was asked for in pieces came in pieces, and whole."""
    refused_settings: tuple[str, ...] = ()
    """Settings that are not sent because the model refuses them."""
    anomalies: tuple[str, ...] = ()
    protocol: Protocol = "T"
    latency_s: float | None = None
    """Median duration of the probe's questions in seconds."""
    calls: int = 0
    """Questions the probe asked."""

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types."""
        plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(self))
        return plain
