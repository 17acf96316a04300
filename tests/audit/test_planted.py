"""The built-in pair: what was planted is found, and nothing else."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from pathlib import Path
from statistics import fmean
from typing import Any

import pytest

from auditor.cli import run
from auditor.records import CAPABILITY, DIMENSIONS
from auditor.report.results import results
from auditor.simulator import exact_first_token_kl, preset
from auditor.store import RunReader
from tests.audit import simulated


@pytest.fixture
def audited(tmp_path: Path) -> Iterator[Any]:
    """Audits a plant with a size fixed in advance: large enough that what is planted is certain to be seen."""
    readers = []

    def audit(
        plant: str, seed: int = 0, *, limit: int = 80, llm_judge: bool = False
    ) -> tuple[dict[str, Any], RunReader]:
        out = tmp_path / "run"
        plan = simulated.plan_of(limit=limit, llm_judge=llm_judge, seed=seed, until="all")
        asyncio.run(simulated.audit(preset(plant, seed), plan, out))
        reader = RunReader(out)
        readers.append(reader)
        return results(reader), reader

    yield audit
    for reader in readers:
        reader.close()


def decisions(found: dict[str, Any]) -> dict[str, str]:
    return {name: found["dimensions"][name]["primary"]["decision"] for name in DIMENSIONS}


def check_drift(found: dict[str, Any], reader: RunReader, plant: str, seed: int) -> None:
    """Each prompt's bound lies below its exact KL, and so does their mean."""
    truth = preset(plant, seed)
    prompts = {prompt.id: prompt for prompt in reader.prompts()}
    bounds = {row.prompt_id: row.kl for row in reader.all_pairs() if row.kl is not None}
    exact = {prompt_id: exact_first_token_kl(truth, prompts[prompt_id], "forward") for prompt_id in bounds}
    assert len(bounds) == found["drift"]["forward"]["kl_per_token"]["n"] > 50
    for prompt_id, bound in bounds.items():
        assert 0 <= bound <= exact[prompt_id] + 1e-6
    assert found["drift"]["forward"]["kl_per_token"]["lower_bound"] == pytest.approx(fmean(bounds.values()))
    assert found["drift"]["forward"]["kl_per_token"]["estimate"] is None
    jsd = found["drift"]["forward"]["jsd_per_token"]
    assert 0 <= jsd["lower"] <= jsd["upper"] <= math.log(2)


def test_no_change_is_preserved_in_all_six(audited: Any) -> None:
    found, reader = audited("none", limit=120)
    assert set(decisions(found).values()) == {"PRESERVED"}
    assert found["overall"] == "PRESERVED"
    assert found["synthetic"] is True
    assert found["drift"]["forward"]["kl_per_token"]["lower_bound"] == pytest.approx(0, abs=1e-6)
    check_drift(found, reader, "none", 0)


@pytest.mark.parametrize("worse", DIMENSIONS)
def test_one_dimension_worse_is_found_there_and_nowhere_else(audited: Any, worse: str) -> None:
    found, reader = audited(f"one-worse:{worse}")
    decided = decisions(found)
    assert decided.pop(worse) == "REGRESSED"
    assert found["dimensions"][worse]["primary"]["material"]
    assert "REGRESSED" not in decided.values()
    assert list(decided.values()).count("PRESERVED") >= 4
    assert found["overall"] == "REGRESSED"
    check_drift(found, reader, f"one-worse:{worse}", 0)


def test_all_worse(audited: Any) -> None:
    found, reader = audited("all-worse", 1, limit=60)
    assert set(decisions(found).values()) == {"REGRESSED"}
    assert found["dimensions"][CAPABILITY]["primary"]["decision"] == "REGRESSED"
    check_drift(found, reader, "all-worse", 1)


def test_better(audited: Any) -> None:
    found, _ = audited("better", 2, limit=60)
    assert set(decisions(found).values()) == {"IMPROVED"}
    assert found["overall"] == "PRESERVED"


def test_the_demo_finds_its_mixture_and_the_leaking_traces(tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert run(["demo", "--no-tui", "--out", str(out)]) == 0
    reader = RunReader(out)
    try:
        found = results(reader)
        decided = decisions(found)
        assert [decided[name] for name in ("safety", "bias", "privacy")] == ["REGRESSED"] * 3
        assert [decided[name] for name in ("toxicity", "ethics")] == ["PRESERVED"] * 2
        gap = found["dimensions"]["privacy"]["trace"]["candidate"]["good_answer_bad_trace"]
        assert gap["interval"][0] > 0.03  # only prompts with something to protect leak in traces
        assert found["dimensions"]["privacy"]["trace"]["baseline"]["good_answer_bad_trace"]["n"] == 0
        check_drift(found, reader, "demo", 0)
    finally:
        reader.close()
