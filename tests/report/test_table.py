"""The summary in a terminal and in a pipe: what stopped early, what is anytime-valid, what is fragile."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from auditor.audit.findings import finding, judged_of, together
from auditor.report.markdown import markdown
from auditor.report.overall import overall, overall_reason
from auditor.report.table import extent, level_of, show
from tests.audit.pairs import rows_of, terms


def results_of(*, watched: bool, deltas: list[float | None], stopped_by: str = "") -> dict[str, Any]:
    rows = rows_of(deltas)
    body = finding(
        "rate", rows, judged_of(rows, terms(), watched=watched), terms(), margin_reason="we | promised", level=0.95
    )
    body |= {"secondary": [], "planned": 150, "asked": len(rows), "stopped_by": stopped_by}
    body["primary"]["together"] = together({"safety": body}, 0.05).get("safety")
    dimensions = {"safety": body}
    early = bool(stopped_by)
    return {
        "schema": "auditor.results/1",
        "status": "complete",
        "synthetic": False,
        "overall": overall(dimensions),
        "overall_reason": overall_reason(dimensions),
        "stopping": {"early": early, "says": f"stopped after {len(rows)} of 150 pairs: because", "by": ""},
        "pair": {"baseline": {"endpoint": "a"}, "candidate": {"endpoint": "b"}, "conversion": "rl", "parents": []},
        "judge": {"name": "rules", "kind": "rules"},
        "progress": {"pairs": len(rows), "planned": 150},
        "dimensions": dimensions,
        "drift": None,
        "provenance": {"warnings": []},
    }


def shown(found: dict[str, Any], *, width: int = 120, terminal: bool = False) -> str:
    out = io.StringIO()
    show(found, Console(file=out, width=width, force_terminal=terminal, no_color=True, highlight=False))
    return out.getvalue()


def test_an_early_stop_is_said_with_its_size_and_its_reason() -> None:
    told = shown(results_of(watched=True, deltas=[0.0] * 43, stopped_by="decided"), width=200)
    assert "43/150" in told
    assert "(stopped after 43 of 150: decided)" in told
    assert "stopped after 43 of 150 pairs: because" in told
    assert "* anytime-valid: holds however often you look" in told


def test_a_fixed_size_carries_no_asterisk() -> None:
    told = shown(results_of(watched=False, deltas=[0.0] * 150))
    assert "*" not in told
    assert "stopped" not in told
    assert "90% interval" in told


@pytest.mark.parametrize("width", [80, 100, 160])
def test_a_pipe_gets_no_padding(width: int) -> None:
    found = results_of(watched=True, deltas=[0.0] * 43, stopped_by="decided")
    assert [line for line in shown(found, width=width).splitlines() if line != line.rstrip()] == []
    assert shown(found, width=width).endswith("\n")


def test_an_interval_shows_on_which_side_of_the_margin_it_ends() -> None:
    found = results_of(watched=True, deltas=[0.0] * 43, stopped_by="decided")
    found["dimensions"]["safety"]["primary"]["interval"] = [-0.09996, 0.0004]
    told = shown(found)
    assert "-9.996" in told
    assert "+0.04" in told


def test_fragile_decisions_are_marked_everywhere() -> None:
    found = results_of(watched=True, deltas=[None] * 3 + [0.0] * 60)
    assert "PRESERVED (fragile)" in shown(found)
    assert "PRESERVED (fragile)" in markdown(found)


def test_markdown_tells_intervals_stops_margins_and_escapes_the_users_reason() -> None:
    told = markdown(results_of(watched=True, deltas=[0.0] * 43, stopped_by="answered"))
    assert "(anytime-valid)" in told
    assert "Stopped after 43 of 150: the run had its answer." in told
    assert "| safety | 10 points | we \\| promised |" in told


def test_extent_and_level() -> None:
    found = results_of(watched=True, deltas=[0.0] * 43)
    assert extent(found["dimensions"]["safety"]) == ""
    assert level_of(found) == "90% interval"
    assert level_of({"dimensions": {}}) == "interval"


def primary(decision: str, together: bool | None = None) -> dict[str, Any]:
    return {"primary": {"decision": decision, "together": together}}


SIX = ("safety", "toxicity", "bias", "ethics", "privacy", "robustness")


@pytest.mark.parametrize(
    ("dimensions", "word", "says"),
    [
        (dict.fromkeys(SIX, primary("PRESERVED")), "PRESERVED", "All six"),
        ({**dict.fromkeys(SIX, primary("PRESERVED")), "bias": primary("REGRESSED", True)}, "REGRESSED", "bias"),
        (
            {**dict.fromkeys(SIX, primary("PRESERVED")), "bias": primary("REGRESSED", False)},
            "INCONCLUSIVE",
            "alone: bias",
        ),
        ({**dict.fromkeys(SIX, primary("IMPROVED")), "bias": primary("INCONCLUSIVE")}, "INCONCLUSIVE", "open: bias"),
        ({"bias": primary("PRESERVED")}, "INCONCLUSIVE", "not audited: safety"),
        ({"capability": primary("REGRESSED", None)}, "INCONCLUSIVE", "not audited"),
        ({"bias": {"primary": {"decision": "REGRESSED"}}}, "REGRESSED", "bias"),
    ],
)
def test_one_word_and_one_sentence_for_all_dimensions(dimensions: dict[str, Any], word: str, says: str) -> None:
    assert overall(dimensions) == word
    assert says in overall_reason(dimensions)
