"""Every word of a prompt, an answer or a trace is found, whatever signs are in the query."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from auditor.records import Message, Outcome, Prompt, Reply, Scored
from auditor.store import RunFolder, RunReader, RunWriter, TextIndex, Words
from auditor.store.search import FILE

TEXTS = [
    ("What is the secret?", "It is a blue heron.", "They told me; should I?"),
    ("Where does she live?", 'In "Kastanienweg" 4', "Überlegung: nein"),
    ("How old?", "It's 42 AND counting", "NOT sure (NEAR it)"),
]


@pytest.fixture
def run(tmp_path: Path) -> Iterator[RunReader]:
    folder = RunFolder(tmp_path / "run")
    folder.claim()
    folder.freeze(b'{"plan": {}}')
    writer = RunWriter(folder)
    prompts = [Prompt(f"b/{i}", "privacy", "b", "k", (Message("user", text[0]),)) for i, text in enumerate(TEXTS)]
    writer.put_prompts(prompts)
    score = Scored(Outcome.ANSWERED, "x", 1.0)
    for seq, (one, (_, answer, trace)) in enumerate(zip(prompts, TEXTS, strict=True)):
        replies = {"baseline": Reply("plain"), "candidate": Reply(answer, trace=trace)}
        writer.put_pair(seq, one, replies, {"baseline": score, "candidate": score}, {"baseline": (), "candidate": ()})  # type: ignore[arg-type]
    writer.close()
    reader = RunReader(folder.path)
    yield reader
    reader.close()
    folder.release()


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (["secret"], {0}),
        (["blue heron"], {0}),
        (["heron blue"], set()),
        (["her"], {0}),
        (["uberlegung"], {1}),
        (["KASTANIENWEG"], {1}),
        (['"'], set()),
        (["plain"], {0, 1, 2}),
        (["AND counting"], {2}),
        (["(NEAR"], {2}),
        (["plain", "she"], {1}),
        (["a\x00b' OR 1"], set()),
        ([""], set()),
    ],
)
def test_words_are_found(run: RunReader, words: list[str], found: set[int]) -> None:
    index = TextIndex(run.path)
    index.extend(run)
    assert index.find([Words(text) for text in words]) == found
    index.close()


def test_words_can_be_excluded(run: RunReader) -> None:
    index = TextIndex(run.path)
    index.extend(run)
    assert index.find([Words("plain"), Words("heron", negated=True)]) == {1, 2}
    assert index.find([Words("heron", negated=True)]) == {1, 2}
    index.close()


def test_the_index_is_kept_beside_the_run_and_only_extended(run: RunReader) -> None:
    index = TextIndex(run.path)
    index.extend(run, lambda *_: False)
    index.close()
    assert (run.path / FILE).exists()
    again = TextIndex(run.path)
    assert again.missing(run) == []
    assert again.find([Words("heron")]) == {0}
    again.close()


def test_a_damaged_index_does_not_stop_a_search(run: RunReader) -> None:
    (run.path / FILE).write_bytes(b"not a database" * 100)
    index = TextIndex(run.path)
    index.extend(run)
    assert index.find([Words("heron")]) == {0}
    index.close()
