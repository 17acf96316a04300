"""Has a hosted model changed silently? One endpoint against its own earlier answers, as often as one likes to look.

A reference is recorded once: first-token lists of some prompts, each asked several times, on a run's tape. A look asks the
first prompt again up to ten times (averaging beats noise), then every other prompt once (what changed may not show in the
first), and stops as soon as it knows. Each half has half of the look's level: a permutation test at four sizes, and a
betting e-process that may stop at any prompt. Over looks the level is shared out, so that all of them together raise a
false alarm with probability ALPHA at most, ever.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final

import httpx2
import msgspec

from auditor import defaults
from auditor.audit.drift_alone import clean_spec
from auditor.audit.session import Seat, Session, keys_for
from auditor.drift.change import Logprobs, Standing, shift_test, standing
from auditor.drift.protocol_first_token import first_token_ask
from auditor.drift.protocol_keys import as_topk, common_kind
from auditor.endpoints import probe
from auditor.errors import RequestRejected, RunError
from auditor.plan import SCHEMA
from auditor.records import EndpointSpec, Message, Prompt, Provenance, Reply, TokenPosition
from auditor.stats.eprocess import e_values
from auditor.store import RunFolder, RunReader, RunWriter
from auditor.wire import WireLimits

ALPHA: Final = 0.05
"""Probability of a false alarm over all looks together."""
SHORT: Final = ("x", "7", "!", "qz", "the", "?", "0 1", "e", "--", "A", "ok", "...")
"""Prompts of a token or two: nothing tells a model how to begin its reply, so many beginnings are near in probability
and every change of the weights moves them. Logprob tracking uses the first of them.
"""
REPEATS: Final = (2, 3, 5, 10)
"""Numbers of new askings of the first prompt at which they are tested."""
FIRST: Final = 4
"""The first prompt has this many times the others' earlier askings: with few, no number of relabellings is enough."""
MOST_PERMUTATIONS: Final = 50_000
KIND: Final = "reference"
_LOOKS: Final = "looks"
_SETUP: Final = "reference"


def threshold(look: int, planned: int | None = None) -> float:
    """The e-value that look number ``look`` (from 1) needs.

    Without a plan look (look + 1) / ALPHA, whose inverses sum to ALPHA over all looks there ever are. With ``planned`` looks
    planned / ALPHA for each of them, and infinity for those after: no look beyond the plan can say anything.
    """
    if planned is not None:
        return planned / ALPHA if look <= planned else math.inf
    return look * (look + 1) / ALPHA


def watch_prompts(banks: Sequence[Prompt], count: int) -> list[Prompt]:
    """What a reference asks: the short prompts, then prompts of the banks."""
    short = [
        Prompt(id=f"watch/{i}", dimension="", bank="watch", kind="short", messages=(Message("user", text),))
        for i, text in enumerate(SHORT)
    ]
    return [*short, *banks][:count]


def evidence(standings: Iterable[Standing]) -> Iterator[float]:
    """The e-value against "unchanged" after each prompt.

    The mean of two betting processes: one on "the new asking is the strangest of all", which gains the most where an
    endpoint repeats itself exactly, and one on its graded rank, which gains a little each time where noise is large. A
    mean of e-processes is one.
    """
    seen = list(standings)
    if not seen:
        return
    askings = min(one.askings for one in seen)
    # Bets are on values in [-1, 1]: 2x - 1 with x in {0, 1} and mean 1/askings at most.
    strangest = e_values([2.0 * one.strangest - 1.0 for one in seen], 2.0 / askings - 1.0)
    graded = e_values([2.0 * one.graded - 1.0 for one in seen], 0.0)
    for one, other in zip(strangest, graded, strict=True):
        yield (one + other) / 2.0


def repeats_changed(new: Sequence[Logprobs], earlier: Sequence[Logprobs], needed: float, seed: int) -> bool:
    """Whether this many new askings of the first prompt show a change at their share of a look's level.

    ``needed`` is the look's `threshold`; the share is half of its inverse, over the sizes of `REPEATS`.
    """
    level = 1.0 / (2.0 * needed * len(REPEATS))
    permutations = min(math.ceil(8.0 / level), MOST_PERMUTATIONS)
    return shift_test(new, earlier, permutations=permutations, seed=seed) <= level


def prompts_changed(standings: Sequence[Standing], needed: float) -> bool:
    """Whether the other prompts' evidence reaches what their half of a look's level needs."""
    return max(evidence(standings), default=0.0) >= 2.0 * needed


async def record_reference(
    spec: EndpointSpec,
    prompts: Sequence[Prompt],
    folder: RunFolder,
    askings: int,
    environ: Mapping[str, str],
    *,
    planned: int | None = None,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Ask every prompt ``askings`` times for its first token's list and keep the answers in the folder.

    ``planned`` looks may be promised beforehand; then each of them needs less evidence.

    Raises:
        RequestRejected: the endpoint gives no logprobs.
        AuditorError: other leaves; RunError if the folder holds another run.
    """
    plan = {
        "schema": SCHEMA,
        "kind": KIND,
        "plan": {
            "endpoint": spec.label,
            "askings": askings,
            "planned": planned,
            "prompts": [prompt.id for prompt in prompts],
        },
    }
    with ExitStack() as stack:
        folder.claim()
        stack.callback(folder.release)
        existing = folder.plan_json()
        if existing is None:
            folder.freeze(msgspec.json.format(msgspec.json.encode(plan), indent=2) + b"\n")
        elif msgspec.json.decode(existing) != plan:
            raise RunError(f"{folder.path} holds another run.", "Name another folder with --out.")
        writer = RunWriter(folder)
        stack.callback(writer.close)
        async with _session(spec, writer, environ, networks) as session:
            found = await probe(session.endpoints["baseline"])
            if not found.top_logprobs_max:
                raise RequestRejected(
                    f"{spec.label} returns no logprobs, which watching compares.",
                    "Compare its texts with a recorded pair: auditor drift --protocol T.",
                )
            session.settle("baseline", found)
            k = min(defaults.TOP_LOGPROBS, found.top_logprobs_max)
            displaces = found.top_list not in ("top", "appended")
            writer.put_meta(_SETUP, {"k": k, "displaces": displaces, "spec": clean_spec(session.specs["baseline"])})
            writer.put_prompts(prompts)
            note(f"reference: {len(prompts)} prompts, {askings} askings each, one token per asking")
            for sample in range(FIRST * askings):
                some = prompts if sample < askings else prompts[:1]
                await asyncio.gather(*(_ask(session, prompt, k, sample) for prompt in some))
        writer.put_meta(_LOOKS, [])
        writer.put_meta("status", "complete")


async def watch(
    spec: EndpointSpec,
    folder: RunFolder,
    environ: Mapping[str, str],
    *,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> dict[str, Any]:
    """Take one look: schema ``auditor.watch/1``. It is counted before it is taken, so that no look is free.

    Raises:
        RunError: the folder holds no finished reference of this endpoint.
        AuditorError: other leaves.
    """
    reader = RunReader(folder.path)
    try:
        frozen, setup = reader.plan, reader.meta(_SETUP)
        prompts, looks = reader.prompts(), reader.meta(_LOOKS)
    finally:
        reader.close()
    if frozen.get("kind") != KIND or setup is None or looks is None:
        raise RunError(f"{folder.path} holds no finished reference.", "Record one with --record-reference E --out RUN.")
    if frozen["plan"]["endpoint"] != spec.label:
        raise RunError(
            f"{folder.path} is the reference of {frozen['plan']['endpoint']}, not of {spec.label}.",
            "Watch that endpoint, or record a reference of this one in another folder.",
        )
    look = len(looks) + 1
    needed = threshold(look, frozen["plan"]["planned"])
    if math.isinf(needed):
        raise RunError(
            f"{folder.path} was planned for {frozen['plan']['planned']} looks, and all of them were taken.",
            "Record a new reference; a look more would break the promise about false alarms.",
        )
    with ExitStack() as stack:
        folder.claim()
        stack.callback(folder.release)
        writer = RunWriter(folder)
        stack.callback(writer.close)
        writer.put_meta(_LOOKS, [*looks, {"look": look, "finished": False}])
        async with _session(msgspec.convert(setup["spec"], EndpointSpec), writer, environ, networks) as session:
            taken = await _look(session, prompts, frozen["plan"]["askings"], look, needed, setup)
        found = {
            "schema": "auditor.watch/1",
            "endpoint": spec.label,
            "look": look,
            "finished": True,
            "threshold": needed,
            "alpha": ALPHA,
            "method": "permutation test of one prompt asked again, then a betting e-process over prompts; level shared",
            **taken,
        }
        writer.put_meta(_LOOKS, [*looks, found])
        note(f"look {look}: {found['tokens']} tokens asked for")
    return found


async def _look(
    session: Session, prompts: Sequence[Prompt], askings: int, look: int, needed: float, setup: Mapping[str, Any]
) -> dict[str, Any]:
    k, displaces = setup["k"], setup["displaces"]
    told: dict[str, None] = {}
    tokens = unusable = 0
    by = ""

    # The first prompt, again and again.
    earlier = [await _ask(session, prompts[0], k, sample) for sample in range(FIRST * askings)]
    new: list[Reply] = []
    while not by and len(new) < REPEATS[-1]:
        sample = FIRST * askings + (look - 1) * REPEATS[-1] + len(new)
        new.append(await _ask(session, prompts[0], k, sample))
        tokens += 1
        told |= dict.fromkeys(_told(earlier[0].provenance, new[-1].provenance))
        if len(new) in REPEATS:
            lists = _lists([*new, *earlier], k, displaces=displaces)
            if lists is None:
                unusable += 1
                break
            if repeats_changed(lists[: len(new)], lists[len(new) :], needed, seed=look):
                by = "one prompt asked again"

    # Every other prompt, once.
    standings: list[Standing] = []
    for prompt in prompts[1:] if not by else ():
        before = [await _ask(session, prompt, k, sample) for sample in range(askings)]
        reply = await _ask(session, prompt, k, askings + look - 1)
        tokens += 1
        told |= dict.fromkeys(_told(before[0].provenance, reply.provenance))
        lists = _lists([reply, *before], k, displaces=displaces)
        if lists is None:
            unusable += 1
            continue
        standings.append(standing(lists[0], lists[1:]))
        if prompts_changed(standings, needed):
            by = "one prompt after the other"
            break
    return {
        "changed": bool(by),
        "shown_by": by or None,
        "e_value": list(evidence(standings))[-1] if standings else None,
        "prompts": len(standings) + 1,
        "tokens": tokens,
        "unusable": unusable,
        "askings": askings,
        "told": list(told),
    }


def _session(
    spec: EndpointSpec,
    writer: RunWriter,
    environ: Mapping[str, str],
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None,
) -> Session:
    seats: dict[Seat, EndpointSpec] = {"baseline": spec}
    return Session(seats, tape=writer.tape, keys=keys_for(seats, environ), limits=WireLimits(), networks=networks)


async def _ask(session: Session, prompt: Prompt, k: int, sample: int) -> Reply:
    ask = first_token_ask(prompt.messages, top_logprobs=k, sample=sample)
    return await session.endpoints["baseline"].ask(ask, purpose="first_token")


def _lists(replies: Sequence[Reply], k: int, *, displaces: bool) -> list[Logprobs] | None:
    """The lists under one kind of key; None where one is missing. What depends on the sampled token is left out."""
    positions: list[TokenPosition] = []
    for reply in replies:
        if reply.logprobs is None or not reply.logprobs.positions:
            return None
        positions.append(reply.logprobs.positions[0])
    kind = common_kind(positions[:1], positions[1:])
    try:
        tops = [as_topk(position, kind, k, displaces=displaces) for position in positions]
    except ValueError:
        return None
    lists: list[Logprobs] = [{key: v for key, v in top.logprobs.items() if key in top.stable} for top in tops]
    return lists if all(lists) else None


def _told(before: Provenance, now: Provenance) -> Iterator[str]:
    for what, old, new in (
        ("model", before.model, now.model),
        ("fingerprint", before.fingerprint, now.fingerprint),
        ("provider", before.provider, now.provider),
    ):
        if old != new:
            yield f"the server says another {what}: {old or 'none'} became {new or 'none'}"
