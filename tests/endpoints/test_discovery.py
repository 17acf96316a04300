from __future__ import annotations

import httpx2

from auditor.endpoints.discovery import find_hosted, find_local
from tests.endpoints.support import ok


def models(*names: str, owner: str = "") -> httpx2.Response:
    return ok({"data": [{"id": n, "owned_by": owner} for n in names]})


async def test_local_servers_are_found_on_loopback_only() -> None:
    asked: list[httpx2.URL] = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url)
        assert request.method == "GET"
        assert "authorization" not in request.headers
        match request.url.port:
            case 8000:
                return models("a", "b", owner="vllm")
            case 8080:
                return models("tiny.gguf", owner="llamacpp")
            case 1234:
                return models("some", owner="organization_owner")
            case 30000:
                return models("thing", owner="somebody")
            case 3000:
                return httpx2.Response(200, text="<html>a web application")
            case 8765:
                return httpx2.Response(500)
        raise httpx2.ConnectError("refused")

    found = await find_local(httpx2.MockTransport(serve))
    assert {(url.host, url.path) for url in asked} == {("127.0.0.1", "/v1/models")}
    assert {url.port for url in asked} >= {8000, 8080, 30000, 11434, 1234}
    assert [(one.where, one.title) for one in found] == [
        ("http://127.0.0.1:1234/v1", "LM Studio"),
        ("http://127.0.0.1:8000/v1", "vLLM"),
        ("http://127.0.0.1:8080/v1", "llama.cpp server"),
        ("http://127.0.0.1:30000/v1", "OpenAI-compatible server (perhaps SGLang)"),
    ]
    assert found[1].models == ("a", "b")
    assert found[1].endpoint("b") == "http://127.0.0.1:8000/v1#b"


async def test_hosted_ones_are_found_by_their_keys_and_only_list_models() -> None:
    asked: list[tuple[str, str]] = []

    def serve(request: httpx2.Request) -> httpx2.Response:
        asked.append((request.method, request.url.host))
        if request.url.host == "api.groq.com":
            return httpx2.Response(401, json={"error": {"message": "Invalid API Key"}})
        return models("one", "two")

    environ = {"OPENAI_API_KEY": "sk-1", "ANTHROPIC_API_KEY": "sk-2", "GROQ_API_KEY": "wrong", "XAI_API_KEY": " "}
    found = await find_hosted(environ, httpx2.MockTransport(serve))
    assert [(one.where, one.models) for one in found] == [
        ("openai", ("one", "two")),
        ("anthropic", ("one", "two")),
        ("groq", None),
    ]
    assert {method for method, _ in asked} == {"GET"}
    assert found[0].endpoint("one") == "openai:one"
    assert found[2].key_env == "GROQ_API_KEY"


async def test_without_keys_nothing_is_asked() -> None:
    def serve(request: httpx2.Request) -> httpx2.Response:
        raise AssertionError(request.url)

    assert await find_hosted({}, httpx2.MockTransport(serve)) == []
