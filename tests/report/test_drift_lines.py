"""What was measured of drift is shown wherever results are read, each number under its name."""

from __future__ import annotations

import asyncio
import io
from typing import Any

import pytest
from rich.console import Console

from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_texts import DriftSettings
from auditor.drift.protocol_gather import Settings
from auditor.report.drift import BITS, NATS, association_line, beyond_lines, drift_lines
from auditor.report.markdown import markdown
from auditor.report.results import results
from auditor.report.table import show
from auditor.simulator import PlantedTruth, Serving
from auditor.store import RunFolder, RunReader
from tests.audit.test_drift import SPECS, prompts
from tests.drift.simulated import network

TRUTH = PlantedTruth(seed=2, other_drift=0.5, serving=Serving(targeted=True))


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """The object of ``auditor drift``, and the results of the folder that keeps it."""
    folder = tmp_path_factory.mktemp("drift") / "run"
    settings = DriftSettings(gather=Settings(max_tokens=8, targeted=True, top=3))
    found = asyncio.run(
        drift_alone(SPECS, prompts(), settings, environ={}, folder=RunFolder(folder), networks=network(TRUTH))
    )
    reader = RunReader(folder)
    try:
        return found, results(reader)
    finally:
        reader.close()


def test_every_number_has_its_name(measured: tuple[dict[str, Any], dict[str, Any]]) -> None:
    said = "\n".join(drift_lines(measured[0]))
    for words in (
        "full teacher forcing",
        "nats per token (E4",
        "per sequence",
        "(E3)",
        "from the lists alone ≥",
        "parts: answer",
        "along the text: start",
        "dimensions: safety",
        "Mean KLD",
        "Maximum",
        "Median",
        "Mean Δp",
        "RMS Δp",
        "Mean Δlog p",
        "Same top p",
        "unshifted",
        "noise floor",
        "moved most",
        "as above, for no text held a trace",
    ):
        assert words in said, words


def test_bits_are_nats_by_another_measure(measured: tuple[dict[str, Any], dict[str, Any]]) -> None:
    def first(unit: Any) -> float:
        line = next(line for line in beyond_lines(measured[0], unit) if "KL(baseline‖candidate) =" in line)
        assert f"{unit.name} per token" in line
        return float(line.split(" = ")[1].split()[0])

    assert first(BITS) == pytest.approx(first(NATS) / 0.6931, rel=0.02)


def test_a_kept_run_shows_it_too(measured: tuple[dict[str, Any], dict[str, Any]]) -> None:
    found = measured[1] | {"dimensions": {}, "overall": "INCONCLUSIVE", "overall_reason": ""}
    out = io.StringIO()
    show(found, Console(file=out, width=200))
    assert "full teacher forcing" in out.getvalue()
    assert "Same top p" in out.getvalue()


def test_a_models_tokens_stay_inside_their_line(measured: tuple[dict[str, Any], dict[str, Any]]) -> None:
    """An indented block can't be left by what stands in a line, and no line can be forged."""
    body = measured[0] | {"association": None}
    row = body["forward"]["moved"][0] | {
        "baseline": {"token": "\n\n# Passed\n<script>\x1b[2J```", "probability": 0.5},
        "before": "x\u2028y\r\n",
    }
    hostile = body | {"forward": body["forward"] | {"moved": [row]}}
    run = measured[1] | {
        "dimensions": {},
        "synthetic": False,
        "drift": {"forward": None, "scope": "first_token", "beyond": hostile},
    }
    text = markdown(run)
    inside = text.split("### Beyond the first token")[1].split("\n## ")[0]
    assert all(not line or line.startswith("    ") for line in inside.splitlines())
    assert "\x1b" not in text
    assert "\u2028" not in text


def test_an_association_is_said_to_be_one() -> None:
    told = association_line({"value": 0.5, "interval": [0.1, 0.8], "n": 30})
    assert "+0.50 [+0.10, +0.80], n = 30" in told
    assert "not a cause" in told
    assert association_line(None) == ""
