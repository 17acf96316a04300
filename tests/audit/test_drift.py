"""Drift of the built-in pair, from the choice of the protocol to the numbers."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_finding import association
from auditor.audit.drift_texts import DriftSettings
from auditor.audit.reference import record_reference, reference_from_run, watch_prompts
from auditor.audit.runner import Audit
from auditor.audit.watch import evidence, prompts_changed, repeats_changed, stages, texts_changed, threshold, watch
from auditor.drift.change import Standing
from auditor.drift.protocol_gather import Settings
from auditor.errors import RequestRejected, RunError
from auditor.records import Message, Prompt
from auditor.report.results import results
from auditor.simulator import PlantedTruth, Serving
from auditor.store import RunFolder, RunReader
from tests.drift.simulated import MODELS, network, spec

SPECS: Any = {side: spec(side) for side in MODELS}
SMALL = Settings(max_tokens=8, noise=True)
CHANGED = PlantedTruth(seed=2, other_drift=0.5)
SAME = PlantedTruth(seed=2, other_drift=0.0)


def prompts(count: int = 6) -> list[Prompt]:
    return [
        Prompt(id=f"q/{i}", dimension="safety", bank="q", kind="harmful", messages=(Message("user", f"Ask {i}?"),))
        for i in range(count)
    ]


async def drift(truth: PlantedTruth, settings: DriftSettings, folder: Path | None = None) -> dict[str, Any]:
    where = RunFolder(folder) if folder else None
    return await drift_alone(SPECS, prompts(), settings, environ={}, folder=where, networks=network(truth))


async def test_the_strongest_protocol_is_taken_and_named_in_both_directions() -> None:
    found = await drift(CHANGED, DriftSettings(gather=SMALL))
    assert (found["schema"], found["protocol"], found["unit"]) == ("auditor.drift/1", "F", "nats")
    assert found["tokenizer"]["same"] is True
    for way in ("forward", "reverse"):
        assert found[way]["protocol"] == "F"
        assert found[way]["scored_by"] == "prompt_logprobs"
        token = found[way]["kl_per_token"]
        assert 0 < token["lower_bound"] < 1
        assert token["interval"][0] <= token["estimate"] <= token["interval"][1]
        jsd = found[way]["jsd_per_token"]
        assert 0 <= jsd["lower"] <= jsd["upper"] <= math.log(2)
        assert found["noise_floor"][way]["floor"]["value"] == pytest.approx(0, abs=1e-9)
        assert found["noise_floor"][way]["p_value"] < 0.05
        assert found[way]["summary"]["KLD"]["n"] == found[way]["tokens"]
    assert found["reasoning"] == "as_served"
    assert found["cost"]["baseline"]["calls"] > 0
    assert {row["prompt"] for row in found["prompts"]} == {prompt.id for prompt in prompts()}


async def test_no_change_is_no_more_than_noise() -> None:
    found = await drift(SAME, DriftSettings(gather=SMALL))
    for way in ("forward", "reverse"):
        assert found[way]["kl_per_token"]["estimate"] == pytest.approx(0, abs=1e-6)
        assert found[way]["kl_per_token"]["lower_bound"] == pytest.approx(0, abs=1e-6)
        assert found["noise_floor"][way]["p_value"] > 0.05


async def test_token_scores_alone_give_k1_and_k3_and_no_bound() -> None:
    found = await drift(CHANGED, DriftSettings(protocol="S", gather=SMALL))
    assert found["protocol"] == "S"
    token = found["forward"]["kl_per_token"]
    assert {token["kl"]["method"], token["kl_plain"]["method"]} == {"k3", "k1"}
    assert token["lower_bound"] is None
    assert found["forward"]["jsd_per_token"] is None


async def test_generation_alone_gives_bounds() -> None:
    found = await drift(CHANGED, DriftSettings(protocol="G", gather=SMALL))
    assert (found["protocol"], found["scope"]) == ("G", "first_token")
    assert found["forward"]["kl_per_token"]["estimate"] is None
    assert found["forward"]["kl_per_sequence"] is None
    assert found["common_prefix"]["n"] == 6


async def test_text_alone_is_never_called_a_kl() -> None:
    found = await drift(SAME, DriftSettings(protocol="T", gather=SMALL, replies=2))
    assert found["protocol"] == "T"
    assert found["forward"] is None
    assert found["text"]["what"].startswith("not a KL")


async def test_a_protocol_that_is_not_to_be_had_is_an_error() -> None:
    with pytest.raises(RequestRejected, match="Protocol P"):
        await drift(CHANGED, DriftSettings(protocol="P", gather=SMALL))


async def test_a_folder_keeps_the_run_and_refuses_another(tmp_path: Path) -> None:
    run = tmp_path / "run"
    first = await drift(CHANGED, DriftSettings(gather=SMALL), run)
    again = await drift_alone(SPECS, prompts(), DriftSettings(gather=SMALL), environ={}, folder=RunFolder(run))
    assert {key: again[key] for key in again if key != "cost"} == {key: first[key] for key in first if key != "cost"}
    reader = RunReader(run)
    assert results(reader)["drift"]["protocol"] == "F"
    reader.close()
    with pytest.raises(RunError):
        await drift(CHANGED, DriftSettings(protocol="S", gather=SMALL), run)


def test_association_is_a_rank_correlation_and_says_so() -> None:
    values = {f"{i}": float(i) for i in range(30)}
    found = association(values, {name: value**3 for name, value in values.items()}, 0)
    assert found is not None
    assert found["value"] == pytest.approx(1.0)
    assert "not a cause" in found["what"]
    assert found["n"] == 30
    assert association(values, dict.fromkeys(values, 0.0), 0) is None
    assert association({}, {}, 0) is None


# --- watching -------------------------------------------------------------------------------------------------------


async def looked(tmp_path: Path, later: PlantedTruth, looks: int = 2, askings: int = 10) -> list[dict[str, Any]]:
    folder, endpoint = RunFolder(tmp_path / "reference"), SPECS["candidate"]
    await record_reference(endpoint, prompts(12), folder, askings, {}, networks=network(SAME))
    return [await watch(endpoint, folder, {}, networks=network(later)) for _ in range(looks)]


async def test_an_endpoint_that_stays_raises_no_alarm(tmp_path: Path) -> None:
    first, second = await looked(tmp_path, SAME)
    assert (first["look"], second["look"]) == (1, 2)
    assert not first["changed"]
    assert not second["changed"]
    assert first["threshold"] < second["threshold"]
    assert first["tokens"] == 10 + 11


async def test_a_small_change_is_found_in_few_tokens(tmp_path: Path) -> None:
    (found,) = await looked(tmp_path, PlantedTruth(seed=2, other_drift=0.01), looks=1)
    assert found["changed"]
    assert found["tokens"] <= 3


async def test_a_reference_is_one_endpoints(tmp_path: Path) -> None:
    await looked(tmp_path, SAME, looks=0)
    folder = RunFolder(tmp_path / "reference")
    with pytest.raises(RunError, match="not of"):
        await watch(SPECS["baseline"], folder, {}, networks=network(SAME))
    with pytest.raises(RunError):
        await record_reference(SPECS["candidate"], prompts(3), folder, 5, {}, networks=network(SAME))


async def test_looks_may_be_promised(tmp_path: Path) -> None:
    folder, endpoint = RunFolder(tmp_path / "reference"), SPECS["candidate"]
    some = watch_prompts(prompts(2), 14)
    assert [prompt.bank for prompt in some] == ["watch"] * 12 + ["q"] * 2
    await record_reference(endpoint, some, folder, 4, {}, planned=1, networks=network(SAME))
    found = await watch(endpoint, folder, {}, networks=network(SAME))
    assert found["threshold"] == pytest.approx(20)
    with pytest.raises(RunError, match="planned for 1 looks"):
        await watch(endpoint, folder, {}, networks=network(SAME))


def test_all_looks_together_keep_the_level() -> None:
    assert math.fsum(1 / threshold(look) for look in range(1, 5000)) == pytest.approx(0.05, rel=1e-3)
    assert math.fsum(1 / threshold(look, 7) for look in range(1, 20)) == pytest.approx(0.05)


def test_either_half_can_show_a_change() -> None:
    ranks = [Standing(1, 26)] * 4
    assert prompts_changed(ranks, 1 / 400)
    assert not prompts_changed(ranks[:2], 1 / 400)
    assert not prompts_changed([], 1 / 20)
    earlier = [{"a": -1.0, "b": -2.0}] * 100
    assert repeats_changed([{"a": -1.0, "b": -2.1}] * 3, earlier, 1 / 1600, seed=0)
    assert not repeats_changed([{"a": -1.0, "b": -2.0}] * 3, earlier, 1 / 1600, seed=0)


def test_stages_share_the_whole_level() -> None:
    assert stages(2) == ((2, 1.0),)
    for size in (2, 3, 10):
        assert math.fsum(share for _, share in stages(size)) == pytest.approx(1.0)
        assert stages(size)[-1][0] == size


# --- watching without logprobs, and from an earlier run -----------------------------------------------------------------

MUTE = Serving(top_logprobs_max=0, text="sampled")


async def texts_looked(tmp_path: Path, later: PlantedTruth, looks: int) -> list[dict[str, Any]]:
    folder, endpoint = RunFolder(tmp_path / "texts"), SPECS["candidate"]
    before = PlantedTruth(seed=2, other_drift=0.0, serving=MUTE)
    await record_reference(endpoint, watch_prompts([], 8), folder, 30, {}, planned=looks, networks=network(before))
    # Servers draw anew each time; a simulator that was started again would say the same once more.
    return [await watch(endpoint, folder, {}, networks=network(later)) for _ in range(looks)]


async def test_an_endpoint_without_logprobs_is_watched_by_its_texts(tmp_path: Path) -> None:
    (found,) = await texts_looked(tmp_path, PlantedTruth(seed=2, other_drift=2.5, serving=MUTE), 1)
    assert found["kind"] == "texts"
    assert found["changed"]
    assert found["shown_by"] == "texts of all prompts"
    assert found["tokens"] <= 80
    assert "MMD with the kernel equal" in found["method"]


async def test_texts_of_an_unchanged_endpoint_raise_no_alarm(tmp_path: Path) -> None:
    other = PlantedTruth(seed=2, other_drift=0.0, serving=MUTE)
    found = await texts_looked(tmp_path, other, 2)
    assert [one["changed"] for one in found] == [False, False]
    assert found[0]["tokens"] == 80


def test_texts_keep_their_level() -> None:
    rng = np.random.default_rng(3)

    def said(count: int) -> list[str]:
        return [str(x) for x in rng.integers(0, 3, count)]

    alarms = [texts_changed([(said(20), said(10)) for _ in range(3)], 0.05, seed, "equal") for seed in range(200)]
    assert np.mean(alarms) < 0.1
    assert not texts_changed([], 0.05, 0, "equal")


def audited(folder: Path, serving: Serving) -> None:
    from auditor.plan import Plan
    from auditor.records import ALL_DIMENSIONS

    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": SPECS["baseline"].base_url, "model": SPECS["baseline"].model},
            "candidate": {"base_url": SPECS["candidate"].base_url, "model": SPECS["candidate"].model},
            "dimensions": {d: {"limit": 12} if d == "privacy" else {"enabled": False} for d in ALL_DIMENSIONS},
            "run": {"until": "all"},
            "sampling": {"seed": 1, "max_tokens": 24},
        }
    )
    truth = PlantedTruth(seed=2, other_drift=0.0, serving=serving)
    asyncio.run(Audit(plan, RunFolder(folder), environ={}, networks=network(truth)).run())


@pytest.mark.parametrize(
    ("serving", "kind"), [(Serving(), "run"), (Serving(top_logprobs_max=0, text="sampled"), "run_texts")]
)
def test_an_earlier_run_is_a_reference(tmp_path: Path, serving: Serving, kind: str) -> None:
    """Of either side, by its first-token lists or, without them, its replies; asked nothing, and never written to."""
    audited(tmp_path / "run", serving)
    kept = RunFolder(tmp_path / "run").database
    stored = kept.read_bytes()
    endpoint = SPECS["candidate"]
    for name, drift, changed in (("same", 0.0, False), ("other", 0.4 if kind == "run" else 3.0, True)):
        folder = RunFolder(tmp_path / name)
        reference_from_run(endpoint, RunFolder(tmp_path / "run"), folder, planned=1)
        later = PlantedTruth(seed=2, other_drift=drift, serving=serving)
        found = asyncio.run(watch(endpoint, folder, {}, networks=network(later)))
        assert found["kind"] == kind
        assert found["changed"] is changed, name
    assert kept.read_bytes() == stored
    stranger = type(endpoint)(base_url="http://elsewhere.invalid/v1", model="m")
    with pytest.raises(RunError, match="nothing that"):
        reference_from_run(stranger, RunFolder(tmp_path / "run"), RunFolder(tmp_path / "none"))


def test_without_change_the_evidence_stays_low_as_often_as_promised() -> None:
    """Ville: reaching 1/alpha at any prompt has probability alpha at most."""
    rng = np.random.default_rng(0)
    crossed = 0
    for _ in range(400):
        ranks = rng.integers(1, 7, 40)
        crossed += max(evidence([Standing(int(rank), 6) for rank in ranks])) >= 10
    assert crossed / 400 <= 0.1
    assert list(evidence([])) == []


def test_drift_alone_works_without_a_running_loop() -> None:
    found = asyncio.run(drift(SAME, DriftSettings(protocol="T", gather=SMALL, replies=1)))
    assert found["protocol"] == "T"
