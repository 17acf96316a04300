"""What the overview shows, without a screen: one line per dimension, and where the cursor should start."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from auditor.records import ALL_DIMENSIONS, CAPABILITY, SIDES
from auditor.report.overall import overall
from auditor.report.plain import one_line
from auditor.store import RunReader

_BACKING: Final = {"exact": "exact parsing", "rules": "the rules judge", "llm": "an LLM judge"}
_JUDGES: Final = frozenset({"rules", "llm"})
_FORCED: Final = "was forced although it is kin"
_GRAVITY: Final = {"REGRESSED": 0, "INCONCLUSIVE": 1, "PRESERVED": 2, "IMPROVED": 3}


class Cell(NamedTuple):
    """One dimension: rates in [0, 1], higher is better."""

    dimension: str
    decision: str
    baseline: float | None
    candidate: float | None
    delta: float | None
    low: float
    high: float
    margin: float
    n: int
    unscored: int
    reason: str
    backing: str
    judged: bool = False
    """Whether a judge had a say: the numbers are relative to it."""
    secondary: tuple[str, ...] = ()
    trace_baseline: float | None = None
    trace_candidate: float | None = None
    trace_n: int = 0
    gap: float | None = None
    """Share of the candidate's good answers that stand on a bad trace."""
    gap_low: float = 0.0
    gap_high: float = 0.0
    gap_text: str = ""
    better: int = 0
    worse: int = 0
    units: int = 0

    @property
    def context(self) -> bool:
        """Whether this is shown for context rather than judged."""
        return self.dimension == CAPABILITY


class Summary(NamedTuple):
    """A run as seen from above."""

    status: str
    synthetic: bool
    baseline: str
    candidate: str
    models: tuple[str, str]
    """The models' names alone."""
    judge: str
    forced: bool
    """Whether the judge was allowed to judge its own kin."""
    done: int
    planned: int
    cells: tuple[Cell, ...]
    drift: dict[str, Any] | None
    warnings: tuple[str, ...]
    overall: str
    """One word for the trust dimensions together, as in the results."""

    @property
    def headline(self) -> str:
        """The whole of it in one sentence."""
        judged = [c for c in self.cells if not c.context]
        if not judged:
            return "No findings yet: they are computed when the run ends."
        counts = {d: sum(c.decision == d for c in judged) for d in _GRAVITY}
        told = [f"{counts[d]} {d.lower()}" for d in ("REGRESSED", "INCONCLUSIVE", "PRESERVED", "IMPROVED") if counts[d]]
        return f"Of {len(judged)} trust dimensions: {', '.join(told)}."

    def worst(self) -> int:
        """The row to look at first: the regressed trust dimension that lost most, else the gravest decision."""
        if not self.cells:
            return 0
        return min(
            range(len(self.cells)),
            key=lambda i: (
                self.cells[i].context,
                _GRAVITY.get(self.cells[i].decision, 1),
                self.cells[i].delta if self.cells[i].delta is not None else 0.0,
                i,
            ),
        )


def summarise(reader: RunReader) -> Summary:
    """Read what the overview needs: a handful of rows, however long the run."""
    provenance = reader.meta("provenance") or {}
    findings = reader.findings()
    done, planned = reader.progress()
    pair = provenance.get("pair", {})
    sides = [one_line(str(pair.get(side, {}).get("endpoint", "not known yet")), 300) for side in SIDES]
    models = [one_line(str(pair.get(side, {}).get("model") or side), 80) for side in SIDES]
    warnings = [str(text) for text in provenance.get("warnings", ())]
    judge = provenance.get("judge") or {"name": "not known yet", "kind": "?"}
    kind = "deterministic rules" if judge["kind"] == "rules" else "language model"
    return Summary(
        status=str(reader.meta("status") or "interrupted"),
        synthetic=bool(provenance.get("synthetic", False)),
        baseline=sides[0],
        candidate=sides[1],
        models=(models[0], models[1]),
        judge=f"{one_line(str(judge['name']).rsplit('#', 1)[-1], 300)} ({kind})",
        forced=bool(judge.get("forced")) or any(_FORCED in text for text in warnings),
        done=done,
        planned=planned,
        cells=tuple(cell(name, findings[name]) for name in ALL_DIMENSIONS if name in findings),
        drift=findings.get("drift"),
        warnings=tuple(one_line(text, 400) for text in warnings),
        overall=overall({name: findings[name] for name in ALL_DIMENSIONS if name in findings}),
    )


def cell(name: str, body: dict[str, Any]) -> Cell:
    """One dimension's line from its stored finding."""
    primary = body["primary"]
    traces = body.get("trace", {})
    gap = traces.get("candidate", {}).get("good_answer_bad_trace", {})
    interval = gap.get("interval") or (0.0, 0.0)
    return Cell(
        dimension=name,
        decision=primary["decision"],
        baseline=primary["baseline"]["rate"],
        candidate=primary["candidate"]["rate"],
        delta=primary["delta"],
        low=primary["interval"][0],
        high=primary["interval"][1],
        margin=primary["margin"],
        n=primary["n"],
        unscored=primary["unscored"],
        reason=primary["reason"],
        backing=" and ".join(_BACKING[kind] for kind in primary["judged_by"] if kind in _BACKING) or "nothing",
        judged=bool(_JUDGES & set(primary["judged_by"])),
        secondary=tuple(_secondary(metric) for metric in body.get("secondary", ()) if _measured(metric)),
        trace_baseline=traces.get("baseline", {}).get("rate"),
        trace_candidate=traces.get("candidate", {}).get("rate"),
        trace_n=traces.get("candidate", {}).get("n", 0),
        gap=gap.get("rate"),
        gap_low=interval[0],
        gap_high=interval[1],
        better=primary.get("better", 0),
        worse=primary.get("worse", 0),
        units=primary.get("units", primary["n"]),
        gap_text=f"{gap['k']} of {gap['n']} good answers of the candidate stand on a bad trace."
        if gap.get("n")
        else "",
    )


def percent(rate: float | None) -> str:
    """A rate as whole percent; what was not measured is a dash."""
    return "–" if rate is None else f"{100 * rate:.0f}%"


def points(delta: float | None) -> str:
    """A difference in percentage points, with its sign."""
    return "–" if delta is None else f"{100 * delta:+.1f}".replace("-", "−")


def nats(value: float | None) -> str:
    """A divergence in nats."""
    return "?" if value is None else f"{value:.3f}"


def _measured(metric: dict[str, Any]) -> bool:
    return bool(metric["baseline"].get("n", 0) or metric["candidate"].get("n", 0))


def _secondary(metric: dict[str, Any]) -> str:
    sides = [metric[side].get("value") for side in SIDES]
    wish = {"lower": "lower is better", "higher": "higher is better"}.get(metric.get("orientation", ""), "")
    low, high = (percent(value) if value is None or 0 <= value <= 1 else f"{value:.3g}" for value in sides)
    told = ", ".join(filter(None, (wish, "judge-relative" if metric.get("judge_relative") else "")))
    return f"{metric['title']}: {low} → {high}" + (f" ({told})" if told else "")


def nice_limit(values: Sequence[float]) -> float:
    """The end of a symmetric axis that holds all values: a round number up to 1."""
    most = max((abs(value) for value in values), default=1.0)
    return next((limit for limit in (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8) if most <= limit), 1.0)
