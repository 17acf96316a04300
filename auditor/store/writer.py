"""The one writer of a run. Rows come in groups that are there whole or not at all, and every method may be repeated: a
resumed run writes the same rows again. What comes with every reply is committed a moment later or by :meth:`RunWriter.commit`,
everything else before its method returns, and what waited with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

from auditor.records import Attempt, PairedScore, Prompt, Reply, Scored, Side, Verdict
from auditor.store._commits import Commits
from auditor.store._pack import pack, unpack
from auditor.store.folder import RunFolder
from auditor.store.stored import StoredPrompts
from auditor.store.tape import RunTape

_PREVIEW_CHARS = 160


class Kept(NamedTuple):
    """A reply as it will be stored, and without its logprobs, which no score reads: while it waits for its pair it would
    otherwise take ten times the memory.
    """

    reply: Reply
    body: bytes


def kept(reply: Reply | Kept) -> Kept:
    """Make a reply ready to be stored."""
    if isinstance(reply, Kept):
        return reply
    return Kept(reply if reply.logprobs is None else msgspec.structs.replace(reply, logprobs=None), pack(reply))


class RunWriter:
    """Writes what the audit learns, in the order it learns it."""

    def __init__(self, folder: RunFolder) -> None:
        self._db = folder.open_writer()
        self._commits = Commits(self._db)
        self.tape = RunTape(self._db, self._commits)

    def commit(self) -> None:
        """Let readers see all that was written until now."""
        self._commits.now()

    def close(self) -> None:
        """Close the database."""
        try:
            self._commits.now()
        finally:
            self._db.close()

    def put_meta(self, key: str, value: Any) -> None:
        """Keep a JSON value under a name."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, pack(value)))

    def get_meta(self, key: str) -> Any:
        """The JSON value under a name, or None."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else unpack(row[0], object)

    def put_prompts(self, prompts: Iterable[Prompt]) -> None:
        """Record the schedule, in its order, before the first call."""
        with self._db:
            self._db.execute("DELETE FROM prompts")
            self._db.executemany(
                "INSERT INTO prompts VALUES (?,?,?,?,?,?,?)",
                ((i, p.id, p.dimension, p.bank, p.kind, p.unit, pack(p)) for i, p in enumerate(prompts)),
            )

    def prompts(self) -> StoredPrompts:
        """The recorded schedule, each prompt read when it is asked for."""
        return StoredPrompts(self._db)

    def put_pair(
        self,
        seq: int,
        prompt: Prompt,
        replies: Mapping[Side, Reply | Kept],
        scored: dict[Side, Scored],
        verdicts: dict[Side, tuple[Verdict, ...]],
    ) -> None:
        """Record both replies of a prompt with all that was made of them, in one transaction."""
        baseline, candidate = scored["baseline"], scored["candidate"]
        delta = PairedScore(
            prompt.id, prompt.dimension, prompt.unit, prompt.kind, baseline.score, candidate.score
        ).delta
        preview = " ".join(prompt.messages[-1].content.split())[:_PREVIEW_CHARS]
        with self._commits as db:
            db.executemany(
                "INSERT OR REPLACE INTO replies VALUES (?,?,0,?)",
                ((prompt.id, side, kept(reply).body) for side, reply in replies.items()),
            )
            db.executemany(
                "INSERT OR REPLACE INTO scores VALUES (?,?,?,?,?,?)",
                ((prompt.id, side, s.outcome, s.label, s.score, pack(s)) for side, s in scored.items()),
            )
            db.execute("DELETE FROM verdicts WHERE prompt_id = ?", (prompt.id,))
            db.executemany(
                "INSERT INTO verdicts VALUES (?,?,?,?,?,?,?)",
                (
                    (prompt.id, side, v.part, v.rubric, v.judge, v.label, pack(v))
                    for side, some in verdicts.items()
                    for v in some
                ),
            )
            db.execute(
                "INSERT OR REPLACE INTO pairs (seq, prompt_id, dimension, kind, baseline_outcome, baseline_label,"
                " baseline_score, candidate_outcome, candidate_label, candidate_score, delta, kl, preview,"
                " baseline_trace_label, baseline_trace_score, candidate_trace_label, candidate_trace_score,"
                " judges_disagree, bank)"
                " VALUES (?,?,?,?,?,?,?,?,?,?,?,(SELECT kl FROM pairs WHERE prompt_id = ?),?,?,?,?,?,?,?)",
                (
                    seq,
                    prompt.id,
                    prompt.dimension,
                    prompt.kind,
                    baseline.outcome,
                    baseline.label,
                    baseline.score,
                    candidate.outcome,
                    candidate.label,
                    candidate.score,
                    delta,
                    prompt.id,
                    preview,
                    baseline.trace_label,
                    baseline.trace_score,
                    candidate.trace_label,
                    candidate.trace_score,
                    any(_disagree(some) for some in verdicts.values()),
                    prompt.bank,
                ),
            )

    def put_first_token(self, prompt_id: str, side: Side, reply: Reply) -> None:
        """Record the reply to a one-token question asked for its logprobs."""
        with self._commits as db:
            db.execute("INSERT OR REPLACE INTO first_tokens VALUES (?,?,?)", (prompt_id, side, pack(reply)))

    def put_drift(self, kl: dict[str, float]) -> None:
        """Record each prompt's drift (nats, a lower bound) beside its pair."""
        with self._db:
            self._db.executemany("UPDATE pairs SET kl = ? WHERE prompt_id = ?", ((v, k) for k, v in kl.items()))

    def put_finding(self, key: str, body: dict[str, Any]) -> None:
        """Record a dimension's finding, or "drift"."""
        with self._db:
            self._db.execute("INSERT OR REPLACE INTO findings VALUES (?, ?)", (key, pack(body)))

    def put_decision(self, at: float, dimension: str, body: dict[str, Any]) -> None:
        """Append a decision at the moment it fell; ``at`` in unix seconds, ``body`` the figures of a finding.

        Deciding the same again, as a continued run does, changes nothing: it keeps the time at which it first fell.
        """
        with self._db:
            self._db.execute(
                "INSERT OR IGNORE INTO decisions (at, dimension, decision, pairs, body) VALUES (?,?,?,?,?)",
                (at, dimension, body["decision"], body["n"] + body["unscored"], pack(body)),
            )

    def put_attempt(self, at: float, attempt: Attempt) -> None:
        """Append one attempt on the network to the ledger; ``at`` in unix seconds."""
        with self._commits as db:
            db.execute(
                "INSERT INTO ledger (at, endpoint, purpose, status, body, key, usd) VALUES (?,?,?,?,?,?,?)",
                (
                    at,
                    attempt.endpoint,
                    attempt.purpose,
                    attempt.status,
                    # The key in half the space, in a column of its own.
                    pack(msgspec.structs.replace(attempt, key="")),
                    bytes.fromhex(attempt.key),
                    attempt.usd,
                ),
            )


def _disagree(verdicts: Iterable[Verdict]) -> bool:
    """Whether two judges gave one part of a reply different labels."""
    labels: dict[tuple[str, str], str] = {}
    return any(
        labels.setdefault((verdict.part, verdict.rubric), verdict.label) != verdict.label
        for verdict in verdicts
        if verdict.label is not None
    )
