"""Putting a streamed reply together again, into the body that the same server would have sent in one piece. Pure.

Streams keep proxies from cutting long silent connections. They are read whole (the tape holds the events as they came),
so what a reply means never depends on how its pieces were cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import httpx2
import msgspec

from auditor.endpoints.loose import read_json

BROKEN_OFF: Final = "the stream broke off before its end"

_TEXTS: Final = ("content", "refusal", "reasoning", "reasoning_content", "thinking")
_HEAD: Final = ("model", "system_fingerprint", "provider")


def is_stream(response: httpx2.Response) -> bool:
    """Whether the response is a stream of events; some servers forget to say so."""
    kind = response.headers.get("content-type", "").lower()
    return "event-stream" in kind or ("json" not in kind and response.content[:6].lstrip().startswith(b"data:"))


def whole(response: httpx2.Response, assemble: Callable[[Iterable[dict[str, Any]]], dict[str, Any]]) -> bytes:
    """The response's body in one piece: as it is, or put together by ``assemble`` if it came as a stream."""
    if not is_stream(response):
        return response.content
    return msgspec.json.encode(assemble(events(response.content)))


def events(content: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects of a stream of server-sent events, in order. Comments, pings and ``[DONE]`` are left out, and so is
    an event that is no JSON object. An end that was announced is told by a last ``{"done": true}``.
    """
    data: list[bytes] = []
    for line in (*content.splitlines(), b""):
        if line.startswith(b"data:"):
            data.append(line[5:].strip())
            continue
        if line or not data:
            continue
        event, data = b"\n".join(data), []
        if event == b"[DONE]":
            yield {"done": True}
            continue
        value = read_json(event)
        if isinstance(value, dict):
            yield value


def chat_of(stream: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A chat completion from its chunks: the texts of the first choice joined, lists appended, of the rest the last word.

    A stream that ends without a finish reason and without ``[DONE]`` broke off: its choice carries an error.
    """
    body: dict[str, Any] = {}
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    pieces: dict[str, list[str]] = {}
    began = ended = False
    for chunk in stream:
        ended = ended or "done" in chunk
        for name in _HEAD:
            body[name] = chunk.get(name) or body.get(name)
        body["usage"] = _usage(chunk) or body.get("usage")
        if chunk.get("error"):
            body["error"] = chunk["error"]
        for part in chunk.get("choices") or ():
            if not isinstance(part, dict) or part.get("index", 0) != 0:
                continue
            began = True
            delta = part.get("delta") or part.get("message")
            _extend(message, pieces, delta if isinstance(delta, dict) else {})
            choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
            choice["error"] = part.get("error") or choice.get("error")
            choice["logprobs"] = _joined(choice.get("logprobs"), part.get("logprobs"))
            choice["token_ids"] = _joined(choice.get("token_ids"), part.get("token_ids"))
    message |= {name: "".join(texts) for name, texts in pieces.items()}
    if began:
        choice["error"] = choice.get("error") or body.pop("error", None)
        if choice["finish_reason"] is None and not choice["error"] and not ended:
            choice["error"] = {"message": BROKEN_OFF}
        body["choices"] = [choice]
    elif ended and "error" not in body:
        body["choices"] = []
    return body


def _usage(chunk: dict[str, Any]) -> Any:
    grouped = chunk.get("x_groq")
    return chunk.get("usage") or (grouped.get("usage") if isinstance(grouped, dict) else None)


def _extend(message: dict[str, Any], pieces: dict[str, list[str]], delta: dict[str, Any]) -> None:
    for name, value in delta.items():
        if name == "content" and (isinstance(value, list) or (name in message and isinstance(value, str))):
            blocks = message.setdefault("content", [{"type": "text", "text": "".join(pieces.pop("content", ()))}])
            for block in value if isinstance(value, list) else [{"type": "text", "text": value}]:
                _extend_blocks(blocks, block)
        elif name in _TEXTS and isinstance(value, str):
            pieces.setdefault(name, []).append(value)
        elif isinstance(value, list) and value:
            message.setdefault(name, []).extend(value)


def _extend_blocks(blocks: list[Any], block: Any) -> None:
    """Append a typed block (Mistral streams its trace in them), or its text to a last one of the same kind."""
    if not isinstance(block, dict):
        return
    kind, last = block.get("type"), blocks[-1]
    if kind != last.get("type"):
        blocks.append(dict(block))
    elif isinstance(block.get("thinking"), list) and isinstance(last.get("thinking"), list):
        last["thinking"] = [*last["thinking"], *block["thinking"]]
    else:
        _add(last, block)


def _joined(old: Any, new: Any) -> Any:
    """Lists appended to lists (in place: they are ours), and objects merged by doing so with their fields."""
    if isinstance(old, dict) and isinstance(new, dict):
        for name, value in new.items():
            old[name] = _joined(old.get(name), value)
        return old
    if isinstance(old, list) and isinstance(new, list):
        old.extend(new)
        return old
    return old if new is None else new


def message_of(stream: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """An Anthropic message from its events."""
    message: dict[str, Any] = {}
    blocks: dict[int, dict[str, Any]] = {}
    for event in stream:
        kind = event.get("type")
        if kind == "message_start":
            message |= event.get("message") or {}
        elif kind == "content_block_start":
            blocks[event.get("index", len(blocks))] = dict(event.get("content_block") or {})
        elif kind == "content_block_delta":
            _add(blocks.setdefault(event.get("index", 0), {}), event.get("delta") or {})
        elif kind == "message_delta":
            message |= {k: v for k, v in (event.get("delta") or {}).items() if v is not None}
            message["usage"] = {**(message.get("usage") or {}), **(event.get("usage") or {})}
        elif kind == "error":
            message["error"] = event.get("error")
    if "usage" in message or blocks:
        message["content"] = [blocks[i] for i in sorted(blocks)]
        if not message.get("stop_reason"):
            message["stop_reason"] = "error"
    return message


def _add(block: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("text", "thinking"):
        if isinstance(delta.get(name), str):
            block[name] = f"{block.get(name, '')}{delta[name]}"


def response_of(stream: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """A Responses object from its events: the last event that carries the whole of it, or an error."""
    response: dict[str, Any] = {}
    final = False
    for event in stream:
        kind = event.get("type")
        if isinstance(event.get("response"), dict):
            response = event["response"]
            final = kind in {"response.completed", "response.incomplete", "response.failed"}
        elif kind == "error":
            response["error"] = event.get("error") or {"message": event.get("message"), "code": event.get("code")}
            final = True
    if response and not final:
        response["error"] = {"message": BROKEN_OFF}
    return response
