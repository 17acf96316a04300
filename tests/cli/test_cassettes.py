"""A run can be written to a cassette and played again elsewhere, byte for byte, without a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.banks import bank_names, load_bank
from auditor.cli import run
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, demo
from tests.serve import served

PROMPTS = [prompt for name in bank_names() for prompt in load_bank(name).prompts]


def findings(out: Path, capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    assert run(["results", str(out), "--json"]) == 0
    # Only the ledger tells one history from another.
    return capsys.readouterr().out.split('"ledger"')[0]


def test_record_and_replay(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette = tmp_path / "pair.jsonl"
    with served(build_app(demo(), PROMPTS)) as url:
        pair = [f"--baseline={url}#{BASELINE_MODEL}", f"--candidate={url}#{CANDIDATE_MODEL}", "--limit=3"]
        assert run(["run", *pair, f"--out={tmp_path / 'a'}", f"--record={cassette}"]) == 0
    # The server is gone: everything comes from the cassette.
    assert run(["run", *pair, f"--out={tmp_path / 'b'}", f"--replay={cassette}"]) == 0
    assert findings(tmp_path / "b", capsys) == findings(tmp_path / "a", capsys)

    capsys.readouterr()
    assert run(["run", *pair, "--dimension=bias", f"--out={tmp_path / 'c'}", f"--replay={cassette}"]) == 0
    assert "recorded exchanges were not asked for" in capsys.readouterr().err
    assert "not asked for" in (tmp_path / "c" / "run.log").read_text()

    assert run(["run", *pair, "--temperature=0.5", f"--out={tmp_path / 'd'}", f"--replay={cassette}"]) == 2
    said = capsys.readouterr().err
    assert "temperature" in said
    assert "0.5" in said


def test_record_and_replay_exclude_each_other(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cassette = tmp_path / "pair.jsonl"
    cassette.touch()
    pair = ["--baseline=http://x/v1#a", "--candidate=http://x/v1#b", f"--out={tmp_path / 'r'}"]
    assert run(["run", *pair, f"--record={cassette}", f"--replay={cassette}"]) == 2
    assert "exclude each other" in capsys.readouterr().err
