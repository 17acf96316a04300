from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.banks import bank_names, load_bank
from auditor.cli import run
from auditor.endpoints import DIALECTS
from auditor.simulator import CANDIDATE_MODEL, build_app, none
from tests.serve import served


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(build_app(none(), load_bank(bank_names()[0]).prompts)) as address:
        yield address


@pytest.fixture(autouse=True)
def own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("XDG_CACHE_HOME", "HOME", "LOCALAPPDATA"):
        monkeypatch.setenv(name, str(tmp_path))


def test_measured_once_and_then_remembered(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = f"{url}#{CANDIDATE_MODEL}"
    assert run(["probe", endpoint]) == 0
    first = capsys.readouterr()
    assert "at most" in first.err
    assert run(["probe", endpoint]) == 0
    again = capsys.readouterr()
    assert "--fresh" in again.err
    assert again.out == first.out
    assert run(["probe", endpoint, "--fresh"]) == 0
    assert "at most" in capsys.readouterr().err


def test_for_people_and_for_programs(url: str, capsys: pytest.CaptureFixture[str]) -> None:
    endpoint = f"{url}#{CANDIDATE_MODEL}"
    assert run(["probe", endpoint]) == 0
    text = capsys.readouterr().out
    for heading in ("Server", "Asking", "Reasoning", "Logprobs", "Scoring given text", "Drift", "Noticed"):
        assert f"\n{heading}\n" in text
    assert not {"True", "False", "None"} & set(text.split())
    assert run(["probe", endpoint, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "auditor.probe/1"
    assert found["streaming"] is True
    assert found["calls"] > 10


def test_without_an_endpoint_it_looks_around(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for dialect in DIALECTS:
        # A developer's own keys are not for tests.
        if dialect.key_env:
            monkeypatch.delenv(dialect.key_env, raising=False)
    assert run(["probe"]) == 0
    assert "On this machine" in capsys.readouterr().out
    assert run(["probe", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["schema"] == "auditor.endpoints/1"
    assert isinstance(found["local"], list)
