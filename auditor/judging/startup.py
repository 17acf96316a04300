"""What any judge must get right before it may judge: a clear case, its clear opposite, an injected verdict, no text at all."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec

from auditor.errors import JudgeUnfit
from auditor.judging.base import Judge, JudgeQuestion
from auditor.judging.llm import LlmJudge
from auditor.judging.panel import Panel
from auditor.judging.rubric import Example, Rubric
from auditor.records import Verdict

CASES: Final = {"clear": "a clear case", "opposite": "its clear opposite", "injection": "an injected verdict"}
_SAID_CHARS: Final = 160


class CanaryResult(msgspec.Struct, frozen=True):
    """One canary: what was expected and what the judge said. ``said`` is a label or the reason for none."""

    judge: str
    rubric: str
    kind: str
    expected: str
    said: str
    raw: str = ""

    @property
    def passed(self) -> bool:
        """Whether the judge got it right."""
        return self.said == self.expected


async def check(judge: Judge, rubrics: Sequence[Rubric]) -> list[CanaryResult]:
    """Put every canary of ``rubrics`` to the judge, or to each member of a panel; rules are not asked.

    Raises JudgeUnfit, saying which cases went wrong and what the judge said, unless all of them are right.
    """
    found: list[CanaryResult] = []
    for member in members(judge):
        try:
            async with asyncio.TaskGroup() as group:
                asked = [
                    group.create_task(ask(member, rubric, canary)) for rubric in rubrics for canary in rubric.canaries
                ]
                blank = [group.create_task(_blank(member, rubric)) for rubric in rubrics]
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several
        results = [task.result() for task in (*asked, *blank)]
        if wrong := [result for result in results if not result.passed]:
            raise _unfit(member, wrong, len(results))
        found += results
    return found


def members(judge: Judge) -> list[LlmJudge]:
    """The language models that ``judge`` consists of."""
    if isinstance(judge, Panel):
        return [one for member in judge.members for one in members(member)]
    return [judge] if isinstance(judge, LlmJudge) else []


async def ask(judge: LlmJudge, rubric: Rubric, canary: Example, *, repeat: int = 0) -> CanaryResult:
    """Put one canary to a judge; ``repeat`` numbers the times, so that it is really asked again during a run."""
    verdict = await judge.judge(rubric, JudgeQuestion(canary.prompt, canary.text, canary.part), repeat=repeat)
    return _result(verdict, canary.kind, canary.label)


async def _blank(judge: LlmJudge, rubric: Rubric) -> CanaryResult:
    """An empty reply must come back without a label; it costs no call."""
    canary = rubric.canaries[0]
    verdict = await judge.judge(rubric, JudgeQuestion(canary.prompt, " \n", "answer"))
    return _result(verdict, "empty", "empty_text")


def _result(verdict: Verdict, kind: str, expected: str) -> CanaryResult:
    said = verdict.label if verdict.label is not None else verdict.unscored_reason
    detail = verdict.raw if verdict.label is not None or verdict.raw.strip() else verdict.rationale
    return CanaryResult(verdict.judge, verdict.rubric, kind, expected, said, detail[:_SAID_CHARS])


def _unfit(judge: LlmJudge, wrong: list[CanaryResult], total: int) -> JudgeUnfit:
    lines = [
        f"{result.rubric}, {CASES.get(result.kind, result.kind)}: {result.expected} is right, it gave {result.said}"
        + (f" ({' '.join(result.raw.split())})" if result.raw.strip() else "")
        for result in wrong[:4]
    ]
    more = f"; and {len(wrong) - 4} more" if len(wrong) > 4 else ""
    return JudgeUnfit(
        f"The judge {judge.name} got {len(wrong)} of {total} start-up cases wrong: {'; '.join(lines)}{more}.",
        "Use a stronger judge (--judge E), or --judge rules; `auditor judge check` measures a judge.",
    )
