"""What a browser asks of a run beyond its records: counts, groups, texts to search, the exchanges behind a reply."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from auditor.records import Attempt, Exchange, Part, Prompt, Side, Usage
from auditor.store._pack import expand, unpack
from auditor.store.folder import RunFolder
from auditor.store.tape import RunTape


class Tally(NamedTuple):
    """How far a dimension is: pairs planned, done, and among the done those that got worse or better, could not be
    scored, or failed; ``total`` is the sum of all deltas, None before the first.
    """

    dimension: str
    planned: int
    done: int
    worse: int
    better: int
    unscored: int
    failed: int
    total: float | None


class Change(NamedTuple):
    """A prompt on which the candidate of this run and of an earlier one differ."""

    seq: int
    prompt_id: str
    dimension: str
    was: str
    was_score: float | None
    now: str
    now_score: float | None
    preview: str

    @property
    def delta(self) -> float | None:
        """Score now minus score then."""
        return None if self.was_score is None or self.now_score is None else self.now_score - self.was_score


class PairScores(NamedTuple):
    """The scores of a pair and what they stand for."""

    prompt_id: str
    unit: str
    kind: str
    baseline_label: str
    baseline_score: float | None
    candidate_label: str
    candidate_score: float | None


class Fallen(NamedTuple):
    """A decision at the moment it fell: unix seconds, and its figures as a finding has them."""

    at: float
    dimension: str
    body: dict[str, Any]


class _Said(msgspec.Struct, frozen=True):
    """The words of a reply; decoding nothing else makes indexing twice as fast."""

    answer: str
    trace: str | None = None


class _Cost(msgspec.Struct, frozen=True):
    """What a reply cost, and nothing else of it."""

    usage: Usage = Usage()


class Browsing:
    """The part of a reader that lists, counts and searches."""

    _db: sqlite3.Connection

    def groups(
        self, where: str = "1", parameters: Sequence[Any] = (), among: Collection[int] | None = None
    ) -> list[tuple[str, str, str, str, str, int]]:
        """How often each way of failing happened among the pairs that fit: dimension, kind, what the baseline and the
        candidate did (label, else outcome), which way it flipped, and the count; losses first, then what could not be
        scored, then gains, then what stayed the same, each with the most frequent first. ``among``
        restricts it to these ``seq``.
        """
        if among is not None:
            where, parameters = (
                f"({where}) AND seq IN (SELECT value FROM json_each(?))",
                (*parameters, msgspec.json.encode(sorted(among)).decode()),
            )
        return self._db.execute(
            "SELECT dimension, kind,"
            " CASE baseline_label WHEN '' THEN baseline_outcome ELSE baseline_label END AS was,"
            " CASE candidate_label WHEN '' THEN candidate_outcome ELSE candidate_label END AS became,"
            " CASE WHEN delta IS NULL THEN 'unscored' WHEN delta < 0 THEN 'regressed' WHEN delta > 0 THEN 'fixed'"
            " ELSE 'same' END AS flip, count(*) AS many"
            f" FROM pairs WHERE {where} GROUP BY dimension, kind, was, became, flip"
            " ORDER BY CASE flip WHEN 'regressed' THEN 0 WHEN 'unscored' THEN 1 WHEN 'fixed' THEN 2 ELSE 3 END,"
            " many DESC, 1, 2, 3, 4, 5",
            tuple(parameters),
        ).fetchall()

    def labels(self, dimension: str, kind: str) -> list[str]:
        """Every label that either side got on prompts of this kind, in alphabetical order."""
        rows = self._db.execute(
            "SELECT baseline_label FROM pairs WHERE dimension = ? AND kind = ?"
            " UNION SELECT candidate_label FROM pairs WHERE dimension = ? AND kind = ? ORDER BY 1",
            (dimension, kind, dimension, kind),
        )
        return [label for (label,) in rows if label]

    def requests_after(self, last: int, most: int = 500) -> list[tuple[int, bytes]]:
        """Requests on the tape after a row of it, the oldest first: the row, and the body as it was sent."""
        rows = self._db.execute("SELECT rowid, request FROM tape WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, most))
        return [(number, expand(request)) for number, request in rows]

    def exchange_at(self, row: int) -> Exchange | None:
        """The exchange in a row of the tape, or None if it was recorded anew since."""
        found = self._db.execute("SELECT key FROM tape WHERE rowid = ?", (row,)).fetchone()
        return None if found is None else RunTape(self._db).get(found[0])

    def planned(self) -> dict[str, int]:
        """How many prompts each dimension has."""
        return dict(self._db.execute("SELECT dimension, count(*) FROM prompts GROUP BY dimension").fetchall())

    def tally(self, planned: dict[str, int]) -> list[Tally]:
        """How far each dimension is; cheap enough to ask twice a second. ``planned`` as from :meth:`planned`."""
        failed = dict(
            self._db.execute(
                "SELECT dimension, count(*) FROM pairs"
                " WHERE baseline_outcome = 'error' OR candidate_outcome = 'error' GROUP BY dimension"
            ).fetchall()
        )
        done = {
            row[0]: row[1:]
            for row in self._db.execute(
                "SELECT dimension, count(*), sum(delta < 0), sum(delta > 0), sum(delta IS NULL), sum(delta)"
                " FROM pairs INDEXED BY pairs_dimension GROUP BY dimension"
            )
        }
        tallies = []
        for dimension, many in planned.items():
            count, worse, better, unscored, total = done.get(dimension, (0, 0, 0, 0, None))
            tallies.append(
                Tally(dimension, many, count, worse or 0, better or 0, unscored or 0, failed.get(dimension, 0), total)
            )
        return tallies

    def pair_scores(self, dimension: str) -> list[PairScores]:
        """Labels and scores of a dimension's pairs, in the order of the schedule, without decoding a body."""
        rows = self._db.execute(
            "SELECT p.prompt_id, q.unit, p.kind, p.baseline_label, p.baseline_score, p.candidate_label,"
            " p.candidate_score FROM pairs p JOIN prompts q ON q.id = p.prompt_id WHERE p.dimension = ? ORDER BY p.seq",
            (dimension,),
        )
        return [PairScores(*row) for row in rows]

    def decisions(self) -> list[Fallen]:
        """Decisions in the order in which they fell; the findings of the whole run are made later, when it ends."""
        rows = self._db.execute("SELECT at, dimension, body FROM decisions ORDER BY id")
        return [Fallen(at, dimension, unpack(body, dict[str, Any])) for at, dimension, body in rows]

    def version(self) -> int:
        """A number that changes when another process has written to the run."""
        (number,) = self._db.execute("PRAGMA data_version").fetchone()
        return int(number)

    def attempts_after(self, last: int, most: int = 5000) -> list[tuple[int, float, Attempt]]:
        """The ledger after an entry: number, unix seconds, attempt."""
        rows = self._db.execute("SELECT id, at, body FROM ledger WHERE id > ? ORDER BY id LIMIT ?", (last, most))
        return [(number, at, unpack(body, Attempt)) for number, at, body in rows]

    def usage_after(self, last: int, most: int = 2000) -> list[tuple[int, Side, Usage]]:
        """What replies after a row of their table cost in tokens: the row, the side, and the usage."""
        rows = self._db.execute(
            "SELECT rowid, side, body FROM replies WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, most)
        )
        return [(number, side, unpack(body, _Cost).usage) for number, side, body in rows]

    def judged_prompts(self) -> list[str]:
        """Ids of the prompts whose replies a judge judged."""
        return [name for (name,) in self._db.execute("SELECT DISTINCT prompt_id FROM verdicts")]

    def verdict_places(self, prompt_id: str) -> list[tuple[str, Side, Part, str]]:
        """Prompt, side, part and rubric of the verdicts on one prompt's replies, each once."""
        rows = self._db.execute(
            "SELECT DISTINCT prompt_id, side, part, rubric FROM verdicts WHERE prompt_id = ?", (prompt_id,)
        )
        return rows.fetchall()

    def verdict_labels(self, rubric: str) -> list[str]:
        """The labels that a rubric's verdicts have in this run, in alphabetical order."""
        rows = self._db.execute("SELECT DISTINCT label FROM verdicts WHERE rubric = ? AND label IS NOT NULL", (rubric,))
        return sorted(label for (label,) in rows)

    def changed_since(self, other: Path) -> list[Change]:
        """Prompts that both runs asked and on which the candidate's score is not the same; the largest losses first.
        Raises RunError if there is no run there.
        """
        RunFolder(other).open_reader().close()
        uri = f"{RunFolder(other).database.absolute().as_uri()}?mode=ro"
        self._db.execute("ATTACH DATABASE ? AS earlier", (uri,))
        try:
            rows = self._db.execute(
                "SELECT n.seq, n.prompt_id, n.dimension, o.candidate_label, o.candidate_score, n.candidate_label,"
                " n.candidate_score, n.preview FROM pairs n JOIN earlier.pairs o ON o.prompt_id = n.prompt_id"
                " WHERE o.candidate_score IS NOT n.candidate_score"
                " ORDER BY n.candidate_score - o.candidate_score IS NULL, n.candidate_score - o.candidate_score, n.seq"
            ).fetchall()
        finally:
            self._db.execute("DETACH DATABASE earlier")
        return [Change(*row) for row in rows]

    def texts(self, ids: Sequence[int]) -> Iterator[tuple[int, str, str, str]]:
        """``seq``, prompt, both answers and both traces of these pairs as plain text, for searching."""
        marks = ",".join("?" * len(ids))
        asked = self._db.execute(
            f"SELECT p.seq, q.body FROM pairs p JOIN prompts q ON q.id = p.prompt_id WHERE p.seq IN ({marks})",
            tuple(ids),
        ).fetchall()
        said: dict[int, list[_Said]] = {}
        for seq, body in self._db.execute(
            f"SELECT p.seq, r.body FROM pairs p JOIN replies r ON r.prompt_id = p.prompt_id WHERE p.seq IN ({marks})",
            tuple(ids),
        ):
            said.setdefault(seq, []).append(unpack(body, _Said))
        for seq, body in asked:
            prompt = "\n".join(message.content for message in unpack(body, Prompt).messages)
            replies = said.get(seq, [])
            yield seq, prompt, "\n".join(r.answer for r in replies), "\n".join(r.trace or "" for r in replies)
