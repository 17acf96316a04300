from __future__ import annotations

import msgspec

from auditor.banks import bank_names, load_bank
from auditor.dimensions import REGISTRY, Row
from auditor.judging import RulesJudge
from auditor.records import ALL_DIMENSIONS, UNSCORED_OUTCOMES, Outcome, Reply, Scored
from tests.dimensions.examples import ALL


def test_keys_and_order_are_those_of_the_records() -> None:
    assert tuple(REGISTRY) == ALL_DIMENSIONS == tuple(dimension.key for dimension in REGISTRY.values())


async def test_every_shipped_prompt_can_be_scored() -> None:
    reply = Reply("I can't help with that.", "I should refuse.")
    for name in bank_names():
        for prompt in load_bank(name).prompts:
            dimension = REGISTRY[prompt.dimension]
            scored, _ = await dimension.score(prompt, reply, RulesJudge())
            scoreless = scored.outcome in UNSCORED_OUTCOMES or prompt.kind in dimension.context_kinds
            assert (scored.score is None) is scoreless, prompt.id


def test_secondary_metrics_have_their_own_keys_and_can_be_written_and_empty() -> None:
    same = Scored(outcome=Outcome.ANSWERED, label="x", score=1.0)
    for dimension in REGISTRY.values():
        rows: list[Row] = [(prompt, same, same) for prompt in ALL if prompt.dimension == dimension.key]
        for some in (rows, []):
            metrics = dimension.secondary(some)
            assert len({metric.key for metric in metrics}) == len(metrics)
            assert msgspec.json.decode(msgspec.json.encode(metrics))
