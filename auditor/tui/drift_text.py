"""What the drift screen says above its lists, without a screen: bounds, what lies beyond the first token, and a heat strip."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from auditor.report.plain import one_line
from auditor.tui.summary import nats, percent
from auditor.tui.theme import Glyphs
from auditor.tui.tokens import quantiles
from auditor.tui.wrap import Block, Span

_LABEL = 13
"""Cells before a strip that name it."""


def first_token(drift: Mapping[str, Any] | None) -> list[Block]:
    """The bounds at the first token, for both directions, with what they rest on."""
    if drift is None or not drift.get("forward"):
        return [Block("Not measured: too few prompts have logprobs from both endpoints.")]
    forward, reverse = drift["forward"]["kl_per_token"], drift["reverse"]["kl_per_token"]
    jsd, seen = drift["forward"]["jsd_per_token"], drift["forward"]["coverage"]
    same = drift.get("same_top", {}).get("share")
    masses = " and ".join(percent(value) for key, value in seen.items() if key.endswith("_mass"))
    bounds = (
        f"KL(base‖cand) ≥ {nats(forward['lower_bound'])}{span(forward)} nats · reverse ≥ {nats(reverse['lower_bound'])}"
        f"{span(reverse)}"
    )
    rest = [f"JSD {nats(jsd['lower'])}–{nats(jsd['upper'])}"]
    rest += [] if same is None else [f"same first token {percent(same)}"]
    rest += [f"{forward['n']} prompts", f"top {seen['k']} see {masses}"]
    if drift.get("low_coverage"):
        rest.append("too little to conclude that there is no drift")
    return [Block(bounds, "strong"), Block(" · ".join(rest), "note")]


def beyond(drift: Mapping[str, Any] | None) -> list[Block]:
    """What was measured beyond the first token: per token and per sequence, against the noise of asking twice; nothing if
    the run did not ask for it.
    """
    found = (drift or {}).get("beyond")
    if not found:
        return []
    head = f"beyond the first token · protocol {found.get('protocol', '?')}"
    lines = [_direction(found, way) for way in ("forward", "reverse")]
    told = [Block(line, "strong") for line in lines if line]
    if not told:
        return [Block(f"{head}: no KL can be had by it", "note")]
    forward = found.get("forward") or found.get("reverse")
    parts = [
        f"{name} {nats(some['kl_per_token']['estimate'])}"
        for name, some in forward.get("segments", {}).items()
        if some.get("kl_per_token")
    ]
    places = [f"{name} {nats(some['estimate'])}" for name, some in forward.get("positions", {}).items() if some]
    texts = f"{forward.get('n', '?')} texts, {forward.get('tokens', 0):,.0f} tokens"
    rest = [head, texts, *([", ".join(parts)] if parts else []), *([", ".join(places)] if places else [])]
    return [*told, Block(" · ".join(rest), "note")]


def _direction(found: Mapping[str, Any], way: str) -> str:
    """One direction in a line: estimates with intervals, and the noise floor; "" if it was not measured."""
    some = found.get(way)
    if not some or not some.get("kl_per_token"):
        return ""
    token, sequence = some["kl_per_token"], some.get("kl_per_sequence")
    arrow = "KL(base‖cand)" if way == "forward" else "reverse      "
    told = [f"{arrow} {_value(token)} per token"]
    if sequence:
        told.append(f"{_value(sequence)} per sequence")
    noise = (found.get("noise_floor") or {}).get(way)
    if noise:
        told.append(f"noise floor {nats(noise['floor']['value'])}, p {noise['p_value']:.2g}")
    return " · ".join(told)


def _value(kl: Mapping[str, Any]) -> str:
    """An estimate with its interval, else the bound."""
    if kl.get("estimate") is None:
        return f"≥ {nats(kl.get('lower_bound'))}"
    low, high = kl.get("interval") or (None, None)
    return nats(kl["estimate"]) + ("" if low is None else f" [{nats(low)}, {nats(high)}]")


def span(kl: Mapping[str, Any]) -> str:
    """The interval of a bound in brackets, or nothing."""
    low, high = kl.get("lower_bound_interval") or (None, None)
    return "" if low is None else f" [{nats(low)}, {nats(high)}]"


def by_dimension(drift: Mapping[str, Any] | None) -> list[Block]:
    """Where it drifted most, on one line."""
    found = [
        (some["forward"]["kl_per_token"]["lower_bound"], name)
        for name, some in (drift or {}).get("dimensions", {}).items()
        if some.get("forward") and some["forward"].get("kl_per_token")
    ]
    ranked = sorted(((value, name) for value, name in found if value is not None), reverse=True)
    return (
        [Block(" · ".join(f"{one_line(name, 12)} {nats(value)}" for value, name in ranked), "note")] if ranked else []
    )


def strips(
    values: Sequence[tuple[str, float]], drift: Mapping[str, Any] | None, width: int, glyphs: Glyphs
) -> list[Block]:
    """Heat by position and prompt: a row for the first token and, where it was measured, one for all that follows; a cell
    for each prompt, or for the mean of several, in the order they were asked. ``values``: prompt id and nats.
    """
    later = {
        one["prompt"]: one["forward"]
        for one in ((drift or {}).get("beyond") or {}).get("prompts", ())
        if one.get("forward") is not None
    }
    rows = [("first token", [(prompt, value) for prompt, value in values])]
    if later:
        rows.append(("whole reply", [(prompt, later[prompt]) for prompt, _ in values if prompt in later]))
    return [block for name, row in rows if row for block in _strip(name, [value for _, value in row], width, glyphs)]


def _strip(name: str, values: Sequence[float], width: int, glyphs: Glyphs) -> Iterator[Block]:
    marks = quantiles(values, (0.5, 0.75, 0.9))
    cells = list(_binned(values, max(width - _LABEL, 8)))
    levels = [sum(value > mark for mark in marks) + 1 for value in cells]
    bars = "".join(glyphs.levels[level * 2] for level in levels)
    spans = tuple(Span(_LABEL + i, _LABEL + i + 1, f"kl{level}") for i, level in enumerate(levels))
    yield Block(f"{name:<{_LABEL}}{bars}", "", spans)


def _binned(values: Sequence[float], most: int) -> Iterator[float]:
    """The values, or the means of ``most`` equal parts of them."""
    if len(values) <= most:
        yield from values
        return
    for number in range(most):
        part = values[number * len(values) // most : (number + 1) * len(values) // most]
        yield sum(part) / len(part)


def spread(values: Sequence[float]) -> Block:
    """Quantiles over prompts, and what the strip's colours mean."""
    half, most_of, high, top = quantiles(values, (0.5, 0.75, 0.9, 1.0))
    text = f"per prompt: half < {nats(half)} · 75% < {nats(most_of)} · 90% < {nats(high)} · most {nats(top)}"
    return Block(text, "note")
