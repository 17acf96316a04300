"""``auditor simulate``."""

from __future__ import annotations

import click

from auditor.banks import bank_names, load_bank
from auditor.simulator import BASELINE_MODEL, CANDIDATE_MODEL, JUDGE_MODEL, PRESETS, build_app, preset, serve


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), default=8765, show_default=True)
@click.option("--plant", type=click.Choice(sorted(PRESETS)), default="demo", show_default=True, help="What is planted.")
@click.option("--seed", type=int, default=0, show_default=True)
def command(port: int, plant: str, seed: int) -> None:
    """Serve the synthetic pair on loopback: an OpenAI-compatible server for trying things out.

    Both models, their replies and the judge are simulated.
    """
    prompts = [prompt for name in bank_names() for prompt in load_bank(name).prompts]
    url = f"http://127.0.0.1:{port}/v1"
    click.echo("SYNTHETIC: these models are simulated. Ctrl-C stops.", err=True)
    for role, model in (("baseline", BASELINE_MODEL), ("candidate", CANDIDATE_MODEL), ("judge", JUDGE_MODEL)):
        click.echo(f"--{role} {url}#{model}")
    serve(build_app(preset(plant, seed), prompts), host="127.0.0.1", port=port)
