from __future__ import annotations

import json
from typing import Any

import httpx2
import pytest

from auditor.endpoints import Capabilities, probe
from auditor.endpoints.probing.server import TOKENIZER_TEXT
from auditor.records import EndpointSpec
from tests.endpoints.support import SPEC, chat, endpoint, ok


async def found_with(tokens: Any, dialect: str = "", version: Any = None) -> Capabilities:
    def serve(request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        if path == "/v1/chat/completions":
            return ok(chat("7"))
        if path == "/tokenize" and tokens is not None:
            body = json.loads(request.content)
            assert body["prompt"] == body["content"] == body["inputs"] == TOKENIZER_TEXT
            return ok(tokens)
        if path in {"/version", "/props", "/info"} and version is not None:
            return ok(version)
        return httpx2.Response(404, json={"detail": "Not Found"})

    async with endpoint(serve, EndpointSpec(SPEC.base_url, "tiny", dialect)) as e:
        return await probe(e)


async def test_one_tokenizer_has_one_fingerprint_on_every_server() -> None:
    vllm = await found_with({"count": 3, "tokens": [5, 6, 7]})
    llama = await found_with({"tokens": [5, 6, 7]}, "llama-cpp")
    tgi = await found_with([{"id": i, "text": "x", "start": 0, "stop": 1} for i in (5, 6, 7)], "tgi")
    other = await found_with({"tokens": [5, 6, 8]})
    assert vllm.tokenizer is not None
    assert vllm.tokenizer == llama.tokenizer == tgi.tokenizer != other.tokenizer


@pytest.mark.parametrize("tokens", [None, {"tokens": []}, {"tokens": "abc"}, {"tokens": ["a"]}, {"error": "no"}, 7])
async def test_no_tokenizer_is_no_fingerprint(tokens: Any) -> None:
    """llama.cpp answers a body it does not understand with 200 and no tokens."""
    assert (await found_with(tokens)).tokenizer is None


@pytest.mark.parametrize(
    ("dialect", "told", "version"),
    [
        ("vllm", {"version": "0.32.0"}, "0.32.0"),
        ("llama-cpp", {"build_info": "b1-0c1e570"}, "b1-0c1e570"),
        ("tgi", {"version": "3.3.4"}, "3.3.4"),
        ("vllm", ["odd"], ""),
        ("vllm", None, ""),
    ],
)
async def test_the_version(dialect: str, told: Any, version: str) -> None:
    assert (await found_with(None, dialect, told)).version == version


async def test_lm_studio_is_not_asked_for_routes_it_answers_with_200() -> None:
    """ "Unexpected endpoint or method. Returning 200 anyway": that is no outage to wait for."""
    asked: list[str] = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        if request.url.path == "/v1/models":
            return ok({"data": [{"id": "tiny", "owned_by": "organization_owner"}]})
        return ok(chat("7")) if request.url.path == "/v1/chat/completions" else ok({"error": "Unexpected endpoint"})

    async with endpoint(serve) as e:
        found = await probe(e)
    assert (found.dialect, found.tokenizer) == ("lmstudio", None)
    assert set(asked) == {"/v1/models", "/v1/chat/completions"}
