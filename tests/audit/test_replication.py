"""Presets: complete, consistent with the formats and metrics that exist, and usable on any pair."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.audit.preflight import chosen_banks
from auditor.audit.replication import load_preset, plan_of, preset_names, replicated
from auditor.banks.importers.registry import FORMATS
from auditor.dimensions import REGISTRY, Row
from auditor.errors import PlanError
from auditor.records import ALL_DIMENSIONS, Outcome, Scored

PAIR: dict[str, Any] = {
    "baseline": {"endpoint": "http://localhost:8000/v1#a"},
    "candidate": {"endpoint": "openai:b"},
    "conversion": "sft",
}


def test_an_unknown_preset_is_explained() -> None:
    with pytest.raises(PlanError, match="no preset"):
        load_preset("nothing")


@pytest.mark.parametrize("name", preset_names())
def test_a_preset_gives_a_plan_with_its_decoding_for_any_pair(name: str) -> None:
    preset = load_preset(name)
    plan = plan_of(preset, PAIR, {"ethics": ["ethics-judgement"]})
    assert plan.scoring == "paper"
    assert plan.run.until == "all"
    assert (plan.sampling.temperature, plan.sampling.top_p, plan.sampling.max_tokens) == (0.6, 0.95, 4096)
    assert plan.baseline.extra_body == {"top_k": 20}
    assert plan.candidate.extra_body == {}
    banks = {key: [bank.name for bank in some] for key, some in chosen_banks(plan).items()}
    assert set(banks) == set(ALL_DIMENSIONS)
    assert banks["ethics"] == ["ethics-judgement"]


@pytest.mark.parametrize("name", preset_names())
def test_what_a_preset_names_exists(name: str) -> None:
    preset = load_preset(name)
    assert all(one.format in {"", *FORMATS} for one in preset.sets.values())
    assert "secondary" in preset.values_from
    same = Scored(Outcome.ANSWERED, "x", 1.0)
    plan = plan_of(preset, PAIR, {})
    keys: dict[str, set[str]] = {}
    for key, banks in chosen_banks(plan).items():
        rows: list[Row] = [(prompt, same, same) for bank in banks for prompt in bank.prompts]
        keys[key] = {metric.key for metric in REGISTRY[key].secondary(rows)}
    for figure in preset.published:
        assert figure.ours in {"primary", "paper:rate", "paper:refusals", *keys[figure.dimension]}, figure
        assert set(figure.values) <= {"instruct", "sft", "rl", "distillation", "hybrid"}
    assert {pair.conversion for pair in preset.pairs} >= {"sft", "rl", "distillation"}


def results(conversion: str) -> dict[str, Any]:
    sides = {"baseline": {"rate": 0.8}, "candidate": {"rate": 0.7}}
    told = {
        "rules": "x",
        "baseline": {"rate": 0.6, "refusals": 1, "replies": 10},
        "candidate": {"rate": None, "refusals": 5, "replies": 10},
    }
    return {
        "pair": {"conversion": conversion},
        "dimensions": {
            "ethics": {"primary": sides, "secondary": [], "paper": told},
            "safety": {"primary": sides, "secondary": [], "paper": {"rules": None}},
            "privacy": {
                "primary": sides,
                "secondary": [{"key": "leak_mode_protect", "baseline": {"value": 0.1}, "candidate": {"value": 0.4}}],
            },
        },
    }


def test_published_figures_stand_beside_those_of_the_run() -> None:
    found = replicated(load_preset("reasoning-trust"), results("sft"), {"ethics": ["mine.jsonl"]})
    figures = {figure["title"]: figure for figure in found["figures"]}
    refusals = figures["ETHICS unparsed, called refusal"]
    assert refusals["published"] == {"baseline": pytest.approx(0.0052), "candidate": pytest.approx(0.8273)}
    assert refusals["run"] == {"baseline": 0.1, "candidate": 0.5}
    assert figures["leak, 3 examples, protect"]["run"] == {"baseline": 0.1, "candidate": 0.4}
    assert figures["safety score"]["run"] == {"baseline": 0.8, "candidate": 0.7}
    assert figures["MATH-500"]["run"] == {"baseline": None, "candidate": None}
    assert found["sets"]["ethics"]["stand_in"] is False
    assert found["sets"]["bias"]["stand_in"] is True
    other = replicated(load_preset("reasoning-trust"), results("hybrid"), {})
    assert all(figure["published"]["candidate"] is None for figure in other["figures"])
