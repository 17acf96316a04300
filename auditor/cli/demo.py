"""``auditor demo``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import click
import httpx2
from platformdirs import user_cache_path

from auditor.banks import bank_names, load_bank
from auditor.cli._audit import carry_out
from auditor.cli._shared import print_results
from auditor.plan import Plan
from auditor.records import ALL_DIMENSIONS
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, PRESETS, build_app, preset

URL = "http://synthetic.invalid/v1"
"""A name that can never be a real host: requests to it are answered inside this process."""

PROMPTS = 100
"""Per dimension: enough to see what is planted, and done in well under a minute."""


@click.command()
@click.option("--plant", type=click.Choice(sorted(PRESETS)), default="demo", show_default=True, help="What is planted.")
@click.option("--seed", type=int, default=0, show_default=True)
@click.option(
    "--out", metavar="RUN", type=click.Path(path_type=Path), help="Keep the run here.  [default: a cache folder]"
)
@click.option("--no-tui", is_flag=True, help="Print the table, also on a terminal.")
def command(plant: str, seed: int, out: Path | None, no_tui: bool) -> None:
    """Audit the built-in synthetic pair: the whole way, offline, without a key.

    Both models and the judge are simulated with planted differences; the audit does not know them and has to find them.
    """
    folder = out or user_cache_path("auditor") / "demo"
    if out is None:
        shutil.rmtree(folder, ignore_errors=True)
    prompts = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
    app = build_app(preset(plant, seed), prompts)
    plan = Plan.from_mapping(
        {
            "baseline": {"base_url": URL, "model": BASELINE_MODEL},
            "candidate": {"base_url": URL, "model": CANDIDATE_MODEL},
            "judge": {"base_url": URL, "model": JUDGE_MODEL},
            "run": {"seed": seed, "until": "all"},
            "dimensions": {name: {"limit": PROMPTS} for name in ALL_DIMENSIONS},
        }
    )
    carry_out(plan, folder, networks={URL: httpx2.ASGITransport(app)}, synthetic=True)
    if sys.stdout.isatty() and not no_tui:
        from auditor.tui import browse

        browse(folder)
    print_results(folder)
    click.echo(f"\nSYNTHETIC: what was planted is {plant!r}. Browse it again with: auditor view {folder}")
