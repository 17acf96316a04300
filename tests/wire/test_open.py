from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import anthropic
import httpx2
import openai
import pytest

from auditor.errors import CassetteMiss, Exhausted, Unreachable
from auditor.wire import CassetteTape, MemoryTape, Wire, hidden_error, open_wire
from tests.wire.doubles import ENDPOINT, FakeClock, Handler, Script, reply, wire

KEY = "sk-0123456789abcdef0123"


def sse(*events: dict[str, object], named: bool = False) -> bytes:
    return b"".join(
        (f"event: {event['type']}\n" if named else "").encode() + b"data: " + json.dumps(event).encode() + b"\n\n"
        for event in events
    )


def chunk(**delta: str) -> dict[str, object]:
    choice = {"index": 0, "delta": delta, "finish_reason": None}
    return {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]}


async def openai_server(request: httpx2.Request) -> httpx2.Response:
    assert request.headers["authorization"] == f"Bearer {KEY}"
    if request.url.path == "/v1/models":
        return httpx2.Response(
            200, json={"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "x"}]}
        )
    if json.loads(request.content).get("stream"):
        body = sse(chunk(role="assistant"), chunk(content="Hel"), chunk(content="lo")) + b"data: [DONE]\n\n"
        return httpx2.Response(200, content=body, headers={"content-type": "text/event-stream"})
    choice = {"index": 0, "message": {"role": "assistant", "content": "Hello"}, "finish_reason": "stop"}
    body_ = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}
    return httpx2.Response(200, json=body_, headers={"x-request-id": "r-1"})


async def talk_openai(open_: Wire) -> list[str | None]:
    sdk = openai.AsyncOpenAI(base_url=ENDPOINT, api_key=KEY, http_client=open_.client, max_retries=0)
    messages: list[openai.types.chat.ChatCompletionMessageParam] = [{"role": "user", "content": "hi"}]
    extra = {"x-auditor-sample": "2", "x-auditor-purpose": "reply"}
    whole = await sdk.chat.completions.create(model="m", messages=messages, extra_headers=extra)
    stream = await sdk.chat.completions.create(model="m", messages=messages, stream=True)
    pieces = [piece.choices[0].delta.content or "" async for piece in stream]
    raw = await sdk.chat.completions.with_raw_response.create(model="m", messages=messages, extra_headers=extra)
    assert raw.http_response.extensions["auditor_from_tape"]
    models = [model.id async for model in sdk.models.list()]
    return [whole.choices[0].message.content, whole._request_id, "".join(pieces), *models]


async def anthropic_server(request: httpx2.Request) -> httpx2.Response:
    assert request.headers["authorization"] == f"Bearer {KEY}"
    message: dict[str, object] = {
        "id": "m-1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 1, "output_tokens": 1},
    }
    if not json.loads(request.content).get("stream"):
        whole = {**message, "content": [{"type": "text", "text": "Hello"}], "stop_reason": "end_turn"}
        return httpx2.Response(200, json=whole, headers={"request-id": "r-2"})
    body = sse(
        {"type": "message_start", "message": message},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 2}},
        {"type": "message_stop"},
        named=True,
    )
    return httpx2.Response(200, content=body, headers={"content-type": "text/event-stream; charset=utf-8"})


async def talk_anthropic(open_: Wire) -> list[str | None]:
    sdk = anthropic.AsyncAnthropic(
        base_url="http://models.example", api_key=KEY, http_client=open_.client, max_retries=0
    )
    messages: list[anthropic.types.MessageParam] = [{"role": "user", "content": "hi"}]
    whole = await sdk.messages.create(model="m", max_tokens=9, messages=messages)
    async with sdk.messages.stream(model="m", max_tokens=9, messages=messages) as stream:
        text = "".join([piece async for piece in stream.text_stream])
        final = await stream.get_final_message()
    block = whole.content[0]
    assert block.type == "text"
    return [block.text, whole._request_id, text, final.stop_reason]


@pytest.mark.parametrize(
    ("server", "talk"),
    [(openai_server, talk_openai), (anthropic_server, talk_anthropic)],
    ids=["openai", "anthropic"],
)
async def test_the_sdks_work_over_the_tape(
    tmp_path: Path, server: Handler, talk: Callable[[Wire], Awaitable[list[str | None]]]
) -> None:
    path = tmp_path / "c.jsonl"
    with CassetteTape(path) as tape:
        async with wire(server, tape=tape) as open_:
            live = await talk(open_)
    assert live[0] == live[2] == "Hello"
    async with wire(None, tape=CassetteTape(path, must_exist=True), mode="replay") as open_:
        assert await talk(open_) == live
        assert open_.unused() == []
    assert KEY not in path.read_text()


@pytest.mark.parametrize("sdk", [openai.AsyncOpenAI, anthropic.AsyncAnthropic])
async def test_our_error_is_found_behind_an_sdks(
    sdk: type[openai.AsyncOpenAI] | type[anthropic.AsyncAnthropic],
) -> None:
    async with wire(Script(reply("down", 503))) as open_:
        client = sdk(base_url=ENDPOINT, api_key=KEY, http_client=open_.client, max_retries=0)
        # openai lets it through, anthropic makes a connection error of it.
        with pytest.raises((Exhausted, anthropic.APIConnectionError)) as caught:
            await client.models.list()
    assert isinstance(hidden_error(caught.value), Exhausted)
    assert hidden_error(ValueError("something else")) is None


async def test_a_refused_connection_on_the_real_network(unused_tcp_port: int) -> None:
    endpoint = f"http://127.0.0.1:{unused_tcp_port}/v1"
    clock = FakeClock()
    async with open_wire(endpoint, tape=MemoryTape(), clock=clock) as open_:
        with pytest.raises(Unreachable, match=f"127.0.0.1:{unused_tcp_port}"):
            await open_.client.get(f"{endpoint}/models")
    assert len(clock.slept) == 2


@asynccontextmanager
async def raw_server(*answers: bytes) -> AsyncIterator[tuple[int, list[str]]]:
    """A server on loopback that gives each connection the next answer and hangs up; notes the request lines."""
    lines: list[str] = []
    waiting = list(answers)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines.append(head.split(b"\r\n")[0].decode())
        writer.write(waiting.pop(0))
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], lines


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n"
WHOLE = HEAD + b"content-length: 13\r\n\r\n" + b'{"text":"hi"}'


async def test_bodies_that_break_off_on_the_real_network_are_asked_again() -> None:
    short = HEAD + b'content-length: 13\r\n\r\n{"tex'
    unended = HEAD + b'transfer-encoding: chunked\r\n\r\n5\r\n{"tex\r\n'
    async with raw_server(b"", short, unended, WHOLE) as (port, lines):
        endpoint = f"http://127.0.0.1:{port}/v1"
        clock = FakeClock()
        async with open_wire(endpoint, tape=MemoryTape(), clock=clock) as open_:
            assert (await open_.client.get(f"{endpoint}/models")).json() == {"text": "hi"}
    assert lines == ["GET /v1/models HTTP/1.1"] * 4
    assert len(clock.slept) == 3


async def test_the_environments_proxy_is_used_unless_excepted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY", "REQUEST_METHOD"):
        monkeypatch.delenv(name, raising=False)
    async with raw_server(WHOLE) as (proxy, at_proxy), raw_server(WHOLE) as (port, at_server):
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy}")
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        for endpoint in ("http://models.example/v1", f"http://127.0.0.1:{port}/v1"):
            async with open_wire(endpoint, tape=MemoryTape()) as open_:
                await open_.client.get(f"{endpoint}/models")
    assert at_proxy == ["GET http://models.example/v1/models HTTP/1.1"]
    assert at_server == ["GET /v1/models HTTP/1.1"]


async def test_replay_needs_no_network() -> None:
    async with open_wire(ENDPOINT, tape=MemoryTape(), mode="replay") as open_:
        with pytest.raises(CassetteMiss):
            await open_.client.get(f"{ENDPOINT}/models")
