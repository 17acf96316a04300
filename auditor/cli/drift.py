"""``auditor drift``."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import get_args

import click
import msgspec

from auditor import defaults
from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_choice import Wanted
from auditor.audit.drift_texts import DriftSettings
from auditor.audit.preflight import chosen_banks, schedule
from auditor.audit.reference import SIZE, record_reference, reference_from_run, watch_prompts
from auditor.audit.schedule import drift_sample
from auditor.audit.watch import watch
from auditor.drift.protocol_gather import REASONING, Settings
from auditor.errors import PlanError
from auditor.plan import Plan, parse_endpoint
from auditor.records import ALL_DIMENSIONS, EndpointSpec, Prompt, Side
from auditor.report.drift import BITS, NATS, drift_lines, watch_lines
from auditor.report.plain import harmless
from auditor.store import RunFolder


@click.command()
@click.option("--baseline", metavar="E", help="The instruct model.")
@click.option("--candidate", metavar="E", help="The reasoning model made from it.")
@click.option("--protocol", type=click.Choice(get_args(Wanted)), default="auto", show_default=True, help="How.")
@click.option("--prompts", type=click.IntRange(min=1), help="At most this many.  [default: 40; 10 for a reference]")
@click.option("--dimension", "dimensions", multiple=True, type=click.Choice(ALL_DIMENSIONS), help="Only this; repeat.")
@click.option("--tokens", type=click.IntRange(min=1), default=64, show_default=True, help="Per text.")
@click.option("--top", type=click.IntRange(min=1), default=20, show_default=True, help="Alternatives per position.")
@click.option(
    "--positions", type=click.IntRange(min=2), default=12, show_default=True, help="Scored per text with protocol P."
)
@click.option(
    "--reasoning", multiple=True, type=click.Choice(REASONING), help="Audits to make; repeat.  [default: all]"
)
@click.option("--no-noise", is_flag=True, help="Don't ask the writer again for the noise floor.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of prompts, texts and positions.")
@click.option("--concurrency", type=click.IntRange(1, 1000), default=defaults.CONCURRENCY, show_default=True)
@click.option("--out", metavar="RUN", type=click.Path(path_type=Path), help="Keep tape and result here.")
@click.option("--record-reference", "reference", metavar="E", help="For --watch: ask E and keep its answers in RUN.")
@click.option("--watch", "watched", metavar="E", help="Has E changed since its reference was recorded in RUN?")
@click.option(
    "--from",
    "earlier",
    metavar="RUN",
    type=click.Path(path_type=Path),
    help="For --watch: compare with this audit of E.",
)
@click.option("--texts", is_flag=True, help="Of a reference: compare texts even if E tells logprobs.")
@click.option(
    "--size",
    type=click.IntRange(min=2),
    default=SIZE,
    show_default=True,
    help="Of a reference: new askings of one prompt.",
)
@click.option("--askings", type=click.IntRange(min=2), default=25, show_default=True, help="Per prompt of a reference.")
@click.option(
    "--looks", type=click.IntRange(min=1), help="Of a reference: promise no more looks; each then needs less."
)
@click.option(
    "--targeted", is_flag=True, help="Ask for the other side's tokens by id also where each position costs a call."
)
@click.option("--bits", is_flag=True, help="Print divergences in bits; JSON is always in nats.")
@click.option("--json", "as_json", is_flag=True, help="As JSON, schema auditor.drift/1.")
def command(
    baseline: str | None,
    candidate: str | None,
    protocol: Wanted,
    prompts: int | None,
    dimensions: tuple[str, ...],
    tokens: int,
    top: int,
    positions: int,
    reasoning: tuple[str, ...],
    no_noise: bool,
    seed: int,
    concurrency: int,
    out: Path | None,
    reference: str | None,
    watched: str | None,
    earlier: Path | None,
    texts: bool,
    size: int,
    askings: int,
    looks: int | None,
    targeted: bool,
    bits: bool,
    as_json: bool,
) -> None:
    """How far the candidate moved from the baseline, token by token; or whether one endpoint changed.

    \b
    auditor drift --baseline http://localhost:8000/v1#instruct --candidate http://localhost:8001/v1#reasoner
    auditor drift --record-reference openai:gpt-4.1 --out runs/reference
    auditor drift --watch openai:gpt-4.1 --out runs/reference
    auditor drift --watch openai:gpt-4.1 --from runs/first --out runs/since-first
    """
    if reference or watched:
        if not out or (reference and watched) or baseline or candidate:
            raise PlanError(
                "--record-reference and --watch take one endpoint and the folder of the reference.",
                "Write auditor drift --watch E --out RUN.",
            )
        endpoint = parse_endpoint(reference or watched or "")
        if reference:
            count = prompts or 10
            some = watch_prompts(_prompts(endpoint, endpoint, count, dimensions, seed), count)
            asyncio.run(
                record_reference(
                    endpoint,
                    some,
                    RunFolder(out),
                    askings,
                    os.environ,
                    planned=looks,
                    size=size,
                    texts=texts,
                    note=_note,
                )
            )
            return
        if earlier and not RunFolder(out).plan_json():
            reference_from_run(endpoint, RunFolder(earlier), RunFolder(out), planned=looks, most=prompts or 40)
        found = asyncio.run(watch(endpoint, RunFolder(out), os.environ, note=_note))
        click.echo(_json(found) if as_json else "\n".join(watch_lines(found)))
        return
    if not baseline or not candidate:
        raise PlanError("Drift needs two endpoints.", "Give --baseline E and --candidate E, or --watch E.")
    if prompts == 1:
        raise PlanError("Drift over one prompt has no interval.", "Give --prompts 2 or more.")
    specs: dict[Side, EndpointSpec] = {"baseline": parse_endpoint(baseline), "candidate": parse_endpoint(candidate)}
    settings = DriftSettings(
        protocol=protocol,
        gather=Settings(
            top=top, max_tokens=tokens, positions=positions, noise=not no_noise, seed=seed, targeted=targeted
        ),
        reasoning=tuple(name for name in REASONING if name in reasoning) or None,
        concurrency=concurrency,
    )
    some = _prompts(specs["baseline"], specs["candidate"], prompts or 40, dimensions, seed)
    folder = RunFolder(out) if out else None
    found = asyncio.run(drift_alone(specs, some, settings, environ=os.environ, folder=folder, note=_note))
    click.echo(_json(found) if as_json else "\n".join(drift_lines(found, BITS if bits else NATS)))


def _prompts(
    baseline: EndpointSpec, candidate: EndpointSpec, count: int, dimensions: tuple[str, ...], seed: int
) -> list[Prompt]:
    plan = Plan.from_mapping(
        {
            "baseline": {"endpoint": baseline.label},
            "candidate": {"endpoint": candidate.label},
            "dimensions": {name: {"enabled": name in dimensions} for name in ALL_DIMENSIONS} if dimensions else {},
            "run": {"seed": seed},
        }
    )
    return drift_sample(schedule(plan, chosen_banks(plan)), count)


def _note(text: str) -> None:
    click.echo(harmless(text), err=True)


def _json(body: dict[str, object]) -> str:
    return msgspec.json.format(msgspec.json.encode(body), indent=2).decode()
