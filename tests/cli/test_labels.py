"""People's labels through the command line: they correct every judged number that a label can tell, and no other."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from auditor.banks import bank_names, load_bank
from auditor.cli import cli
from auditor.cli._labelling import Labelling, deciding_rubrics
from auditor.judging import load_rubric
from auditor.simulator import (
    BASELINE_MODEL,
    CANDIDATE_MODEL,
    JUDGE_MODEL,
    BySide,
    PlantedTruth,
    Serving,
    build_app,
    form_of,
)
from auditor.simulator.reference import label_for
from auditor.store import Annotations, RunReader
from tests.serve import served

PROMPTS = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
TRUTH = PlantedTruth(
    seed=2,
    good={
        "bias/stereotype": BySide(0.9, 0.6),
        "bias/control": BySide(0.9, 0.8),
        "privacy/agent": BySide(0.9, 0.6),
    },
    coupling=0.5,
    judge_accuracy={"bias": 0.8},
    serving=Serving(unseeded="repeat"),
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with served(build_app(TRUTH, PROMPTS)) as address:
        yield address


def audit(url: str, out: Path, dimension: str, *banks: str) -> Path:
    file = out.with_suffix(".toml")
    file.write_text(
        f'[baseline]\nendpoint = "{url}#{BASELINE_MODEL}"\n[candidate]\nendpoint = "{url}#{CANDIDATE_MODEL}"\n'
        f'[judge]\nendpoint = "{url}#{JUDGE_MODEL}"\n[drift]\nenabled = false\n'
        f"[dimensions.{dimension}]\nbanks = {json.dumps(banks)}\n"
        '[run]\nuntil = "all"\njudge_repeats = false\n'
    )
    ran = CliRunner().invoke(cli, ["run", str(file), "--dimension", dimension, "--out", str(out)])
    assert isinstance(ran.exception, SystemExit | None), ran.exception
    assert ran.exit_code in (0, 1, 3), ran.output
    return out


def results(run: Path) -> dict[str, Any]:
    (found,) = json.loads(CliRunner().invoke(cli, ["results", str(run), "--json"]).output)["dimensions"].values()
    return dict(found) | {"figures": {metric["key"]: metric for metric in found["secondary"]}}


def label_truly(run: Path, pairs: int) -> None:
    """Label the first pairs of the queue as somebody who is never wrong would."""
    reader, annotations = RunReader(run), Annotations(run, who="somebody")
    work = Labelling(reader, annotations, deciding_rubrics())
    for item in list(work.items(pairs)):
        form = form_of(work.text(item))
        assert form is not None
        right = label_for(form, load_rubric(item.rubric).labels)
        assert right is not None
        work.label(item, right)
    assert work.done == min(pairs, len(work.pairs))
    annotations.close()
    reader.close()


@pytest.fixture(scope="module")
def statements(url: str, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    run = tmp_path_factory.mktemp("statements") / "run"
    before = results(audit(url, run, "bias", "bias-agreement", "bias-systems", "bias-control"))
    label_truly(run, 138)
    return run, before


def planted(run: Path) -> dict[str, float]:
    """What candidate minus baseline is in truth, read from the marks in the texts."""
    reader = RunReader(run)
    agrees: dict[tuple[str, str], list[bool]] = {}
    kinds = {prompt.id: prompt.kind for prompt in reader.prompts()}
    for prompt_id, side, reply in reader.replies():
        agrees.setdefault((kinds[prompt_id], side), []).append(form_of(reply.answer) == "agrees")
    reader.close()
    rate = {place: sum(told) / len(told) for place, told in agrees.items()}
    stereotypes = rate["stereotype", "candidate"] - rate["stereotype", "baseline"]
    controls = rate["control", "candidate"] - rate["control", "baseline"]
    return {"agreement": -stereotypes, "control_agreement": controls, "discernment": controls - stereotypes}


@pytest.mark.parametrize("key", ["agreement", "control_agreement", "discernment"])
def test_labels_correct_rates_and_differences_of_rates(statements: tuple[Path, dict[str, Any]], key: str) -> None:
    run, before = statements
    naive, after, truth = before["figures"][key], results(run)["figures"][key], planted(run)[key]
    assert (naive["judge_relative"], naive["corrected"]) == (True, None)
    assert after["judge_relative"] is False
    low, high = after["corrected"]["interval"]
    assert low <= truth <= high
    assert low <= after["corrected"]["delta"] <= high
    assert after["corrected"]["gold"] >= 30
    # The figure itself stays what the judge said.
    assert after["candidate"] == naive["candidate"]


def test_what_no_label_of_an_answer_tells_stays_judge_relative_and_says_so(
    statements: tuple[Path, dict[str, Any]],
) -> None:
    run, _ = statements
    found = results(run)
    assert found["primary"]["judge_relative"] is False
    # Too few of these are labelled; the report says beside each figure what stands behind it.
    assert found["figures"]["agreement_benign"]["judge_relative"] is True
    report = CliRunner().invoke(cli, ["report", str(run), "--format", "md"]).output
    assert "judge\\-relative" in report or "judge-relative" in report
    assert "labelled pairs" in report


def test_messages_of_agents_are_corrected_though_their_score_hangs_on_more_than_the_label(
    url: str, tmp_path: Path
) -> None:
    run = audit(url, tmp_path / "run", "privacy", "privacy-agent")
    judged = results(run)["primary"]["judged_by"].get("llm", 0)
    assert judged > 40
    label_truly(run, 34)
    primary = results(run)["primary"]
    assert primary["corrected"] is not None
    low, high = primary["corrected"]["interval"]
    assert low <= primary["delta"] <= high, "this judge is right about every message"


def test_the_queue_is_drawn_by_the_seed_of_the_run(statements: tuple[Path, dict[str, Any]]) -> None:
    reader = RunReader(statements[0])
    annotations = Annotations(statements[0])
    order = [one.id for one in Labelling(reader, annotations, deciding_rubrics()).pairs]
    assert order == [one.id for one in Labelling(reader, annotations, deciding_rubrics()).pairs]
    places = {prompt.id: at for at, prompt in enumerate(reader.prompts())}
    annotations.close()
    reader.close()
    first = sorted(places[name] for name in order[:30])
    assert len({later - earlier for earlier, later in itertools.pairwise(first)}) > 5, "not at even distances"
