"""``auditor drift`` from the command line, against the built-in pair on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.cli import run
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, PlantedTruth, build_app
from tests.serve import served

SMALL = ["--prompts", "4", "--tokens", "6"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(build_app(PlantedTruth(seed=4, other_drift=0.5), [])) as base:
        yield base if base.endswith("/v1") else f"{base}/v1"


def pair(url: str) -> list[str]:
    return ["--baseline", f"{url}#{BASELINE_MODEL}", "--candidate", f"{url}#{CANDIDATE_MODEL}"]


def test_each_number_is_printed_under_its_name(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *pair(url), *SMALL]) == 0
    out = capsys.readouterr().out
    assert "protocol  F (full teacher forcing" in out
    assert "KL(baseline‖candidate) = " in out
    assert "nats per token (E4" in out
    assert "beside it: E4 without control variate" in out
    assert "noise floor" in out
    assert "moved most" in out


@pytest.mark.parametrize(
    ("protocol", "words"),
    [("S", "token scores only"), ("G", "first token"), ("T", "not a KL")],
)
def test_other_protocols_say_what_they_are(
    url: str, protocol: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["drift", *pair(url), *SMALL, "--protocol", protocol]) == 0
    assert words in capsys.readouterr().out


def test_json_has_the_schema(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *pair(url), *SMALL, "--json", "--no-noise", "--reasoning", "as_served"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "auditor.drift/1"
    assert set(found["forward"]["kl_per_token"]) >= {"estimate", "interval", "lower_bound", "method", "n", "kl_plain"}
    assert found["audits"] == {}


def test_watching_an_endpoint(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint, folder = f"{url}#{CANDIDATE_MODEL}", str(tmp_path / "reference")
    assert run(["drift", "--record-reference", endpoint, "--out", folder, "--askings", "4", *SMALL]) == 0
    assert run(["drift", "--watch", endpoint, "--out", folder]) == 0
    out = capsys.readouterr().out
    assert "no change shown" in out
    assert "ever" in out


def test_watching_from_an_earlier_audit(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit, since = str(tmp_path / "audit"), str(tmp_path / "since")
    assert run(["run", *pair(url), "--dimension=privacy", "--limit=6", f"--out={audit}"]) == 0
    watched = ["drift", "--watch", f"{url}#{CANDIDATE_MODEL}", "--out", since]
    assert run([*watched, "--from", audit]) == 0
    assert run(watched) == 0
    out = capsys.readouterr().out
    assert "look 1    no change shown" in out
    assert "look 2    no change shown" in out


def test_watching_texts(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint, folder = f"{url}#{CANDIDATE_MODEL}", str(tmp_path / "texts")
    recorded = ["drift", "--record-reference", endpoint, "--out", folder, "--askings", "6", "--prompts", "4", "--texts"]
    assert run(recorded) == 0
    assert "texts of up to 1 tokens" in capsys.readouterr().err
    assert run(["drift", "--watch", endpoint, "--out", folder, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["kind"], found["changed"]) == ("texts", False)


@pytest.mark.parametrize("arguments", [[], ["--baseline", "http://x/v1#m"], ["--watch", "http://x/v1#m"]])
def test_half_a_question_is_a_usage_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["drift", *arguments]) == 2
    assert "error:" in capsys.readouterr().err
