"""The published string rules beside the own scoring, as a table: what of a difference they would add or hide."""

from __future__ import annotations

from typing import Any, Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

HEADINGS: Final = ("own delta", "paper's delta", "artefact", "by extraction", "by matching")


def as_published(results: dict[str, Any]) -> RenderableType | None:
    """The comparison of both scorings, None for a run that was not asked for it. ``artefact`` is what the published rules
    add to the own delta, in points: a loss that is all artefact would not be there had the replies been read rightly.
    """
    bodies = {name: body["paper"] for name, body in results["dimensions"].items() if "paper" in body}
    if not bodies:
        return None
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("by the paper's rules", no_wrap=True)
    for heading in (*HEADINGS, "refusals, paper's", "refusals, own", "read otherwise"):
        table.add_column(heading, justify="right", no_wrap=True)
    notes = []
    for name, body in bodies.items():
        notes.append(Text(f"{name:<11} {body['note']}", style="dim"))
        if body["rules"] is None:
            continue
        own = body["own"]
        table.add_row(
            name,
            *(_points(value) for value in (own["delta"], body["delta"], body["artefact"])),
            *(_points(body[part]) for part in ("by_extraction", "by_matching")),
            _both(_share(body["baseline"]), _share(body["candidate"])),
            _both(_share(own["baseline"]), _share(own["candidate"])),
            f"{body['changed']['baseline']['k']} / {body['changed']['candidate']['k']}",
        )
    return Padding(Group(table, *notes), (1, 0, 0, 0))


def _share(side: dict[str, Any]) -> str:
    return f"{100 * side['refusals'] / side['replies']:.0f}%" if side["replies"] else "–"


def _both(baseline: str, candidate: str) -> str:
    return f"{baseline} → {candidate}"


def _points(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:+.1f}"
