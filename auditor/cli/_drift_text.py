"""Drift as lines of text: each number with the name of what it is, its interval and what stands behind it."""

from __future__ import annotations

from collections.abc import Iterator
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


def lines(drift: dict[str, Any]) -> Iterator[str]:
    """The result of ``auditor drift``."""
    for side, endpoint in drift.get("endpoints", {}).items():
        yield f"{side:<9} {one_line(str(endpoint), 200)}"
    yield f"protocol  {drift['protocol']} ({PROTOCOLS[drift['protocol']]})"
    scope = drift.get("scope")
    if scope == "sequence":
        yield from _audit(drift["reasoning"], drift)
        for name, audit in drift["audits"].items():
            yield from _audit(name, audit)
        yield from _moved(drift)
    elif scope == "first_token":
        yield from _first_token(drift)
    elif scope == "bytes":
        yield from _bytes(drift)
    else:
        yield from _text(drift)
    for side, spent in drift.get("cost", {}).items():
        yield f"cost      {side}: {spent['calls']} calls, {spent['prompt_tokens']} + {spent['completion_tokens']} tokens"


def watch_lines(found: dict[str, Any]) -> Iterator[str]:
    """The result of one look."""
    yield f"endpoint  {one_line(found['endpoint'], 200)}"
    verdict = f"CHANGED, shown by {found['shown_by']}" if found["changed"] else "no change shown"
    yield f"look {found['look']:<4} {verdict}; {found['prompts']} prompts, {found['tokens']} tokens"
    yield f"          all looks together raise a false alarm with probability {found['alpha']} at most, ever"
    for name in found["told"]:
        yield f"note      {one_line(name, 200)}"


def _audit(name: str, audit: dict[str, Any]) -> Iterator[str]:
    yield ""
    yield f"{AUDITS[name]}:"
    for way, arrow in ARROWS.items():
        found = audit[way]
        left = sum(audit["left_out"].get(way, {}).values())
        if not found or not found["kl_per_token"]:
            yield f"  KL({arrow})  not measured: too few texts ({left} left out)"
            continue
        token, sequence = found["kl_per_token"], found["kl_per_sequence"]
        yield (
            f"  KL({arrow}) = {_value(token)} nats per token ({token['method']}), {_value(sequence)} per sequence;"
            f" ≥ {_number(token['lower_bound'])} per token (E2)"
        )
        plain = token["kl_plain"]
        beside = f"{plain['method']} {_value({'estimate': plain['value'], 'interval': plain['interval']})}"
        if token["estimators_differ"]:
            beside += f"; {token['kl']['method']} {_number(token['kl']['value'])} differs and is not quoted: its tail was missed"
        if token["largest"] is not None:
            yield f"      beside it: {beside}; largest single position {token['largest']:.0%} of the sum"
        if jsd := found["jsd_per_token"]:
            seen = found["coverage"]
            low = ", too little to conclude that there is no drift" if found["low_coverage"] else ""
            masses = "/".join(f"{value:.2f}" for key, value in seen.items() if key.endswith("_mass"))
            yield f"      JSD {_number(jsd['lower'])}–{_number(jsd['upper'])}; k={seen['k']}, mass seen {masses}{low}"
        parts = [
            f"{part} {_number(some['kl_per_token']['estimate'])} ({some['tokens']:.0f} tokens)"
            for part, some in found["segments"].items()
            if some["kl_per_token"]
        ]
        places = [f"{place} {_number(some['estimate'])}" for place, some in found["positions"].items() if some]
        yield f"      parts: {', '.join(parts) or 'none'}; along the text: {', '.join(places)}"
        if noise := audit["noise_floor"].get(way):
            yield (
                f"      noise floor ({noise['of']}, the writer asked twice): {_number(noise['floor']['value'])};"
                f" no more than noise: p = {noise['p_value']:.3g}"
            )
        yield f"      n = {found['n']} texts, {found['tokens']:.0f} tokens; {left} left out"


def _moved(drift: dict[str, Any]) -> Iterator[str]:
    rows = (drift["forward"] or {}).get("moved", [])[:5]
    if rows:
        yield ""
        yield "moved most (proven at this position; baseline said → candidate said):"
    for row in rows:
        said = " → ".join(
            "?" if not row[side] else f"{row[side]['token']!r} {row[side]['probability']:.2f}"
            for side in ("baseline", "candidate")
        )
        value = _number(row["kl_lower"])
        yield f"  {value}  {one_line(said, 80)}  after {one_line(repr(row['before'][-40:]), 60)}"


def _first_token(drift: dict[str, Any]) -> Iterator[str]:
    for way, arrow in ARROWS.items():
        found = drift[way]["kl_per_token"]
        yield f"  KL({arrow}) ≥ {_bound(found)} nats at the first token (E2, n = {found['n']})"
    jsd = drift["forward"]["jsd_per_token"]
    yield f"  JSD {_number(jsd['lower'])}–{_number(jsd['upper'])}"
    if drift["low_coverage"]:
        yield "  too little mass seen to conclude that there is no drift"
    if common := drift.get("common_prefix"):
        yield (
            f"  greedy text: the same for {common['same_tokens_mean']:.1f} tokens on average; along it"
            f" KL ≥ {_bound(common['forward'])} per token. {common['what']}"
        )


def _bytes(drift: dict[str, Any]) -> Iterator[str]:
    for way, arrow in ARROWS.items():
        found = drift[way]
        if not found:
            yield f"  {arrow}: not measured: {drift['left_out'][way]}"
            continue
        delta = found["bits_per_byte"]["delta"]
        ends = {"estimate": delta["value"], "interval": delta["interval"]}
        yield f"  {arrow}: {_value(ends)} bits per byte ({found['bits_per_byte']['method']}); {found['what']}"
        if found["next_byte"]:
            yield f"      next byte: KL ≥ {_number(found['next_byte']['kl_lower']['value'])} nats (bound)"


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


def _value(found: dict[str, Any]) -> str:
    ends = found["interval"]
    inside = f" [{_number(ends[0])}, {_number(ends[1])}]" if ends else ""
    return f"{_number(found['estimate'])}{inside}"


def _bound(found: dict[str, Any]) -> str:
    ends = found["lower_bound_interval"]
    inside = f" [{_number(ends[0])}, {_number(ends[1])}]" if ends else ""
    return f"{_number(found['lower_bound'])}{inside}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.4g}" if abs(value) < 1e-3 else f"{value:.3f}"
