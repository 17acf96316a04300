"""What a later look at an endpoint is compared with: recorded on purpose, or taken from an earlier run's tape.

Three kinds. *askings*: first-token lists, each prompt asked many times, the first one most. *texts*: short replies, for
endpoints that tell no logprobs. *run*: what one side of an audit said, once per prompt: its first-token lists, or where it
has none its replies.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any, Final, Literal

import httpx2
import msgspec

from auditor import defaults
from auditor.audit.drift_alone import clean_spec
from auditor.audit.session import Seat, Session, keys_for
from auditor.drift.protocol_first_token import first_token_ask
from auditor.endpoints import Capabilities, probe, with_defaults
from auditor.errors import RunError
from auditor.plan import SCHEMA, Plan
from auditor.records import SIDES, Ask, EndpointSpec, Message, Outcome, Prompt, Reply, Sampling, Side
from auditor.store import RunFolder, RunReader, RunWriter
from auditor.wire import WireLimits

Kind = Literal["askings", "texts", "run", "run_texts"]

SHORT: Final = ("x", "7", "!", "qz", "the", "?", "0 1", "e", "--", "A", "ok", "...")
"""Prompts of a token or two: nothing tells a model how to begin its reply, so many beginnings are near in probability
and every change of the weights moves them. Logprob tracking uses the first of them.
"""
FIRST: Final = 4
"""The first prompt has this many times the others' earlier askings: with few, no number of relabellings is enough."""
SIZE: Final = 10
"""New askings of the first prompt per look, unless planned otherwise."""
LONG: Final = 50
"""Tokens of a reply where one token shows nothing."""
REFERENCE: Final = "reference"
LOOKS: Final = "looks"
SETUP: Final = "reference"


def watch_prompts(banks: Sequence[Prompt], count: int) -> list[Prompt]:
    """What a reference asks: the short prompts, then prompts of the banks."""
    short = [
        Prompt(id=f"watch/{i}", dimension="", bank="watch", kind="short", messages=(Message("user", text),))
        for i, text in enumerate(SHORT)
    ]
    return [*short, *banks][:count]


async def record_reference(
    spec: EndpointSpec,
    prompts: Sequence[Prompt],
    folder: RunFolder,
    askings: int,
    environ: Mapping[str, str],
    *,
    planned: int | None = None,
    size: int = SIZE,
    texts: bool = False,
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None = None,
    note: Callable[[str], None] = lambda _: None,
) -> None:
    """Ask every prompt ``askings`` times and keep the answers in the folder: first-token lists, or short texts where the
    endpoint tells no logprobs or ``texts`` asks for them.

    ``planned`` looks of ``size`` new askings of the first prompt may be promised beforehand; then each needs less evidence.

    Raises:
        AuditorError: leaves of it; RunError if the folder holds another run.
    """
    plan = {
        "endpoint": spec.label,
        "askings": askings,
        "planned": planned,
        "size": size,
        "texts": texts,
        "prompts": [prompt.id for prompt in prompts],
    }
    with ExitStack() as stack:
        writer = _opened(folder, plan, stack)
        async with session_of(spec, writer, environ, networks) as session:
            found = await probe(session.endpoints["baseline"])
            session.settle("baseline", found)
            setup = {"spec": clean_spec(session.specs["baseline"]), **_lists(found)}
            many = FIRST * askings
            if texts or not found.top_logprobs_max:
                setup |= {"kind": "texts", "tokens": await _tokens(session, prompts[0])}
                many = askings
            writer.put_meta(SETUP, setup)
            writer.put_prompts(prompts)
            what = "first-token lists" if setup["kind"] == "askings" else f"texts of up to {setup['tokens']} tokens"
            note(f"reference: {len(prompts)} prompts, {askings} askings each, {what}")
            for sample in range(many):
                some = prompts if sample < askings else prompts[:1]
                await asyncio.gather(*(asked(session, prompt, setup, sample) for prompt in some))
        _close(writer)


def reference_from_run(
    spec: EndpointSpec, run: RunFolder, folder: RunFolder, *, planned: int | None = None, most: int = 40
) -> None:
    """Make a reference of what an endpoint said in an earlier audit, on up to ``most`` of its prompts. Asks nothing.

    Raises:
        RunError: the run holds nothing of this endpoint, or the folder holds another run.
    """
    reader = RunReader(run.path)
    try:
        frozen, provenance = reader.plan, reader.meta("provenance") or {}
        side = _side_of(spec, provenance.get("pair", {}))
        prompts = {prompt.id: prompt for prompt in reader.prompts()}
        lists = {name: reply for name, whose, reply in reader.first_tokens() if whose == side}
        replies = {
            name: reply
            for name, whose, reply in (() if lists else reader.replies())
            if whose == side and reply.outcome not in (Outcome.ERROR, Outcome.FILTERED)
        }
    finally:
        reader.close()
    earlier = dict(list((lists or replies).items())[:most])
    if not earlier or side is None:
        raise RunError(
            f"{run.path} holds nothing that {spec.label} said.",
            "Name a run in which it was the baseline or the candidate.",
        )
    plan = Plan.model_validate(frozen["plan"])
    probes = provenance.get("probes", {})
    known = with_defaults(spec)
    if dialect := provenance["pair"][side].get("dialect"):
        known = msgspec.structs.replace(known, dialect=dialect)
    setup: dict[str, Any] = {
        "spec": clean_spec(known),
        "kind": "run" if lists else "run_texts",
        "k": min(plan.drift.top_logprobs, *(probes.get(one, {}).get("top_logprobs_max") or 1 for one in SIDES)),
        "displaces": probes.get(side, {}).get("top_list") not in ("top", "appended"),
        "sampling": msgspec.to_builtins(plan.sampling_for(plan.baseline if side == "baseline" else plan.candidate)),
    }
    kept = {"endpoint": spec.label, "planned": planned, "from": str(run.path.name), "prompts": list(earlier)}
    with ExitStack() as stack:
        writer = _opened(folder, kept, stack)
        writer.put_meta(SETUP, setup)
        writer.put_prompts([prompts[name] for name in earlier])
        for name, reply in earlier.items():
            writer.put_first_token(name, "baseline", reply)
        _close(writer)


def session_of(
    spec: EndpointSpec,
    writer: RunWriter,
    environ: Mapping[str, str],
    networks: Mapping[str, httpx2.AsyncBaseTransport] | None,
) -> Session:
    """The endpoint alone, over the folder's tape."""
    seats: dict[Seat, EndpointSpec] = {"baseline": spec}
    return Session(seats, tape=writer.tape, keys=keys_for(seats, environ), limits=WireLimits(), networks=networks)


async def asked(session: Session, prompt: Prompt, setup: Mapping[str, Any], sample: int) -> Reply:
    """One asking of a prompt, as its kind of reference asks; asked before, the tape answers."""
    ask = _ask(prompt, setup, sample)
    purpose = "first_token" if setup["kind"] in ("askings", "run") else "drift"
    return await session.endpoints["baseline"].ask(ask, purpose=purpose)


def _ask(prompt: Prompt, setup: Mapping[str, Any], sample: int) -> Ask:
    match setup["kind"]:
        case "askings" | "run":
            return first_token_ask(prompt.messages, top_logprobs=setup["k"], sample=sample)
        case "texts":
            sampling = Sampling(temperature=1.0, top_p=1.0, max_tokens=setup["tokens"])
            return Ask(messages=prompt.messages, sampling=sampling, sample=sample)
        case _:
            sampling = msgspec.convert(setup["sampling"], Sampling)
            return Ask(messages=prompt.messages, sampling=sampling, sample=sample)


def _lists(found: Capabilities) -> dict[str, Any]:
    return {
        "kind": "askings",
        "k": min(defaults.TOP_LOGPROBS, found.top_logprobs_max or 1),
        "displaces": found.top_list not in ("top", "appended"),
    }


async def _tokens(session: Session, prompt: Prompt) -> int:
    """One token is the cheapest text; models that think aloud or hold the first one back need more to say something."""
    reply = await asked(session, prompt, {"kind": "texts", "tokens": 1}, 0)
    return 1 if (reply.answer or reply.trace or "").strip() else LONG


def _side_of(spec: EndpointSpec, pair: Mapping[str, Any]) -> Side | None:
    wanted = with_defaults(spec)
    for side in SIDES:
        its = pair.get(side, {})
        if (its.get("base_url"), its.get("model")) == (wanted.base_url, wanted.model):
            return side
    return None


def _opened(folder: RunFolder, plan: dict[str, Any], stack: ExitStack) -> RunWriter:
    whole = {"schema": SCHEMA, "kind": REFERENCE, "plan": plan}
    folder.claim()
    stack.callback(folder.release)
    existing = folder.plan_json()
    if existing is None:
        folder.freeze(msgspec.json.format(msgspec.json.encode(whole), indent=2) + b"\n")
    elif msgspec.json.decode(existing) != whole:
        raise RunError(f"{folder.path} holds another run.", "Name another folder with --out.")
    writer = RunWriter(folder)
    stack.callback(writer.close)
    return writer


def _close(writer: RunWriter) -> None:
    if writer.get_meta(LOOKS) is None:
        writer.put_meta(LOOKS, [])
    writer.put_meta("status", "complete")
