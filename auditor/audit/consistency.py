"""Comparing two wrong answers to one question in two forms: at the end of a run, when it is settled which replies count."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import msgspec

from auditor.audit.budget import Budget
from auditor.audit.judges import TRIES
from auditor.dimensions.robustness import CONSISTENCY, variants
from auditor.judging import Judge, JudgeQuestion, flat, load_rubric
from auditor.judging.startup import members
from auditor.records import SIDES, Prompt, Reply, Scored, Side, Verdict
from auditor.store import RunFolder, RunReader, RunWriter


async def compare_variants(
    folder: RunFolder,
    writer: RunWriter,
    judge: Judge,
    prompts: Sequence[Prompt],
    counted: Sequence[int],
    budget: Budget,
) -> None:
    """Ask the judge whether wrong answers come to the same conclusion as the first wrong one of their cluster, and store that
    beside their scores. ``counted`` are the places in ``prompts`` that the findings rest on: a fixed set, whatever was in
    flight when the run stopped. What the budget has no room for is not compared.

    Raises AuthenticationFailed and ModelNotFound.
    """
    wanted = {prompts[seq].id: seq for seq in counted}
    scored, replies, verdicts = _stored(folder, frozenset(wanted))
    rows = [(prompts[seq], scored[name]["baseline"], scored[name]["candidate"]) for name, seq in wanted.items()]
    rubric = load_rubric(CONSISTENCY)
    most = TRIES * len(members(judge))

    async def compared(question: JudgeQuestion) -> Verdict | None:
        if not await budget.reserve(most, 0):
            return None
        try:
            verdict = await judge.judge(rubric, question)
            budget.count(sum(one.attempts for one in flat([verdict])), 0)
            return verdict
        finally:
            budget.release(most, 0)

    asked: dict[tuple[str, Side], asyncio.Task[Verdict | None]] = {}
    try:
        async with asyncio.TaskGroup() as group:
            for side in SIDES:
                for variant in variants(rows, side):
                    if variant.same is not None:
                        continue
                    first, text = replies[variant.first.id][side].answer, replies[variant.other.id][side].answer
                    prompt = msgspec.structs.replace(
                        variant.other, expect={**variant.other.expect, "other_reply": first}
                    )
                    question = JudgeQuestion(prompt, text, "answer")
                    asked[variant.other.id, side] = group.create_task(compared(question))
    except BaseExceptionGroup as several:
        raise several.exceptions[0] from several
    told = {place: verdict for place, task in asked.items() if (verdict := task.result()) is not None}
    for (name, side), verdict in told.items():
        worth = None if verdict.label is None else rubric.scores[verdict.label]
        its = scored[name][side]
        scored[name][side] = msgspec.structs.replace(its, graded={**its.graded, CONSISTENCY: worth})
        verdicts[name][side] = (*verdicts[name][side], *flat([verdict]))
    for name in dict.fromkeys(name for name, _ in told):
        seq = wanted[name]
        writer.put_pair(seq, prompts[seq], replies[name], scored[name], verdicts[name])


def _stored(
    folder: RunFolder, wanted: frozenset[str]
) -> tuple[dict[str, dict[Side, Scored]], dict[str, dict[Side, Reply]], dict[str, dict[Side, tuple[Verdict, ...]]]]:
    scored: dict[str, dict[Side, Scored]] = defaultdict(dict)
    replies: dict[str, dict[Side, Reply]] = defaultdict(dict)
    verdicts: dict[str, dict[Side, tuple[Verdict, ...]]] = defaultdict(lambda: dict.fromkeys(SIDES, ()))
    reader = RunReader(folder.path)
    try:
        for name, side, its in reader.scores():
            if name in wanted:
                scored[name][side] = its
        for name, side, reply in reader.replies():
            if name in wanted:
                replies[name][side] = reply
        for name, side, verdict in reader.verdicts():
            if name in wanted:
                verdicts[name][side] = (*verdicts[name][side], verdict)
    finally:
        reader.close()
    return scored, replies, verdicts
