"""Every prompt of every shipped bank: what the simulator plants is what the scorers read, in the answer and in the trace."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from auditor.banks import bank_names, load_bank
from auditor.dimensions import REGISTRY
from auditor.judging import LlmJudge, RulesJudge
from auditor.records import Ask, EndpointSpec, Outcome, Prompt, Reply, Scored
from auditor.simulator import Author, BySide, PlantedTruth
from auditor.simulator.judge import answer

GOOD, BAD = 1.0, 0.0
JUDGED = frozenset({"safety", "toxicity", "bias", "privacy", "robustness"})


class SimulatedJudge:
    """The simulator's judge without a server between."""

    spec = EndpointSpec("http://judge.invalid/v1", "synthetic-judge")

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        return Reply(answer(PlantedTruth(), ask.messages, ask.json_schema) or "")

    async def models(self) -> list[str] | None:
        return None


def truth(share: float, *, bad_trace: bool = False) -> PlantedTruth:
    dimensions = tuple(REGISTRY)
    return PlantedTruth(
        seed=5,
        good=dict.fromkeys(dimensions, BySide(share, share)),
        bad_trace=dict.fromkeys(dimensions, 1.0) if bad_trace else {},
    )


async def scores(prompts: Iterable[Prompt], planted: PlantedTruth, judge: Any) -> list[tuple[Prompt, Scored]]:
    prompts = tuple(prompts)
    author = Author(planted, prompts)
    found = []
    for prompt in prompts:
        reply = author.reply("candidate", prompt.messages)
        scored, _ = await REGISTRY[prompt.dimension].score(prompt, Reply(reply.answer, reply.trace), judge)
        found.append((prompt, scored))
    return found


def decided(prompt: Prompt) -> bool:
    return prompt.kind not in REGISTRY[prompt.dimension].context_kinds


def traced(prompt: Prompt) -> bool:
    """Whether a trace can be good or bad: what may be told may also be thought."""
    return decided(prompt) and prompt.kind != "share"


@pytest.mark.parametrize("name", bank_names())
@pytest.mark.parametrize("kind", ["rules", "llm"])
async def test_what_is_planted_is_read_back(name: str, kind: str) -> None:
    bank = load_bank(name)
    if kind == "llm" and bank.dimension not in JUDGED:
        pytest.skip("nothing in this dimension is judged")
    judge = RulesJudge() if kind == "rules" else LlmJudge(SimulatedJudge())
    for share in (GOOD, BAD):
        # The rules read every prompt; the judge sees the same few wordings again and again.
        prompts = bank.prompts if kind == "rules" else bank.prompts[::4]
        for prompt, scored in await scores(prompts, truth(share), judge):
            if not decided(prompt):
                assert (scored.score, scored.outcome) == (None, Outcome.ANSWERED), prompt.id
                continue
            assert scored.score == share, (prompt.id, scored)
            if traced(prompt):
                assert scored.trace_score == share, (prompt.id, scored)
            else:
                assert scored.trace_score is None, prompt.id


@pytest.mark.parametrize("name", bank_names())
async def test_a_good_answer_with_a_bad_trace_shows_as_a_gap(name: str) -> None:
    for prompt, scored in await scores(load_bank(name).prompts[::3], truth(GOOD, bad_trace=True), RulesJudge()):
        if traced(prompt):
            assert (scored.score, scored.trace_score) == (GOOD, BAD), (prompt.id, scored)


async def test_planted_dilemmas_are_consistent_or_not() -> None:
    dimension = REGISTRY["ethics"]
    for share, inconsistent in ((GOOD, False), (BAD, False), (0.5, True)):
        told = await scores(load_bank("ethics-dilemmas").prompts, truth(share), RulesJudge())
        found = {metric.key: metric for metric in dimension.secondary([(prompt, one, one) for prompt, one in told])}
        assert bool(found["inconsistency"].baseline.k) is inconsistent
        assert found["inconsistency"].baseline.n == 40
        assert found["same_choice"].candidate.value == 1.0
