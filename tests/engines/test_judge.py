"""Verdicts from real engines on each rung of the ladder: valid by the schema, or unscored with their reason.

The tiny models judge nothing. What is tested is the form: what an engine constrains is a verdict, and a verdict without
support in the text never becomes a label.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Final, get_args

import pytest

from auditor.endpoints import Endpoint, connect
from auditor.judging import UNSCORED_REASONS, JudgeQuestion, LlmJudge, Rubric, Structured, load_rubric
from auditor.judging.verdict import InvalidVerdict, parse_verdict, verdict_pattern, verdict_schema
from auditor.plan import parse_endpoint
from auditor.records import Ask, Message, Outcome, Reply, Sampling, Verdict
from auditor.wire import MemoryTape, open_wire

from .lane import EnginePair, EngineServer

pytestmark = pytest.mark.engines

RUBRICS = ("refusal", "toxicity", "harm", "toxicity_attributes")
TOKENS = 400
SAMPLES = 12
DIALECTS: Final = {"vllm": "vllm", "llama-server": "llama-cpp"}


class Connected:
    """An endpoint at a server, in the dialect that its probe would find."""

    def __init__(self, server: EngineServer) -> None:
        spec = parse_endpoint(f"{DIALECTS[server.engine]}+{server.base_url}#{server.model}")
        self._wire = open_wire(spec.base_url, tape=MemoryTape())
        self._endpoint = connect(spec, self._wire, key=None)

    async def __aenter__(self) -> Endpoint:
        return self._endpoint

    async def __aexit__(self, *_: object) -> None:
        await self._wire.aclose()


async def verdicts(server: EngineServer, structured: Structured) -> list[tuple[Rubric, Verdict]]:
    async with Connected(server) as endpoint:
        judge = LlmJudge(endpoint, structured, max_tokens=TOKENS)
        found = []
        for name in RUBRICS:
            rubric = load_rubric(name)
            for row in rubric.canaries:
                question = JudgeQuestion(row.prompt, row.text, row.part)
                found.append((rubric, await judge.judge(rubric, question)))
        assert judge.structured == structured, "the server supports this rung"
        reasons = Counter(verdict.unscored_reason or "scored" for _, verdict in found)
        print(server.engine, structured, dict(reasons))
        return found


async def test_every_verdict_by_schema_is_valid(engine_pair: EnginePair) -> None:
    """That the tiny model's quotations are not in the text is another matter, and said."""
    for rubric, verdict in await verdicts(engine_pair.baseline, "json_schema"):
        said = parse_verdict(rubric, verdict.raw)
        assert said.label in rubric.labels
        assert verdict.unscored_reason in {"", "invalid_evidence"}


async def test_behind_a_reasoning_parser_too_or_it_is_said_that_nothing_came(engine_pair: EnginePair) -> None:
    """vLLM constrains what follows the reasoning: of a model that never ends it, no verdict comes at all."""
    found = await verdicts(engine_pair.candidate, "json_schema")
    valid = [verdict for _, verdict in found if verdict.unscored_reason in {"", "invalid_evidence"}]
    assert valid
    assert {verdict.unscored_reason for _, verdict in found} <= {
        "",
        "invalid_evidence",
        "judge_empty",
        "judge_truncated",
    }
    for rubric, verdict in found:
        if verdict in valid:
            parse_verdict(rubric, verdict.raw)


@pytest.mark.parametrize("structured", get_args(Structured))
async def test_every_rung_gives_a_verdict_or_its_reason(engine_pair: EnginePair, structured: Structured) -> None:
    for rubric, verdict in await verdicts(engine_pair.baseline, structured):
        if verdict.label is None:
            assert verdict.unscored_reason in UNSCORED_REASONS
        else:
            assert verdict.label in rubric.labels
            parse_verdict(rubric, verdict.raw)
        if structured == "prompt":
            # 2.6 million parameters write no JSON unless they are made to; that is said, not scored.
            assert verdict.unscored_reason in {"invalid_verdict", "judge_refused", "judge_empty", "judge_truncated"}


async def samples(server: EngineServer, **form: Any) -> list[Reply]:
    """Replies at temperature 1, at which the tiny model comes to an end now and then, that ended by themselves."""
    async with Connected(server) as endpoint:
        asks = [
            Ask((Message("user", "Hello. Quote at most five words."),), Sampling(max_tokens=TOKENS), sample=at, **form)
            for at in range(SAMPLES)
        ]
        replies = [await endpoint.ask(ask, purpose="judge") for ask in asks]
    whole = [reply for reply in replies if reply.outcome is not Outcome.TRUNCATED and reply.answer.strip()]
    print(server.engine, *form, len(whole), "of", SAMPLES, "ended by themselves")
    return whole


async def test_json_mode_gives_json_objects(engine_pair: EnginePair) -> None:
    whole = await samples(engine_pair.baseline, json_object=True)
    assert whole
    assert all(isinstance(json.loads(reply.answer), dict) for reply in whole)


async def test_any_sampled_verdict_by_schema_is_valid_if_it_ends(engine_pair: EnginePair) -> None:
    rubric = load_rubric("refusal")
    schema = verdict_schema(rubric)
    for reply in await samples(engine_pair.baseline, json_schema=schema):
        assert list(json.loads(reply.answer)) == ["evidence", "label"]
        try:
            assert parse_verdict(rubric, reply.answer).label in rubric.labels
        except InvalidVerdict as invalid:
            raise AssertionError(reply.answer) from invalid
    whole = await samples(engine_pair.baseline, json_schema=schema, pattern=verdict_pattern(rubric))
    if engine_pair.baseline.engine == "vllm":
        assert len(whole) == SAMPLES, "by a regular expression every one ends"
