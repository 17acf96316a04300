from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from auditor.errors import CassetteError
from auditor.records import Exchange
from auditor.wire import CassetteTape, canonical_body, exchange_key
from tests.wire.doubles import ENDPOINT, Script, ask, reply, wire

PATH = "/v1/chat/completions"


def exchange(request: bytes, response: bytes = b'{"text":"hi"}', sample: int = 0, status: int = 200) -> Exchange:
    request = canonical_body(request)
    key = exchange_key(ENDPOINT, "POST", PATH, request, sample)
    headers = {"x-request-id": "r", "content-type": "application/json"}
    return Exchange(key, ENDPOINT, "POST", PATH, request, sample, status, headers, response, 0.25)


def record(path: Path, *exchanges: Exchange, note: str = "") -> bytes:
    with CassetteTape(path, note=note) as tape:
        for item in exchanges:
            tape.put(item)
    return path.read_bytes()


BODIES = [
    b"",
    b'{"a":1}',
    b"null",
    b"[1,2.50]",
    b"data: 1\n\ndata: 2\n\n",
    "é\u2028\x1b".encode(),
    b"\xff\x00binary",
    b'{"a": "\xff"}',
    b'"half',
]


@pytest.mark.parametrize("response", BODIES)
@pytest.mark.parametrize("request_", BODIES)
def test_every_body_comes_back_as_it_was(tmp_path: Path, request_: bytes, response: bytes) -> None:
    original = exchange(request_, response, sample=3, status=400)
    record(tmp_path / "c.jsonl", original)
    tape = CassetteTape(tmp_path / "c.jsonl", must_exist=True)
    assert tape.get(original.key) == original
    assert list(tape.keys()) == [original.key]
    assert list(tape.candidates(ENDPOINT, PATH)) == [original]
    assert list(tape.candidates(ENDPOINT, "/other")) == []


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(response=st.binary(max_size=40), text=st.text(max_size=20))
def test_any_body_comes_back(tmp_path: Path, response: bytes, text: str) -> None:
    one = exchange(json.dumps({"text": text}).encode(), response)
    path = tmp_path / "any.jsonl"
    path.unlink(missing_ok=True)
    record(path, one)
    found = CassetteTape(path).get(one.key)
    assert found is not None
    # White space around or between the lines of a JSON body is all that may go.
    assert found.response == response or json.loads(found.response) == json.loads(response)


def test_one_line_each_with_json_as_json(tmp_path: Path) -> None:
    content = record(tmp_path / "c.jsonl", exchange(b'{"model":"m"}'), note="made by hand")
    head, line = content.decode().splitlines()
    assert json.loads(head) == {"schema": "auditor.cassette/1", "note": "made by hand"}
    row = json.loads(line)
    assert row["request"] == {"model": "m"}
    assert row["response"] == {"text": "hi"}
    assert CassetteTape(tmp_path / "c.jsonl").note == "made by hand"


def test_the_order_of_recording_does_not_matter(tmp_path: Path) -> None:
    items = [exchange(b'{"q":%d}' % (number // 2), sample=number % 2) for number in range(8)]
    assert record(tmp_path / "a.jsonl", *items) == record(tmp_path / "b.jsonl", *reversed(items))


def test_recording_again_replaces_and_adds(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    record(path, exchange(b'{"q":1}', b'"old"'), exchange(b'{"q":3}'))
    record(path, exchange(b'{"q":1}', b'"new"'), exchange(b'{"q":2}'))
    rows = [json.loads(line) for line in path.read_text().splitlines()[1:]]
    assert [(row["request"]["q"], row["response"]) for row in rows] == [
        (1, "new"),
        (2, {"text": "hi"}),
        (3, {"text": "hi"}),
    ]


def test_what_was_put_is_there_without_close(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "c.jsonl"
    crashed = CassetteTape(path)
    crashed.put(exchange(b'{"q":1}', b'"old"'))
    crashed.put(exchange(b'{"q":1}', b'"new"'))
    crashed.put(exchange(b'{"q":2}'))
    found = CassetteTape(path)
    assert len(list(found.keys())) == 2
    first = found.get(exchange(b'{"q":1}').key)
    assert first is not None
    assert first.response == b'"new"'
    crashed.close()


def test_reading_writes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with CassetteTape(path) as tape:
        assert tape.get("0" * 64) is None
    assert not path.exists()
    content = record(path, exchange(b'{"q":1}')) + b'{"half'
    path.write_bytes(content)
    with CassetteTape(path) as tape:
        assert len(list(tape.keys())) == 1
    assert path.read_bytes() == content


def test_a_file_cut_anywhere_loses_only_the_cut_line(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = record(tmp_path / "whole.jsonl", exchange(b'{"q":1}'), exchange(b'{"q":2}'))
    path = tmp_path / "cut.jsonl"
    ends = [position + 1 for position, byte in enumerate(whole) if byte == ord("\n")]
    for cut in sorted({0, *range(1, len(whole), 11), *ends, *(end - 1 for end in ends), *(end - 2 for end in ends)}):
        caplog.clear()
        path.write_bytes(whole[:cut])
        # A line that only misses its line break is whole.
        complete = sum(end - 1 <= cut for end in ends)
        with caplog.at_level(logging.WARNING), CassetteTape(path) as tape:
            assert len(list(tape.keys())) == max(complete - 1, 0)
            half = cut not in {0, *ends, *(end - 1 for end in ends)}
            assert ("half-written" in caplog.text) == half
            tape.put(exchange(b'{"q":2}'))
            assert exchange(b'{"q":2}').key in CassetteTape(path).keys()  # noqa: SIM118
            tape.put(exchange(b'{"q":1}'))
        assert path.read_bytes() == whole


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "auditor.cassette/1"}\n{"half\n{}\n', "line 2"),
        ('{"schema": "auditor.cassette/1"}\n{"endpoint": 1}\n', "line 2"),
        ('{"schema": "auditor.cassette/9"}\n', "auditor.cassette/9"),
        ("not a cassette\n", "line 1"),
        ('{"a": 1}', "dropped"),
    ],
)
def test_malformed_files(tmp_path: Path, content: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "c.jsonl"
    path.write_text(content)
    if said == "dropped":
        assert list(CassetteTape(path).keys()) == []
        assert said in caplog.text
        return
    with pytest.raises(CassetteError, match=said) as caught:
        CassetteTape(path)
    assert caught.value.todo


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(CassetteError, match="no cassette"):
        CassetteTape(tmp_path / "none.jsonl", must_exist=True)


async def test_a_line_written_by_hand_is_found(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    row = {
        "endpoint": ENDPOINT,
        "method": "POST",
        "path": PATH,
        "status": 200,
        "elapsed_s": 0,
        "headers": {"content-type": "application/json"},
        "request": {"model": "m", "messages": [{"role": "user", "content": "hi"}]},
        "response": {"text": "by hand"},
    }
    path.write_text('{"schema": "auditor.cassette/1"}\n' + json.dumps(row) + "\n")
    async with wire(None, tape=CassetteTape(path), mode="replay") as open_:
        assert (await ask(open_)).json() == {"text": "by hand"}
        assert open_.unused() == []


async def test_recorded_by_a_wire_and_replayed_by_another(tmp_path: Path) -> None:
    path = tmp_path / "c.jsonl"
    with CassetteTape(path) as tape:
        async with wire(Script(reply("one"), reply("two")), tape=tape) as open_:
            live = [(await ask(open_, "first")).content, (await ask(open_, "second")).content]
    async with wire(None, tape=CassetteTape(path, must_exist=True), mode="replay") as open_:
        assert [(await ask(open_, "first")).content, (await ask(open_, "second")).content] == live
