"""Measuring drift of a pair beyond the first token: which protocol the endpoints permit, and everything gathered by it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from auditor import defaults
from auditor.audit.budget import Budget, Purse
from auditor.audit.drift_chat import Asked, bounds_from_chat, tests_of_texts
from auditor.audit.drift_choice import Scorers, choose, find_scorers
from auditor.audit.drift_cost import text_calls
from auditor.audit.drift_texts import DriftSettings, each, paid, worst_of
from auditor.audit.schedule import drift_sample
from auditor.audit.session import Session
from auditor.drift.protocol_bytes import ScoredBytes, describe_bytes, gather_bytes
from auditor.drift.protocol_gather import Question, Reasoning, Settings, gather
from auditor.drift.protocol_report import MIN_TEXTS, Bootstrap, direction, per_prompt
from auditor.drift.protocol_sequence import ScoredText
from auditor.endpoints import Capabilities
from auditor.errors import RequestRejected
from auditor.plan import Plan
from auditor.records import SIDES, Prompt, Side
from auditor.store import RunWriter

BEYOND: Final = "drift_beyond"
"""Where a run keeps what was measured beyond the first token until it is concluded."""

_DIRECTIONS: Final[tuple[tuple[str, Side, Side], ...]] = (
    ("forward", "baseline", "candidate"),
    ("reverse", "candidate", "baseline"),
)


async def measure_drift(
    session: Session,
    capabilities: Mapping[Side, Capabilities],
    questions: Sequence[Question],
    settings: DriftSettings,
    *,
    note: Callable[[str], None] = lambda _: None,
    budget: Budget | None = None,
) -> tuple[dict[str, Any], dict[str, float]]:
    """Drift between the session's baseline and candidate, schema ``auditor.drift/1``, and each prompt's forward drift in
    nats per token. With a ``budget`` no text is begun that may not fit; those left out for it are counted in ``over_budget``.

    Raises:
        RequestRejected: the protocol that was asked for is not to be had from these endpoints.
        EndpointError: an endpoint failed.
    """
    found = await find_scorers(session, capabilities, settings.protocol)
    protocol = choose(found, settings.protocol)
    note(f"drift: protocol {protocol} on {len(questions)} prompts")
    how = Bootstrap(seed=settings.gather.seed, resamples=defaults.BOOTSTRAP, level=defaults.LEVEL)
    body: dict[str, Any]
    values: dict[str, float] = {}
    asked = Asked()
    purse = Purse(budget, lambda: asked.spent if protocol in ("T", "G") else found.spent)
    if protocol == "T":
        body = await tests_of_texts(session, questions, settings, asked, purse)
    elif protocol == "G":
        body, values = await bounds_from_chat(session, found.capabilities, questions, settings, how, asked, purse)
    elif found.same_tokenizer:
        settings = _with_protocol(settings, protocol, found)
        body, values = await _scored(found, questions, settings, how, protocol, purse)
    else:
        body = await _bytewise(found, questions, settings, how, purse)
    head = {
        "schema": "auditor.drift/1",
        "protocol": protocol,
        "unit": "nats",
        "asked_prompts": len(questions),
        "level": how.level,
        "resamples": how.resamples,
        "seed": how.seed,
        "tokenizer": _tokenizer(found),
        "over_budget": purse.refused,
    }
    cost = {
        side: {name: sum(getattr(spent, name) for spent in party.spent) for name in _SPENT}
        for side, party in found.parties.items()
    }
    return head | body | ({"cost": cost} if cost else {}), values


_SPENT: Final = ("calls", "prompt_tokens", "completion_tokens")


async def drift_of_run(
    plan: Plan,
    session: Session,
    capabilities: Mapping[Side, Capabilities],
    prompts: Sequence[Prompt],
    writer: RunWriter,
    note: Callable[[str], None],
    budget: Budget,
) -> bool:
    """Beyond the first token, if the plan asks for it, on the prompts that were asked for their first token. False if the
    budget did not last.

    A protocol that is not to be had costs the run nothing but this part: it is said, and the audit goes on.
    """
    if not plan.drift.enabled or plan.drift.protocol == "first_token":
        return True
    settings = DriftSettings(
        protocol=plan.drift.protocol,
        gather=Settings(
            top=plan.drift.top_logprobs,
            max_tokens=plan.drift.tokens,
            positions=plan.drift.positions,
            seed=plan.run.seed,
        ),
        concurrency=plan.run.concurrency,
    )
    some = questions_of(drift_sample([prompt for prompt in prompts if prompt.sample == 0], plan.drift.prompts))
    try:
        body, values = await measure_drift(session, capabilities, some, settings, note=note, budget=budget)
    except RequestRejected as error:
        note(error.what)
        return True
    writer.put_meta(BEYOND, {"body": body, "values": values})
    return not body["over_budget"]


def questions_of(prompts: Iterable[Prompt]) -> list[Question]:
    """Prompts of the banks as drift needs them."""
    return [Question(prompt.id, prompt.unit, prompt.dimension, prompt.messages) for prompt in prompts]


# --- choosing -------------------------------------------------------------------------------------------------------


def _with_protocol(settings: DriftSettings, protocol: str, found: Scorers) -> DriftSettings:
    most = [found.capabilities[side].top_logprobs_max or settings.gather.top for side in SIDES]
    top = 0 if protocol == "S" else min(settings.gather.top, *most)
    one = found.endpoint_with_itself
    return replace(settings, gather=replace(settings.gather, top=top, reader_sample=2 if one else 0))


def _tokenizer(found: Scorers) -> dict[str, Any]:
    how = "ids of one text with emoji, scripts, digits, code and special tokens"
    return {"same": found.same_tokenizer, "how": how if found.same_tokenizer is not None else "not compared"}


def _audits(found: Scorers, settings: DriftSettings) -> tuple[Reasoning, ...]:
    if settings.reasoning is not None:
        return settings.reasoning
    if not any(found.capabilities[side].reasoning_field for side in SIDES):
        return ("as_served",)
    switched = any(party.off is not party.scorer for party in found.parties.values())
    return ("as_served", "off", "own_trace", "no_trace") if switched else ("as_served", "own_trace", "no_trace")


# --- F, S, P --------------------------------------------------------------------------------------------------------


async def _scored(
    found: Scorers, questions: Sequence[Question], settings: DriftSettings, how: Bootstrap, protocol: str, purse: Purse
) -> tuple[dict[str, Any], dict[str, float]]:
    audits: dict[str, dict[str, Any]] = {}
    values: dict[str, dict[str, float]] = {}
    for reasoning in _audits(found, settings):
        audits[reasoning], values[reasoning] = await _audit(found, questions, settings, how, protocol, reasoning, purse)
    headline = next(iter(audits))
    skipped = {}
    if len(audits) > 1 and "off" not in audits and settings.reasoning is None:
        skipped["off"] = "switching thinking off changes no prompt here"
    body = {"scope": "sequence", "max_tokens": settings.gather.max_tokens, "reasoning": headline, **audits[headline]}
    body["audits"] = {name: audit for name, audit in audits.items() if name != headline}
    body["skipped"] = skipped
    return body, values[headline]


async def _audit(
    found: Scorers,
    questions: Sequence[Question],
    settings: DriftSettings,
    how: Bootstrap,
    protocol: str,
    reasoning: Reasoning,
    purse: Purse,
) -> tuple[dict[str, Any], dict[str, float]]:
    body: dict[str, Any] = {"forward": None, "reverse": None, "noise_floor": {}, "left_out": {}}
    values: dict[str, dict[str, float]] = {}
    for name, writer, reader in _DIRECTIONS:

        async def text(question: Question, sides: tuple[Side, Side] = (writer, reader)) -> ScoredText | str:
            own, other = (found.parties[side] for side in sides)
            worst = _worst(question, settings.gather, (own.scorer.protocol, other.scorer.protocol), reasoning)
            return await paid(purse, worst, lambda: gather(question, own, other, settings.gather, reasoning))

        some = await each(questions, text, settings.concurrency)
        texts = [one for one in some if isinstance(one, ScoredText)]
        body["left_out"][name] = dict(Counter(one for one in some if isinstance(one, str)))
        if len(texts) < MIN_TEXTS:
            continue
        scored_by = found.parties[reader].scorer
        said = "S" if protocol == "S" else scored_by.protocol
        made = direction(texts, said, how, writer=writer, reader=reader, scored_by=scored_by.name)
        body["noise_floor"][name] = made.pop("noise_floor")
        body[name] = made
        values[name] = per_prompt(texts)
    body["low_coverage"] = any(body[name] and body[name]["low_coverage"] for name in ("forward", "reverse"))
    body["prompts"] = [
        {"prompt": q.id, "forward": values.get("forward", {}).get(q.id), "reverse": values.get("reverse", {}).get(q.id)}
        for q in questions
        if any(q.id in some for some in values.values())
    ]
    return body, values.get("forward", {})


async def _bytewise(
    found: Scorers, questions: Sequence[Question], settings: DriftSettings, how: Bootstrap, purse: Purse
) -> dict[str, Any]:
    body: dict[str, Any] = {"scope": "bytes", "max_tokens": settings.gather.max_tokens, "left_out": {}}
    body |= dict.fromkeys(("forward", "reverse", "noise_floor"))
    off = {side: replace(party, scorer=party.off) for side, party in found.parties.items()}
    for name, writer, reader in _DIRECTIONS:

        async def text(question: Question, sides: tuple[Side, Side] = (writer, reader)) -> ScoredBytes | str:
            own, other = (off[side] for side in sides)
            worst = _worst(question, settings.gather, (own.scorer.protocol, other.scorer.protocol), "off")
            return await paid(purse, worst, lambda: gather_bytes(question, own, other, settings.gather))

        some = await each(questions, text, settings.concurrency)
        body["left_out"][name] = dict(Counter(one for one in some if isinstance(one, str)))
        body[name] = describe_bytes([one for one in some if isinstance(one, ScoredBytes)], how)
    return body | {"reasoning": "off"}


def _worst(question: Question, gather: Settings, protocols: tuple[str, str], reasoning: Reasoning) -> tuple[int, int]:
    """The most calls and tokens that one text may take of both sides: each call sees prompt and text."""
    stepwise = "P" if "P" in protocols else "F"
    calls = text_calls(stepwise, gather.positions, reasoning, noise=gather.noise)
    return worst_of(question, calls, 2 * gather.max_tokens)
