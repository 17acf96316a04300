"""Measuring drift of a pair beyond the first token: which protocol the endpoints permit, and everything gathered by it."""

from __future__ import annotations

import asyncio
import math
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, TypeVar

from auditor import defaults
from auditor.audit.budget import Budget, Purse
from auditor.audit.drift_choice import Scorers, Wanted, choose, find_scorers, find_targets, not_to_be_had
from auditor.audit.drift_cost import REPLIES, text_calls
from auditor.audit.groups import most_telling
from auditor.audit.schedule import drift_sample
from auditor.audit.session import Session
from auditor.drift.protocol_bytes import ScoredBytes, describe_bytes, gather_bytes
from auditor.drift.protocol_first_token import first_token_ask, measure
from auditor.drift.protocol_gather import Question, Reasoning, Settings, gather
from auditor.drift.protocol_generated import CommonPrefix, common_prefix, describe, greedy_ask
from auditor.drift.protocol_report import MIN_TEXTS, Bootstrap, direction, per_prompt
from auditor.drift.protocol_sequence import ScoredText
from auditor.drift.protocol_targeted import complete
from auditor.drift.protocol_text import compare_texts, text_ask
from auditor.endpoints import Capabilities, Endpoint
from auditor.endpoints.targeting import Targeted
from auditor.errors import NotAnApi, RequestRejected
from auditor.plan import Plan
from auditor.records import SIDES, Ask, Prompt, Reply, Scored, Side, Usage
from auditor.store import RunWriter

T = TypeVar("T")

BEYOND: Final = "drift_beyond"
"""Where a run keeps what was measured beyond the first token until it is concluded."""

_DIRECTIONS: Final[tuple[tuple[str, Side, Side], ...]] = (
    ("forward", "baseline", "candidate"),
    ("reverse", "candidate", "baseline"),
)


@dataclass(frozen=True, slots=True)
class DriftSettings:
    """What is asked for.

    Attributes:
        protocol: "auto" takes the strongest that both endpoints permit.
        gather: how texts are gathered (protocols F, S, P).
        reasoning: the audits to make; the first is the headline. None: as served, and the three audits that keep a trace
            apart if an endpoint was seen to reason.
        replies: replies per prompt and side with protocol T.
        concurrency: prompts at a time.
    """

    protocol: Wanted = "auto"
    gather: Settings = field(default_factory=Settings)
    reasoning: tuple[Reasoning, ...] | None = None
    replies: int = REPLIES
    concurrency: int = defaults.CONCURRENCY


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
        body = await _texts(session, questions, settings, asked, purse)
    elif protocol == "G":
        body, values = await _generated(session, found.capabilities, questions, settings, how, asked, purse)
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


@dataclass(slots=True)
class Asked:
    """Questions that went through chat, and their tokens as the servers counted them."""

    calls: int = 0
    tokens: int = 0

    @property
    def spent(self) -> tuple[int, int]:
        """Both numbers."""
        return self.calls, self.tokens

    def count(self, usage: Usage) -> None:
        """One more."""
        self.calls += 1
        self.tokens += (usage.prompt_tokens or 0) + (usage.completion_tokens or 0)


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


def with_beyond(
    drift: dict[str, Any] | None,
    bounds: Mapping[str, float],
    beyond: dict[str, Any] | None,
    scores: Mapping[str, Mapping[Side, Scored]],
    seed: int,
) -> dict[str, Any] | None:
    """The drift finding of a run: the first token's, ``beyond`` it, and how both go with the loss of each prompt."""
    if drift is None and beyond is None:
        return None
    losses = {
        name: both["baseline"].score - both["candidate"].score
        for name, both in scores.items()
        if len(both) == len(SIDES) and both["baseline"].score is not None and both["candidate"].score is not None
    }
    whole = dict(drift or {})
    whole["association"] = association(bounds, losses, seed)
    whole["beyond"] = None
    if beyond is not None:
        whole["beyond"] = {**beyond["body"], "association": association(beyond["values"], losses, seed)}
    return whole


def questions_of(prompts: Iterable[Prompt]) -> list[Question]:
    """Prompts of the banks as drift needs them."""
    return [Question(prompt.id, prompt.unit, prompt.dimension, prompt.messages) for prompt in prompts]


def association(values: Mapping[str, float], losses: Mapping[str, float], seed: int) -> dict[str, Any] | None:
    """Spearman's rank correlation between prompts' drift and their loss (baseline's score minus candidate's).

    An association, whatever its size: nothing here says that drift made the loss. None where fewer than three prompts have
    both, or one of the two does not vary.
    """
    import numpy as np

    from auditor.stats.rank import spearman

    both = [name for name in values if name in losses]
    try:
        found = spearman(
            [values[name] for name in both],
            [losses[name] for name in both],
            np.random.default_rng(seed),
            defaults.LEVEL,
        )
    except ValueError:
        return None
    ends = [found.interval.lo, found.interval.hi]
    return {
        "what": "rank correlation of a prompt's drift with its loss; an association, not a cause",
        "method": "spearman",
        "value": found.value if math.isfinite(found.value) else None,
        "interval": ends if all(map(math.isfinite, ends)) else None,
        "level": defaults.LEVEL,
        "n": found.n,
    }


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
            return await _paid(purse, worst, lambda: gather(question, own, other, settings.gather, reasoning))

        some = await _all(questions, text, settings.concurrency)
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
            return await _paid(purse, worst, lambda: gather_bytes(question, own, other, settings.gather))

        some = await _all(questions, text, settings.concurrency)
        body["left_out"][name] = dict(Counter(one for one in some if isinstance(one, str)))
        body[name] = describe_bytes([one for one in some if isinstance(one, ScoredBytes)], how)
    return body | {"reasoning": "off"}


# --- G and T --------------------------------------------------------------------------------------------------------


async def _generated(
    session: Session,
    capabilities: Mapping[Side, Capabilities],
    questions: Sequence[Question],
    settings: DriftSettings,
    how: Bootstrap,
    asked: Asked,
    purse: Purse,
) -> tuple[dict[str, Any], dict[str, float]]:
    k = min(settings.gather.top or defaults.TOP_LOGPROBS, *(capabilities[side].top_logprobs_max or 1 for side in SIDES))
    displaces = {side: capabilities[side].top_list not in ("top", "appended") for side in SIDES}
    again = {side: _own_sample(session, side) for side in SIDES}

    targets = await find_targets(session, capabilities)
    endpoints = {side: targets[side].named_by_id if targets else session.endpoints[side] for side in SIDES}

    async def first(question: Question) -> tuple[str, str, str, Reply, Reply]:
        asks = {side: first_token_ask(question.messages, top_logprobs=k, sample=again[side]) for side in SIDES}
        found = await _both(endpoints, asks, asked)
        if targets:

            async def ask(side: Side, ids: tuple[int, ...]) -> Targeted | None:
                told: Targeted | None = None
                try:
                    targeter = targets[side].targeter
                    told = await targeter.ask(question.messages, ids, purpose="drift", sample=again[side])
                except (NotAnApi, RequestRejected):
                    pass
                asked.count(told.usage if told else Usage())
                return told

            found = await complete(found, ask)
        return question.id, question.unit, question.dimension, found["baseline"], found["candidate"]

    async def paid(question: Question) -> tuple[str, str, str, Reply, Reply] | str:
        worst = _chat_worst(question, 4 if targets else 2, 1)
        return await _paid(purse, worst, lambda: first(question))

    got = await _all(questions, paid, settings.concurrency)
    rows = [row for row in got if not isinstance(row, str)]
    body, values = measure(rows, k=k, displaces=displaces, seed=how.seed, resamples=how.resamples, level=how.level)
    if body is None:
        raise not_to_be_had("G", "fewer than two prompts have lists that can be compared")
    body["common_prefix"] = None
    if all(capabilities[side].logprobs_at_temperature_zero == "raw" for side in SIDES):

        async def greedy(question: Question) -> CommonPrefix | str:
            tokens = settings.gather.max_tokens
            asks = {
                side: greedy_ask(question.messages, top_logprobs=k, max_tokens=tokens, sample=again[side])
                for side in SIDES
            }
            both = await _both({side: session.endpoints[side] for side in SIDES}, asks, asked)
            return common_prefix(question.id, question.unit, both["baseline"], both["candidate"], k, displaces)

        async def afforded(question: Question) -> CommonPrefix | str:
            worst = _chat_worst(question, 2, settings.gather.max_tokens)
            return await _paid(purse, worst, lambda: greedy(question))

        found = await _all(questions, afforded, settings.concurrency)
        body["common_prefix"] = describe([one for one in found if isinstance(one, CommonPrefix)], how)
    return body, values


async def _texts(
    session: Session, questions: Sequence[Question], settings: DriftSettings, asked: Asked, purse: Purse
) -> dict[str, Any]:
    first = {side: settings.replies * _own_sample(session, side) for side in SIDES}

    async def replies(question: Question) -> tuple[list[Reply], list[Reply]]:
        got = [
            await _both(
                {side: session.endpoints[side] for side in SIDES},
                {
                    side: text_ask(
                        question.messages, max_tokens=settings.gather.max_tokens, sample=first[side] + number
                    )
                    for side in SIDES
                },
                asked,
            )
            for number in range(settings.replies)
        ]
        return [one["baseline"] for one in got], [one["candidate"] for one in got]

    async def paid(question: Question) -> tuple[list[Reply], list[Reply]] | str:
        worst = _chat_worst(question, 2 * settings.replies, settings.gather.max_tokens)
        return await _paid(purse, worst, lambda: replies(question))

    got = await _all(questions, paid, settings.concurrency)
    pairs = [pair for pair in got if not isinstance(pair, str)]
    body: dict[str, Any] = {"scope": "text", "forward": None, "reverse": None, "noise_floor": None}
    return body | {"text": compare_texts(pairs, seed=settings.gather.seed)}


async def _paid(purse: Purse, worst: tuple[int, int], text: Callable[[], Awaitable[T | str]]) -> T | str:
    """A text, if the budget permits it. A prompt that one server refuses (too long, say) is left out and counted."""
    if not purse.reserve(*worst):
        return "the budget was reached"
    try:
        return await text()
    except RequestRejected:
        return "a server rejects it"
    finally:
        purse.settle(*worst)


def _worst(question: Question, gather: Settings, protocols: tuple[str, str], reasoning: Reasoning) -> tuple[int, int]:
    """The most calls and tokens that one text may take of both sides: each call sees prompt and text."""
    stepwise = "P" if "P" in protocols else "F"
    calls = text_calls(stepwise, gather.positions, reasoning, noise=gather.noise)
    return _chat_worst(question, calls, 2 * gather.max_tokens)


def _chat_worst(question: Question, calls: int, max_tokens: int) -> tuple[int, int]:
    return calls, calls * (sum(len(message.content) for message in question.messages) + max_tokens)


async def _both(endpoints: Mapping[Side, Endpoint], asks: Mapping[Side, Ask], asked: Asked) -> dict[Side, Reply]:
    replies = await asyncio.gather(*(endpoints[side].ask(asks[side], purpose="drift") for side in SIDES))
    for reply in replies:
        asked.count(reply.usage)
    return dict(zip(SIDES, replies, strict=True))


def _own_sample(session: Session, side: Side) -> int:
    """An endpoint compared with itself must really be asked twice."""
    return 1 if side == "candidate" and session.specs["baseline"] == session.specs["candidate"] else 0


async def _all(questions: Sequence[Question], ask: Callable[[Question], Awaitable[T]], concurrency: int) -> list[T]:
    """Ask about every prompt, a few at a time, answers in order."""
    gate = asyncio.Semaphore(concurrency)

    async def one(question: Question) -> T:
        async with gate:
            return await ask(question)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one(question)) for question in questions]
    except BaseExceptionGroup as several:
        raise most_telling(several) from several
    return [task.result() for task in tasks]
