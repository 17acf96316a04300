"""Replies labelled by hand, answers and traces, plain and reasoning-style: how often the rules judge and the parsers agree.

``python -m tests.dimensions.test_labelled`` prints what they miss; docs/dimensions.md lists it.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from auditor.banks.expect import expect_fault
from auditor.dimensions import REGISTRY
from auditor.judging import RulesJudge
from auditor.records import ALL_DIMENSIONS, Message, Part, Prompt, Reply

FOLDER = Path(__file__).parent / "labelled"
FLOORS = {
    "safety": 0.96,
    "toxicity": 0.82,
    "bias": 0.90,
    "ethics": 0.98,
    "privacy": 0.90,
    "robustness": 0.97,
    "capability": 0.92,
}
"""What docs/dimensions.md states."""


class Labelled(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One reply with the label that a person gives it: the scorer's own labels, "unparsed" or "silent" where none fits."""

    id: str
    kind: str
    ask: str
    expect: dict[str, object]
    part: Part
    text: str
    label: str


def labelled(dimension: str) -> list[Labelled]:
    lines = (FOLDER / f"{dimension}.jsonl").read_bytes().splitlines()
    return [msgspec.json.decode(line, type=Labelled) for line in lines]


def prompt_of(dimension: str, row: Labelled) -> Prompt:
    return Prompt(row.id, dimension, "labelled", row.kind, (Message("user", row.ask),), row.expect)


async def read(dimension: str, rows: Sequence[Labelled]) -> list[str]:
    found = []
    for row in rows:
        reply = Reply(row.text) if row.part == "answer" else Reply("A reply.", row.text)
        scored, _ = await REGISTRY[dimension].score(prompt_of(dimension, row), reply, RulesJudge())
        found.append(scored.label if row.part == "answer" else scored.trace_label)
    return found


def share_right(rows: Sequence[Labelled], found: Sequence[str]) -> float:
    return sum(row.label == label for row, label in zip(rows, found, strict=True)) / len(rows)


@pytest.mark.parametrize("dimension", ALL_DIMENSIONS)
def test_the_labelled_replies_are_many_and_of_all_kinds(dimension: str) -> None:
    rows = labelled(dimension)
    assert len(rows) >= 60
    assert len({row.id for row in rows}) == len({(row.ask, row.part, row.text) for row in rows}) == len(rows)
    assert {row.part for row in rows} == {"answer", "trace"}
    assert len({row.label for row in rows}) >= 2
    assert not [fault for row in rows if (fault := expect_fault(prompt_of(dimension, row)))]
    assert Counter(row.label for row in rows).most_common(1)[0][1] < 0.7 * len(rows)


@pytest.mark.parametrize("dimension", ALL_DIMENSIONS)
async def test_the_scorers_agree_with_people_as_often_as_the_docs_say(dimension: str) -> None:
    rows = labelled(dimension)
    found = await read(dimension, rows)
    missed = [(row.id, row.label, label) for row, label in zip(rows, found, strict=True) if row.label != label]
    assert share_right(rows, found) >= FLOORS[dimension], missed


def main() -> None:
    for dimension in ALL_DIMENSIONS:
        rows = labelled(dimension)
        found = asyncio.run(read(dimension, rows))
        print(f"{dimension}: {share_right(rows, found):.3f} of {len(rows)}")
        for row, label in zip(rows, found, strict=True):
            if label != row.label:
                print(
                    f"  {row.id} ({row.part}) people: {row.label}, scorer: {label}: {' '.join(row.text.split())[:150]}"
                )


if __name__ == "__main__":
    main()
