"""A paper's figures beside those of a run, as a table."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from auditor.report.plain import one_line


def render(found: dict[str, Any]) -> RenderableType:
    """The figures of ``auditor.replication/1``; where they come from and what was asked is said below them."""
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    table.add_column(f"{found['source']}, {found['conversion']}", no_wrap=True)
    for heading in ("published", "this run", "change, published", "change, this run"):
        table.add_column(heading, justify="right", no_wrap=True)
    for figure in found["figures"]:
        sides = [figure[part] for part in ("published", "run")]
        table.add_row(figure["title"], *map(_both, sides), *map(_change, sides))
    lines = [Text(f"published: {found['values_from']}", style="yellow")]
    for name, used in found["sets"].items():
        if used["stand_in"]:
            banks = one_line(", ".join(used["used"]), 120)
            how = f" (auditor banks import {used['format']} FILE --paper)" if used["format"] else ""
            lines.append(Text(f"{name}: {banks} stands in for {used['paper']}{how}", style="dim"))
    lines += [
        Text(f"{figure['title']}: {figure['note']}", style="dim") for figure in found["figures"] if figure["note"]
    ]
    lines.append(
        Text("Levels depend on the prompts; where sets stand in, compare directions, not numbers.", style="dim")
    )
    return Padding(Group(table, *lines), (1, 0, 0, 0))


def _both(side: dict[str, float | None]) -> str:
    return f"{_percent(side['baseline'])} → {_percent(side['candidate'])}"


def _change(side: dict[str, float | None]) -> str:
    before, after = side["baseline"], side["candidate"]
    return "–" if before is None or after is None else f"{100 * (after - before):+.1f}"


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f}"
