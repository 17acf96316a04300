"""``auditor family`` and ``auditor replicate`` on a served synthetic pair."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from auditor.banks import bank_names, load_bank
from auditor.cli import run
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, build_app, one_worse
from tests.serve import served

FAMILY = """\
name = "synthetic"

[plan]
baseline = {{ endpoint = "{url}#{baseline}" }}
drift = {{ enabled = false }}
run = {{ until = "all" }}
dimensions.safety = {{ enabled = false }}
dimensions.toxicity = {{ enabled = false }}
dimensions.bias = {{ enabled = false }}
dimensions.privacy = {{ enabled = false }}
dimensions.robustness = {{ enabled = false }}
dimensions.capability = {{ enabled = false }}
dimensions.ethics = {{ limit = 40 }}

[[pair]]
name = "tuned"
candidate = {{ endpoint = "{url}#{candidate}" }}
conversion = "sft"
parents = ["{baseline}"]

[[pair]]
name = "broken"
candidate = {{ endpoint = "{url}#no-such-model" }}
conversion = "rl"
parents = ["elsewhere"]
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    prompts = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
    with served(build_app(one_worse("ethics"), prompts)) as address:
        yield address


def test_a_family_becomes_a_matrix_and_goes_on_after_a_failure(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, out = tmp_path / "family.toml", tmp_path / "out"
    path.write_text(FAMILY.format(url=url, baseline=BASELINE_MODEL, candidate=CANDIDATE_MODEL))
    assert run(["family", str(path), "--out", str(out)]) == 4
    shown = capsys.readouterr()
    assert "no-such-model" in shown.err
    assert "†" in shown.out
    found = msgspec.json.decode((out / "family.json").read_bytes())
    tuned, broken = found["pairs"]
    assert (tuned["name"], tuned["dimensions"]["ethics"]["decision"]) == ("tuned", "REGRESSED")
    assert tuned["dimensions"]["ethics"]["together"] is True
    assert tuned["confounds"] == []
    assert (broken["name"], broken["dimensions"]) == ("broken", None)
    assert "not among its parents" in broken["confounds"][0]
    # The same command continues: what was answered is not asked again, and the matrix is the same.
    assert run(["family", str(path), "--out", str(out), "--only", "tuned", "--json"]) == 0
    assert msgspec.json.decode(capsys.readouterr().out) == found


def test_a_family_says_which_pairs_it_has(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "family.toml"
    path.write_text(FAMILY.format(url=url, baseline=BASELINE_MODEL, candidate=CANDIDATE_MODEL))
    assert run(["family", str(path), "--out", str(tmp_path / "out"), "--only", "other"]) == 2
    assert "tuned" in capsys.readouterr().err


def test_a_replication_shows_the_published_figures_beside_those_of_the_run(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    args = ["replicate", "--baseline", f"{url}#{BASELINE_MODEL}", "--candidate", f"{url}#{CANDIDATE_MODEL}"]
    args += ["--conversion", "sft", "--parent", BASELINE_MODEL, "--limit", "4", "--out", str(tmp_path / "run")]
    assert run(args) == 0
    shown = capsys.readouterr().out
    assert "0.5 → 82.7" in shown
    assert "secondary source" in shown
    assert "stands in for" in shown
    assert "by the paper's rules" in shown
    assert run([*args, "--json"]) == 0
    found = msgspec.json.decode(capsys.readouterr().out)
    assert found["schema"] == "auditor.replication/1"
    assert run([*args, "--bank", "nonsense"]) == 2
