"""The results as a table for a terminal or a pipe, at any width from 80 columns on."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.records import CAPABILITY, SIDES
from auditor.report.drift import association_line, beyond_lines
from auditor.report.overridden import told as overridden
from auditor.report.plain import one_line

GLYPHS: Final = {"PRESERVED": "=", "REGRESSED": "▼", "IMPROVED": "▲", "INCONCLUSIVE": "?"}
STYLES: Final = {"PRESERVED": "green", "REGRESSED": "bold red", "IMPROVED": "cyan", "INCONCLUSIVE": "yellow"}


ANYTIME: Final = "* anytime-valid: holds however often you look and whenever the run stopped"


def render(results: dict[str, Any]) -> RenderableType:
    """The summary: pair, one line per dimension, drift, reasons, warnings."""
    parts: list[RenderableType] = [_head(results), _dimensions(results), _drift(results), _reasons(results)]
    warnings = results["provenance"]["warnings"]
    parts += [Text(f"note: {one_line(warning, 400)}", style="yellow") for warning in warnings]
    return Group(*parts)


def show(results: dict[str, Any], console: Console) -> None:
    """Print the summary; the last line says what the whole of it means. A pipe gets no padding at the ends of lines."""
    if console.is_terminal:
        console.print(render(results))
        return
    with console.capture() as captured:
        console.print(render(results))
    console.file.write("".join(f"{line.rstrip()}\n" for line in captured.get().splitlines()))


def extent(found: dict[str, Any]) -> str:
    """Where a dimension's questions ended, if that was before their end: "stopped after 43 of 150: decided"."""
    why = {"decided": "decided", "answered": "the run had its answer"}.get(found.get("stopped_by", ""))
    return f"stopped after {found['asked']} of {found['planned']}: {why}" if why else ""


def level_of(results: dict[str, Any]) -> str:
    """The level of the deciding intervals, as a heading."""
    levels = {found["primary"]["level"] for found in results["dimensions"].values()}
    return f"{100 * levels.pop():.3g}% interval" if len(levels) == 1 else "interval"


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
    if isinstance(members := judge.get("members"), list):
        lines.append(Text(f"{'':<9} {one_line(', '.join(one['name'] for one in members), 300)}"))
    if health := judging(results):
        lines.append(Text(f"{'':<9} {one_line(health, 400)}", style="dim"))
    progress = results["progress"]
    stopping = results.get("stopping") or {}
    if results["status"] == "complete" and stopping.get("early"):
        lines.append(Text(f"{'pairs':<9} {stopping['says']}", style="bold"))
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
    table.add_column(level_of(results), no_wrap=True)
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
            Text(_interval(primary) + _mark(primary)),
            f"{primary['n']}{'/' + str(found['planned']) if extent(found) else ''}",
            str(primary["unscored"]),
            Text(
                f"{GLYPHS[decision]} {decision}{' (fragile)' if primary.get('fragile') else ''}", style=STYLES[decision]
            ),
        )
    if not any(_mark(found["primary"]) for found in results["dimensions"].values()):
        return Padding(table, (1, 0))
    return Padding(Group(table, Text(ANYTIME, style="dim")), (1, 0))


def _drift(results: dict[str, Any]) -> RenderableType:
    drift = results["drift"]
    if drift is None:
        return Text("drift     not measured: fewer than two prompts have logprobs from both endpoints", style="yellow")
    if drift.get("scope") not in (None, "first_token"):
        return Text("\n".join(("drift", *(f"  {line}" for line in beyond_lines(drift)))))
    lines = [_first_token(drift)] if drift.get("forward") else []
    if told := association_line(drift.get("association")):
        lines.append(f"          {told}")
    if beyond := drift.get("beyond"):
        lines += ["drift beyond the first token", *(f"  {line}" for line in beyond_lines(beyond))]
    return Text("\n".join(lines))


def _first_token(drift: dict[str, Any]) -> str:
    forward, reverse = drift["forward"]["kl_per_token"], drift["reverse"]["kl_per_token"]
    jsd = drift["forward"]["jsd_per_token"]
    coverage = drift["forward"]["coverage"]
    low, high = forward["lower_bound_interval"] or [None, None]
    text = (
        f"drift     first token, protocol {drift['protocol']}: KL(baseline‖candidate) ≥ {_nats(forward['lower_bound'])} nats"
        f" [{_nats(low)}, {_nats(high)}], reverse ≥ {_nats(reverse['lower_bound'])};"
        f" JSD {_nats(jsd['lower'])}–{_nats(jsd['upper'])}; {forward['method']}, n={forward['n']}, k={coverage['k']},"
        f" mass seen {coverage['baseline_mass']:.2f}/{coverage['candidate_mass']:.2f}"
    )
    if drift["low_coverage"]:
        text += " (too little mass seen to conclude that there is no drift)"
    return text


def _reasons(results: dict[str, Any]) -> RenderableType:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False, pad_edge=False)
    table.add_column(no_wrap=True, style="dim")
    table.add_column()
    for name, found in results["dimensions"].items():
        primary = found["primary"]
        told = [primary["reason"], _backing(primary), f"({where})" if (where := extent(found)) else ""]
        table.add_row(name, Text(" ".join(filter(None, told))))
    overall = results["overall"]
    said = f"  {reason}" if (reason := results.get("overall_reason", "")) else ""
    if by_hand := results.get("overall_overridden"):
        said += f"  With overrides by hand: {GLYPHS[by_hand]} {by_hand}."
    table.add_row("overall", Text.assemble((f"{GLYPHS[overall]} {overall}", STYLES[overall]), said))
    return Padding(table, (1, 0, 0, 0))


def backing(primary: dict[str, Any]) -> str:
    """What stands behind the numbers, said beside each of them; judged ones also say what people's labels make of them."""
    names = {"exact": "exact parsing", "rules": "the rules judge", "llm": "an LLM judge"}
    used = [names[kind] for kind in primary["judged_by"]]
    told = [f"scored by {' and '.join(used)}"] if used else []
    if corrected := primary.get("corrected"):
        low, high = corrected["interval"]
        told.append(
            f"corrected by {corrected['gold']} labelled pairs: {_points(corrected['delta'])}"
            f" [{_points(low)}, {_points(high)}]"
        )
    elif primary.get("judge_relative"):
        told.append("judge-relative")
    if by_hand := overridden(primary):
        told.append(by_hand)
    return "; ".join(told)


def _backing(primary: dict[str, Any]) -> str:
    told = backing(primary)
    return f"({told})" if told else ""


def judging(results: dict[str, Any]) -> str:
    """How the judges held up, in one line; "" where none is a language model."""
    found = results.get("judging")
    if not found:
        return ""
    canaries, repeats = found["canaries"], found["repeats"]
    told = [f"{found['startup_cases']} start-up cases right"]
    if canaries["asked"]:
        told.append(f"{canaries['failed']} of {canaries['asked']} canaries failed on the way")
    if repeats["asked_again"]:
        told.append(f"{repeats['flipped']} of {repeats['asked_again']} verdicts that were asked for again flipped")
    told += [
        f"{' and '.join(pair['judges'])} disagreed on {pair['disagreed']} of {pair['n']} texts"
        for pair in found["panel"] or []
    ]
    told += [f"{reason} {count}" for reason, count in found["unscored"].items()]
    return "; ".join(told)


def _interval(primary: dict[str, Any]) -> str:
    """The interval in points, with as many decimals as it takes to see on which side of 0 and of the margin its ends lie."""
    shown = []
    for bound in primary["interval"]:
        decimals = 1
        while decimals < 4 and any(
            bound != edge and round(100 * bound, decimals) == round(100 * edge, decimals)
            for edge in (0.0, -primary["margin"])
        ):
            decimals += 1
        shown.append(f"{100 * bound:+.{decimals}f}")
    return f"[{', '.join(shown)}]"


def _mark(primary: dict[str, Any]) -> str:
    return "*" if primary.get("anytime") else ""


def _percent(rate: float | None) -> str:
    return "–" if rate is None else f"{100 * rate:.1f}%"


def _points(delta: float | None) -> str:
    return "–" if delta is None else f"{100 * delta:+.1f}"


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
