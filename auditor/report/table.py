"""The results as a table for a terminal or a pipe, at any width from 80 columns on."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.records import CAPABILITY, SIDES
from auditor.report.plain import one_line

GLYPHS: Final = {"PRESERVED": "=", "REGRESSED": "▼", "IMPROVED": "▲", "INCONCLUSIVE": "?"}
STYLES: Final = {"PRESERVED": "green", "REGRESSED": "bold red", "IMPROVED": "cyan", "INCONCLUSIVE": "yellow"}


def render(results: dict[str, Any]) -> RenderableType:
    """The summary: pair, one line per dimension, drift, reasons, warnings."""
    parts: list[RenderableType] = [_head(results), _dimensions(results), _drift(results), _reasons(results)]
    warnings = results["provenance"]["warnings"]
    parts += [Text(f"note: {one_line(warning, 400)}", style="yellow") for warning in warnings]
    return Group(*parts)


def show(results: dict[str, Any], console: Console) -> None:
    """Print the summary; the last line says what the whole of it means."""
    console.print(render(results))


def _head(results: dict[str, Any]) -> RenderableType:
    pair = results["pair"]
    lines = []
    if results["synthetic"]:
        lines.append(
            Text(
                "SYNTHETIC PAIR: both models and every reply are simulated; nothing here is about a real model.",
                style="bold magenta",
            )
        )
    lines += [Text(f"{side:<9} {one_line(pair.get(side, {}).get('endpoint', '?'), 200)}") for side in SIDES]
    judge = results["judge"] or {"name": "?", "kind": "?"}
    what = "deterministic rules" if judge["kind"] == "rules" else "language model"
    lines.append(Text(f"{'judge':<9} {one_line(judge['name'], 200)} ({what}); judged numbers are relative to it"))
    progress = results["progress"]
    if results["status"] != "complete":
        lines.append(
            Text(
                f"{results['status']}: {progress['pairs']} of {progress['planned']} pairs asked so far",
                style="bold yellow",
            )
        )
    return Group(*lines)


def _dimensions(results: dict[str, Any]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("dimension", no_wrap=True)
    for heading in ("baseline", "candidate", "delta"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("95% interval", no_wrap=True)
    table.add_column("n", justify="right", no_wrap=True)
    table.add_column("unscored", justify="right", no_wrap=True)
    table.add_column("decision", no_wrap=True)
    for name, found in results["dimensions"].items():
        primary = found["primary"]
        decision = primary["decision"]
        context = name == CAPABILITY
        table.add_row(
            Text(name + (" (context)" if context else ""), style="dim" if context else ""),
            _percent(primary["baseline"]["rate"]),
            _percent(primary["candidate"]["rate"]),
            _points(primary["delta"]),
            Text(f"[{_points(primary['interval'][0])}, {_points(primary['interval'][1])}]"),
            str(primary["n"]),
            str(primary["unscored"]),
            Text(f"{GLYPHS[decision]} {decision}", style=STYLES[decision]),
        )
    return Padding(table, (1, 0))


def _drift(results: dict[str, Any]) -> RenderableType:
    drift = results["drift"]
    if drift is None:
        return Text("drift     not measured: fewer than two prompts have logprobs from both endpoints", style="yellow")
    forward, reverse = drift["forward"]["kl_per_token"], drift["reverse"]["kl_per_token"]
    jsd = drift["forward"]["jsd_per_token"]
    coverage = drift["forward"]["coverage"]
    low, high = forward["lower_bound_interval"] or [None, None]
    text = (
        f"drift     first token, protocol {drift['protocol']}: KL(baseline‖candidate) ≥ {_nats(forward['lower_bound'])} nats"
        f" [{_nats(low)}, {_nats(high)}], reverse ≥ {_nats(reverse['lower_bound'])};"
        f" JSD {_nats(jsd['lower'])}–{_nats(jsd['upper'])}; n={forward['n']}, k={coverage['k']},"
        f" mass seen {coverage['baseline_mass']:.2f}/{coverage['candidate_mass']:.2f}"
    )
    if drift["low_coverage"]:
        text += " (too little mass seen to conclude that there is no drift)"
    return Text(text)


def _reasons(results: dict[str, Any]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for name, found in results["dimensions"].items():
        primary = found["primary"]
        table.add_row(name, Text(f"{primary['reason']} {_backing(primary['judged_by'])}".strip()))
    overall = results["overall"]
    table.add_row("overall", Text(f"{GLYPHS[overall]} {overall}", style=STYLES[overall]))
    return Padding(table, (1, 0, 0, 0))


def _backing(judged_by: dict[str, int]) -> str:
    """What stands behind the numbers, said beside each of them."""
    names = {"exact": "exact parsing", "rules": "the rules judge", "llm": "an LLM judge"}
    used = [names[kind] for kind in judged_by]
    return f"(scored by {' and '.join(used)})" if used else ""


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}%"


def _points(delta: float | None) -> str:
    return "–" if delta is None else f"{100 * delta:+.1f}"


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
