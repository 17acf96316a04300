"""Prompts and scores that are read when they are asked for are those that were stored."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.banks import PackedPrompts
from auditor.records import Message, Outcome, Prompt, Reply, Scored, TokenLogprob, TokenLogprobs, TokenPosition
from auditor.store import RunFolder, RunReader, RunWriter, kept
from auditor.store.stored import BLOCK

PROMPTS = [
    Prompt(f"b/{n}", "safety", "b", "harmful", (Message("user", f"Question {n}?"),), {"n": n}, cluster=f"c{n // 2}")
    for n in range(2 * BLOCK + 3)
]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    run = RunFolder(tmp_path / "run")
    run.path.mkdir()
    run.freeze(b"{}")
    return run


def test_a_schedule_read_from_the_file_is_the_schedule(folder: RunFolder) -> None:
    writer = RunWriter(folder)
    writer.put_prompts(PROMPTS)
    some = writer.prompts()
    assert list(some) == list(PackedPrompts(PROMPTS)) == PROMPTS
    assert (some[0], some[-1], some[BLOCK], some[3]) == (PROMPTS[0], PROMPTS[-1], PROMPTS[BLOCK], PROMPTS[3])
    assert some[BLOCK - 1 : BLOCK + 2] == PROMPTS[BLOCK - 1 : BLOCK + 2]
    with pytest.raises(IndexError):
        some[len(PROMPTS)]
    assert PackedPrompts(PROMPTS) == tuple(PROMPTS)
    assert PackedPrompts(PROMPTS) != PROMPTS[1:]
    writer.close()


def test_a_reply_waits_for_its_pair_without_logprobs_and_is_stored_with_them(folder: RunFolder) -> None:
    token = TokenLogprob(" a", -0.5, raw=b" a")
    whole = Reply("a", logprobs=TokenLogprobs((TokenPosition(token, (token,)),)))
    light = kept(whole)
    assert light.reply == Reply("a")
    assert kept(light) is light
    same = Scored(Outcome.ANSWERED, "x", 1.0)
    writer = RunWriter(folder)
    writer.put_prompts(PROMPTS)
    for seq in (0, 1):
        writer.put_pair(
            seq, PROMPTS[seq], {"baseline": light, "candidate": Reply("b")}, {"baseline": same, "candidate": same}, {}
        )
    writer.close()
    reader = RunReader(folder.path)
    assert [reply for _, side, reply in reader.replies() if side == "baseline"] == [whole, whole]
    scores = reader.stored_scores()
    assert {name: dict(both) for name, both in scores.items()} == {
        f"b/{seq}": {"baseline": same, "candidate": same} for seq in (0, 1)
    }
    assert len(scores) == 2
    assert scores["b/0"]["baseline"] is scores["b/1"]["candidate"]
    assert "b/2" not in scores
    reader.close()
