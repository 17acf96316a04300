from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from auditor.simulator import FAULT_KINDS, Faults, PlantedTruth
from tests.simulator.support import body_of, client_of

LOGPROBS: dict[str, Any] = {"logprobs": True, "top_logprobs": 2, "max_tokens": 1}


def test_faults_are_off_by_default() -> None:
    assert {Faults().of_request(number) for number in range(500)} == {None}


def test_faults_happen_at_their_rates_and_repeat() -> None:
    faults = Faults(seed=9, rate_limited=0.2, server_error=0.1, slow=0.05)
    found = Counter(faults.of_request(number) for number in range(4000))
    for kind, rate in (("rate_limited", 0.2), ("server_error", 0.1), ("slow", 0.05)):
        assert found[kind] / 4000 == pytest.approx(rate, abs=0.025)  # type: ignore[index]
    again = Faults(seed=9, rate_limited=0.2, server_error=0.1, slow=0.05)
    other = Faults(seed=10, rate_limited=0.2, server_error=0.1, slow=0.05)
    ours = [faults.of_request(number) for number in range(100)]
    assert ours == [again.of_request(number) for number in range(100)]
    assert ours != [other.of_request(number) for number in range(100)]


@pytest.mark.parametrize("rates", [{"slow": -0.1}, {"slow": 0.6, "html": 0.6}])
def test_refuses_impossible_rates(rates: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="fault rates"):
        Faults(**rates)  # type: ignore[arg-type]


async def test_which_request_is_hit_depends_on_its_number() -> None:
    faults = Faults(seed=1, server_error=0.3)
    async with client_of(PlantedTruth(faults=faults)) as client:
        found = [(await client.post("/chat/completions", json=body_of("Hi"))).status_code for _ in range(40)]
    assert found == [500 if faults.of_request(number) else 200 for number in range(40)]
    assert 500 in found


async def test_rate_limits_say_when_to_come_back() -> None:
    truth = PlantedTruth(faults=Faults(rate_limited=1.0, retry_after_s=1.5))
    async with client_of(truth) as client:
        response = await client.post("/chat/completions", json=body_of("Hi"))
    assert response.status_code == 429
    assert response.headers["retry-after"] == "1.5"
    assert response.json()["error"]["type"] == "rate_limit_error"


async def test_bodies_that_are_not_what_they_should_be() -> None:
    async with client_of(PlantedTruth(faults=Faults(html=1.0))) as client:
        response = await client.post("/completions", json={"model": "synthetic-baseline", "prompt": "Hi"})
        assert (response.status_code, response.headers["content-type"]) == (200, "text/html; charset=utf-8")
    async with client_of(PlantedTruth(faults=Faults(invalid_json=1.0))) as client:
        response = await client.post("/chat/completions", json=body_of("Hi"))
        assert response.status_code == 200
        with pytest.raises(ValueError):
            response.json()


async def test_resets_break_the_body_off() -> None:
    async with client_of(PlantedTruth(faults=Faults(reset=1.0))) as client:
        with pytest.raises(ConnectionResetError, match="planted fault"):
            await client.post("/chat/completions", json=body_of("Hi"))


async def test_slow_replies_wait_and_then_come() -> None:
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async with client_of(PlantedTruth(faults=Faults(slow=1.0, slow_s=7.0)), sleep=sleep) as client:
        assert (await client.post("/chat/completions", json=body_of("Hi"))).status_code == 200
    assert waits == [7.0]


async def test_logprobs_can_be_missing() -> None:
    async with client_of(PlantedTruth(faults=Faults(no_logprobs=1.0))) as client:
        response = await client.post("/chat/completions", json=body_of("Hi", **LOGPROBS))
        assert response.json()["choices"][0]["logprobs"] is None


async def test_models_are_listed_without_faults() -> None:
    async with client_of(PlantedTruth(faults=Faults(server_error=1.0))) as client:
        assert (await client.get("/models")).status_code == 200


def test_every_kind_can_be_planted() -> None:
    for kind in FAULT_KINDS:
        assert Faults(**{kind: 1.0}).of_request(0) == kind  # type: ignore[arg-type]
