from __future__ import annotations

from typing import Any

import pytest

from auditor.errors import CassetteMiss
from auditor.wire import MemoryTape
from tests.wire.doubles import ENDPOINT, Script, ask, reply, wire


async def miss(tape: MemoryTape, text: str, **more: Any) -> str:
    async with wire(None, tape=tape, mode="replay") as open_:
        with pytest.raises(CassetteMiss) as caught:
            await ask(open_, text, **more)
    assert caught.value.todo
    return caught.value.what


@pytest.fixture
async def tape() -> MemoryTape:
    tape = MemoryTape()
    async with wire(Script(reply()), tape=tape) as open_:
        await ask(open_, "What is the capital of France?", temperature=1.0)
        await ask(open_, "Is it right to lie to a friend?", temperature=1.0)
    return tape


async def test_the_nearest_request_and_what_differs(tape: MemoryTape) -> None:
    what = await miss(tape, "What is the capital of Rwanda?", temperature=0.5)
    assert "messages[0].content: recorded “…" in what
    assert "capital of France?”" in what
    assert "capital of Rwanda?”" in what
    assert "temperature: recorded 1.0, asked 0.5" in what
    assert "lie to a friend" not in what


async def test_a_missing_or_added_field_and_another_sample(tape: MemoryTape) -> None:
    text = "What is the capital of France?"
    assert "seed: recorded nothing, asked 7" in await miss(tape, text, temperature=1.0, seed=7)
    assert "temperature: recorded 1.0, asked nothing" in await miss(tape, text)
    assert "differs in sample: recorded 0, asked 4" in await miss(tape, text, temperature=1.0, sample=4)


async def test_many_differences_are_cut_short(tape: MemoryTape) -> None:
    what = await miss(tape, "x" * 10_000, a=1, b=2, c=3, d=4)
    assert "and 3 more" in what
    assert len(what) <= 1000


async def test_hostile_text_is_harmless(tape: MemoryTape) -> None:
    what = await miss(tape, "What is the capital of \x1b[2J\n\u202eFrance?", temperature=1.0)
    assert all(char.isprintable() for char in what)


async def test_another_server_or_an_empty_tape(tape: MemoryTape) -> None:
    async with wire(None, tape=tape, mode="replay") as open_:
        with pytest.raises(CassetteMiss, match=f"it holds POST /v1/chat/completions of {ENDPOINT}"):
            await open_.client.get(f"{ENDPOINT}/models")
    assert "it holds nothing" in await miss(MemoryTape(), "hi")
