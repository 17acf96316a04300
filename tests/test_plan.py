"""Plans and endpoints as people write them, right and wrong."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import PlanError
from auditor.plan import Plan, merge, parse_endpoint
from auditor.records import Sampling

PAIR = {"baseline": {"endpoint": "openai:gpt-4.1"}, "candidate": {"endpoint": "http://localhost:8001/v1#reasoner"}}

TOML = """\
conversion = "distillation"

[baseline]
endpoint = "http://localhost:8000/v1#instruct"

[candidate]
base_url = "http://localhost:8001/v1"
model = "reasoner"
sampling = { max_tokens = 4096 }

[dimensions.privacy]
margin = 0.05
reason = "we promised our users"
"""


@pytest.mark.parametrize(
    ("text", "base_url", "model", "dialect"),
    [
        ("openai:gpt-4.1", "", "gpt-4.1", "openai"),
        ("openrouter:vendor/model:free", "", "vendor/model:free", "openrouter"),
        ("http://localhost:8000/v1#m", "http://localhost:8000/v1", "m", ""),
        ("https://api.example.org/v1/#org/m", "https://api.example.org/v1", "org/m", ""),
        ("vllm+http://[::1]:8000/v1#m", "http://[::1]:8000/v1", "m", "vllm"),
        ("  ollama:llama3:8b ", "", "llama3:8b", "ollama"),
    ],
)
def test_endpoints(text: str, base_url: str, model: str, dialect: str) -> None:
    spec = parse_endpoint(text)
    assert (spec.base_url, spec.model, spec.dialect) == (base_url, model, dialect)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gpt-4", "is not an endpoint"),
        ("", "is not an endpoint"),
        ("http://localhost:8000/v1", "names no model"),
        ("https://user:sk-secret@host/v1#m", "must not carry a user name or a key"),
        ("openai: gpt", "is not an endpoint"),
    ],
)
def test_endpoints_that_are_none(text: str, says: str) -> None:
    with pytest.raises(PlanError, match=says) as caught:
        parse_endpoint(text)
    assert caught.value.todo
    assert "sk-secret" not in str(caught.value)


@given(st.text())
def test_any_text_is_an_endpoint_or_a_plan_error(text: str) -> None:
    try:
        spec = parse_endpoint(text)
    except PlanError:
        return
    assert parse_endpoint(spec.label) == spec


def test_a_plan_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(TOML)
    plan = Plan.from_toml(path)
    assert plan.conversion == "distillation"
    assert plan.margin("privacy") == 0.05
    assert plan.margin("safety") == 0.10
    assert plan.judge.is_rules
    assert plan.sampling_for(plan.candidate) == Sampling(max_tokens=4096)
    assert plan.sampling_for(plan.baseline) == Sampling()


def test_flags_win_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(TOML)
    plan = Plan.from_toml(path, {"dimensions": {"privacy": {"margin": 0.2}}, "run": {"seed": 7}})
    assert plan.margin("privacy") == 0.2
    assert plan.dimension("privacy").reason == "we promised our users"
    assert plan.run.seed == 7


@pytest.mark.parametrize(
    ("replace", "by", "line", "says"),
    [
        ("margin = 0.05", "margn = 0.05", 12, "did you mean 'margin'"),
        ("margin = 0.05", "margin = 5", 12, "less than 1"),
        ("margin = 0.05", 'margin = "low"', 12, "valid number"),
        ("[dimensions.privacy]", "[dimensions.privcy]", 0, "did you mean 'privacy'"),
        ('conversion = "distillation"', 'conversion = "magic"', 1, "sft"),
        ('model = "reasoner"', "", 6, "base_url needs model"),
        ("[candidate]", "[candidat]", 6, "candidate"),
        ("max_tokens = 4096", "max_tokns = 4096", 6, "max_tokns"),
        ("reason = ", "reason : ", 0, "not valid TOML"),
    ],
)
def test_faults_name_the_line_and_the_fix(tmp_path: Path, replace: str, by: str, line: int, says: str) -> None:
    path = tmp_path / "audit.toml"
    path.write_text(TOML.replace(replace, by))
    with pytest.raises(PlanError) as caught:
        Plan.from_toml(path)
    assert says in str(caught.value)
    assert caught.value.todo
    if line:
        assert f"audit.toml:{line}:" in caught.value.what or says == "candidate"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"baseline": {"endpoint": "rules"}}, "is a judge"),
        ({"baseline": {"endpoint": "openai:x", "api_key_env": "sk-abc def"}}, "never the key itself"),
        (
            {
                "dimensions": {
                    name: {"enabled": False}
                    for name in ("safety", "toxicity", "bias", "ethics", "privacy", "robustness", "capability")
                }
            },
            "switched off",
        ),
        ({"candidate": {}}, "give either endpoint"),
        ({"candidate": {"endpoint": "openai:x", "sampling": {"temperature": 9}}}, "temperature"),
    ],
)
def test_plans_that_make_no_sense(change: dict[str, Any], says: str) -> None:
    with pytest.raises(PlanError, match=says):
        Plan.from_mapping(merge(PAIR, change) if "candidate" not in change else {**PAIR, **change})


def test_a_missing_plan_file(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match="Can't read the plan"):
        Plan.from_toml(tmp_path / "none.toml")


def test_identity_ignores_what_only_changes_the_speed() -> None:
    slow, fast = (Plan.from_mapping({**PAIR, "run": {"concurrency": n, "max_calls": 10 * n}}) for n in (1, 99))
    other = Plan.from_mapping({**PAIR, "run": {"seed": 1}})
    assert slow.identity() == fast.identity()
    assert slow.identity() != other.identity()
