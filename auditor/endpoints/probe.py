"""Measuring what an endpoint can do, with a stated number of tiny questions.

Each question is fixed text, asked one after the other, so that a tape repeats a probe exactly. Only faults that make the
endpoint useless (no connection, wrong key, no such model, no API) are errors; whatever else it can't do is recorded.
"""

from __future__ import annotations

import statistics
from typing import Any, Final, Literal

import msgspec

from auditor.endpoints.base import Endpoint, Introspectable
from auditor.endpoints.capabilities import Capabilities, ReasoningSwitch
from auditor.endpoints.channels import HARMONY, TAGS
from auditor.endpoints.dialects import Dialect, dialect_named, recognise
from auditor.endpoints.probing.given import completions_and_echo, prefill, targeted
from auditor.endpoints.probing.logprobs import measure_logprobs
from auditor.endpoints.probing.output import seed, streaming, structured
from auditor.endpoints.probing.prober import HELLO, HELLO_TOKENS, Prober
from auditor.endpoints.probing.server import Native, tokenizer, version
from auditor.endpoints.probing.thinking import A_TRACE, reasoning_switch
from auditor.records import Reply

PROBE_MAX_CALLS: Final = 40
"""At most this many requests per probe, all small: 26 questions, the model list, six at the server's own routes, and what
repeating refused ones takes."""

Wanted = Literal["all", "judge"]


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
    prober = Prober(endpoint)
    hello = await prober.ask(HELLO, max_tokens=HELLO_TOKENS)
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
        structured_output=await structured(prober),
    )
    if wanted == "all":
        dialect = dialect_named(spec.dialect)
        if dialect.has_logprobs:
            found = await measure_logprobs(prober, found)
        else:
            found = msgspec.structs.replace(found, logprobs=False)
        found = msgspec.structs.replace(
            found,
            seed=await seed(prober) if dialect.sends_seed else "unsupported",
            streaming=await streaming(prober),
            reasoning_switch=await _switch(prober, hello, dialect, known),
            prefill=await prefill(prober, hello),
            **await _own_routes(prober, known or dialect),
        )
    if _is_another(found):
        prober.note("the answers name another model than the one asked for")
    elif _is_unlisted(found, known):
        prober.note("the server does not list this model and answers all the same: any name will do there")
    refused = endpoint.conceded if isinstance(endpoint, Introspectable) else ()
    return msgspec.structs.replace(
        found,
        seed="unsupported" if "seed" in refused else found.seed,
        reasoning_field=_reasoning_field(prober),
        refused_settings=refused,
        sentinels=prober.sentinels,
        largest_sum=prober.largest_sum,
        anomalies=tuple(prober.anomalies),
        protocol="G" if found.logprobs and found.top_logprobs_max else "T",
        latency_s=round(statistics.median(prober.latencies), 4) if prober.latencies else None,
        calls=prober.calls,
    )


async def _switch(prober: Prober, hello: Reply, dialect: Dialect, known: Dialect | None) -> ReasoningSwitch | None:
    # Recognised as a family that is switched in another way than this endpoint writes: that is for its own dialect.
    if known is not None and known.reasoning != dialect.reasoning:
        return None
    return await reasoning_switch(prober, hello, dialect.reasoning)


async def _own_routes(prober: Prober, dialect: Dialect) -> dict[str, Any]:
    """What only self-hosted servers tell."""
    hosted = dialect.base_url or dialect.hosts
    if hosted or not dialect.own_routes or not isinstance(prober.endpoint, Native):
        return {}
    prober.calls += bool(dialect.version_at[0])
    told, fingerprint = await version(prober.endpoint, dialect), await tokenizer(prober)
    plain, echo = await completions_and_echo(prober)
    return {
        "version": told,
        "tokenizer": fingerprint,
        "completions": plain,
        "echo": echo,
        "targeted_token_ids": await targeted(prober, dialect) if dialect.has_logprobs else None,
    }


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


def _is_unlisted(found: Capabilities, known: Dialect | None) -> bool:
    """Whether a self-hosted server answers to a name that it does not serve. Hosted ones have aliases beside their lists."""
    return known is not None and bool(found.models) and found.model not in (found.models or ())


def _reasoning_field(prober: Prober) -> str | None:
    if prober.trace_sources:
        # A place of its own is where this server puts traces, whatever a model writes into its text besides.
        return min(prober.trace_sources, key=lambda source: source in {TAGS, HARMONY})
    # A marker or two are counted as reasoning by some servers; that is not a trace kept from us.
    return "hidden" if prober.most_hidden >= A_TRACE else None
