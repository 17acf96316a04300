from __future__ import annotations

import msgspec
import pytest

from auditor.endpoints import Capabilities
from auditor.endpoints.describe import DRIFT, UNKNOWN, describe
from tests.endpoints.scenes import replayed
from tests.endpoints.test_cassettes import SPECS

BARE = Capabilities(endpoint="e", dialect="", model="m")


def lines(found: Capabilities) -> dict[str, str]:
    return {f"{heading}: {what}": value for heading, rows in describe(found) for what, value in rows}


def test_what_was_not_measured_is_not_said_to_be_missing() -> None:
    said = lines(BARE)
    assert said["Asking: streaming"] == said["Asking: completions"] == said["Logprobs: logprobs"] == UNKNOWN
    assert said["Reasoning: thinking"] == UNKNOWN
    assert "not a KL divergence" in said["Drift: protocol"]


@pytest.mark.parametrize("protocol", sorted(DRIFT))
def test_every_protocol_is_explained(protocol: str) -> None:
    found = msgspec.convert({**BARE.to_dict(), "protocol": protocol}, Capabilities)
    assert lines(found)["Drift: protocol"].startswith(f"{protocol}: ")


@pytest.mark.parametrize("name", sorted(SPECS))
async def test_every_dialects_record_in_words(name: str) -> None:
    scene, _ = await replayed(name, SPECS[name])
    said = lines(scene.found)
    text = "\n".join(said.values())
    assert not {"True", "False", "None"} & set(text.split())
    assert said["Asking: chat"] == "yes"
    assert ("OFF" in said["Reasoning: thinking"]) == (scene.found.reasoning_switch == "off")


def test_broken_sums_and_oddities_are_told() -> None:
    found = msgspec.structs.replace(
        BARE,
        logprobs=True,
        top_logprobs_max=5,
        largest_sum=1.4,
        aa_noise=0.02,
        anomalies=("odd",),
        refused_settings=("seed",),
    )
    said = lines(found)
    assert "broken" in said["Logprobs: largest sum"]
    assert said["Logprobs: A/A noise"] == "0.02 nats"
    assert said["Noticed: !"] == "odd"
    assert said["Asking: refused"] == "seed"
