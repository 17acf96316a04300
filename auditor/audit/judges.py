"""The judges of a run: who may judge, whether they can, when they are asked again, and how they held up."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Final

from auditor.audit.relabelled import label_figures
from auditor.audit.session import Seat, Session
from auditor.dimensions import REGISTRY, rubrics
from auditor.endpoints import Capabilities, probe
from auditor.errors import JudgeUnfit, PlanError
from auditor.judging import (
    ASKED_AGAIN_AT_MOST,
    JUDGE_TOP_LOGPROBS,
    Judge,
    JudgeKind,
    JudgeQuestion,
    LlmJudge,
    Panel,
    Rubric,
    RulesJudge,
    Structured,
    flips,
    kin,
    load_rubric,
    settled,
    worth_repeating,
)
from auditor.judging.base import verdict_of
from auditor.judging.startup import CanaryResult, ask, check, members
from auditor.plan import Plan
from auditor.records import SIDES, EndpointSpec, Prompt, Reply, Scored, Side, Verdict
from auditor.stats.agreement import agreement
from auditor.store import RunReader

TRIES: Final = 2
"""Calls that one verdict may cost: the question, and one re-ask."""

CANARY_EVERY: Final = 100
"""Pairs between two canaries during the run."""

FORCED: Final = "A judge favours its own family, so judged numbers may favour one of the two models."

Scores = dict[Side, Scored]
Verdicts = dict[Side, tuple[Verdict, ...]]


class Bench:
    """The judges of one run, from the plan to their health at its end."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._judges = plan.bench()
        self._rubrics = [load_rubric(name) for one in plan.chosen_dimensions() for name in rubrics(one)]
        self.further: dict[str, Judge] = {}
        """Who is asked what no decision hangs on, by rubric: the language models that got its start-up cases right."""
        self._canaries: dict[str, list[CanaryResult]] = {}
        self.by_label: dict[str, dict[str, dict[str, Scored]]] = {}
        """A reply as it would be scored with each label of a dimension's rubric, by dimension and kind of prompt."""
        self.label_scores: dict[str, dict[str, dict[str, float]]] = {}
        """What each label of a dimension's rubric is worth, by dimension and kind of prompt: to read people's labels by."""
        self.judge: Judge = RulesJudge()
        self.startup: list[CanaryResult] = []
        self.warnings: list[str] = []

    @property
    def seats(self) -> dict[Seat, EndpointSpec]:
        """The endpoints of the language models among the judges. Raises PlanError if one is kin to a model and not forced:
        before a call is made, as far as the plan's names tell.
        """
        found = {_seat(number): judge.spec() for number, judge in enumerate(self._judges) if not judge.is_rules}
        for number, judge in enumerate(self._judges):
            if (spec := found.get(_seat(number))) is not None:
                self._refuse_kin(spec.model, [spec.model], self._models({}), forced=judge.force)
        return found

    def calls_for(self, prompt: Prompt) -> int:
        """Calls that judging one reply to this prompt may cost at most."""
        asked = 1 + ASKED_AGAIN_AT_MOST * self._plan.run.judge_repeats
        calls = 0
        for use in REGISTRY[prompt.dimension].uses.get(prompt.kind, ()):
            if use.further:
                calls += len(use.parts) * len(members(self.further[use.rubric])) if use.rubric in self.further else 0
            else:
                calls += len(use.parts) * len(members(self.judge)) * asked
        return TRIES * calls

    async def open(self, session: Session, models: Mapping[Side, Capabilities]) -> Judge:
        """Probe the judges, refuse kin by the names that servers give, and put the start-up cases to each.

        Raises PlanError for kin, JudgeUnfit for a judge that gets a case wrong, other EndpointError leaves for a dead one.
        """
        names = self._models(models)
        judges: list[Judge] = []
        for number, plan in enumerate(self._judges):
            if plan.is_rules:
                judges.append(RulesJudge())
                continue
            seat = _seat(number)
            found = await probe(session.endpoints[seat], wanted="judge")
            session.settle(seat, found)
            own = [session.specs[seat].model, found.served_model]
            if why := self._refuse_kin(session.specs[seat].model, own, names, forced=plan.force):
                self.warnings.append(why)
            judges.append(judge_at(session, seat, found, names))
        self.judge = judges[0] if len(judges) == 1 else Panel(judges)
        self.startup = await check(self.judge, self._rubrics)
        if self._plan.run.further_rubrics:
            await self._open_further()
        return self.judge

    async def _open_further(self) -> None:
        """Find out who can judge by the rubrics that no decision hangs on: who can't is not asked, and the report says so."""
        names = dict.fromkeys(name for one in self._plan.chosen_dimensions() for name in rubrics(one, further=True))
        asked = [(load_rubric(name), model) for name in names for model in members(self.judge)]
        told = await asyncio.gather(*(_tried(model, rubric) for rubric, model in asked))
        fit: dict[str, list[LlmJudge]] = defaultdict(list)
        for (rubric, model), found in zip(asked, told, strict=True):
            if isinstance(found, JudgeUnfit):
                self.warnings.append(f"{found.what} It is not asked by this rubric; no decision hangs on that.")
                continue
            self.startup += found
            fit[rubric.name].append(model)
        for name, some in fit.items():
            self.further[name] = some[0] if len(some) == 1 else Panel(some)
            self._rubrics.append(load_rubric(name))

    def describe(self) -> dict[str, Any]:
        """Who judges, for the run's provenance."""
        found: dict[str, Any] = {"name": self.judge.name, "kind": self.judge.kind}
        if isinstance(self.judge, Panel):
            found["members"] = [{"name": one.name, "kind": one.kind} for one in self.judge.members]
        if self.startup:
            found["startup_cases"] = len(self.startup)
        if self.further:
            found["further_rubrics"] = {name: judge.name for name, judge in self.further.items()}
        return found

    async def reconsider(
        self, prompt: Prompt, replies: Mapping[Side, Reply], scored: Scores, verdicts: Verdicts
    ) -> tuple[Scores, Verdicts, int]:
        """Ask again where it pays; what then holds, and how many more calls that took."""
        given = [verdict for side in SIDES for verdict in verdicts[side]]
        if not self._plan.run.judge_repeats or not worth_repeating(scored["baseline"], scored["candidate"], given):
            return scored, verdicts, 0
        scores: Scores = {}
        final: Verdicts = {}
        for side in SIDES:
            again = settled(self.judge, verdicts[side])
            scores[side], final[side] = await REGISTRY[prompt.dimension].score(prompt, replies[side], again)
        calls = sum(one.attempts for side in SIDES for one in final[side] if one.repeat)
        return scores, final, calls

    async def deepen(self, prompt: Prompt, replies: Mapping[Side, Reply], scored: Scores) -> tuple[Scores, Verdicts]:
        """Ask what no decision hangs on; the scores with what came of it, and the verdicts that it took."""
        deeper: Scores = {}
        more: Verdicts = {}
        dimension = REGISTRY[prompt.dimension]
        for side in SIDES:
            deeper[side], more[side] = await dimension.further(prompt, replies[side], scored[side], self.further)
        return deeper, more

    async def watch(self, seq: int, prompt: Prompt) -> int:
        """Slip a canary among the replies at every hundredth place of the order; how many calls that took.

        Each has a number of its own, so that the judge is really asked again and a continued run asks the same.
        """
        await self._learn(prompt)
        if (seq + 1) % CANARY_EVERY or not members(self.judge) or not self._rubrics:
            return 0
        number = (seq + 1) // CANARY_EVERY
        rubric = self._rubrics[number % len(self._rubrics)]
        judges = members(self.further.get(rubric.name, self.judge))
        canary = rubric.canaries[(number // len(self._rubrics)) % len(rubric.canaries)]
        told = await asyncio.gather(*(ask(judge, rubric, canary, repeat=number) for judge in judges))
        self._canaries[prompt.id] = list(told)
        return len(told)

    async def _learn(self, prompt: Prompt) -> None:
        """Find out what each label would have been worth on a prompt of this kind."""
        kinds = self.label_scores.setdefault(prompt.dimension, {})
        if prompt.kind in kinds:
            return
        worth = kinds[prompt.kind] = {}
        scored_as = self.by_label.setdefault(prompt.dimension, {}).setdefault(prompt.kind, {})
        for name in rubrics(prompt.dimension):
            for label in load_rubric(name).labels:
                oracle = _Oracle(label, self.judge.kind)
                scored, _ = await REGISTRY[prompt.dimension].score(prompt, Reply("…"), oracle)
                if oracle.asked and scored.score is not None:
                    worth[label] = scored.score
                    scored_as[label] = scored
        if len(set(worth.values())) < 2:
            # The score hangs on more than the label (a message must also say what it should): no label alone tells it.
            worth.clear()

    def label_figures(self, reader: RunReader) -> dict[str, Any]:
        """What each label would have been worth in each secondary figure; see :mod:`auditor.audit.relabelled`."""
        findings = {name: body for name, body in reader.findings().items() if "secondary" in body}
        return label_figures(findings, reader.stored_prompts(), reader.stored_scores(), self.by_label)

    def health(self, reader: RunReader) -> dict[str, Any] | None:
        """How the judges held up over the pairs that count; None where no language model judged."""
        if not members(self.judge):
            return None
        beyond = {one for body in reader.findings().values() for one in body.get("beyond_stop", ())}

        def verdicts() -> Iterator[tuple[str, Side, Verdict]]:
            return (found for found in reader.verdicts() if found[0] not in beyond)

        again, flipped = flips(verdicts())
        asked: Counter[str] = Counter()
        unscored: Counter[str] = Counter()
        for _, _, verdict in verdicts():
            asked[verdict.rubric] += verdict.attempts
            if verdict.unscored_reason:
                unscored[verdict.unscored_reason] += 1
        canaries = [one for prompt, told in sorted(self._canaries.items()) if prompt not in beyond for one in told]
        failed = [one for one in canaries if not one.passed]
        return {
            "startup_cases": len(self.startup),
            "asked": dict(sorted(asked.items())),
            "canaries": {
                "asked": len(canaries),
                "failed": len(failed),
                "failures": [
                    {"judge": one.judge, "rubric": one.rubric, "kind": one.kind, "said": one.said} for one in failed
                ],
            },
            "repeats": {"asked_again": again, "flipped": flipped, "rate": flipped / again if again else None},
            "unscored": dict(sorted(unscored.items())),
            "panel": _disagreement(verdicts(), self.judge) if isinstance(self.judge, Panel) else None,
        }

    def _models(self, found: Mapping[Side, Capabilities]) -> list[str]:
        plans = (self._plan.baseline, self._plan.candidate)
        names = [*(plan.spec().model for plan in plans), *self._plan.parents]
        return list(dict.fromkeys([*names, *(side.served_model for side in found.values() if side.served_model)]))

    @staticmethod
    def _refuse_kin(judge: str, own: Sequence[str], models: Sequence[str], *, forced: bool) -> str:
        why = kin(own, models)
        if why and not forced:
            raise PlanError(
                f"The judge {judge} is kin to a model that it would judge: {why}.",
                f"{FORCED} Take a judge from another family, or force this one with --force-judge (force = true"
                " beside the judge in the plan); every report then says so.",
            )
        return (
            f"The judge {judge} was forced although it is kin to a model that it judges: {why}. {FORCED}" if why else ""
        )


async def _tried(model: LlmJudge, rubric: Rubric) -> list[CanaryResult] | JudgeUnfit:
    try:
        return await check(model, [rubric])
    except JudgeUnfit as unfit:
        return unfit


class _Oracle:
    """A judge that always gives one label."""

    name = "oracle"

    def __init__(self, label: str, kind: JudgeKind) -> None:
        self.kind = kind
        self.asked = False
        self._label = label

    async def judge(self, rubric: Rubric, question: JudgeQuestion) -> Verdict:
        """That label."""
        self.asked = True
        return verdict_of(rubric, question, self, label=self._label)


def judge_at(session: Session, seat: Seat, found: Capabilities, names: Iterable[str]) -> LlmJudge:
    """The judge on a seat, as its probe found it; ``names`` are the models whose names it must not see."""
    # A repository's name is often said without its owner.
    hidden = dict.fromkeys(part for name in names for part in (name, name.rpartition("/")[2]))
    return LlmJudge(
        session.endpoints[seat],
        structured=_rung(found),
        names=tuple(hidden),
        top_logprobs=min(JUDGE_TOP_LOGPROBS, found.top_logprobs_max or 0),
    )


def _rung(found: Capabilities) -> Structured:
    if found.structured_output == "json_schema":
        return "json_schema"
    return "json_object" if found.structured_output == "json_object" else "prompt"


def _seat(number: int) -> Seat:
    return f"judge-{number + 1}" if number else "judge"


def _disagreement(verdicts: Iterable[tuple[str, Side, Verdict]], panel: Panel) -> list[dict[str, Any]]:
    """How far each two members agree: raw agreement and AC1 over texts that both labelled, and how often they did not."""
    names = [member.name for member in panel.members]
    told: dict[tuple[str, str, str, str], dict[str, str]] = defaultdict(dict)
    for prompt_id, side, verdict in verdicts:
        if verdict.label is not None and verdict.judge in names:
            told[prompt_id, side, verdict.part, verdict.rubric][verdict.judge] = f"{verdict.rubric}:{verdict.label}"
    found = []
    for one, other in combinations(names, 2):
        both = [(labels[one], labels[other]) for labels in told.values() if one in labels and other in labels]
        met = agreement(both) if len(both) >= 2 else None
        found.append(
            {
                "judges": [one, other],
                "n": len(both),
                "disagreed": sum(a != b for a, b in both),
                "raw": met.raw if met else None,
                "ac1": met.ac1.value if met else None,
            }
        )
    return found
