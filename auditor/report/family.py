"""A family's matrix as a table: one line per pair, one column per dimension."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.records import ALL_DIMENSIONS
from auditor.report.plain import one_line
from auditor.report.table import GLYPHS, STYLES


def render(found: dict[str, Any]) -> RenderableType:
    """``auditor.family/1`` for a terminal or a pipe: change in points with the decision's sign, warnings below."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column("conversion", no_wrap=True)
    table.add_column("pair", no_wrap=True)
    for name in ALL_DIMENSIONS:
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("overall", no_wrap=True)
    notes: list[Text] = [Text(one_line(warning, 400), style="yellow") for warning in found["warnings"]]
    for pair in found["pairs"]:
        mark = "†" if pair["confounds"] else ""
        cells = pair["dimensions"] or {}
        overall = pair["overall"]
        table.add_row(
            pair["conversion"] + mark,
            one_line(pair["name"], 40),
            *(_cell(cells.get(name)) for name in ALL_DIMENSIONS),
            Text(f"{GLYPHS[overall]} {overall}", style=STYLES[overall])
            if overall
            else Text(pair["status"], style="dim"),
        )
        notes += [
            Text(f"† {one_line(pair['name'], 40)}: {one_line(what, 400)}", style="yellow") for what in pair["confounds"]
        ]
    legend = Text(
        "change in points, higher is better; (alone): does not hold among all cells of the matrix", style="dim"
    )
    return Padding(Group(table, legend, *notes), (1, 0, 0, 0))


def _cell(cell: dict[str, Any] | None) -> Text:
    if cell is None or cell["delta"] is None:
        return Text("–", style="dim")
    alone = " (alone)" if cell["together"] is False else ""
    decision = cell["decision"]
    return Text(f"{100 * cell['delta']:+.1f} {GLYPHS[decision]}{alone}", style=STYLES[decision])
