"""Servers for tests: handlers behind httpx2.MockTransport, and the bodies they send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx2

from auditor.endpoints import Endpoint, connect
from auditor.records import Ask, EndpointSpec, Message, Sampling
from auditor.wire import MemoryTape, open_wire

Handler = Callable[[httpx2.Request], httpx2.Response]
CHAT = ("/chat/completions", "/messages", "/responses")
SPEC = EndpointSpec(base_url="http://engine.test/v1", model="tiny")
ASK = Ask(
    messages=(Message("system", "Be brief."), Message("user", "Hello?")), sampling=Sampling(max_tokens=32, seed=7)
)


class Recorder:
    """A handler that answers with one body for chat and keeps what was asked."""

    def __init__(self, answer: Callable[[dict[str, Any]], httpx2.Response], models: list[str] | None = None) -> None:
        self.answer = answer
        self.models = models
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if request.url.path.endswith("/models"):
            if self.models is None:
                return httpx2.Response(404, json={"detail": "Not Found"})
            return httpx2.Response(200, json={"data": [{"id": m, "owned_by": "vllm"} for m in self.models]})
        if not request.url.path.endswith(CHAT):
            return httpx2.Response(404, json={"detail": "Not Found"})
        return self.answer(json.loads(request.content))

    @property
    def bodies(self) -> list[dict[str, Any]]:
        """The chat bodies in the order they came."""
        return [json.loads(r.content) for r in self.requests if r.content]


@asynccontextmanager
async def endpoint(handler: Handler, spec: EndpointSpec = SPEC, key: str | None = None) -> AsyncIterator[Endpoint]:
    wire = open_wire(spec.base_url, tape=MemoryTape(), network=httpx2.MockTransport(handler))
    try:
        yield connect(spec, wire, key=key)
    finally:
        await wire.aclose()


def chat(content: Any = "Hi.", *, finish: str = "stop", logprobs: Any = None, **message: Any) -> dict[str, Any]:
    """A chat completion body."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": "tiny",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": content, **message},
                "finish_reason": finish,
                "logprobs": logprobs,
            }
        ],
        "usage": {"prompt_tokens": 9, "completion_tokens": 3, "total_tokens": 12},
        "system_fingerprint": "fp",
    }


def ok(body: Any) -> httpx2.Response:
    return httpx2.Response(200, json=body)
