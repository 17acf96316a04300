"""A judge outside a run: connected, probed and tested as a run does it."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import click

from auditor.audit.judges import judge_at
from auditor.audit.session import Seat, Session, keys_for
from auditor.endpoints import probe
from auditor.errors import PlanError, UsageError
from auditor.judging import Judge, Panel, Rubric, RulesJudge, kin
from auditor.judging.startup import check
from auditor.plan import RULES, parse_endpoint
from auditor.records import Attempt, EndpointSpec
from auditor.wire import Tape, WireLimits

judge_option = click.option(
    "--judge", multiple=True, metavar="E|rules", help="Who judges; repeat for a panel.  [default: rules]"
)


@asynccontextmanager
async def open_judge(
    names: Sequence[str],
    rubrics: Sequence[Rubric],
    *,
    tape: Tape,
    concurrency: int,
    models: Sequence[str] = (),
    force: bool = False,
    on_attempt: Callable[[Attempt], None] | None = None,
) -> AsyncIterator[Judge]:
    """The judge, or panel, ``names`` stand for. ``models`` are those that wrote what is to be judged, as far as known.

    Raises UsageError for rubrics that rules alone can't judge, PlanError for kin that is not forced, JudgeUnfit for a judge that gets a start-up case wrong, other EndpointError
    leaves for one that can't be reached.
    """
    names = list(names) or [RULES]
    if set(names) == {RULES} and (unknown := [rubric.name for rubric in rubrics if not RulesJudge.knows(rubric)]):
        raise UsageError(
            f"The rules judge has no rule for {unknown[0]}.",
            "Name a language model with --judge E; see docs/judging.md.",
        )
    specs: dict[Seat, EndpointSpec] = {
        f"judge-{number}": parse_endpoint(name) for number, name in enumerate(names) if name != RULES
    }
    for spec in specs.values():
        if (why := kin([spec.model], models)) and not force:
            raise PlanError(
                f"The judge {spec.model} is kin to a model that it would judge: {why}.",
                "Take a judge from another family, or add --force-judge.",
            )
    session = Session(
        specs,
        tape=tape,
        keys=keys_for(specs, os.environ),
        limits=WireLimits(concurrency=concurrency),
        on_attempt=on_attempt,
    )
    async with session:
        judges: list[Judge] = []
        for number, name in enumerate(names):
            if name == RULES:
                judges.append(RulesJudge())
                continue
            seat = f"judge-{number}"
            found = await probe(session.endpoints[seat], wanted="judge")
            session.settle(seat, found)
            judges.append(judge_at(session, seat, found, models))
        judge = judges[0] if len(judges) == 1 else Panel(judges)
        await check(judge, rubrics)
        yield judge
