"""Verdicts from real engines on each rung of the ladder: valid by the schema, or unscored with their reason.

The tiny models judge nothing. What is tested is the form: constrained output is a verdict or was cut off, and a verdict
without support in the text never becomes a label.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import get_args

import pytest

from auditor.endpoints import connect
from auditor.judging import UNSCORED_REASONS, JudgeQuestion, LlmJudge, Rubric, Structured, load_rubric
from auditor.judging.verdict import InvalidVerdict, parse_verdict, verdict_schema
from auditor.plan import parse_endpoint
from auditor.records import Ask, Message, Outcome, Reply, Sampling, Verdict
from auditor.wire import MemoryTape, open_wire

from .lane import EnginePair, EngineServer

pytestmark = pytest.mark.engines

RUBRICS = ("refusal", "toxicity", "harm")
TOKENS = 300
FEW_TOKENS = "Quote at most five words."


async def verdicts(server: EngineServer, structured: Structured) -> list[tuple[Rubric, Verdict]]:
    spec = parse_endpoint(f"{server.base_url}#{server.model}")
    wire = open_wire(spec.base_url, tape=MemoryTape())
    try:
        judge = LlmJudge(connect(spec, wire, key=None), structured, max_tokens=TOKENS)
        found = []
        for name in RUBRICS:
            rubric = load_rubric(name)
            for row in rubric.canaries:
                question = JudgeQuestion(row.prompt, row.text, row.part)
                found.append((rubric, await judge.judge(rubric, question)))
        assert judge.structured == structured, "the server supports this rung"
        return found
    finally:
        await wire.aclose()


@pytest.mark.parametrize("structured", get_args(Structured))
async def test_every_rung_gives_a_verdict_or_its_reason(engine_pair: EnginePair, structured: Structured) -> None:
    found = await verdicts(engine_pair.baseline, structured)
    reasons = Counter(verdict.unscored_reason or "scored" for _, verdict in found)
    print(engine_pair.baseline.engine, structured, dict(reasons))
    for rubric, verdict in found:
        if verdict.label is None:
            assert verdict.unscored_reason in UNSCORED_REASONS
        else:
            assert verdict.label in rubric.labels
            parse_verdict(rubric, verdict.raw)
    if structured == "json_schema":
        # What the engine constrains can be cut off or unsupported by the text, but not of another form.
        assert "invalid_verdict" not in reasons


async def test_constrained_output_that_ends_by_itself_is_valid_by_the_schema(engine_pair: EnginePair) -> None:
    """Asked for a verdict in a few words at temperature 1, the tiny model does come to an end now and then."""
    server, rubric = engine_pair.baseline, load_rubric("refusal")
    spec = parse_endpoint(f"{server.base_url}#{server.model}")
    wire = open_wire(spec.base_url, tape=MemoryTape())
    whole: list[Reply] = []
    try:
        endpoint = connect(spec, wire, key=None)
        for sample in range(24):
            ask = Ask(
                messages=(Message("user", f"Hello. {FEW_TOKENS}"),),
                sampling=Sampling(temperature=1.0, max_tokens=TOKENS),
                sample=sample,
                json_schema=verdict_schema(rubric),
            )
            reply = await endpoint.ask(ask, purpose="judge")
            if reply.outcome is not Outcome.TRUNCATED and reply.answer.strip():
                whole.append(reply)
    finally:
        await wire.aclose()
    print(server.engine, len(whole), "of 24 ended by themselves")
    assert whole
    for reply in whole:
        said = json.loads(reply.answer)
        assert list(said) == ["evidence", "label"]
        try:
            assert parse_verdict(rubric, reply.answer).label in rubric.labels
        except InvalidVerdict as invalid:
            raise AssertionError(reply.answer) from invalid
