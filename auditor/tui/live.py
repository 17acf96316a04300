"""A run while it is being written, without a screen: what is done, what fails, what the network does."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any, Final, NamedTuple

from auditor.records import ALL_DIMENSIONS, SIDES
from auditor.stats.intervals import tango
from auditor.store import Fallen, RunReader, Tally

BUCKET_S: Final = 5.0
BUCKETS: Final = 60
PORTION: Final = 5000
"""Replies whose tokens are counted at one look: a long run that is opened late is caught up with bit by bit."""


class Traffic(NamedTuple):
    """Attempts on the network so far. ``rate`` in attempts per second over the last minute of the ledger. ``failed`` leaves
    out ``limited`` (refused with 429), and probes, which find out what a server refuses.
    """

    attempts: int
    failed: int
    limited: int
    tokens: tuple[tuple[int, int], ...]
    """In and out, of the baseline's and of the candidate's replies."""
    usd: float | None
    """What all calls with a known price cost, the judge's included; None without any."""
    unpriced: int
    """Calls that used tokens at no known price."""
    waited_s: float
    rate: float
    purposes: tuple[tuple[str, int], ...]
    history: tuple[int, ...]
    """Attempts in each of the last buckets, the newest last."""
    limits: tuple[int, ...]
    """Of these, refused with 429."""
    last_error: str
    changes: tuple[str, ...]
    """The last changes of an endpoint's limit, with their reasons."""

    @property
    def tokens_in(self) -> int:
        """Tokens of all prompts."""
        return sum(both[0] for both in self.tokens)

    @property
    def tokens_out(self) -> int:
        """Tokens of all replies."""
        return sum(both[1] for both in self.tokens)


class SoFar(NamedTuple):
    """A dimension's paired difference so far: no decision, only where it stands (per pair, not per cluster)."""

    delta: float
    low: float
    high: float


class Snapshot(NamedTuple):
    """One look at a run."""

    status: str
    tallies: tuple[Tally, ...]
    so_far: dict[str, SoFar]
    fallen: tuple[Fallen, ...]
    """Decisions in the order in which they fell."""
    traffic: Traffic

    @property
    def done(self) -> int:
        """Pairs done."""
        return sum(tally.done for tally in self.tallies)

    def decided(self, dimension: str) -> Fallen | None:
        """The last decision of a dimension, None while it is open."""
        return next((one for one in reversed(self.fallen) if one.dimension == dimension), None)

    @property
    def planned(self) -> int:
        """Pairs planned."""
        return sum(tally.planned for tally in self.tallies)


class LiveFeed:
    """Polls a run; reads only what is new of the ledger, and nothing at all if nothing was written."""

    def __init__(self, reader: RunReader) -> None:
        self._reader = reader
        self._planned: dict[str, int] = {}
        self._version = -1
        self._last = 0
        self._last_reply = 0
        self._behind = False
        self._counts: Counter[str] = Counter()
        self._purposes: Counter[str] = Counter()
        self._waited = 0.0
        self._usd: float | None = None
        self._error = ""
        self._times: deque[tuple[int, int, int]] = deque(maxlen=BUCKETS)
        self._snapshot: Snapshot | None = None

    def poll(self) -> Snapshot:
        """Look again."""
        version = self._reader.version()
        if self._snapshot is not None and version == self._version and not self._behind:
            return self._snapshot
        self._version = version
        if not self._planned:
            self._planned = self._reader.planned()
        self._read_ledger()
        self._behind = self._read_replies()
        order = {name: i for i, name in enumerate(ALL_DIMENSIONS)}
        tallies = tuple(sorted(self._reader.tally(self._planned), key=lambda tally: order.get(tally.dimension, 99)))
        self._snapshot = Snapshot(
            status=str(self._reader.meta("status") or "starting"),
            tallies=tallies,
            so_far={tally.dimension: stands for tally in tallies if (stands := standing(tally)) is not None},
            fallen=tuple(self._reader.decisions()),
            traffic=self._traffic(),
        )
        return self._snapshot

    def _read_ledger(self) -> None:
        while batch := self._reader.attempts_after(self._last):
            for number, at, attempt in batch:
                self._last = number
                limited = attempt.status == 429
                refused = attempt.status is None or attempt.status >= 400
                failed = refused and not limited and attempt.purpose != "probe"
                self._counts["attempts"] += 1
                self._counts["failed"] += failed
                self._counts["limited"] += limited
                self._waited += attempt.waited_s
                if attempt.usd is not None:
                    self._usd = (self._usd or 0.0) + attempt.usd
                elif attempt.usage.completion_tokens is not None:
                    self._counts["unpriced"] += 1
                self._purposes[attempt.purpose or "other"] += 1
                if failed or limited:
                    self._error = attempt.error or f"HTTP {attempt.status}"
                self._count(int(at // BUCKET_S), limited=limited)

    def _read_replies(self) -> bool:
        """Count tokens of new replies, a portion at a time; whether there may be more."""
        batch = self._reader.usage_after(self._last_reply, PORTION)
        for number, side, usage in batch:
            self._last_reply = number
            self._counts[f"{side} in"] += usage.prompt_tokens or 0
            self._counts[f"{side} out"] += usage.completion_tokens or 0
        return len(batch) == PORTION

    def _count(self, bucket: int, *, limited: bool) -> None:
        last = self._times[-1][0] if self._times else bucket - 1
        for missing in range(max(last + 1, bucket - BUCKETS), bucket + 1):
            self._times.append((missing, 0, 0))
        if bucket >= last or not self._times:
            number, many, refused = self._times[-1]
            self._times[-1] = (number, many + 1, refused + limited)

    def _traffic(self) -> Traffic:
        recent = list(self._times)[-int(60 / BUCKET_S) :]
        return Traffic(
            attempts=self._counts["attempts"],
            failed=self._counts["failed"],
            limited=self._counts["limited"],
            tokens=tuple((self._counts[f"{side} in"], self._counts[f"{side} out"]) for side in SIDES),
            usd=self._usd,
            unpriced=self._counts["unpriced"],
            waited_s=self._waited,
            rate=sum(many for _, many, _ in recent) / (len(recent) * BUCKET_S) if recent else 0.0,
            purposes=tuple(self._purposes.most_common()),
            history=tuple(many for _, many, _ in self._times),
            limits=tuple(refused for _, _, refused in self._times),
            last_error=self._error,
            changes=tuple(_told(change) for change in (self._reader.meta("limits") or [])[-3:]),
        )


def _told(change: dict[str, Any]) -> str:
    pause = f", paused for {change['pause_s']:.0f} s" if change.get("pause_s") else ""
    return f"{change.get('before')} → {change.get('limit')} at once ({change.get('reason')}{pause})"


def standing(tally: Tally, level: float = 0.95) -> SoFar | None:
    """Where a dimension stands (Tango's interval over pairs), None before the first scored pair or for graded scores."""
    scored = tally.done - tally.unscored
    if not scored or tally.total is None or abs(tally.total - (tally.better - tally.worse)) > 1e-9:
        return None
    interval = tango(tally.better, tally.worse, scored, level)
    return SoFar(tally.total / scored, interval.lo, interval.hi)
