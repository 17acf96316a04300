from __future__ import annotations

import httpx2
import pytest

from auditor.endpoints import connect, resolve_key, with_defaults
from auditor.endpoints.dialects import DIALECTS, dialect_named, recognise
from auditor.errors import AuthenticationFailed, PlanError
from auditor.plan import parse_endpoint
from auditor.records import EndpointSpec
from auditor.wire import MemoryTape, open_wire
from tests.endpoints.support import ASK, Recorder, chat, endpoint, ok


def test_hosted_dialects_bring_their_address_and_key_variable() -> None:
    spec = with_defaults(parse_endpoint("openai:gpt-4.1"))
    assert (spec.base_url, spec.api_key_env) == ("https://api.openai.com/v1", "OPENAI_API_KEY")
    assert with_defaults(spec) == spec


def test_a_vendors_key_is_not_sent_to_another_host() -> None:
    spec = with_defaults(EndpointSpec(base_url="http://localhost:8000/v1", model="m", dialect="openai"))
    assert resolve_key(spec, {"OPENAI_API_KEY": "sk-1"}) is None
    named = EndpointSpec(base_url="http://localhost:8000/v1", model="m", api_key_env="MY_KEY")
    assert resolve_key(named, {"MY_KEY": " secret \n"}) == "secret"


def test_a_vendors_own_address_is_known_without_its_dialect() -> None:
    assert with_defaults(EndpointSpec(base_url="https://openrouter.ai/api/v1/", model="a/b")).dialect == "openrouter"


@pytest.mark.parametrize("url", ["http://h/v1/", "http://h/v1/chat/completions", "http://h/v1/chat/completions/"])
def test_addresses_are_brought_to_one_form(url: str) -> None:
    assert with_defaults(EndpointSpec(base_url=url, model="m")).base_url == "http://h/v1"


def test_missing_key_names_the_variable() -> None:
    with pytest.raises(AuthenticationFailed, match="ANTHROPIC_API_KEY is not set"):
        resolve_key(parse_endpoint("anthropic:claude"), {"ANTHROPIC_API_KEY": " "})


def test_impossible_key_is_refused_without_being_shown() -> None:
    with pytest.raises(AuthenticationFailed) as caught:
        resolve_key(parse_endpoint("openai:gpt"), {"OPENAI_API_KEY": "export KEY=hunter2"})
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize("spec", [EndpointSpec("", "m", "vllm"), EndpointSpec("", "m"), EndpointSpec("h:80/v1", "m")])
def test_an_address_is_needed(spec: EndpointSpec) -> None:
    with pytest.raises(PlanError):
        with_defaults(spec)


def test_unknown_dialect_lists_the_known() -> None:
    with pytest.raises(PlanError) as caught:
        dialect_named("vlm")
    assert "vllm" in str(caught.value)


def test_dialects_have_distinct_names_and_aliases_work() -> None:
    assert len({d.name for d in DIALECTS}) == len(DIALECTS)
    assert dialect_named("llama.cpp").name == dialect_named("LlamaCpp").name == "llama-cpp"


@pytest.mark.parametrize(
    ("owner", "fingerprint", "name"),
    [
        ("vllm", "", "vllm"),
        ("", "vllm-0.32.0-64c98430", "vllm"),
        ("llamacpp", "b1-0c1e570", "llama-cpp"),
        ("", "b1-0c1e570", "llama-cpp"),
        ("sglang", "", "sglang"),
        ("library", "fp_ollama", "ollama"),
    ],
)
def test_servers_are_recognised_by_what_they_call_themselves(owner: str, fingerprint: str, name: str) -> None:
    found = recognise(owned_by=owner, fingerprint=fingerprint)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize("owner", ["openai", "", "anthropic", "someone"])
def test_hosted_names_in_a_model_list_prove_nothing(owner: str) -> None:
    assert recognise(owned_by=owner) is None


@pytest.mark.parametrize(
    "url",
    [
        "https://me.openai.azure.com/openai/v1",
        "https://me.services.ai.azure.com/openai/v1/",
        "https://me.openai.azure.com/openai/deployments/d/chat/completions?api-version=2024-10-21",
    ],
)
def test_azure_is_known_by_its_host_and_gets_its_key(url: str) -> None:
    spec = with_defaults(EndpointSpec(base_url=url, model="d"))
    assert (spec.dialect, spec.api_key_env) == ("azure", "AZURE_OPENAI_API_KEY")
    assert with_defaults(spec) == spec


def test_a_host_that_only_ends_alike_gets_no_key() -> None:
    evil = with_defaults(EndpointSpec(base_url="https://evil-openai.azure.com.example/v1", model="d"))
    assert (evil.dialect, evil.api_key_env) == ("", "")


async def test_azures_key_travels_in_its_own_header_and_its_query_stays() -> None:
    server = Recorder(lambda _: ok(chat("Hi.")))
    url = "https://me.openai.azure.com/openai/deployments/d?api-version=2024-10-21"
    async with endpoint(server, with_defaults(EndpointSpec(base_url=url, model="d")), key="secret") as e:
        await e.ask(ASK, purpose="reply")
    (request,) = server.requests
    assert request.headers["api-key"] == "secret"
    assert "authorization" not in request.headers
    assert request.url.path == "/openai/deployments/d/chat/completions"
    assert request.url.params["api-version"] == "2024-10-21"


async def test_connect_picks_by_dialect() -> None:
    async with open_wire("x", tape=MemoryTape(), network=httpx2.MockTransport(lambda _: httpx2.Response(500))) as wire:
        kinds = {
            d: type(connect(parse_endpoint(d), wire, key="k")).__name__
            for d in ("openai:m", "anthropic:m", "openrouter:a/m")
        }
    assert kinds == {"openai:m": "OpenAISdk", "anthropic:m": "AnthropicSdk", "openrouter:a/m": "OpenAICompatible"}
