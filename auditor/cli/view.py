"""``auditor view``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.errors import UsageError
from auditor.records import Attempt, Side, Usage

if TYPE_CHECKING:
    from auditor.audit.prices import Prices
    from auditor.plan import Plan


@click.command()
@click.argument("run", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--web", is_flag=True, help="Serve the browser to a web browser on this machine, instead of the terminal."
)
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True, help="For --web.")
def command(run: Path, web: bool, port: int) -> None:
    """Browse RUN in the terminal: what got worse, both answers side by side, the trace where it went wrong.

    Works beside a running audit, too. Stars, overrides and labels are kept in RUN/annotations.sqlite, never in the run.
    """
    if web:
        from auditor.tui import browse_on_web

        browse_on_web(
            run,
            port,
            lambda url: click.echo(f"{url}\nOnly on this machine; Ctrl-C ends it."),
            rubrics=rubric_labels,
            price=ReplyPrices(),
        )
        return
    if not sys.stderr.isatty() or not sys.stdin.isatty():
        from auditor.store import RunReader

        RunReader(run).close()
        raise UsageError(
            "The browser needs a terminal.", f"In a pipe or a script: auditor results {run}, or auditor report {run}."
        )
    browse(run)


def browse(run: Path) -> None:
    """Open the browser on a run in this terminal."""
    from auditor.tui import browse as open_browser

    open_browser(run, rubrics=rubric_labels, price=ReplyPrices())


def rubric_labels() -> dict[str, dict[str, str]]:
    """The labels, with their definitions, of the rubrics that scores hang on: what people may be asked to label by."""
    from auditor.cli._labelling import deciding_rubrics

    return {name: dict(rubric.definitions) for name, rubric in deciding_rubrics().items()}


class ReplyPrices:
    """What replies cost by a run's own prices, or by the price table; the plan is read once."""

    def __init__(self) -> None:
        self._known: tuple[Plan, Prices] | None = None

    def __call__(self, frozen: dict[str, Any], side: Side, usage: Usage) -> float | None:
        """US dollars for one side's tokens, or None if its price is not known."""
        from auditor.audit.prices import Prices
        from auditor.endpoints import with_defaults
        from auditor.errors import PlanError
        from auditor.plan import Plan

        if self._known is None:
            try:
                plan = Plan.from_mapping(frozen.get("plan", {}))
            except PlanError:
                return None
            self._known = plan, Prices(plan)
        plan, prices = self._known
        spec = with_defaults((plan.baseline if side == "baseline" else plan.candidate).spec())
        asked = Attempt(spec.base_url, "reply", 200, 0.0, usage=usage, model=spec.model)
        return prices.on(asked).usd
