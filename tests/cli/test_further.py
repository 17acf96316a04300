"""Further rubrics through the command line: planted differences are recovered, nothing decided moves, and it can be left out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from auditor.banks import bank_names, load_bank
from auditor.cli import cli
from auditor.judging import load_rubric, rubric_names
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, BySide, PlantedTruth, Serving, build_app
from auditor.store import RunReader
from tests.serve import served

PROMPTS = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
TRUTH = PlantedTruth(
    seed=4,
    good={
        "safety/harmful": BySide(0.6, 0.6),
        "safety/benign": BySide(0.9, 0.7),
        "bias/ambiguous": BySide(0.95, 0.45),
        "bias/disambiguated": BySide(0.95, 0.45),
        "toxicity": BySide(0.9, 0.6),
        "robustness/shifted": BySide(0.2, 0.2),
    },
    coupling=1.0,
    # Both comply alike; what the baseline gives away is mostly of no use.
    weak=BySide(0.75, 0.0),
    traces=("baseline", "candidate"),
    serving=Serving(unseeded="repeat"),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(build_app(TRUTH, PROMPTS)) as address:
        yield address


def audit(url: str, out: Path, *plan: str, judge: str = JUDGE_MODEL) -> dict[str, Any]:
    file = out.with_suffix(".toml")
    file.write_text(
        f'[baseline]\nendpoint = "{url}#{BASELINE_MODEL}"\n[candidate]\nendpoint = "{url}#{CANDIDATE_MODEL}"\n'
        f'[judge]\nendpoint = "{url}#{judge}"\n[drift]\nenabled = false\n[dimensions.bias]\nbanks = ["bias-choices"]\n'
        f'[dimensions.robustness]\nbanks = ["robustness-shifts"]\n[run]\nuntil = "all"\n' + "\n".join(plan)
    )
    chosen = [part for name in ("safety", "toxicity", "bias", "robustness") for part in ("--dimension", name)]
    ran = CliRunner().invoke(cli, ["run", str(file), *chosen, "--limit", "90", "--out", str(out)])
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    assert ran.exit_code in (0, 1, 3), ran.output
    return json.loads(CliRunner().invoke(cli, ["results", str(out), "--json"]).output)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def with_them(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    out = tmp_path_factory.mktemp("further") / "run"
    return out, audit(url, out)


@pytest.fixture(scope="module")
def without(url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return audit(url, tmp_path_factory.mktemp("plain") / "run", "further_rubrics = false")


def figures(found: dict[str, Any], dimension: str) -> dict[str, dict[str, Any]]:
    return {metric["key"]: metric for metric in found["dimensions"][dimension]["secondary"]}


def values(metric: dict[str, Any]) -> tuple[float, float]:
    return metric["baseline"]["value"], metric["candidate"]["value"]


def test_what_was_planted_in_harm_help_and_reasoning_is_recovered(with_them: tuple[Path, dict[str, Any]]) -> None:
    safety, bias = figures(with_them[1], "safety"), figures(with_them[1], "bias")
    assert values(safety["harmful_compliance"]) == pytest.approx((0.4, 0.4), abs=0.1)
    # A useless attempt is worth a quarter: 0.4 x (0.75 x 0.25 + 0.25) and 0.4.
    assert values(safety["harm"]) == pytest.approx((0.175, 0.4), abs=0.06)
    assert values(safety["helpfulness"]) == pytest.approx((0.9, 0.7), abs=0.06)
    assert values(bias["group_reasoning"]) == pytest.approx((0.05, 0.55), abs=0.06)
    assert values(figures(with_them[1], "toxicity")["attribute_insult"]) == pytest.approx((0.1, 0.4), abs=0.06)
    assert {metric["judge_relative"] for metric in (safety["harm"], bias["group_reasoning"])} == {True}
    consistency = figures(with_them[1], "robustness")["consistency"]
    assert consistency["baseline"]["n"] > 30
    assert "not compared" not in consistency["note"]


def test_the_manner_of_every_refusal_is_kept_with_it(with_them: tuple[Path, dict[str, Any]]) -> None:
    reader = RunReader(with_them[0])
    refused = [its for _, _, its in reader.scores() if its.label == "full_refusal"]
    complied = [its for _, _, its in reader.scores() if its.label == "full_compliance"]
    reader.close()
    assert refused
    assert {its.manner for its in refused} == {"open_refusal"}
    assert {its.manner for its in complied} == {""}


def test_no_primary_number_and_no_decision_moves(
    with_them: tuple[Path, dict[str, Any]], without: dict[str, Any]
) -> None:
    for name, body in without["dimensions"].items():
        assert with_them[1]["dimensions"][name]["primary"] == body["primary"]
        assert with_them[1]["dimensions"][name]["trace"] == body["trace"]
    assert not {"harm", "helpfulness", "manner_open_refusal_harmful"} & set(figures(without, "safety"))
    assert "group_reasoning" not in figures(without, "bias")
    assert without["cost"]["ledger"]["for_judge"] < with_them[1]["cost"]["ledger"]["for_judge"]
    assert "further_rubrics" not in without["judge"]


def test_the_estimate_lists_what_they_may_cost_and_holds(with_them: tuple[Path, dict[str, Any]]) -> None:
    file = with_them[0].with_suffix(".toml")
    chosen = [part for name in ("safety", "toxicity", "bias", "robustness") for part in ("--dimension", name)]
    args = ["estimate", str(file), *chosen, "--limit", "90"]
    judge = json.loads(CliRunner().invoke(cli, [*args, "--json"]).output)["sides"]["judge"]
    assert set(judge["by_further_rubric"]) == {
        "harm",
        "helpfulness",
        "refusal_manner",
        "toxicity_attributes",
        "bias_reasoning",
        "consistency",
    }
    assert judge["calls"] == sum(judge["by_rubric"].values()) + sum(judge["by_further_rubric"].values())
    reader = RunReader(with_them[0])
    asked: dict[str, int] = {}
    for _, _, verdict in reader.verdicts():
        asked[verdict.rubric] = asked.get(verdict.rubric, 0) + (not verdict.repeat)
    reader.close()
    assert all(count <= (judge["by_rubric"] | judge["by_further_rubric"])[rubric] for rubric, count in asked.items())
    assert "further_rubrics = false" in CliRunner().invoke(cli, args).output


@pytest.mark.parametrize("name", rubric_names())
def test_the_synthetic_judge_knows_every_shipped_rubric(url: str, name: str) -> None:
    ran = CliRunner().invoke(cli, ["judge", "check", "--rubric", name, "--judge", f"{url}#{JUDGE_MODEL}", "--json"])
    assert ran.exit_code == 0, ran.output
    found = json.loads(ran.output)
    assert found["overall"]["n"] == len(load_rubric(name).gold)
