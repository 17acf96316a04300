"""Bad input, wrong keys, dead and odd servers: one clear message each, the right exit code, and nothing spent before."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from auditor.banks import bank_names, load_bank
from auditor.cli import run
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, Faults, build_app, none
from tests.serve import served

PROMPTS = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
FEW = ["--limit", "2", "--dimension", "ethics"]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(build_app(none(), PROMPTS)) as address:
        yield address


class Told:
    """Runs a command line and keeps what it said."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self.capsys = capsys

    def __call__(self, *args: str) -> tuple[int, str]:
        code = run(list(args))
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        return code, captured.out + captured.err


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Told:
    return Told(capsys)


def pair(url: str, candidate: str = CANDIDATE_MODEL) -> list[str]:
    return ["--baseline", f"{url}#{BASELINE_MODEL}", "--candidate", f"{url}#{candidate}", *FEW]


def test_an_unknown_model(url: str, told: Told, tmp_path: Path) -> None:
    code, said = told("run", *pair(url, "no-such-model"), "--out", str(tmp_path / "r"))
    assert code == 4
    assert "no-such-model" in said
    assert CANDIDATE_MODEL in said  # what the server does serve


def test_an_unreachable_host(told: Told, tmp_path: Path) -> None:
    code, said = told("run", *pair("http://127.0.0.1:9/v1"), "--out", str(tmp_path / "r"))
    assert code == 4
    assert "127.0.0.1:9" in said


def test_a_missing_key_is_said_before_anything_is_made(told: Told, tmp_path: Path) -> None:
    out = tmp_path / "r"
    code, said = told("run", "--baseline", "openai:x", "--candidate", "openai:y", "--out", str(out))
    assert code == 4
    assert "OPENAI_API_KEY" in said
    assert not out.exists()


def test_a_wrong_key_is_never_repeated(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-test-this-must-never-be-shown"
    monkeypatch.setenv("PAIR_KEY", secret)
    with served(build_app(none(), PROMPTS, api_key="another")) as address:
        plan = tmp_path / "audit.toml"
        plan.write_text(
            f'[baseline]\nbase_url = "{address}"\nmodel = "{BASELINE_MODEL}"\napi_key_env = "PAIR_KEY"\n'
            f'[candidate]\nbase_url = "{address}"\nmodel = "{CANDIDATE_MODEL}"\napi_key_env = "PAIR_KEY"\n'
        )
        code, said = told("run", str(plan), *FEW, "--out", str(tmp_path / "r"))
    assert code == 4
    assert "PAIR_KEY" in said
    assert secret not in said
    for file in (tmp_path / "r").rglob("*"):
        assert secret.encode() not in file.read_bytes()


def test_a_page_instead_of_an_api(told: Told, tmp_path: Path) -> None:
    async def page(request: Request) -> Response:
        return HTMLResponse("<html><body>Welcome to nginx!</body></html>")

    app = Starlette(routes=[Route("/{path:path}", page, methods=["GET", "POST"])])
    with served(app) as address:
        code, said = told("run", *pair(address), "--out", str(tmp_path / "r"))
    assert code == 4
    assert "/v1" in said


def test_an_endpoint_without_logprobs_is_audited_without_drift(told: Told, tmp_path: Path) -> None:
    silent = build_app(msgspec.structs.replace(none(), faults=Faults(no_logprobs=1.0)), PROMPTS)
    with served(silent) as address:
        code, said = told("run", *pair(address), "--out", str(tmp_path / "r"))
    assert code == 0
    assert "no logprobs" in said
    assert "not measured" in said


def test_a_plan_with_a_typo(told: Told, tmp_path: Path) -> None:
    plan = tmp_path / "audit.toml"
    plan.write_text('[baseline]\nendpoint = "openai:x"\n\n[candidate]\nendpont = "openai:y"\n')
    code, said = told("run", str(plan), "--out", str(tmp_path / "r"))
    assert code == 2
    assert "audit.toml:5:" in said
    assert "did you mean 'endpoint'" in said


def test_an_empty_bank(url: str, told: Told, tmp_path: Path) -> None:
    bank = tmp_path / "mine.jsonl"
    bank.write_text("")
    plan = tmp_path / "audit.toml"
    plan.write_text(f'[dimensions.ethics]\nbanks = ["{bank}"]\n')
    code, said = told("run", str(plan), *pair(url), "--out", str(tmp_path / "r"))
    assert code == 2
    assert "mine.jsonl" in said
    assert not (tmp_path / "r").exists()


def test_an_existing_run_of_another_plan(url: str, told: Told, tmp_path: Path) -> None:
    out = str(tmp_path / "r")
    assert told("run", *pair(url), "--out", out)[0] == 0
    code, said = told("run", *pair(url), "--seed", "5", "--out", out)
    assert code == 2
    assert "plan.run.seed was 0 and is now 5" in said
    assert told("run", *pair(url), "--concurrency", "2", "--out", out)[0] == 0


def test_a_folder_with_something_else_in_it(url: str, told: Told, tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("mine")
    code, said = told("run", *pair(url), "--out", str(tmp_path))
    assert code == 2
    assert "thesis.txt" in said


def test_a_budget_stops_the_run_and_a_larger_one_continues_it(url: str, told: Told, tmp_path: Path) -> None:
    out = str(tmp_path / "r")
    code, said = told("run", *pair(url), "--max-calls", "5", "--out", out)
    assert code == 3
    assert "--max-calls" in said
    assert told("gate", out)[0] == 3
    assert told("run", *pair(url), "--max-calls", "500", "--out", out)[0] == 0


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["rum"], "Did you mean 'run'"),
        (["run", "--baseline", "gpt-4", "--candidate", "openai:x", "--out", "r"], "is not an endpoint"),
        (["run", "--baseline", "openai:x", "--out", "r"], "'candidate' is missing"),
        (["run", "none.toml", "--out", "r"], "Can't read the plan"),
        (["results", "nowhere"], "does not exist"),
        (["gate", "nowhere"], "does not exist"),
        (["view", "nowhere"], "does not exist"),
        (["report", "nowhere"], "does not exist"),
        (["banks", "show", "nothing"], "nothing"),
        (["probe", "http://localhost:1/v1"], "names no model"),
        (["demo", "--plant", "everything"], "everything"),
    ],
)
def test_usage(told: Told, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: list[str], says: str) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = told(*args)
    assert code == 2
    assert says in said
