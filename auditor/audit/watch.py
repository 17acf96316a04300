"""Has a hosted model changed silently? One endpoint against its own earlier answers, as often as one likes to look.

What a look does follows from the reference (`auditor.audit.reference`). With first-token lists recorded on purpose it asks
the first prompt again and again (averaging beats noise) and tests that at two sizes, then every other prompt once (what
changed may not show in the first), with a betting e-process that may stop at any of them. With texts it asks every prompt
in rounds and compares samples. With an earlier run it asks each prompt twice and ranks the old answer among the three.
Every look has a level; what is tested in it shares that; over looks the levels sum to ALPHA. So all of them together raise
a false alarm with probability ALPHA at most, ever.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

import httpx2
import msgspec

from auditor.audit.reference import FIRST, LOOKS, REFERENCE, SETUP, SIZE, asked, session_of
from auditor.audit.session import Session
from auditor.drift.change import Logprobs, Standing, shift_test, standing
from auditor.drift.protocol_keys import as_topk, common_kind
from auditor.drift.text import Kernel, text_test
from auditor.errors import RunError
from auditor.records import EndpointSpec, Prompt, Provenance, Reply, TokenPosition
from auditor.stats.eprocess import e_values
from auditor.store import RunFolder, RunReader, RunWriter

ALPHA: Final = 0.05
"""Probability of a false alarm over all looks together."""
OTHERS: Final = 1.0 / 3.0
"""Share of a look's level that the prompts after the first have, where there are any."""
EARLY: Final = 2
"""New askings of the first prompt after which it is tested a first time: a change that is plain needs no more."""
EARLY_SHARE: Final = 0.2
"""Share of the first prompt's level that this test has; the last one has the rest."""
MOST_PERMUTATIONS: Final = 50_000
ROUNDS: Final = (2, 5, 10)
"""New texts per prompt at which texts are tested."""
STEPS: Final = (5, 12, 40)
"""Prompts of an earlier run at which its texts are tested."""
AGAIN: Final = 2
"""New askings of each prompt of an earlier run: with one, nothing tells the old answer from the new one."""
COMPARED: Final = 200
"""Characters of texts that are compared."""


def threshold(look: int, planned: int | None = None) -> float:
    """The inverse of the level of look number ``look`` (from 1).

    Without a plan look (look + 1) / ALPHA, whose inverses sum to ALPHA over all looks there ever are. With ``planned`` looks
    planned / ALPHA for each of them, and infinity for those after: no look beyond the plan can say anything.
    """
    if planned is not None:
        return planned / ALPHA if look <= planned else math.inf
    return look * (look + 1) / ALPHA


def stages(size: int) -> tuple[tuple[int, float], ...]:
    """At how many new askings the first prompt is tested, and with which share of its level."""
    return ((EARLY, EARLY_SHARE), (size, 1.0 - EARLY_SHARE)) if size > EARLY else ((size, 1.0),)


def evidence(standings: Iterable[Standing]) -> Iterator[float]:
    """The e-value against "unchanged" after each prompt.

    The mean of two betting processes: one on "this asking is the strangest of all", which gains the most where an
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


def repeats_changed(new: Sequence[Logprobs], earlier: Sequence[Logprobs], level: float, seed: int) -> bool:
    """Whether these new askings of one prompt show a change at this level."""
    permutations = min(math.ceil(8.0 / level), MOST_PERMUTATIONS)
    return shift_test(new, earlier, permutations=permutations, seed=seed) <= level


def prompts_changed(standings: Sequence[Standing], level: float) -> bool:
    """Whether prompts' evidence reaches this level at any of them."""
    return max(evidence(standings), default=0.0) >= 1.0 / level


def texts_changed(
    prompts: Sequence[tuple[Sequence[str], Sequence[str]]], level: float, seed: int, kernel: Kernel
) -> bool:
    """Whether new texts differ from earlier ones of the same prompts at this level."""
    permutations = min(math.ceil(8.0 / level), MOST_PERMUTATIONS // 5)
    if not prompts or permutations * level < 1:
        return False
    return text_test(prompts, seed=seed, kernel=kernel, permutations=permutations, length=COMPARED).p_value <= level


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
        frozen, setup = reader.plan, reader.meta(SETUP)
        prompts, looks = reader.prompts(), reader.meta(LOOKS)
        earlier = {name: reply for name, _, reply in reader.first_tokens()}
    finally:
        reader.close()
    if frozen.get("kind") != REFERENCE or setup is None or looks is None:
        raise RunError(f"{folder.path} holds no finished reference.", "Record one with --record-reference E --out RUN.")
    plan = frozen["plan"]
    if plan["endpoint"] != spec.label:
        raise RunError(
            f"{folder.path} is the reference of {plan['endpoint']}, not of {spec.label}.",
            "Watch that endpoint, or record a reference of this one in another folder.",
        )
    look = len(looks) + 1
    needed = threshold(look, plan["planned"])
    if math.isinf(needed):
        raise RunError(
            f"{folder.path} was planned for {plan['planned']} looks, and all of them were taken.",
            "Record a new reference; a look more would break the promise about false alarms.",
        )
    with ExitStack() as stack:
        folder.claim()
        stack.callback(folder.release)
        writer = RunWriter(folder)
        stack.callback(writer.close)
        writer.put_meta(LOOKS, [*looks, {"look": look, "finished": False}])
        async with session_of(msgspec.convert(setup["spec"], EndpointSpec), writer, environ, networks) as session:
            taking = _Look(session, prompts, setup, plan, look, 1.0 / needed, earlier)
            method = await _METHODS[setup["kind"]](taking)
        found = {
            "schema": "auditor.watch/1",
            "endpoint": spec.label,
            "look": look,
            "finished": True,
            "kind": setup["kind"],
            "threshold": needed,
            "alpha": ALPHA,
            "method": method,
            **taking.found(),
        }
        writer.put_meta(LOOKS, [*looks, found])
        note(f"look {look}: {found['tokens']} tokens asked for")
    return found


@dataclass(slots=True)
class _Look:
    """One look under way: what it may do, and what came of it."""

    session: Session
    prompts: Sequence[Prompt]
    setup: Mapping[str, Any]
    plan: Mapping[str, Any]
    look: int
    level: float
    earlier: Mapping[str, Reply]
    shown_by: str = ""
    tokens: int = 0
    unusable: int = 0
    seen: int = 0
    e_value: float | None = None
    told: dict[str, None] = field(default_factory=dict)

    async def ask(self, prompt: Prompt, sample: int, before: Reply | None = None) -> Reply:
        """A new asking, counted; ``before`` is an earlier one, for what the server says of itself."""
        reply = await asked(self.session, prompt, self.setup, sample)
        used = reply.usage.completion_tokens
        self.tokens += 1 if self.setup["kind"] in ("askings", "run") or used is None else used
        if before is not None:
            self.told |= dict.fromkeys(_told(before.provenance, reply.provenance))
        return reply

    async def before(self, prompt: Prompt, many: int) -> list[Reply]:
        """Earlier askings of a prompt, from the tape."""
        return [await asked(self.session, prompt, self.setup, sample) for sample in range(many)]

    def lists(self, replies: Sequence[Reply]) -> list[Logprobs] | None:
        """Their lists, or None, counted, where they can't be compared."""
        found = _lists(replies, self.setup["k"], displaces=self.setup["displaces"])
        self.unusable += found is None
        return found

    def found(self) -> dict[str, Any]:
        """What the look found out, JSON-ready."""
        return {
            "changed": bool(self.shown_by),
            "shown_by": self.shown_by or None,
            "e_value": self.e_value,
            "prompts": self.seen,
            "tokens": self.tokens,
            "unusable": self.unusable,
            "askings": self.plan.get("askings", 1),
            "told": list(self.told),
        }


async def _askings(look: _Look) -> str:
    askings, size = look.plan["askings"], look.plan.get("size", SIZE)
    others = look.prompts[1:]
    first_level = look.level * (1.0 - OTHERS) if others else look.level
    first, many = look.prompts[0], FIRST * askings
    before, new = await look.before(first, many), list[Reply]()
    look.seen = 1
    for count, share in stages(size):
        while len(new) < count:
            new.append(await look.ask(first, many + (look.look - 1) * size + len(new), before[0]))
        lists = look.lists([*new, *before])
        if lists is None:
            break
        if repeats_changed(lists[:count], lists[count:], first_level * share, look.look):
            look.shown_by = "one prompt asked again"
            break
    if not look.shown_by:
        await _ranked(look, others, [askings + look.look - 1], askings, look.level * OTHERS)
    return "permutation test of one prompt asked again, then a betting e-process over prompts; level shared"


async def _run(look: _Look) -> str:
    samples = [AGAIN * (look.look - 1) + number for number in range(AGAIN)]
    await _ranked(look, look.prompts, samples, None, look.level)
    return "rank of the run's answer among new ones, prompt by prompt; betting e-process"


async def _ranked(
    look: _Look, prompts: Sequence[Prompt], samples: Sequence[int], askings: int | None, level: float
) -> None:
    """Prompt after prompt: the rank of the one asking of its time among those of the other, until there is enough."""
    standings: list[Standing] = []
    for prompt in prompts:
        before = [look.earlier[prompt.id]] if askings is None else await look.before(prompt, askings)
        new = [await look.ask(prompt, sample, before[0]) for sample in samples]
        look.seen += 1
        # The one that stands alone comes first: the new one among many earlier, or the earlier one among new.
        lists = look.lists([*before, *new] if askings is None else [*new, *before])
        if lists is None:
            continue
        standings.append(standing(lists[0], lists[1:]))
        if prompts_changed(standings, level):
            look.shown_by = "one prompt after the other"
            break
    look.e_value = list(evidence(standings))[-1] if standings else None


async def _texts(look: _Look) -> str:
    askings = look.plan["askings"]
    before = {prompt.id: await look.before(prompt, askings) for prompt in look.prompts}
    new: dict[str, list[Reply]] = {prompt.id: [] for prompt in look.prompts}
    first = askings + (look.look - 1) * ROUNDS[-1]
    kernel: Kernel = "equal" if look.setup["tokens"] == 1 else "hamming"
    look.seen = len(look.prompts)
    for count in ROUNDS:
        for number in range(len(new[look.prompts[0].id]), count):
            replies = await asyncio.gather(*(look.ask(p, first + number, before[p.id][0]) for p in look.prompts))
            for prompt, reply in zip(look.prompts, replies, strict=True):
                new[prompt.id].append(reply)
        both = [([_said(r) for r in before[name]], [_said(r) for r in new[name]]) for name in new]
        if texts_changed(both, look.level / len(ROUNDS), look.look, kernel):
            look.shown_by = "texts of all prompts"
            break
    return f"MMD with the kernel {kernel}, permutations within prompts, at {len(ROUNDS)} sizes; level shared"


async def _run_texts(look: _Look) -> str:
    both: list[tuple[list[str], list[str]]] = []
    sizes = [size for size in STEPS if size < len(look.prompts)] + [min(STEPS[-1], len(look.prompts))]
    for prompt in look.prompts[: sizes[-1]]:
        old = look.earlier[prompt.id]
        samples = [AGAIN * (look.look - 1) + number for number in range(AGAIN)]
        new = [await look.ask(prompt, sample, old) for sample in samples]
        both.append(([_said(old)], [_said(reply) for reply in new]))
        look.seen += 1
        if look.seen in sizes and texts_changed(both, look.level / len(sizes), look.look, "hamming"):
            look.shown_by = "replies of prompts asked again"
            break
    return (
        f"MMD with the kernel hamming of the run's replies and two new ones each, at {len(sizes)} sizes; level shared"
    )


_METHODS: Final = {"askings": _askings, "run": _run, "texts": _texts, "run_texts": _run_texts}


def _said(reply: Reply) -> str:
    return f"{reply.trace}\n{reply.answer}" if reply.trace else reply.answer


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
