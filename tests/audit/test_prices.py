"""What a call cost: by the plan, by the price table, or not known."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.audit.prices import Prices, price
from auditor.plan import Plan
from auditor.records import Attempt, EndpointSpec, Usage
from auditor.store.spending import Spent, total

HERE = "http://127.0.0.1:8000/v1"
OPENAI = "https://api.openai.com/v1"


def prices(**baseline: Any) -> Prices:
    candidate = {"base_url": HERE, "model": "candidate"}
    return Prices(Plan.from_mapping({"baseline": baseline, "candidate": candidate}))


def call(endpoint: str, model: str, **usage: int) -> Attempt:
    return Attempt(endpoint, "reply", 200, 1.0, usage=Usage(**usage), model=model)


def test_the_plan_says_what_tokens_cost() -> None:
    mine = prices(base_url=HERE, model="tiny", price={"input": 2.0, "output": 10.0, "cached": 0.5})
    told = mine.on(
        call(HERE, "tiny", prompt_tokens=1000, completion_tokens=100, reasoning_tokens=60, cached_tokens=400)
    )
    # 600 fresh, 400 cached, 100 written, of which the 60 reasoned ones are a part.
    assert told.usd == pytest.approx((600 * 2.0 + 400 * 0.5 + 100 * 10.0) / 1e6)
    assert mine.on(call(HERE, "", prompt_tokens=1000)).usd == pytest.approx(0.002)
    assert mine.on(call(HERE, "candidate", prompt_tokens=1000)).usd is None
    assert mine.on(call(HERE, "tiny")).usd is None


@pytest.mark.parametrize("address", [{"endpoint": "openai:gpt-4o"}, {"base_url": OPENAI, "model": "gpt-4o"}])
def test_a_vendors_own_address_is_priced_by_the_table(address: dict[str, str]) -> None:
    told = prices(**address).on(call(OPENAI, "gpt-4o", prompt_tokens=1000, completion_tokens=100)).usd
    assert told == price(EndpointSpec("", "gpt-4o", "openai"), 1000, 100)
    assert told is not None
    assert 0.0 < told < 1.0


def test_a_model_that_is_not_in_the_table_has_no_price() -> None:
    mine = prices(endpoint="openai:gpt-unheard-of")
    for _ in range(2):
        assert mine.on(call(OPENAI, "gpt-unheard-of", prompt_tokens=1000)).usd is None


def test_what_is_not_known_is_counted_and_not_zero() -> None:
    known = Attempt("e", "reply", 200, 1.0, usage=Usage(10, 5), usd=0.25)
    unknown = Attempt("e", "reply", 200, 1.0, usage=Usage(10, 5))
    failed = Attempt("e", "reply", None, 1.0, error="broken")
    assert total([failed]) == Spent(calls=1, failed=1)
    assert total([known, unknown, failed]) == Spent(3, 1, 20, 10, usd=0.25, unpriced=1)
    assert total([unknown]).usd is None


def test_a_run_may_go_on_with_another_price() -> None:
    plans = [
        Plan.from_mapping(
            {"baseline": {"base_url": HERE, "model": "a", **more}, "candidate": {"base_url": HERE, "model": "b"}}
        )
        for more in ({}, {"price": {"input": 1.0, "output": 1.0}})
    ]
    assert plans[0].identity() == plans[1].identity()
