"""The results as Markdown, for a pull request or a wiki page."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from auditor.records import SIDES
from auditor.report.corrected_figures import backing_of
from auditor.report.drift import association_line, beyond_lines
from auditor.report.plain import harmless, one_line
from auditor.report.table import ANYTIME, GLYPHS, backing, extent, judging, level_of

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def escape(text: str, width: int = 300) -> str:
    """Text that Markdown shows as it is: one line, control characters and markup disarmed."""
    return _SPECIAL.sub(r"\\\1", one_line(text, width)).replace("://", ":\u200b//")


def markdown(results: dict[str, Any]) -> str:
    """The whole summary."""
    lines = ["# Audit", ""]
    if results["synthetic"]:
        lines += [
            "> **Synthetic pair**: both models and every reply are simulated; nothing here is about a real model.",
            "",
        ]
    pair, judge = results["pair"], results["judge"] or {}
    lines += [
        f"- baseline: {escape(pair.get('baseline', {}).get('endpoint', '?'))}",
        f"- candidate: {escape(pair.get('candidate', {}).get('endpoint', '?'))} (conversion: {pair.get('conversion')})",
        f"- judge: {escape(judge.get('name', '?'))} ({judge.get('kind', '?')}); judged numbers are relative to it",
        *([f"- judging: {escape(health, 600)}"] if (health := judging(results)) else []),
        f"- status: {results['status']}, {results['progress']['pairs']} of {results['progress']['planned']} pairs",
        *([f"- pairs: {stopping['says']}"] if (stopping := results.get("stopping") or {}).get("early") else []),
        f"- overall: **{results['overall']}** {escape(results.get('overall_reason', ''), 600)}".rstrip(),
        *([f"- with overrides by hand: **{by_hand}**"] if (by_hand := results.get("overall_overridden")) else []),
        "",
        f"| dimension | metric | baseline | candidate | delta | {level_of(results)} | n | unscored | decision | reason |",
        "|---|---|---:|---:|---:|---|---:|---:|---|---|",
    ]
    for name, found in results["dimensions"].items():
        primary = found["primary"]
        low, high = primary["interval"]
        counts = ", ".join(f"{kind} {count}" for kind, count in primary["judged_by"].items())
        lines.append(
            f"| {name} | {escape(primary['metric'])} | {_side(primary['baseline'])} | {_side(primary['candidate'])} "
            f"| {_number(primary['delta'], '+.3f')} | [{low:+.3f}, {high:+.3f}] {primary['method']}"
            f"{' (anytime-valid)' if primary.get('anytime') else ''} | {primary['n']} "
            f"| {primary['unscored']} | {GLYPHS[primary['decision']]} {primary['decision']}"
            f"{' (fragile)' if primary.get('fragile') else ''} "
            f"| {escape(primary['reason'], 600)} {_backed(primary, counts)}"
            f"{' ' + stop[0].upper() + stop[1:] + '.' if (stop := extent(found)) else ''} |"
        )
    if any(found["primary"].get("anytime") for found in results["dimensions"].values()):
        lines += ["", escape(ANYTIME.removeprefix("* ").capitalize()) + "."]
    lines += ["", "## Margins", "", "| dimension | largest loss that counts as preserved | why |", "|---|---:|---|"]
    lines += [
        f"| {name} | {100 * found['primary']['margin']:g} points | {escape(found['primary']['margin_reason'], 600)} |"
        for name, found in results["dimensions"].items()
    ]
    lines += ["", "## Outcomes", "", "| dimension | side | outcomes |", "|---|---|---|"]
    for name, found in results["dimensions"].items():
        for side, outcomes in found["outcomes"].items():
            lines.append(f"| {name} | {side} | {', '.join(f'{o} {c}' for o, c in outcomes.items())} |")
    lines += ["", "## Answers against traces", ""]
    gaps = [
        f"- {name}, {side}: {gap['k']} of {gap['n']} good answers stand on a bad trace"
        for name, found in results["dimensions"].items()
        for side, trace in found["trace"].items()
        if (gap := trace["good_answer_bad_trace"])["n"]
    ]
    lines += gaps or ["No trace was scored."]
    lines += _exploratory(results)
    lines += ["", "## Drift", "", _drift(results["drift"]), ""]
    if warnings := results["provenance"]["warnings"]:
        lines += ["## Notes", "", *(f"- {escape(warning, 600)}" for warning in warnings), ""]
    return "\n".join(lines)


def _backed(primary: dict[str, Any], counts: str) -> str:
    told = backing(primary)
    return escape(f"{told[0].upper()}{told[1:]} ({counts}).") if told else "Scored by: nothing."


def _exploratory(results: dict[str, Any]) -> list[str]:
    """Everything but the primary metrics: shown, marked, and never decided upon."""
    rows = []
    for name, found in results["dimensions"].items():
        for metric in found.get("secondary", []):
            values = [_number(metric[side]["value"], ".3f") + f" (n={metric[side]['n']})" for side in SIDES]
            note = "; ".join(filter(None, (metric.get("note", ""), backing_of(metric))))
            rows.append(f"| {name} | {escape(metric['title'])} | {values[0]} | {values[1]} | {escape(note, 600)} |")
        rows += [
            f"| {name} | {escape(change['title'])} | {_side(change['baseline'])} | {_side(change['candidate'])} "
            f"| {change['change']}: {escape(change['reason'], 600)} |"
            for change in found.get("equivalence", [])
        ]
    if not rows:
        return []
    head = ["", "## Exploratory", "", "No error rate is promised for these, and no decision hangs on them.", ""]
    return [*head, "| dimension | figure | baseline | candidate | note |", "|---|---|---:|---:|---|", *rows]


def _drift(drift: dict[str, Any] | None) -> str:
    if drift is None:
        return "Not measured: fewer than two prompts have logprobs from both endpoints."
    if drift.get("scope") not in (None, "first_token"):
        return _verbatim(beyond_lines(drift))
    parts = [_first_token(drift)] if drift.get("forward") else []
    if told := association_line(drift.get("association")):
        parts.append(f"{told[0].upper()}{told[1:]}.")
    if beyond := drift.get("beyond"):
        parts += ["### Beyond the first token", _verbatim(beyond_lines(beyond))]
    return "\n\n".join(parts)


def _verbatim(lines: Iterable[str]) -> str:
    """Lines as they are: an indented block, which nothing inside a line can end."""
    return "\n".join(f"    {harmless(line)}".rstrip() for line in lines)


def _first_token(drift: dict[str, Any]) -> str:
    rows = [
        "| direction | KL lower bound (nats per token) | method | interval of the bound | n | JSD (nats) |",
        "|---|---:|---|---|---:|---|",
    ]
    for direction in ("forward", "reverse"):
        kl, jsd = drift[direction]["kl_per_token"], drift[direction]["jsd_per_token"]
        interval = kl["lower_bound_interval"]
        span = f"[{interval[0]:.4f}, {interval[1]:.4f}]" if interval else "–"
        rows.append(
            f"| {direction} | {_number(kl['lower_bound'], '.4f')} | {kl['method']} | {span} | {kl['n']} "
            f"| {jsd['lower']:.4f}–{jsd['upper']:.4f} |"
        )
    note = f"\nFirst token only, protocol {drift['protocol']}: a lower bound from truncated lists, not an estimate."
    return "\n".join(rows) + "\n" + note


def _side(side: dict[str, Any]) -> str:
    return "–" if side["rate"] is None else f"{side['k']:g}/{side['n']} ({100 * side['rate']:.1f}%)"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
