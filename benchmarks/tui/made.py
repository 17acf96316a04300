"""Runs made without an audit, for measuring and testing the browser: replies and scores are invented, findings and decisions
come from the functions that a real run decides with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from auditor.records import Prompt, Reply, Scored, Side, Verdict
from auditor.stats.evidence import Terms, judge, units_of
from auditor.stats.figures import figures
from auditor.store import RunFolder, RunWriter

ERROR: Final = 0.05
MAX_UNSCORED: Final = 0.2
PLAN: Final = {
    "schema": "auditor.plan/1",
    "plan": {"run": {"error": ERROR, "max_unscored": MAX_UNSCORED, "until": "all", "seed": 0}},
}
START: Final = 1_700_000_000.0
"""When these runs happened, in unix seconds."""


class Seen(NamedTuple):
    """What a finding needs of a pair."""

    unit: str
    baseline: float | None
    candidate: float | None
    trace: float | None = None
    """The score of the candidate's trace."""
    judged_by: str = "llm"


class MadeRun:
    """Writes a run pair by pair, as an audit does; ``url`` is where its models pretend to live."""

    def __init__(self, path: Path, prompts: Sequence[Prompt], url: str, *, status: str = "complete") -> None:
        self.folder = RunFolder(path)
        self.folder.claim()
        self.folder.freeze(msgspec.json.encode(PLAN))
        self.writer = RunWriter(self.folder)
        self.writer.put_prompts(prompts)
        self.writer.put_meta("status", status)
        self.writer.put_meta("provenance", _provenance(url))
        self._planned = {name: sum(p.dimension == name for p in prompts) for name in {p.dimension for p in prompts}}
        self._seen: dict[str, list[Seen]] = {}

    def put(
        self,
        seq: int,
        prompt: Prompt,
        replies: dict[Side, Reply],
        scored: dict[Side, Scored],
        verdicts: dict[Side, tuple[Verdict, ...]],
    ) -> None:
        """Write a pair; with the last one of a dimension its decision falls."""
        self.writer.put_pair(seq, prompt, replies, scored, verdicts)
        one, other = scored["baseline"], scored["candidate"]
        some = self._seen.setdefault(prompt.dimension, [])
        some.append(Seen(prompt.unit, one.score, other.score, other.trace_score, other.judge_kind or "llm"))
        if len(some) == self._planned[prompt.dimension]:
            self.writer.put_decision(START + seq, prompt.dimension, decide(some))

    def conclude(self, secondary: Mapping[str, Any] | None = None) -> None:
        """Write the findings of what was put."""
        for name, some in self._seen.items():
            self.writer.put_finding(name, finding(some, secondary))

    def close(self) -> None:
        """Give the folder back."""
        self.writer.close()
        self.folder.release()


def decide(some: Iterable[Seen], margin: float = 0.1) -> dict[str, Any]:
    """The figures of a dimension of fixed size, as a run has them."""
    pairs = [(one.unit, _delta(one)) for one in some]
    terms = Terms(margin, ERROR, MAX_UNSCORED, len(pairs))
    return figures(judge(units_of(pairs), terms, watched=False), terms)


def finding(some: Sequence[Seen], secondary: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A dimension's finding in the shape of ``auditor.results/1``."""
    found = decide(some)
    scored = [one for one in some if _delta(one) is not None]
    traces = [one for one in some if one.candidate is not None and one.trace is not None]
    gap = sum((one.candidate or 0.0) >= 0.5 > (one.trace or 0.0) for one in traces)
    share = {"k": gap, "n": len(traces), "rate": gap / len(traces) if traces else None, "interval": [0.0, 0.15]}
    return {
        "primary": {
            "metric": "good",
            "baseline": _rate([one.baseline for one in scored]),
            "candidate": _rate([one.candidate for one in scored]),
            **found,
            "margin_reason": "",
            "judged_by": {kind: len(some) for kind in {one.judged_by for one in some}},
            "together": True if found["decision"] == "REGRESSED" else None,
        },
        "trace": {
            "baseline": {"n": 0, "rate": None},
            "candidate": {**_rate([one.trace for one in traces]), "good_answer_bad_trace": share},
        },
        "outcomes": {},
        "secondary": [dict(secondary)] if secondary else [],
        "beyond_stop": [],
    }


def _delta(one: Seen) -> float | None:
    return None if one.baseline is None or one.candidate is None else one.candidate - one.baseline


def _rate(scores: Sequence[float | None]) -> dict[str, Any]:
    total = sum(score or 0.0 for score in scores)
    return {"k": total, "n": len(scores), "rate": total / len(scores) if scores else None}


def _provenance(url: str) -> dict[str, Any]:
    return {
        "auditor": "0",
        "synthetic": True,
        "pair": {
            side: {"endpoint": f"{url}#synthetic-{side}", "base_url": url, "model": f"synthetic-{side}"}
            for side in ("baseline", "candidate")
        },
        "judge": {"name": f"{url}#judge", "kind": "llm"},
        "probes": {},
        "warnings": [],
    }
