from __future__ import annotations

from email.utils import formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.wire.quota import Quota, quotas, reset_seconds, retry_after, server_time

NOW = 1_700_000_000.0
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "49",
    "anthropic-ratelimit-requests-reset": "2023-11-14T22:13:21Z",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-input-tokens-remaining": "3000",
    "anthropic-ratelimit-input-tokens-reset": "2023-11-14T22:14:14Z",
}
OPENAI = {
    "x-ratelimit-limit-requests": "500",
    "x-ratelimit-remaining-requests": "499",
    "x-ratelimit-reset-requests": "120ms",
    "x-ratelimit-limit-tokens": "200000",
    "x-ratelimit-remaining-tokens": "1000",
    "x-ratelimit-reset-tokens": "59.7s",
}


def test_what_openai_and_anthropic_say() -> None:
    assert quotas(OPENAI, NOW) == [Quota("requests", 500, 499, 0.12), Quota("tokens", 200000, 1000, 59.7)]
    assert quotas(ANTHROPIC, NOW) == [Quota("requests", 50, 49, 1), Quota("tokens", 30000, 3000, 54)]
    tokens = quotas(OPENAI, NOW)[1]
    assert tokens.share == 0.005
    assert tokens.refill == pytest.approx(199_000 / 59.7)


@pytest.mark.parametrize(
    ("limit", "remaining"),
    [("0", "0"), ("-1", "-1"), ("500", "-1"), ("nan", "1"), ("500", "501"), ("", "0"), ("x", "y")],
)
def test_what_is_no_quota(limit: str, remaining: str) -> None:
    assert quotas({"x-ratelimit-limit-requests": limit, "x-ratelimit-remaining-requests": remaining}, NOW) == []


def test_a_quota_without_a_reset_has_no_refill() -> None:
    (found,) = quotas({"x-ratelimit-limit-tokens": "10", "x-ratelimit-remaining-tokens": "1"}, NOW)
    assert (found.reset_s, found.refill) == (None, None)


def test_dates_are_read_by_the_servers_clock() -> None:
    headers = {"date": formatdate(NOW, usegmt=True), "retry-after": formatdate(NOW + 5, usegmt=True)}
    assert server_time(headers, NOW - 9999) == NOW
    assert retry_after(headers, NOW + 9999) == 5
    assert quotas({**ANTHROPIC, "date": formatdate(NOW, usegmt=True)}, 0.0) == quotas(ANTHROPIC, NOW)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("6m0s", 360), ("1h2m3.5s", 3723.5), ("120ms", 0.12), ("1d", 86400), ("soon", None), ("", None), ("5 s", None)],
)
def test_durations(value: str, seconds: float | None) -> None:
    assert reset_seconds(value, {}, NOW) == seconds


@given(
    st.dictionaries(
        st.sampled_from([*OPENAI, *ANTHROPIC, "retry-after", "retry-after-ms", "date"]),
        st.text(max_size=12) | st.floats().map(str) | st.integers().map(str) | st.sampled_from(["1s", "6m0s"]),
    ),
    st.floats(0, 4e9),
)
def test_nothing_a_server_sends_breaks_it(headers: dict[str, str], now: float) -> None:
    for quota in quotas(headers, now):
        assert 0 <= quota.share <= 1
        assert quota.refill is None or quota.refill > 0
    asked = retry_after(headers, now)
    assert asked is None or asked > 0
