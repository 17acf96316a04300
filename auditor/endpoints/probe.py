"""Measuring what an endpoint can do, with a stated number of tiny questions.

Each question is fixed text, asked one after the other, so that a tape repeats a probe exactly. Only faults that make the
endpoint useless (no connection, wrong key, no such model, no API) are errors; whatever else it can't do is recorded.
"""

from __future__ import annotations

import json
import re
import statistics
from collections.abc import Sequence
from typing import Any, Final, Literal

import msgspec

from auditor import defaults
from auditor.endpoints.base import Endpoint, Introspectable
from auditor.endpoints.capabilities import (
    Capabilities,
    LogprobsTemperature,
    SeedBehaviour,
    StructuredOutput,
    TopList,
)
from auditor.endpoints.decoding import MISFILED
from auditor.endpoints.dialects import dialect_named, recognise
from auditor.errors import Exhausted, RequestRejected
from auditor.records import Ask, Message, Reply, Sampling, TokenLogprobs, TokenPosition

PROBE_MAX_CALLS: Final = 24
"""At most this many requests per probe, all small: 17 questions, the model list, and what repeating refused ones takes."""

MORE_THAN_USUAL: Final = 100
"""Asked for once the usual 20 came: whether there is more. Larger than any vocabulary would kill some engines."""

Wanted = Literal["all", "judge"]

_HELLO: Final = "What is 3 + 4? Answer with the number only."
_NEXT: Final = "Name something one might find on a beach."
_STORY: Final = "Write one short, surprising sentence about a town."
_HELLO_TOKENS: Final = 256
"""Room for a reasoning model to reach its trace's end; others stop after a few tokens."""
_STORY_TOKENS: Final = 24
_A_TRACE: Final = 8
"""Reasoning tokens from which on an invisible trace is believed."""
_JSON_TOKENS: Final = 256
_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"zq_label": {"type": "string", "enum": ["k7", "m4"]}, "zq_sure": {"type": "boolean"}},
    "required": ["zq_label", "zq_sure"],
    "additionalProperties": False,
}
"""Names that no model writes by chance: an answer that fits was constrained. Finite, so that a tiny model ends, too."""
_BEGUN: Final = re.compile(r'\s*\{\s*"zq_(label|sure)"\s*:')
_SEEDS: Final = (11, 11, 12)


class _Prober:
    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.calls = 0
        self.latencies: list[float] = []
        self.anomalies: dict[str, None] = {}
        self.trace_source: str | None = None
        self.most_hidden = 0

    async def ask(
        self, text: str, *, max_tokens: int, temperature: float = defaults.TEMPERATURE, **options: Any
    ) -> Reply:
        seed, sample = options.pop("seed", None), options.pop("sample", 0)
        sampling = Sampling(temperature=temperature, top_p=1.0, max_tokens=max_tokens, seed=seed)
        question = Ask(messages=(Message("user", text),), sampling=sampling, sample=sample, **options)
        self.calls += 1
        reply = await self.endpoint.ask(question, purpose="probe")
        if reply.latency_s is not None:
            self.latencies.append(reply.latency_s)
        if reply.logprobs is not None:
            self.anomalies |= dict.fromkeys(reply.logprobs.anomalies)
        if MISFILED in reply.detail:
            self.anomalies[f"{MISFILED} (put right): serve this model without one, or let it think"] = None
        if reply.trace and self.trace_source is None:
            self.trace_source = reply.provenance.trace_source
        self.most_hidden = max(self.most_hidden, reply.usage.reasoning_tokens or 0)
        return reply

    async def try_ask(self, text: str, *, max_tokens: int, **options: Any) -> Reply | None:
        """As `ask`, but None where the server refuses this question or breaks on it."""
        try:
            return await self.ask(text, max_tokens=max_tokens, **options)
        except (RequestRejected, Exhausted):
            return None

    async def next_token(self, k: int, temperature: float = 1.0) -> TokenPosition | None:
        """Logprobs of the first generated token with ``k`` alternatives, or None if none came."""
        reply = await self.try_ask(_NEXT, max_tokens=1, temperature=temperature, top_logprobs=k)
        return _first_position(reply.logprobs if reply else None)


async def probe(endpoint: Endpoint, *, wanted: Wanted = "all") -> Capabilities:
    """Measure an endpoint with at most `PROBE_MAX_CALLS` requests.

    Args:
        endpoint: what to ask. What it learns about refused settings it keeps (see `OpenAICompatible`).
        wanted: "judge" measures only what a judge needs (chat and structured output), with at most four requests more
            than the settings it refuses.

    Raises:
        EndpointError: the first question could not be asked: AuthenticationFailed, ModelNotFound, Unreachable, NotAnApi,
            RequestRejected or Exhausted.
    """
    prober = _Prober(endpoint)
    hello = await prober.ask(_HELLO, max_tokens=_HELLO_TOKENS)
    models, owner = await _served(endpoint)
    spec = endpoint.spec
    fingerprint = hello.provenance.fingerprint
    known = recognise(owned_by=owner, fingerprint=fingerprint) if not spec.dialect else None
    found = Capabilities(
        endpoint=spec.label,
        dialect=known.name if known else spec.dialect,
        dialect_recognised=known is not None,
        server=fingerprint or owner,
        model=spec.model,
        served_model=hello.provenance.model,
        models=models,
        structured_output=await _structured(prober),
    )
    if wanted == "all":
        dialect = dialect_named(spec.dialect)
        if dialect.has_logprobs:
            found = await _measure_logprobs(prober, found)
        else:
            found = msgspec.structs.replace(found, logprobs=False)
        found = msgspec.structs.replace(found, seed=await _seed(prober) if dialect.sends_seed else "unsupported")
    if _is_another(found):
        prober.anomalies["the answers name another model than the one asked for"] = None
    refused = endpoint.conceded if isinstance(endpoint, Introspectable) else ()
    return msgspec.structs.replace(
        found,
        seed="unsupported" if "seed" in refused else found.seed,
        reasoning_field=_reasoning_field(prober),
        refused_settings=refused,
        anomalies=tuple(prober.anomalies),
        protocol="G" if found.logprobs and found.top_logprobs_max else "T",
        latency_s=round(statistics.median(prober.latencies), 4) if prober.latencies else None,
        calls=prober.calls,
    )


async def _served(endpoint: Endpoint) -> tuple[tuple[str, ...] | None, str]:
    if not isinstance(endpoint, Introspectable):
        names = await endpoint.models()
        return (None if names is None else tuple(names)), ""
    served = await endpoint.served()
    if served is None:
        return None, ""
    owners = [m.owned_by for m in served if m.id == endpoint.spec.model] or [m.owned_by for m in served]
    return tuple(m.id for m in served), owners[0] if owners else ""


def _is_another(found: Capabilities) -> bool:
    """Whether the answers come from a model whose name does not fit. Dated and vendor-prefixed names of it do fit."""
    if not found.served_model:
        return False
    asked, got = found.model.lower().rsplit("/", 1)[-1], found.served_model.lower().rsplit("/", 1)[-1]
    return not (asked in got or got in asked) and (found.models is None or found.model not in found.models)


def _reasoning_field(prober: _Prober) -> str | None:
    if prober.trace_source is not None:
        return prober.trace_source
    # A marker or two are counted as reasoning by some servers; that is not a trace kept from us.
    return "hidden" if prober.most_hidden >= _A_TRACE else None


# --- logprobs -------------------------------------------------------------------------------------------------------


def _first_position(logprobs: TokenLogprobs | None) -> TokenPosition | None:
    if logprobs is None or not logprobs.positions:
        return None
    position = logprobs.positions[0]
    numbers = [t for t in (position.sampled, *position.top) if t.logprob is not None]
    return position if numbers else None


async def _measure_logprobs(prober: _Prober, found: Capabilities) -> Capabilities:
    most, limited, position = await _largest(prober)
    if position is None:
        return msgspec.structs.replace(found, logprobs=False)
    found = msgspec.structs.replace(
        found,
        logprobs=True,
        top_logprobs_max=most,
        top_logprobs_limited=limited,
        token_ids=all(t.id is not None for t in (position.top or (position.sampled,))),
    )
    if not most:
        return found
    k = min(most, defaults.TOP_LOGPROBS)
    at = {t: await prober.next_token(k, t) for t in (1.0, 0.5, 0.0)}
    hot = await prober.try_ask(_STORY, max_tokens=_STORY_TOKENS, temperature=2.0, top_logprobs=min(k, 2), seed=1)
    return msgspec.structs.replace(
        found,
        logprobs_temperature=compare_temperatures(at[1.0], at[0.5], 0.5),
        logprobs_at_temperature_zero=_at_zero(at[1.0], at[0.0]),
        top_list=shape_of_lists(hot.logprobs if hot else None, min(k, 2)),
    )


async def _largest(prober: _Prober) -> tuple[int, bool, TokenPosition | None]:
    """The most alternatives that come, whether more were refused, and a position that shows it.

    Down a ladder to the first number that is taken, then bisection up to the first that is not. Eight questions at most.
    """
    best: TokenPosition | None = None
    low, high = 0, MORE_THAN_USUAL + 1
    for k in (defaults.TOP_LOGPROBS, 5, 1):
        best = await prober.next_token(k)
        if best is not None:
            low = min(len(best.top), k)
            if low < k:
                return low, True, best
            break
        high = k
    if best is None:
        bare = await prober.next_token(0)
        return 0, bare is not None, bare
    if low >= defaults.TOP_LOGPROBS:
        more = await prober.next_token(MORE_THAN_USUAL)
        if more is None or len(more.top) <= low:
            return defaults.TOP_LOGPROBS if more is None else low, True, best
        return min(len(more.top), MORE_THAN_USUAL), len(more.top) < MORE_THAN_USUAL, more
    while high - low > 1:
        k = (low + high) // 2
        at = await prober.next_token(k)
        if at is None or len(at.top) < k:
            high = k
        else:
            low, best = k, at
    return low, True, best


def _values(position: TokenPosition | None) -> dict[Any, float]:
    return {} if position is None else {t.key: t.logprob for t in position.top if t.logprob is not None}


def compare_temperatures(
    base: TokenPosition | None, other: TokenPosition | None, temperature: float
) -> LogprobsTemperature:
    """Whether logprobs at ``temperature`` are those at 1 (raw) or those divided by it and renormalised (scaled). Pure.

    Compared are differences to the likeliest common token, in which the normalising constant cancels. The hypothesis
    that fits clearly better wins (medians in nats over the common tokens; a server's own noise reaches 0.1).
    """
    a, b = _values(base), _values(other)
    common = sorted(a.keys() & b.keys(), key=lambda key: -a[key])
    if len(common) < 2:
        return "unknown"
    top, rest = common[0], common[1:]
    raw = statistics.median(abs(b[key] - a[key]) for key in common)
    scaled = statistics.median(abs((b[key] - b[top]) - (a[key] - a[top]) / temperature) for key in rest)
    if min(raw, scaled) > 0.5 or max(raw, scaled) < 0.2 or max(raw, scaled) < 4 * min(raw, scaled):
        return "unknown"
    return "raw" if raw < scaled else "scaled"


def _at_zero(base: TokenPosition | None, zero: TokenPosition | None) -> LogprobsTemperature:
    a, b = _values(base), _values(zero)
    common = a.keys() & b.keys()
    if base is None or zero is None:
        return "unknown"
    if len(common) < 2:
        # At T = 0 a scaled distribution is one token with probability 1 and sentinels.
        return "scaled" if len(a) > 1 and max(b.values(), default=-1.0) > -1e-6 else "unknown"
    return "raw" if statistics.median(abs(b[key] - a[key]) for key in common) < 0.2 else "scaled"


def shape_of_lists(logprobs: TokenLogprobs | None, k: int) -> TopList:
    """What happens when the sampled token is not among the ``k`` best, from a reply sampled hot enough to show it. Pure.

    A list of k that always holds the sampled token, also where it is far from the best, has lost its k-th best to it.
    """
    if logprobs is None or k < 1:
        return "unknown"
    positions = [p for p in logprobs.positions if p.sampled.logprob is not None and p.top]
    if any(len(p.top) > k for p in positions):
        return "appended"
    inside = [any(t.key == p.sampled.key for t in p.top) for p in positions]
    if not all(inside):
        return "top"
    unlikely = sum(1 for p in positions if p.sampled.logprob is not None and p.sampled.logprob < -3.0)
    return "sampled_first" if unlikely >= 3 else "unknown"


# --- the rest -------------------------------------------------------------------------------------------------------


async def _structured(prober: _Prober) -> StructuredOutput:
    reply = await prober.try_ask(
        "Pick a label. Answer in JSON.", max_tokens=_JSON_TOKENS, temperature=0.0, json_schema=_SCHEMA
    )
    for part, where in ((reply.answer, ""), (reply.trace or "", "reasoning")) if reply is not None else ():
        if _BEGUN.match(part):
            if where:
                prober.anomalies["structured output lands in the reasoning field"] = None
            if not _fits(part):
                # Grammars allow white space without end, and a weak model fills its tokens with it.
                prober.anomalies["structured output ran on in white space to the token limit"] = None
            return "json_schema"
    reply = await prober.try_ask(
        "Name a colour. Answer as a JSON object with one field.",
        max_tokens=_JSON_TOKENS,
        temperature=0.0,
        json_object=True,
    )
    return "json_object" if reply is not None and isinstance(_parsed(reply.answer), dict) else "none"


def _fits(text: str) -> bool:
    data = _parsed(text)
    return isinstance(data, dict) and data.get("zq_label") in {"k7", "m4"} and isinstance(data.get("zq_sure"), bool)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


async def _seed(prober: _Prober) -> SeedBehaviour:
    replies: list[Reply | None] = []
    for index, seed in enumerate(_SEEDS):
        replies.append(await prober.try_ask(_STORY, max_tokens=_STORY_TOKENS, seed=seed, sample=index))
    texts = [f"{r.trace or ''}\n{r.answer}" for r in replies if r is not None]
    return _seed_behaviour(texts, replies)


def _seed_behaviour(texts: Sequence[str], replies: Sequence[Reply | None]) -> SeedBehaviour:
    if len(texts) < len(replies) or not any(t.strip() for t in texts):
        return "unknown"
    first, again, other = texts
    if first != again:
        return "varies"
    return "repeats" if other != first else "unknown"
