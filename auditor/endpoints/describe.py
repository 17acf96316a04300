"""A probe's record in words: what was seen, and what it means for measuring drift. Pure."""

from __future__ import annotations

from typing import Final

from auditor.endpoints.capabilities import Capabilities, Protocol
from auditor.endpoints.dialects import dialect_named

Group = tuple[str, tuple[tuple[str, str], ...]]
"""A heading, and its lines as (what, how it is)."""

UNKNOWN: Final = "not measured"

DRIFT: Final[dict[Protocol, str]] = {
    "F": "text of the other model can be scored here in one call, with alternatives: KL divergence over whole replies",
    "S": "text of the other model can be scored here, its own tokens only: KL divergence over whole replies, with more noise",
    "P": "text of the other model can be scored here one position at a time: KL divergence at sampled positions",
    "G": "only what the model writes itself has logprobs: divergence at the first token and as far as both say the same",
    "T": "no logprobs: drift is measured on texts alone, and that is not a KL divergence",
}
_TRACES: Final = {
    "tags": "in the text, between markers",
    "harmony": "in the text, in harmony channels",
    "thinking": "in typed blocks",
    "hidden": "hidden: its tokens are counted, no text comes",
    "reasoning_summary": "as a summary written about it",
}
_SWITCH: Final = {
    "on": "can be switched, and is on",
    "off": "can be switched, and is OFF",
    "none": "no switch was seen",
}
_LISTS: Final = {
    "top": "the best k, nothing else",
    "sampled_first": "the sampled token can stand in the k-th best's place",
    "appended": "k + 1 entries when the sampled token is not among the best",
}
_VALUES: Final = {
    "raw": "before temperature (the model's own)",
    "scaled": "after temperature (the same thing at temperature 1, which audits use)",
}
_SEEDS: Final = {
    "repeats": "repeats a reply",
    "varies": "does not repeat a reply",
    "unsupported": "not taken",
}


def describe(found: Capabilities) -> tuple[Group, ...]:
    """The record in groups of lines, for people."""
    return (
        ("Server", _server(found)),
        ("Asking", _asking(found)),
        ("Reasoning", _reasoning(found)),
        ("Logprobs", _logprobs(found)),
        ("Scoring given text", _scoring(found)),
        ("Drift", (("protocol", f"{found.protocol}: {DRIFT[found.protocol]}"),)),
        ("Noticed", tuple(("!", anomaly) for anomaly in found.anomalies) or (("", "nothing odd"),)),
    )


def _server(found: Capabilities) -> tuple[tuple[str, str], ...]:
    family = dialect_named(found.dialect).title
    told = f"{family} (recognised)" if found.dialect_recognised else family
    lines = [("family", told), ("calls itself", found.server or "nothing"), ("version", found.version or "not told")]
    served = found.served_model
    lines.append(("model", found.model if served in {"", found.model} else f"{found.model}, answers as {served}"))
    if found.models is not None:
        lines.append(("models listed", str(len(found.models))))
    return tuple(lines)


def _asking(found: Capabilities) -> tuple[tuple[str, str], ...]:
    forms = {"json_schema": "JSON schema, enforced", "json_object": "JSON mode, without a schema", "none": "none"}
    lines = [
        ("chat", _yes(found.chat)),
        ("completions", _yes(found.completions)),
        ("streaming", _yes(found.streaming)),
        ("structured output", forms.get(found.structured_output or "", UNKNOWN)),
        ("seed", _SEEDS.get(found.seed, UNKNOWN)),
    ]
    if found.refused_settings:
        lines.append(("refused", ", ".join(found.refused_settings)))
    if found.latency_s is not None:
        lines.append(("median answer time", f"{found.latency_s:.2f} s"))
    return tuple(lines)


def _reasoning(found: Capabilities) -> tuple[tuple[str, str], ...]:
    place = found.reasoning_field
    trace = "none was seen" if place is None else _TRACES.get(place, f"in the field {place}")
    return ("trace", trace), ("thinking", _SWITCH.get(found.reasoning_switch or "", UNKNOWN))


def _logprobs(found: Capabilities) -> tuple[tuple[str, str], ...]:
    if not found.logprobs:
        return (("logprobs", _yes(found.logprobs)),)
    most = found.top_logprobs_max or 0
    more = {True: " (more are refused)", False: " or more", None: ""}[found.top_logprobs_limited]
    lines = [
        ("alternatives", f"{most}{more}"),
        ("lists hold", _LISTS.get(found.top_list, UNKNOWN)),
        ("values", _VALUES.get(found.logprobs_temperature, "could not be told apart")),
        ("token ids", _yes(found.token_ids)),
        ("asked for by id", _yes(found.targeted_token_ids)),
    ]
    if found.aa_noise is not None:
        same = "none: the same question gave the same numbers" if found.aa_noise == 0 else f"{found.aa_noise:.2g} nats"
        lines.append(("A/A noise", same))
    if found.largest_sum is not None:
        broken = "" if found.largest_sum <= 1.001 else ", more than 1: broken"
        lines.append(("largest sum", f"{found.largest_sum:.4f}{broken}"))
    lines.append(("missing numbers", _yes(found.sentinels)))
    return tuple(lines)


def _scoring(found: Capabilities) -> tuple[tuple[str, str], ...]:
    return (
        ("prompt logprobs", _yes(found.prompt_logprobs)),
        ("echo", _yes(found.echo)),
        ("prefill", _yes(found.prefill)),
        ("tokenizer", found.tokenizer or "not shown"),
    )


def _yes(value: bool | None) -> str:
    return UNKNOWN if value is None else "yes" if value else "no"
