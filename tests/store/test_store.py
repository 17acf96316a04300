"""The run's folder and database: what is written is read back, one writer at a time, old and new files told apart."""

from __future__ import annotations

import asyncio
import sqlite3
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.errors import RunError
from auditor.records import Attempt, Exchange, Message, Outcome, Prompt, Reply, Scored, Side, Verdict
from auditor.store import RunFolder, RunReader, RunTape, RunWriter
from auditor.store._commits import MOMENT_S

PROMPT = Prompt(id="b/1", dimension="safety", bank="b", kind="harmful", messages=(Message("user", "Hello\nthere"),))


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[RunFolder]:
    run = RunFolder(tmp_path / "run")
    run.claim()
    run.freeze(b'{"plan": {}}')
    yield run
    run.release()


def scored(score: float | None, outcome: Outcome = Outcome.ANSWERED) -> Scored:
    return Scored(outcome=outcome, label="x", score=score)


VERDICT = Verdict("refusal", "1", "rules", "rules", "answer", "full_refusal", 1.0, evidence="I can't")
SCORES: dict[Side, Scored] = {"baseline": scored(1.0, Outcome.FULL_REFUSAL), "candidate": scored(0.0)}


def test_a_pair_is_read_back_whole(folder: RunFolder) -> None:
    writer = RunWriter(folder)
    writer.put_prompts([PROMPT])
    writer.put_pair(
        0,
        PROMPT,
        {"baseline": Reply("I can't"), "candidate": Reply("Sure", trace="hm" * 500)},
        SCORES,
        {"baseline": (VERDICT,), "candidate": ()},
    )
    writer.put_drift({"b/1": 0.25})
    writer.put_finding("safety", {"primary": {"n": 1}})
    writer.close()
    reader = RunReader(folder.path)
    detail = reader.detail("b/1")
    assert detail is not None
    assert detail.prompt == PROMPT
    assert detail.sides["baseline"].verdicts == (VERDICT,)
    assert detail.sides["candidate"].reply.trace == "hm" * 500
    (row,) = reader.all_pairs()
    assert (row.delta, row.kl, row.preview) == (-1.0, 0.25, "Hello there")
    assert reader.pairs(reader.pair_ids("delta < ?", (0,))) == {0: row}
    assert reader.findings() == {"safety": {"primary": {"n": 1}}}
    assert reader.progress() == (1, 1)
    assert reader.detail("nobody") is None
    reader.close()


def test_writing_a_pair_again_changes_nothing(folder: RunFolder) -> None:
    writer = RunWriter(folder)
    writer.put_prompts([PROMPT])
    for _ in range(2):
        writer.put_pair(
            0,
            PROMPT,
            {"baseline": Reply("a"), "candidate": Reply("b")},
            {"baseline": scored(1.0), "candidate": scored(None, Outcome.UNPARSED)},
            {},
        )
        writer.put_drift({"b/1": 1.0})
    writer.close()
    reader = RunReader(folder.path)
    assert [(row.delta, row.kl) for row in reader.all_pairs()] == [(None, 1.0)]
    assert [s.score for _, _, s in reader.scores()] == [1.0, None]
    reader.close()


async def test_what_comes_with_every_reply_is_committed_together_and_by_asking_for_it(folder: RunFolder) -> None:
    writer = RunWriter(folder)
    reader = RunReader(folder.path)
    told = Attempt("http://e", "reply", 200, 0.1)
    writer.put_attempt(1.0, told)
    writer.put_attempt(2.0, told)
    assert len(list(reader.attempts())) == 0
    writer.commit()
    assert len(list(reader.attempts())) == 2
    writer.put_attempt(3.0, told)
    writer.put_meta("status", "running")
    assert (len(list(reader.attempts())), reader.meta("status")) == (3, "running")
    writer.put_attempt(4.0, told)
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(MOMENT_S, later.set)
    await later.wait()
    assert len(list(reader.attempts())) == 4
    writer.put_attempt(5.0, told)
    with pytest.raises(sqlite3.Error):
        # Half a pair is none; what waited with it is asked again.
        writer.put_pair(0, PROMPT, {"baseline": Reply("a")}, SCORES, {"baseline": (VERDICT, VERDICT)})
    writer.close()
    assert len(list(reader.attempts())) == 4
    assert list(reader.replies()) == []
    reader.close()


def test_rows_of_older_versions_are_read(folder: RunFolder) -> None:
    long = b'{"text": "' + b"once upon a time " * 1000 + b'"}'
    writer = RunWriter(folder)
    writer.tape.put(Exchange("k", "http://e", "POST", "/v1/x", b"{}", 0, 200, {}, long, 0.5))
    writer.close()
    with sqlite3.connect(folder.database) as db:
        ((kept,),) = db.execute("SELECT response FROM tape")
        assert len(kept) < len(long) / 50
        db.execute("UPDATE tape SET response = ?", (b"\x01" + zlib.compress(long, 1),))
    reader = RunReader(folder.path)
    assert [exchange.response for exchange in reader.exchanges()] == [long]
    reader.close()


@given(request=st.binary(max_size=6000), response=st.binary(max_size=2000))
def test_the_tape_gives_back_what_it_was_given(request: bytes, response: bytes) -> None:
    connection = sqlite3.connect(":memory:")
    from auditor.store.migrations import migrate

    migrate(connection)
    tape = RunTape(connection)
    exchange = Exchange("k", "http://e", "POST", "/v1/x", request, 0, 200, {"a": "b"}, response, 0.5)
    tape.put(exchange)
    tape.put(exchange)
    assert tape.get("k") == exchange
    assert tape.get("other") is None
    assert list(tape.candidates("http://e", "/v1/x")) == list(tape.exchanges()) == [exchange]
    assert list(tape.keys()) == ["k"]
    connection.close()


def test_only_one_process_writes(folder: RunFolder) -> None:
    with pytest.raises(RunError, match="Another process"):
        RunFolder(folder.path).claim()


def test_a_folder_that_is_not_a_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("do not lose me")
    with pytest.raises(RunError, match=r"is not a run .it holds thesis\.txt"):
        RunFolder(tmp_path).claim()
    with pytest.raises(RunError, match="holds no run"):
        RunReader(tmp_path)
    with pytest.raises(RunError, match="does not exist"):
        RunReader(tmp_path / "nowhere")
    with pytest.raises(RunError, match="is a file"):
        RunFolder(tmp_path / "thesis.txt").claim()


def test_a_run_of_a_newer_version_is_not_touched(folder: RunFolder) -> None:
    RunWriter(folder).close()
    connection = sqlite3.connect(folder.database)
    connection.execute("PRAGMA user_version=999")
    connection.close()
    with pytest.raises(RunError, match="newer auditor"):
        RunReader(folder.path)
    with pytest.raises(RunError, match="newer auditor"):
        RunWriter(folder)


def test_an_empty_database_is_brought_up_to_date_by_reading(folder: RunFolder) -> None:
    sqlite3.connect(folder.database).close()
    folder.database.touch()
    folder.release()
    reader = RunReader(folder.path)
    assert reader.progress() == (0, 0)
    reader.close()


def test_a_broken_database_is_said_to_be_one(folder: RunFolder) -> None:
    folder.database.write_bytes(b"this is not a database, it only looks like a file" * 50)
    with pytest.raises(RunError, match="not a run's database"):
        RunReader(folder.path)
