"""Reading a run, also while it is being written. All filtering and sorting happens in SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from auditor.records import Attempt, Exchange, Prompt, Reply, Scored, Side, Verdict
from auditor.store._pack import unpack
from auditor.store.browsing import Browsing
from auditor.store.folder import RunFolder
from auditor.store.spending import Spending
from auditor.store.stored import StoredPrompts, StoredScores
from auditor.store.tape import RunTape

_PAIR_COLUMNS = (
    "seq, prompt_id, dimension, kind, baseline_outcome, baseline_label, baseline_score,"
    " candidate_outcome, candidate_label, candidate_score, delta, kl, preview, bank,"
    " baseline_trace_label, baseline_trace_score, candidate_trace_label, candidate_trace_score, judges_disagree"
)


class PairRow(NamedTuple):
    """One line of the record list: both sides of a prompt."""

    seq: int
    prompt_id: str
    dimension: str
    kind: str
    baseline_outcome: str
    baseline_label: str
    baseline_score: float | None
    candidate_outcome: str
    candidate_label: str
    candidate_score: float | None
    delta: float | None
    kl: float | None
    preview: str
    bank: str = ""
    baseline_trace_label: str = ""
    baseline_trace_score: float | None = None
    candidate_trace_label: str = ""
    candidate_trace_score: float | None = None
    judges_disagree: int = 0


class SideRecord(msgspec.Struct, frozen=True):
    """One side of a record."""

    reply: Reply
    scored: Scored
    verdicts: tuple[Verdict, ...]
    first_token: Reply | None


class RecordDetail(msgspec.Struct, frozen=True):
    """Everything known about one prompt."""

    prompt: Prompt
    sides: dict[Side, SideRecord]


class RunReader(Browsing, Spending):
    """Opens a run read-only. Raises RunError if the folder holds none."""

    def __init__(self, path: Path) -> None:
        folder = RunFolder(path)
        self._db = folder.open_reader()
        self.path = path
        self.plan: dict[str, Any] = msgspec.json.decode(folder.plan_json() or b"{}")

    def close(self) -> None:
        """Close the database."""
        self._db.close()

    def meta(self, key: str) -> Any:
        """The JSON value under a name, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else unpack(row[0], object)

    def findings(self) -> dict[str, dict[str, Any]]:
        """Findings by dimension, and "drift" if it was measured."""
        rows = self._db.execute("SELECT key, body FROM findings ORDER BY key")
        return {key: unpack(body, dict[str, Any]) for key, body in rows}

    def prompts(self) -> list[Prompt]:
        """The schedule, in its order."""
        return [unpack(body, Prompt) for (body,) in self._db.execute("SELECT body FROM prompts ORDER BY seq")]

    def stored_prompts(self) -> StoredPrompts:
        """The schedule as a sequence that reads each prompt when it is asked for."""
        return StoredPrompts(self._db)

    def stored_scores(self) -> StoredScores:
        """Scores by prompt and side, read when they are asked for."""
        return StoredScores(self._db)

    def progress(self) -> tuple[int, int]:
        """Pairs done and prompts planned."""
        (done,) = self._db.execute("SELECT count(*) FROM pairs").fetchone()
        (planned,) = self._db.execute("SELECT count(*) FROM prompts").fetchone()
        return done, planned

    def pair_ids(self, where: str = "1", parameters: Sequence[Any] = (), order: str = "seq") -> list[int]:
        """``seq`` of every pair that fits, sorted; a list view pages by these ids, never by OFFSET."""
        return [seq for (seq,) in self._db.execute(f"SELECT seq FROM pairs WHERE {where} ORDER BY {order}", parameters)]

    def pairs(self, ids: Sequence[int]) -> dict[int, PairRow]:
        """The rows with these ``seq``; at most a page of them."""
        marks = ",".join("?" * len(ids))
        rows = self._db.execute(f"SELECT {_PAIR_COLUMNS} FROM pairs WHERE seq IN ({marks})", tuple(ids))
        return {row[0]: PairRow(*row) for row in rows}

    def all_pairs(self) -> Iterator[PairRow]:
        """Every pair, in the order of the schedule."""
        for row in self._db.execute(f"SELECT {_PAIR_COLUMNS} FROM pairs ORDER BY seq"):
            yield PairRow(*row)

    def detail(self, prompt_id: str) -> RecordDetail | None:
        """All of one record, or None if it has not been asked yet."""
        row = self._db.execute("SELECT body FROM prompts WHERE id = ?", (prompt_id,)).fetchone()
        if row is None:
            return None
        replies = self._sides("replies", prompt_id, Reply)
        scores = self._sides("scores", prompt_id, Scored)
        firsts = self._sides("first_tokens", prompt_id, Reply)
        verdicts: dict[str, list[Verdict]] = {}
        for side, body in self._db.execute(
            "SELECT side, body FROM verdicts WHERE prompt_id = ? ORDER BY side, part, rubric, judge", (prompt_id,)
        ):
            verdicts.setdefault(side, []).append(unpack(body, Verdict))
        sides = {
            side: SideRecord(replies[side], scores[side], tuple(verdicts.get(side, ())), firsts.get(side))
            for side in replies
            if side in scores
        }
        return RecordDetail(unpack(row[0], Prompt), sides) if sides else None

    def scores(self) -> Iterator[tuple[str, Side, Scored]]:
        """Every score, in the order of the schedule."""
        for prompt_id, side, body in self._db.execute(
            "SELECT s.prompt_id, s.side, s.body FROM scores s JOIN prompts p ON p.id = s.prompt_id ORDER BY p.seq, s.side"
        ):
            yield prompt_id, side, unpack(body, Scored)

    def replies(self) -> Iterator[tuple[str, Side, Reply]]:
        """Every reply, in the order of the schedule."""
        for prompt_id, side, body in self._db.execute(
            "SELECT r.prompt_id, r.side, r.body FROM replies r JOIN prompts p ON p.id = r.prompt_id ORDER BY p.seq, r.side"
        ):
            yield prompt_id, side, unpack(body, Reply)

    def verdicts(self) -> Iterator[tuple[str, Side, Verdict]]:
        """Every verdict, in the order of the schedule."""
        for prompt_id, side, body in self._db.execute(
            "SELECT v.prompt_id, v.side, v.body FROM verdicts v JOIN prompts p ON p.id = v.prompt_id"
            " ORDER BY p.seq, v.side, v.part, v.rubric, v.judge"
        ):
            yield prompt_id, side, unpack(body, Verdict)

    def first_tokens(self) -> Iterator[tuple[str, Side, Reply]]:
        """Every reply to a one-token question, in the order of the schedule."""
        for prompt_id, side, body in self._db.execute(
            "SELECT f.prompt_id, f.side, f.body FROM first_tokens f JOIN prompts p ON p.id = f.prompt_id"
            " ORDER BY p.seq, f.side"
        ):
            yield prompt_id, side, unpack(body, Reply)

    def exchanges(self) -> Iterator[Exchange]:
        """Everything on the run's tape, in order of the key."""
        return RunTape(self._db).exchanges()

    def attempts(self) -> Iterator[tuple[float, Attempt]]:
        """The ledger: unix seconds and the attempt, in order of their end."""
        for at, body in self._db.execute("SELECT at, body FROM ledger ORDER BY id"):
            yield at, unpack(body, Attempt)

    def _sides(self, table: str, prompt_id: str, kind: type[Any]) -> dict[Side, Any]:
        rows = self._db.execute(f"SELECT side, body FROM {table} WHERE prompt_id = ?", (prompt_id,))
        return {side: unpack(body, kind) for side, body in rows}
