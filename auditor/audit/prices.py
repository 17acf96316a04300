"""What tokens cost: by the plan where it says so, else by the price table that ships with genai-prices."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from importlib.metadata import version
from typing import Final

import msgspec

from auditor.endpoints import with_defaults
from auditor.errors import PlanError
from auditor.plan import EndpointPlan, Plan, PricePlan
from auditor.records import Attempt, EndpointSpec, Usage

_PROVIDERS: Final = {"gemini": "google", "xai": "x-ai", "openai-responses": "openai"}
"""Names in the price table where they differ from our dialects'."""
MILLION: Final = 1_000_000.0


def price(spec: EndpointSpec, prompt_tokens: int, reply_tokens: int) -> float | None:
    """US dollars by the table, or None for a server that is not in it."""
    if not spec.dialect or spec.base_url:
        return None
    return _by_table(_provider(spec.dialect), spec.model, Usage(prompt_tokens, reply_tokens))


class Prices:
    """The prices of one plan's endpoints."""

    def __init__(self, plan: Plan) -> None:
        seats: Iterable[EndpointPlan] = (plan.baseline, plan.candidate, *plan.bench())
        self._of: dict[tuple[str, str], PricePlan | str | None] = {}
        for seat in seats:
            if not seat.is_rules:
                spec = with_defaults(seat.spec())
                self._of[spec.base_url, spec.model] = seat.price or _table_of(spec)

    def on(self, attempt: Attempt) -> Attempt:
        """The attempt with what it cost in US dollars; None where its tokens or their price are not known."""
        usage = attempt.usage
        if usage.prompt_tokens is None and usage.completion_tokens is None:
            return attempt
        where = attempt.endpoint, attempt.model
        if not attempt.model:
            # A route whose requests name no model serves one.
            where = next((one for one in self._of if one[0] == attempt.endpoint), where)
        known = self._of.get(where)
        if known is None:
            return attempt
        usd = _by_table(known, where[1], usage) if isinstance(known, str) else _by_plan(known, usage)
        if usd is None:
            # Not in the table: it need not be looked for again.
            self._of[where] = None
        return msgspec.structs.replace(attempt, usd=usd)


def price_table(today: dt.date | None = None) -> dict[str, str | None]:
    """Which table the prices come from, and how recent it is.

    The table carries no date of its own; ``known_until`` is the newest change of a price that it knows of and that lies in
    the past, so the table is at least as recent as that.
    """
    from genai_prices.data import providers

    now = today or dt.datetime.now(tz=dt.UTC).date()
    starts = [
        start
        for provider in providers
        for model in provider.models
        for priced in (model.prices if isinstance(model.prices, list) else ())
        if isinstance(start := getattr(priced.constraint, "start_date", None), dt.date) and start <= now
    ]
    return {
        "source": f"genai-prices {version('genai-prices')}",
        "known_until": max(starts).isoformat() if starts else None,
    }


def _table_of(spec: EndpointSpec) -> str | None:
    """The table's name for the vendor at whose own address this endpoint is; None for any other server."""
    try:
        home = with_defaults(EndpointSpec(base_url="", model=spec.model, dialect=spec.dialect))
    except PlanError:
        # A dialect without an address of its own.
        return None
    return _provider(spec.dialect) if home.base_url == spec.base_url else None


def _provider(dialect: str) -> str:
    return _PROVIDERS.get(dialect, dialect)


def _by_plan(told: PricePlan, usage: Usage) -> float:
    cached = min(usage.cached_tokens or 0, usage.prompt_tokens or 0)
    fresh = (usage.prompt_tokens or 0) - cached
    cheaper = told.input if told.cached is None else told.cached
    return (fresh * told.input + cached * cheaper + (usage.completion_tokens or 0) * told.output) / MILLION


def _by_table(provider: str, model: str, usage: Usage) -> float | None:
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(
        input_tokens=usage.prompt_tokens or 0,
        output_tokens=usage.completion_tokens or 0,
        cache_read_tokens=min(usage.cached_tokens or 0, usage.prompt_tokens or 0) or None,
    )
    try:
        return float(calc_price(tokens, model_ref=model, provider_id=provider).total_price)
    except (LookupError, ValueError):
        return None
