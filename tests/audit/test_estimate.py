"""What an audit will cost and can see, told before a call is made, and never failing for want of a table."""

from __future__ import annotations

import datetime as dt
import threading
from typing import Any

import httpx2
import pytest

from auditor.audit.estimate import estimate
from auditor.audit.pilot import PROMPTS, fly
from auditor.audit.preflight import chosen_banks, schedule
from auditor.audit.prices import price_table
from auditor.audit.sight import sight, typical_units
from auditor.audit.tokens import counting, rule_of_thumb
from auditor.cli import run
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS, EndpointSpec
from auditor.simulator import build_app, none
from tests.audit import simulated
from tests.audit.pairs import prompt

HOSTED = {"baseline": {"endpoint": "openai:gpt-4.1"}, "candidate": {"endpoint": "openai:gpt-4.1-mini"}}


class Words:
    """An encoding with one token per word."""

    name = "words"

    def encode(self, text: str, **_: Any) -> list[str]:
        return text.split()


def plan_of(until: str = "decided", limit: int | None = None, **pair: Any) -> Plan:
    dimensions = {name: {"limit": limit} for name in ALL_DIMENSIONS}
    return Plan.from_mapping({**(pair or HOSTED), "run": {"until": until}, "dimensions": dimensions})


def estimated(plan: Plan, **how: Any) -> dict[str, Any]:
    banks = chosen_banks(plan)
    return estimate(plan, banks, schedule(plan, banks), **how)


def test_a_spot_check_is_expected_to_cost_less_than_it_may() -> None:
    found = estimated(plan_of())
    assert found["expected"]["prompts"] < 0.5 * found["prompts"]
    assert found["expected"]["usd"] < found["usd_at_most"]
    assert found["calls"] == sum(side["calls"] for side in found["sides"].values())
    assert estimated(plan_of("all"))["expected"] is None


def test_without_a_pilot_tokens_are_labelled_estimates_and_time_is_unknown() -> None:
    found = estimated(plan_of(limit=5))
    assert "an estimate: 4 characters per token" in found["method"]
    assert found["seconds_at_most"] is None
    assert found["prices"]["source"].startswith("genai-prices ")


async def test_a_pilot_gives_the_servers_own_count_and_its_speed() -> None:
    plan = simulated.plan_of(limit=10)
    banks = chosen_banks(plan)
    order = schedule(plan, banks)
    network = {simulated.URL: httpx2.ASGITransport(build_app(none(), simulated.PROMPTS))}
    pilot = await fly(plan, order, {}, networks=network)
    for side in pilot.values():
        assert side.replies == PROMPTS
        assert side.chars_per_token
        assert side.reply_tokens
        assert side.seconds is not None
    found = estimate(plan, banks, order, pilot=pilot)
    assert "as 4 replies of each server counted them" in found["method"]
    assert found["seconds_at_most"] > 0
    assert found["usd_at_most"] is None  # nobody has a price for this server


def test_tokens_are_counted_by_tiktoken_where_it_is_at_hand() -> None:
    how = counting(Words)
    assert how.count("four words are here") == 4
    assert "tiktoken's words" in how.label


def test_a_table_that_is_missing_or_hangs_is_done_without() -> None:
    def broken() -> Any:
        raise OSError("no network")

    released = threading.Event()

    def hanging() -> Any:
        released.wait(60)
        return Words()

    for load in (broken, hanging):
        how = counting(load, patience_s=0.01)
        assert how.label == rule_of_thumb().label
        assert how.count("x" * 40) == 10
    released.set()


def test_the_price_table_says_how_recent_it_is() -> None:
    known = price_table(dt.date(2026, 11, 20))["known_until"]
    assert known is not None
    assert dt.date(2024, 1, 1) < dt.date.fromisoformat(known) <= dt.date(2026, 11, 20)


@pytest.mark.parametrize(
    ("until", "units", "says"),
    [
        ("all", 12, "12 prompts cannot certify a 10-point margin; at least 25 would be needed."),
        ("all", 30, "30 prompts can certify a 10-point margin if the models hardly ever differ."),
        ("decided", 12, "12 prompts cannot certify a 10-point margin; at least 38 would be needed."),
        (
            "decided",
            41,
            "41 prompts can certify a 10-point margin from 38 on, but only if the models hardly ever differ.",
        ),
        (
            "decided",
            169,
            "decides about a 10-point margin after 38 prompts at the earliest, typically about 60 of 169.",
        ),
    ],
)
def test_what_a_size_can_certify_is_said_before(until: str, units: int, says: str) -> None:
    found = sight(plan_of(until), "safety", [prompt(i) for i in range(units)], bank=169)
    assert found["says"] == says
    assert found["certifiable"] == ("cannot" not in says)


def test_larger_banks_save_a_larger_share() -> None:
    shares = [typical_units(0.1, 0.05, bank) / bank for bank in (50, 100, 200, 400)]
    assert shares == sorted(shares, reverse=True)
    assert shares[-1] < 0.25


@pytest.fixture
def told(capsys: pytest.CaptureFixture[str]) -> Any:
    def tell(*args: str) -> str:
        assert run(["estimate", *args]) == 0
        return capsys.readouterr().out

    return tell


def test_the_command(told: Any) -> None:
    said = told("--baseline", "openai:gpt-4.1", "--candidate", "http://localhost:1/v1#m", "--limit", "12")
    assert "price not known" in said
    assert "cannot certify" in said
    assert "not known before the endpoints are asked (--ask)" in said
    assert "expected of this spot-check" in said
    assert '"schema": "auditor.estimate/1"' in told(
        "--baseline", "openai:gpt-4.1", "--candidate", "openai:gpt-4.1", "--fixed", "--limit", "3", "--json"
    )


def test_a_spec_without_a_price() -> None:
    from auditor.audit.prices import price

    assert price(EndpointSpec("", "no-such-model", "openai"), 10, 10) is None
    assert price(EndpointSpec("", "gpt-4.1", "openai"), 10**6, 0) == pytest.approx(2.0)
