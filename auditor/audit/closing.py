"""Closing a run: findings and drift computed from what is stored alone, and stored beside it."""

from __future__ import annotations

from auditor import defaults
from auditor.audit.conclusion import conclusion
from auditor.audit.drift import BEYOND
from auditor.audit.drift_finding import with_beyond
from auditor.audit.published import published
from auditor.drift.protocol_first_token import measure
from auditor.plan import Plan
from auditor.records import SIDES, Reply, Side
from auditor.store import RunFolder, RunReader, RunWriter


def conclude(plan: Plan, folder: RunFolder, writer: RunWriter) -> None:
    """Compute findings and drift from what is stored and store them, too."""
    writer.commit()
    reader = RunReader(folder.path)
    try:
        _conclude(plan, folder, reader, writer)
    finally:
        reader.close()


def _conclude(plan: Plan, folder: RunFolder, reader: RunReader, writer: RunWriter) -> None:
    order, scores = reader.stored_prompts(), reader.stored_scores()
    probes = (reader.meta("provenance") or {}).get("probes", {})
    found = conclusion(plan, order, reader.plan["units"], scores)
    as_published = published(folder.path, plan, order, scores, found.counted)
    for name, body in found.findings.items():
        writer.put_finding(name, body | ({"paper": as_published[name]} if name in as_published else {}))
    writer.put_meta("stopping", found.stopping)
    first: dict[str, dict[Side, Reply]] = {}
    for prompt_id, side, reply in reader.first_tokens():
        # Which pairs happened to be in flight when the run stopped is chance of another kind than the schedule's.
        if prompt_id in found.counted:
            first.setdefault(prompt_id, {})[side] = reply
    about = {prompt.id: (prompt.unit, prompt.dimension) for prompt in order if prompt.id in first} if first else {}
    drift, per_prompt = measure(
        [
            (prompt_id, *about[prompt_id], both["baseline"], both["candidate"])
            for prompt_id, both in first.items()
            if len(both) == len(SIDES)
        ],
        k=plan.drift.top_logprobs,
        # Only a server that was seen to list the plain top may be read as doing so; else the safe reading holds.
        displaces={side: probes.get(side, {}).get("top_list") not in ("top", "appended") for side in SIDES},
        seed=plan.run.seed,
        resamples=defaults.BOOTSTRAP,
        level=defaults.LEVEL,
    )
    if (drift := with_beyond(drift, per_prompt, reader.meta(BEYOND), scores, plan.run.seed)) is not None:
        writer.put_finding("drift", drift)
        writer.put_drift(per_prompt)
