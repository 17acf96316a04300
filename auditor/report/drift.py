"""Drift as lines of text: each number with the name of what it is, its interval and what stands behind it.

`drift_lines` reads the object of schema ``auditor.drift/1``, `beyond_lines` the part of a run's results that was measured
beyond the first token (``results["drift"]["beyond"]``, of the same shape). Values are stored in nats; bits on request.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from auditor.report.plain import one_line

PROTOCOLS: Final = {
    "F": "full teacher forcing: every position, with alternatives, both models",
    "S": "token scores only: k1 and k3, no lower bounds",
    "P": "one position at a time: a random draw of positions, weighted",
    "G": "generated logprobs only: first token, and greedy text for as long as both say the same",
    "T": "text only: tests, not a KL",
}
ARROWS: Final = {"forward": "baseline‖candidate", "reverse": "candidate‖baseline"}
AUDITS: Final = {
    "as_served": "replies as served, trace and answer",
    "off": "thinking off on both sides",
    "own_trace": "answers, each model after a trace of its own",
    "no_trace": "answers, the reader without a trace",
}
MOVED: Final = 5
_QUANTILES: Final = ("Maximum", "99.9%", "99.0%", "95.0%", "90.0%", "Median", "10.0%", "1.0%", "Minimum")


@dataclass(frozen=True, slots=True)
class Unit:
    """What divergences are shown in."""

    name: str = "nats"
    per_nat: float = 1.0


NATS: Final = Unit()
BITS: Final = Unit("bits", 1.0 / math.log(2.0))


def drift_lines(drift: dict[str, Any], unit: Unit = NATS) -> Iterator[str]:
    """The result of ``auditor drift``."""
    for side, endpoint in drift.get("endpoints", {}).items():
        yield f"{side:<9} {one_line(str(endpoint), 200)}"
    yield from beyond_lines(drift, unit)
    for side, spent in drift.get("cost", {}).items():
        yield f"cost      {side}: {spent['calls']} calls, {spent['prompt_tokens']} + {spent['completion_tokens']} tokens"


def beyond_lines(drift: dict[str, Any], unit: Unit = NATS) -> Iterator[str]:
    """What was measured: protocol, both directions, each audit apart, dimensions, what moved, how it goes with loss."""
    yield f"protocol  {drift['protocol']} ({PROTOCOLS[drift['protocol']]})"
    if left := drift.get("over_budget"):
        yield f"          {left} texts were not measured: the budget was reached"
    scope = drift.get("scope")
    if scope == "sequence":
        yield from _audit(drift["reasoning"], drift, unit)
        for name, audit in drift["audits"].items():
            if all(audit[way] == drift[way] for way in ARROWS):
                yield f"{AUDITS[name]}: as above, for no text held a trace"
            else:
                yield from _audit(name, audit, unit)
        for name, why in drift.get("skipped", {}).items():
            yield f"{AUDITS[name]}: not measured, {why}"
        yield from _moved(drift, unit)
    elif scope == "first_token":
        yield from first_token_lines(drift, unit)
    elif scope == "bytes":
        yield from _bytes(drift, unit)
    else:
        yield from _text(drift)
    if told := association_line(drift.get("association")):
        yield told


def watch_lines(found: dict[str, Any]) -> Iterator[str]:
    """The result of one look."""
    yield f"endpoint  {one_line(found['endpoint'], 200)}"
    verdict = f"CHANGED, shown by {found['shown_by']}" if found["changed"] else "no change shown"
    yield f"look {found['look']:<4} {verdict}; {found['prompts']} prompts, {found['tokens']} tokens"
    yield f"          all looks together raise a false alarm with probability {found['alpha']} at most, ever"
    for name in found["told"]:
        yield f"note      {one_line(name, 200)}"


def first_token_lines(drift: dict[str, Any], unit: Unit = NATS) -> Iterator[str]:
    """Bounds at the first token, both directions."""
    for way, arrow in ARROWS.items():
        found = drift[way]["kl_per_token"]
        aside = f"; from the lists alone ≥ {_in(unit, found['e2'])} (E2)" if _sharper(found) else ""
        yield (
            f"  KL({arrow}) ≥ {_bound(found, unit)} {unit.name} at the first token"
            f" ({found['method']}, n = {found['n']}){aside}"
        )
    jsd, seen = drift["forward"]["jsd_per_token"], drift["forward"]["coverage"]
    yield (
        f"  JSD {_in(unit, jsd['lower'])}–{_in(unit, jsd['upper'])}; k = {seen['k']},"
        f" mass known {seen['baseline_mass']:.2f}/{seen['candidate_mass']:.2f}"
    )
    if drift["low_coverage"]:
        yield "  too little mass seen to conclude that there is no drift"
    if common := drift.get("common_prefix"):
        yield (
            f"  greedy text: the same for {common['same_tokens_mean']:.1f} tokens on average; along it"
            f" KL ≥ {_bound(common['forward'], unit)} per token. {common['what']}"
        )


def association_line(found: dict[str, Any] | None) -> str:
    """How drift goes with loss, in one line; "" where too few prompts have both."""
    if not found or found["value"] is None:
        return ""
    ends = found["interval"]
    inside = f" [{ends[0]:+.2f}, {ends[1]:+.2f}]" if ends else ""
    return f"drift and loss: Spearman's rank correlation {found['value']:+.2f}{inside}, n = {found['n']}; an association, not a cause"


def _audit(name: str, audit: dict[str, Any], unit: Unit) -> Iterator[str]:
    yield ""
    yield f"{AUDITS[name]}:"
    for way, arrow in ARROWS.items():
        found = audit[way]
        left = sum(audit["left_out"].get(way, {}).values())
        if not found or not found["kl_per_token"]:
            yield f"  KL({arrow})  not measured: too few texts ({left} left out)"
            continue
        yield from _direction(arrow, found, unit)
        if noise := audit["noise_floor"].get(way):
            yield (
                f"      noise floor ({noise['of']}, the writer asked twice): {_in(unit, noise['floor']['value'])};"
                f" no more than noise: p = {noise['p_value']:.3g}"
            )
        yield f"      n = {found['n']} texts, {found['tokens']:.0f} tokens; {left} left out"


def _direction(arrow: str, found: dict[str, Any], unit: Unit) -> Iterator[str]:
    token, sequence = found["kl_per_token"], found["kl_per_sequence"]
    bound = f"; ≥ {_in(unit, token['lower_bound'])} per token ({token['lower_bound_method']})"
    yield (
        f"  KL({arrow}) = {_value(token, unit)} {unit.name} per token ({token['method']}),"
        f" {_value(sequence, unit)} per sequence{bound if token['lower_bound'] is not None else ''}"
    )
    plain = token["kl_plain"]
    beside = f"{plain['method']} {_value({'estimate': plain['value'], 'interval': plain['interval']}, unit)}"
    if _sharper(token):
        beside += f", from the lists alone ≥ {_in(unit, token['e2'])} (E2)"
    if token["estimators_differ"]:
        beside += f"; {token['kl']['method']} {_in(unit, token['kl']['value'])} differs and is not quoted: its tail was missed"
    if None not in (token["estimate"], token["lower_bound"]) and token["lower_bound"] > token["estimate"]:
        beside += "; a bound above the estimate means that the estimate is the noisier of the two"
    if token["largest"] is not None:
        yield f"      beside it: {beside}; largest single position {token['largest']:.0%} of the sum"
    if jsd := found["jsd_per_token"]:
        seen = found["coverage"]
        low = ", too little to conclude that there is no drift" if found["low_coverage"] else ""
        masses = "/".join(f"{value:.2f}" for key, value in seen.items() if key.endswith("_mass"))
        yield f"      JSD {_in(unit, jsd['lower'])}–{_in(unit, jsd['upper'])}; k = {seen['k']}, mass seen {masses}{low}"
    parts = [
        f"{part} {_quoted(some['kl_per_token'], unit)} ({some['tokens']:.0f} tokens)"
        for part, some in found["segments"].items()
        if some["kl_per_token"]
    ]
    places = [f"{place} {_quoted(some, unit)}" for place, some in found["positions"].items() if some]
    yield f"      parts: {', '.join(parts) or 'none'}; along the text: {', '.join(places)}"
    if dimensions := found.get("dimensions"):
        told = [f"{name} {_quoted(some['kl_per_token'], unit)} (n = {some['n']})" for name, some in dimensions.items()]
        yield f"      dimensions: {', '.join(told)}"
    yield from _summary(found.get("summary"), unit)


def _summary(summary: dict[str, Any] | None, unit: Unit) -> Iterator[str]:
    """llama.cpp's and URIAL's numbers, under their names."""
    if not summary:
        return
    kld, moved, signed = summary["KLD"], summary["Δp"], summary["Δlog p"]
    quantiles = ", ".join(f"{name} {_in(unit, kld[name])}" for name in _QUANTILES if kld.get(name) is not None)
    yield f"      Mean KLD {_in(unit, kld['Mean KLD'])} ({summary['KLD is']}, {kld['n']} positions): {quantiles}"
    same = summary["Same top p"]
    top = "–" if same is None else f"{100 * same:.1f}% of {summary['Same top p n']}"
    shifts = ", ".join(f"{name} {100 * share:.1f}%" for name, share in summary["shifts"].items())
    yield (
        f"      Mean Δp {100 * moved['Mean Δp']:+.2f}%, RMS Δp {100 * summary['RMS Δp']:.2f}%,"
        f" Mean Δlog p {signed['Mean Δlog p'] * unit.per_nat:+.3f}, Same top p {top}"
        + (f"; {shifts}" if shifts else "")
    )


def _moved(drift: dict[str, Any], unit: Unit) -> Iterator[str]:
    rows = (drift["forward"] or {}).get("moved", [])[:MOVED]
    if rows:
        yield ""
        yield "moved most (proven at this position; baseline said → candidate said):"
    for row in rows:
        said = " → ".join(
            "?" if not row[side] else f"{row[side]['token']!r} {row[side]['probability']:.2f}"
            for side in ("baseline", "candidate")
        )
        value = _in(unit, row["kl_lower"])
        yield f"  {value}  {one_line(said, 80)}  after {one_line(repr(row['before'][-40:]), 60)}"


def _bytes(drift: dict[str, Any], unit: Unit) -> Iterator[str]:
    for way, arrow in ARROWS.items():
        found = drift[way]
        if not found:
            yield f"  {arrow}: not measured: {drift['left_out'][way]}"
            continue
        delta = found["bits_per_byte"]["delta"]
        ends = {"estimate": delta["value"], "interval": delta["interval"]}
        yield f"  {arrow}: {_value(ends, NATS)} bits per byte ({found['bits_per_byte']['method']}); {found['what']}"
        if found["next_byte"]:
            yield f"      next byte: KL ≥ {_in(unit, found['next_byte']['kl_lower']['value'])} {unit.name} (bound)"


def _text(drift: dict[str, Any]) -> Iterator[str]:
    found = drift["text"]
    if not found:
        yield "  too few replies"
        return
    yield f"  {found['what']}"
    for name in ("hamming", "ngram", "outcomes"):
        test = found[name]
        yield f"  {test['method']}: {test['statistic']:.4f} (by chance {test['null_mean']:.4f}), p = {test['p_value']:.3g}"
    yield f"  together (Bonferroni): p = {found['p_value']:.3g}"


def _sharper(found: dict[str, Any]) -> bool:
    """Whether tokens asked for by id made the bound better than the lists alone."""
    name = str(found.get("lower_bound_method") or found.get("method") or "")
    return name.startswith("E3") and found.get("e2") is not None


def _quoted(found: dict[str, Any], unit: Unit) -> str:
    if found["estimate"] is not None:
        return _value(found, unit)
    return f"≥ {_in(unit, found['lower_bound'])}"


def _value(found: dict[str, Any], unit: Unit) -> str:
    ends = found["interval"]
    inside = f" [{_in(unit, ends[0])}, {_in(unit, ends[1])}]" if ends else ""
    return f"{_in(unit, found['estimate'])}{inside}"


def _bound(found: dict[str, Any], unit: Unit) -> str:
    ends = found["lower_bound_interval"]
    inside = f" [{_in(unit, ends[0])}, {_in(unit, ends[1])}]" if ends else ""
    return f"{_in(unit, found['lower_bound'])}{inside}"


def _in(unit: Unit, value: float | None) -> str:
    if value is None:
        return "–"
    value *= unit.per_nat
    return "0" if value == 0 else f"{value:.4g}" if abs(value) < 1e-3 else f"{value:.3f}"
