"""What a run's calls cost, from its ledger: every attempt on the network, in tokens and in US dollars."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterable

import msgspec

from auditor.records import Attempt
from auditor.store._pack import unpack


class Spent(msgspec.Struct):
    """Calls and what they cost together. ``failed`` brought no answer. Tokens are those that servers told. ``usd`` is the
    sum over the calls whose price is known, None if there is none; ``unpriced`` counts the calls that used tokens at no
    known price.
    """

    calls: int = 0
    failed: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    cached_tokens: int = 0
    usd: float | None = None
    unpriced: int = 0

    def add(self, attempt: Attempt) -> None:
        """Count one attempt more."""
        usage = attempt.usage
        self.calls += 1
        self.failed += attempt.status is None or attempt.status >= 400 or bool(attempt.error)
        self.prompt_tokens += usage.prompt_tokens or 0
        self.completion_tokens += usage.completion_tokens or 0
        self.reasoning_tokens += usage.reasoning_tokens or 0
        self.cached_tokens += usage.cached_tokens or 0
        if attempt.usd is not None:
            self.usd = (self.usd or 0.0) + attempt.usd
        elif usage.prompt_tokens is not None or usage.completion_tokens is not None:
            self.unpriced += 1


class Spending:
    """The part of a reader that adds up the ledger."""

    _db: sqlite3.Connection

    def spent(self) -> dict[tuple[str, str, str], Spent]:
        """What was spent, by endpoint (its base URL), model and purpose; in runs of older versions the model is ""."""
        found: dict[tuple[str, str, str], Spent] = {}
        for (body,) in self._db.execute("SELECT body FROM ledger ORDER BY id"):
            attempt = unpack(body, Attempt)
            found.setdefault((attempt.endpoint, attempt.model, attempt.purpose), Spent()).add(attempt)
        return found

    def spent_on(self, keys: Collection[str]) -> Spent:
        """What the exchanges with these keys cost (:attr:`Exchange.key`), all attempts at them together. Nothing is known of
        runs of older versions: ``calls`` is 0 then.
        """
        marks = ",".join("?" * len(keys))
        rows = self._db.execute(
            f"SELECT body FROM ledger WHERE key IN ({marks}) ORDER BY id", tuple(map(bytes.fromhex, keys))
        )
        return total(unpack(body, Attempt) for (body,) in rows)


def total(attempts: Iterable[Attempt]) -> Spent:
    """What these attempts cost together."""
    spent = Spent()
    for attempt in attempts:
        spent.add(attempt)
    return spent
