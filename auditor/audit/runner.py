"""The audit itself: ask both, split, score, compare, measure drift, store. The only room that runs things.

Every step is repeatable: a continued run asks the same questions in the same order, and the tape answers those that were
paid for before.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Protocol

import httpx2
import msgspec

from auditor import __version__
from auditor.audit.asking import Asker, Patience
from auditor.audit.budget import Budget
from auditor.audit.closing import conclude
from auditor.audit.conclusion import context, terms_of
from auditor.audit.consistency import compare_variants
from auditor.audit.course import Course
from auditor.audit.drift import drift_of_run
from auditor.audit.drift_choice import Target, find_targets
from auditor.audit.family import lineage
from auditor.audit.findings import paired
from auditor.audit.groups import most_telling
from auditor.audit.judges import Bench
from auditor.audit.preflight import check_pair, chosen_banks, freeze, schedule, units
from auditor.audit.prices import Prices
from auditor.audit.session import Seat, Session, keys_for
from auditor.dimensions import REGISTRY
from auditor.dimensions.robustness import CONSISTENCY
from auditor.endpoints import Capabilities, probe
from auditor.errors import BudgetReached, Stopped
from auditor.judging import Judge
from auditor.plan import Plan
from auditor.records import SIDES, EndpointSpec, Outcome, Prompt, Sampling, Scored, Side, Verdict
from auditor.stats.evidence import judge as judge_units
from auditor.stats.figures import figures
from auditor.store import Kept, RunFolder, RunReader, RunWriter, kept
from auditor.store.control import FILE as CONTROL
from auditor.store.control import ask, wish
from auditor.wire import KEPT_CHANGES, Clock, LimitChange, SystemClock, Tape, TapeMode, WireLimits, deadline_for

log = logging.getLogger(__name__)

PAUSE_POLL_S = 0.5
"""Seconds between two looks at whether a paused run may go on."""


class Progress(Protocol):
    """Who watches a run."""

    def note(self, text: str) -> None:
        """Say something."""

    def start(self, total: int, done: int) -> None:
        """The run begins: ``total`` pairs."""

    def pair(self, prompt: Prompt, scored: Mapping[Side, Scored]) -> None:
        """A pair is complete and stored."""


class Silent:
    """Watches without a word."""

    def note(self, text: str) -> None:
        """Ignore it."""

    def start(self, total: int, done: int) -> None:
        """Ignore it."""

    def pair(self, prompt: Prompt, scored: Mapping[Side, Scored]) -> None:
        """Ignore it."""


class Audit:
    """One audit of one pair into one folder."""

    def __init__(
        self,
        plan: Plan,
        folder: RunFolder,
        *,
        environ: Mapping[str, str],
        progress: Progress | None = None,
        networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
        tape: Tape | None = None,
        mode: TapeMode = "auto",
        clock: Clock | None = None,
        limits: WireLimits = WireLimits(),  # noqa: B008 - frozen
        synthetic: bool = False,
    ) -> None:
        self.plan = plan
        self.folder = folder
        self._environ = environ
        self._progress = progress or Silent()
        self._networks = networks
        self._tape = tape
        self._mode: TapeMode = mode
        self._clock = clock or SystemClock()
        self._bounds = limits
        self._sampling: dict[Side, Sampling] = {
            "baseline": plan.sampling_for(plan.baseline),
            "candidate": plan.sampling_for(plan.candidate),
        }
        self._synthetic = synthetic
        self._patience = Patience()
        self._targets: Mapping[Side, Target] = {}
        self._bench = Bench(plan)
        self._budget = Budget(max_calls=plan.run.max_calls, max_tokens=plan.run.max_tokens)

    async def run(self) -> None:
        """Carry the audit out, or continue it. Raises AuditorError leaves; what was paid for is on the tape then."""
        banks = chosen_banks(self.plan)
        prompts = schedule(self.plan, banks)
        specs: dict[Seat, EndpointSpec] = {
            "baseline": self.plan.baseline.spec(),
            "candidate": self.plan.candidate.spec(),
        }
        specs |= self._bench.seats
        keys = keys_for(specs, self._environ)
        prices = Prices(self.plan)
        self.folder.claim()
        try:
            continued = freeze(self.plan, banks, self.folder)
            writer = RunWriter(self.folder)
            try:
                session = Session(
                    specs,
                    tape=self._tape or writer.tape,
                    mode=self._mode,
                    keys=keys,
                    limits=self._limits(),
                    networks=self._networks,
                    clock=self._clock,
                    on_attempt=lambda attempt: writer.put_attempt(self._clock.time(), prices.on(attempt)),
                    on_limit=_on_record(writer),
                )
                course = Course(prompts, terms_of(self.plan, units(banks)), self.plan.run.until, context)
                writer.put_prompts(prompts)
                # From here on the database has them: a run may have 50,000.
                del banks, prompts
                async with session:
                    await self._carry_out(session, writer, writer.prompts(), course, continued=continued)
                    self._list_unused(session)
            finally:
                writer.close()
        finally:
            self.folder.release()

    def _limits(self) -> WireLimits:
        run = self.plan.run
        longest = max(sampling.max_tokens for sampling in self._sampling.values())
        return msgspec.structs.replace(
            self._bounds,
            concurrency=run.concurrency,
            requests_per_minute=run.requests_per_minute,
            tokens_per_minute=run.tokens_per_minute,
            deadline_s=deadline_for(longest, self._bounds.deadline_s),
        )

    async def _carry_out(
        self, session: Session, writer: RunWriter, prompts: Sequence[Prompt], course: Course, *, continued: bool
    ) -> None:
        writer.put_meta("status", "running")
        ask(self.folder.path, "")
        capabilities: dict[Side, Capabilities] = {}
        for side in SIDES:
            capabilities[side] = await probe(session.endpoints[side])
            session.settle(side, capabilities[side])
        judge = await self._bench.open(session, capabilities)
        warnings = [*check_pair(capabilities["baseline"], capabilities["candidate"]), *self._bench.warnings]
        if mixed := lineage(self.plan):
            warnings.append(f"The comparison is {mixed}.")
        for warning in warnings:
            self._progress.note(warning)
        writer.put_meta("provenance", self._provenance(session, capabilities, warnings))
        self._progress.start(len(prompts), 0)
        if continued:
            self._progress.note(f"Continuing {self.folder.path}: what was answered before is not asked again.")
        drift = self._drift_plan(capabilities, prompts)
        self._targets = await find_targets(session, capabilities) if drift else {}
        status = "interrupted"
        try:
            complete = await self._ask_all(session, writer, prompts, course, judge, drift)
            if complete:
                await self._compare(writer, prompts, course)
                note = self._progress.note
                complete = await drift_of_run(self.plan, session, capabilities, prompts, writer, note, self._budget)
            status = "complete" if complete else "stopped" if wish(self.folder.path) == "stop" else "budget"
        finally:
            # Also a run that is cut short has findings: for what was asked until then.
            conclude(self.plan, self.folder, writer)
            self._put_judging(writer)
            writer.put_meta("status", status)
        if status == "stopped":
            raise Stopped(
                f"The run was asked to stop (the file {CONTROL} in its folder); the findings so far are stored.",
                "Run the same command to continue.",
            )
        if not complete:
            raise BudgetReached(
                f"The budget was reached after {self._budget.calls} calls and {self._budget.tokens} tokens;"
                " the findings so far are stored.",
                "Run the same command with a larger --max-calls or --max-tokens to continue.",
            )

    async def _may_begin(self) -> bool:
        """Whether another pair may begin; waits while whoever watches the run asks for a pause."""
        while (asked := wish(self.folder.path)) == "pause":
            await self._clock.sleep(PAUSE_POLL_S)
        return asked != "stop"

    def _list_unused(self, session: Session) -> None:
        """In a replay, what is on the cassette and was not asked for is a sign that plan and cassette have parted."""
        if self._mode != "replay":
            return
        unused = [exchange for wire in session.wires.values() for exchange in wire.unused()]
        if not unused:
            return
        for exchange in unused:
            log.info("not asked for: %s %s %s", exchange.endpoint, exchange.path, exchange.request.decode()[:300])
        self._progress.note(f"{len(unused)} recorded exchanges were not asked for; {self.folder.log} lists them.")

    def _drift_plan(self, capabilities: Mapping[Side, Capabilities], prompts: Sequence[Prompt]) -> dict[str, int]:
        """Which prompts are asked for logprobs, and for how many alternatives."""
        most = [capabilities[side].top_logprobs_max or 0 for side in SIDES]
        if not self.plan.drift.enabled or not all(most):
            return {}
        k = min(self.plan.drift.top_logprobs, *most)
        once = (prompt for prompt in prompts if prompt.sample == 0)
        return {prompt.id: k for prompt in islice(once, self.plan.drift.prompts)}

    async def _ask_all(
        self,
        session: Session,
        writer: RunWriter,
        prompts: Sequence[Prompt],
        course: Course,
        judge: Judge,
        drift: Mapping[str, int],
    ) -> bool:
        stopped = False
        at_work = 0
        asker = Asker(session, self._sampling, self._budget, self._patience, self._targets)

        async def worker(group: asyncio.TaskGroup, queue: Iterator[int]) -> None:
            nonlocal stopped, at_work
            while at_work <= session.pairs_at_once and (seq := next(queue, None)) is not None:
                prompt = prompts[seq]
                worst = self._worst_case(prompt, first_token=prompt.id in drift)
                if stopped or not await self._may_begin() or not await self._budget.reserve(*worst):
                    stopped = True
                    return
                if stopped:
                    self._budget.release(*worst)
                    return
                scored = await self._pair(asker, writer, seq, prompt, judge, drift.get(prompt.id))
                self._budget.release(*worst)
                name = course.put(seq, paired(prompt, scored["baseline"], scored["candidate"]).delta)
                if name is not None:
                    await self._decided(writer, course, name)
                hire(group, queue)
            at_work -= 1

        def hire(group: asyncio.TaskGroup, queue: Iterator[int]) -> None:
            nonlocal at_work
            while at_work < session.pairs_at_once:
                at_work += 1
                group.create_task(worker(group, queue))

        # What an earlier session stored is heard first: it may show that nothing more needs to be asked at all.
        for queue in (iter(_stored(self.folder)), course.ahead(2 * self.plan.run.concurrency)):
            try:
                async with asyncio.TaskGroup() as group:
                    at_work = 0
                    hire(group, queue)
            except BaseExceptionGroup as several:
                # Workers fail together when an endpoint goes away; the user needs one sentence, not a tree.
                raise most_telling(several) from several
        # What follows reads the run as others do.
        writer.commit()
        return course.complete

    async def _decided(self, writer: RunWriter, course: Course, name: str) -> None:
        """Keep a decision with its time as it falls, for whoever watches the run."""
        if course.closed(name):
            self._progress.note(f"{name}: decided after {len(course.counted(name))} pairs; no more are asked.")
        units, terms, watched = course.evidence(name)
        # Of ten thousand units it takes a second: replies that arrive meanwhile are not kept waiting.
        found = await asyncio.to_thread(lambda: figures(judge_units(units, terms, watched=watched), terms))
        writer.put_decision(self._clock.time(), name, found)

    async def _pair(
        self, asker: Asker, writer: RunWriter, seq: int, prompt: Prompt, judge: Judge, top_logprobs: int | None
    ) -> dict[Side, Scored]:
        async def ask_side(side: Side) -> Kept:
            return kept(await asker.reply(side, prompt))

        async with asyncio.TaskGroup() as group:
            asked = {side: group.create_task(ask_side(side)) for side in SIDES}
            first = group.create_task(asker.first_tokens(prompt, top_logprobs)) if top_logprobs else None
        stored = {side: task.result() for side, task in asked.items()}
        replies = {side: one.reply for side, one in stored.items()}
        scored: dict[Side, Scored] = {}
        verdicts: dict[Side, tuple[Verdict, ...]] = {}
        dimension = REGISTRY[prompt.dimension]
        for side in SIDES:
            scored[side], verdicts[side] = await dimension.score(prompt, replies[side], judge)
        self._watch_judge(verdicts)
        scored, verdicts, calls = await self._bench.reconsider(prompt, replies, scored, verdicts)
        scored, further = await self._bench.deepen(prompt, replies, scored)
        self._watch_judge(further)
        verdicts = {side: (*verdicts[side], *further[side]) for side in SIDES}
        self._budget.count(calls + await self._bench.watch(seq, prompt), 0)
        for side, reply in (first.result() if first else {}).items():
            writer.put_first_token(prompt.id, side, reply)
        writer.put_pair(seq, prompt, stored, scored, verdicts)
        self._progress.pair(prompt, scored)
        return scored

    async def _compare(self, writer: RunWriter, prompts: Sequence[Prompt], course: Course) -> None:
        """Compare wrong answers to one question in several forms, where somebody can and forms were asked."""
        judge = self._bench.further.get(CONSISTENCY)
        if judge is not None:
            counted = course.counted("robustness")
            await compare_variants(self.folder, writer, judge, prompts, counted, self._budget)

    def _put_judging(self, writer: RunWriter) -> None:
        reader = RunReader(self.folder.path)
        try:
            writer.put_meta("judging", self._bench.health(reader))
            writer.put_meta("label_scores", self._bench.label_scores)
            writer.put_meta("label_figures", self._bench.label_figures(reader))
        finally:
            reader.close()

    def _watch_judge(self, verdicts: Mapping[Side, tuple[Verdict, ...]]) -> None:
        for verdict in (v for some in verdicts.values() for v in some):
            if verdict.judge_kind == "llm":
                self._budget.count(verdict.attempts, 0)
            if verdict.unscored_reason.startswith("endpoint"):
                self._patience.failed("judge", verdict.unscored_reason)
            else:
                self._patience.worked("judge")

    def _worst_case(self, prompt: Prompt, *, first_token: bool) -> tuple[int, int]:
        # Where tokens can be asked for by id, the first one is asked for twice.
        again = first_token * (2 if self._targets else 1)
        calls = 2 * (1 + again + self._bench.calls_for(prompt))
        characters = sum(len(message.content) for message in prompt.messages)
        replies = sum(sampling.max_tokens for sampling in self._sampling.values())
        return calls, replies + 2 * characters * (1 + again)

    def _provenance(
        self, session: Session, capabilities: Mapping[Side, Capabilities], warnings: Iterable[str]
    ) -> dict[str, Any]:
        return {
            "auditor": __version__,
            "synthetic": self._synthetic,
            "pair": {side: _described(session.specs[side]) for side in SIDES},
            "conversion": self.plan.conversion,
            "parents": self.plan.parents,
            "judge": self._bench.describe(),
            "probes": {side: found.to_dict() for side, found in capabilities.items()},
            "warnings": list(warnings),
        }


def _stored(folder: RunFolder) -> list[int]:
    """Places in the order of the pairs that an earlier session stored, those that failed left out: they are asked again."""
    reader = RunReader(folder.path)
    try:
        failed = str(Outcome.ERROR)
        return reader.pair_ids("baseline_outcome <> ? AND candidate_outcome <> ?", (failed, failed))
    finally:
        reader.close()


def _on_record(writer: RunWriter) -> Callable[[str, LimitChange], None]:
    """Keeps the last changes of every endpoint's limit, with their reasons, as the run's "limits"."""
    changes: list[dict[str, Any]] = writer.get_meta("limits") or []

    def keep(endpoint: str, change: LimitChange) -> None:
        changes.append({"endpoint": endpoint, **msgspec.to_builtins(change)})
        del changes[:-KEPT_CHANGES]
        writer.put_meta("limits", changes)

    return keep


def _described(spec: EndpointSpec) -> dict[str, Any]:
    return {"endpoint": spec.label, "base_url": spec.base_url, "model": spec.model, "dialect": spec.dialect}
