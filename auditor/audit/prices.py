"""What tokens cost, by the price table that ships with genai-prices."""

from __future__ import annotations

import datetime as dt
from importlib.metadata import version

from auditor.records import EndpointSpec


def price(spec: EndpointSpec, prompt_tokens: int, reply_tokens: int) -> float | None:
    """US dollars, or None for a server that is not in the table."""
    if not spec.dialect or spec.base_url:
        return None
    from genai_prices import Usage, calc_price

    try:
        usage = Usage(input_tokens=prompt_tokens, output_tokens=reply_tokens)
        return float(calc_price(usage, model_ref=spec.model, provider_id=spec.dialect).total_price)
    except LookupError:
        return None


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
