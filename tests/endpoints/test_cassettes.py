"""Every dialect, offline: its shipped cassette is replayed through `connect`, the probe and a few questions."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anthropic.types
import httpx2
import pytest
from openai.types import responses
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from pydantic import BaseModel, TypeAdapter

from auditor.endpoints import DIALECTS, with_defaults
from auditor.records import EndpointSpec
from auditor.wire import CassetteTape
from tests.endpoints.record import REAL, record
from tests.endpoints.scenes import CASSETTES, replayed
from tests.endpoints.vendors_apart import DOCUMENTED

SPECS: dict[str, EndpointSpec] = {**REAL, **{name: vendor.spec for name, vendor in DOCUMENTED.items()}}

# What differs from this in the table below.
USUAL: dict[str, Any] = {
    "top_logprobs_max": 20,
    "top_list": "top",
    "logprobs_temperature": "raw",
    "token_ids": False,
    "reasoning_field": None,
    "reasoning_switch": "none",
    "structured_output": "json_schema",
    "seed": "repeats",
    "streaming": True,
    "aa_noise": 0.0,
    "protocol": "G",
    "refused_settings": (),
}
NO_LOGPROBS: dict[str, Any] = {
    "top_logprobs_max": None,
    "top_list": "unknown",
    "logprobs_temperature": "unknown",
    "token_ids": None,
    "aa_noise": None,
    "protocol": "T",
}
SEEN: dict[str, dict[str, Any]] = {
    "generic": {},
    "openai": {},
    "openai-responses": {
        **NO_LOGPROBS,
        "seed": "unsupported",
        "reasoning_field": "reasoning_summary",
        "reasoning_switch": "off",
    },
    "azure": {"top_logprobs_max": 5},
    "anthropic": {**NO_LOGPROBS, "seed": "unsupported", "reasoning_field": "thinking", "reasoning_switch": "off"},
    "openrouter": {"reasoning_field": "reasoning", "reasoning_switch": "on"},
    "deepseek": {
        "reasoning_field": "reasoning_content",
        "reasoning_switch": "off",
        "structured_output": "json_object",
    },
    "vllm": {
        "top_list": "sampled_first",
        "reasoning_field": "tags",
        "reasoning_switch": "on",
        "version": "0.32.0",
        "completions": True,
    },
    "vllm-reasoning": {"top_list": "sampled_first", "reasoning_field": "reasoning", "reasoning_switch": "on"},
    "sglang": {
        "top_logprobs_max": 100,
        "logprobs_temperature": "scaled",
        "seed": "varies",
        "reasoning_field": "reasoning_content",
        "reasoning_switch": "on",
        "version": "0.5.23",
        "completions": True,
        "echo": True,
        "targeted_token_ids": True,
        "prefill": True,
    },
    "llama-cpp": {
        "top_logprobs_max": 100,
        "token_ids": True,
        "reasoning_field": "tags",
        "reasoning_switch": "off",
        "completions": True,
    },
    "ollama": {"reasoning_field": "reasoning", "reasoning_switch": "on", "version": "0.12.6"},
    "tgi": {"top_logprobs_max": 5, "version": "3.3.4"},
    "tgi-native": {"top_logprobs_max": 5, "token_ids": True, "reasoning_switch": None, "streaming": False},
    "lmstudio": {**NO_LOGPROBS, "reasoning_field": "reasoning_content", "reasoning_switch": "on"},
    "together": {"reasoning_field": "reasoning", "reasoning_switch": "off"},
    "fireworks": {
        "top_logprobs_max": 5,
        "top_list": "appended",
        "reasoning_field": "reasoning_content",
        "reasoning_switch": "off",
    },
    "groq": {**NO_LOGPROBS, "reasoning_field": "reasoning", "reasoning_switch": "on"},
    "mistral": {"token_ids": True, "reasoning_field": "thinking", "reasoning_switch": "off"},
    "xai": {"top_logprobs_max": 8, "reasoning_field": "reasoning_content"},
    "gemini": {
        **NO_LOGPROBS,
        "reasoning_field": "tags",
        "reasoning_switch": "off",
        "refused_settings": ("logprobs", "top_logprobs"),
    },
}
UNSTREAMED = {
    "tgi-native": {"streamed", "streamed_plain"},
    "llama-cpp": {"streamed"},
    "sglang": {"streamed"},
    "together": {"streamed"},
}
"""Questions that these dialects ask whole although they may be streamed: the others lose logprobs there."""
THINKING_REFUSED = {"openai", "azure"}
UNREPEATED = {"sglang"}
"""A seed does not repeat a reply there, so the recorded ones are different ones; the engine lane compares them at T = 0."""


def test_every_dialect_has_a_cassette_and_every_cassette_a_dialect() -> None:
    covered = {with_defaults(spec).dialect for spec in SPECS.values()}
    assert covered == {dialect.name for dialect in DIALECTS} | {""}
    assert {path.stem for path in CASSETTES.glob("*.jsonl")} >= set(SPECS)


@pytest.mark.parametrize("name", sorted(SPECS))
async def test_what_the_probe_reads_from_a_cassette(name: str) -> None:
    scene, unused = await replayed(name, SPECS[name])
    assert unused == 0
    expected = USUAL | SEEN[name]
    assert {field: getattr(scene.found, field) for field in expected} == expected
    switched_off = any("put reasoning" in anomaly for anomaly in scene.found.anomalies)
    assert switched_off == (scene.found.reasoning_switch == "off")
    assert (scene.found.largest_sum or 0) <= 1.001


@pytest.mark.parametrize("name", sorted(SPECS))
async def test_a_streamed_reply_is_the_same_as_a_whole_one(name: str) -> None:
    scene, _ = await replayed(name, SPECS[name])
    whole = scene.replies["whole"]
    assert whole.answer
    assert not whole.provenance.streamed
    for part in ("streamed", "streamed_plain"):
        pieces = scene.replies[part]
        assert pieces.provenance.streamed == (part not in UNSTREAMED.get(name, ()))
        if name in UNREPEATED and pieces.provenance.streamed:
            assert pieces.answer or pieces.trace
            assert pieces.usage.completion_tokens
            continue
        assert (pieces.answer, pieces.trace, pieces.outcome) == (whole.answer, whole.trace, whole.outcome)
        assert pieces.usage.completion_tokens == whole.usage.completion_tokens
    if whole.logprobs is None:
        assert scene.replies["streamed"].logprobs is None
    else:
        streamed = scene.replies["streamed"].logprobs
        assert streamed is not None
        assert [p.sampled.token for p in streamed.positions] == [p.sampled.token for p in whole.logprobs.positions]
        assert [len(p.top) for p in streamed.positions] == [len(p.top) for p in whole.logprobs.positions]


@pytest.mark.parametrize("name", sorted(SPECS))
async def test_thinking_can_be_asked_for_where_it_exists(name: str) -> None:
    scene, _ = await replayed(name, SPECS[name])
    if name in THINKING_REFUSED:
        assert scene.refused == ("thinking",)
        return
    reply = scene.replies["thinking"]
    if scene.found.reasoning_switch in {"on", "off"}:
        assert reply.trace
        assert "<think" not in reply.answer
        assert reply.provenance.trace_source == scene.found.reasoning_field


@pytest.mark.parametrize("name", sorted(DOCUMENTED))
async def test_documented_cassettes_are_what_their_source_gives(name: str, tmp_path: Path) -> None:
    """No one edits them by hand, and building them again changes nothing."""
    vendor = DOCUMENTED[name]
    await record(name, vendor.spec, httpx2.MockTransport(vendor), vendor.note, folder=tmp_path)
    assert (tmp_path / f"{name}.jsonl").read_bytes() == (CASSETTES / f"{name}.jsonl").read_bytes()


@pytest.mark.parametrize("name", sorted(SPECS))
def test_a_cassette_says_where_it_comes_from_and_keeps_no_secret(name: str) -> None:
    note = CassetteTape(CASSETTES / f"{name}.jsonl", must_exist=True).note
    assert note.startswith("recorded from a real" if name in REAL else "not recorded: built from")
    text = (CASSETTES / f"{name}.jsonl").read_text()
    assert not re.search(r'"/(root|home|tmp|work|Users|mnt|var)/|authorization|api-key|Bearer |sk-', text)
    assert not re.search(r'"created(_at)?": ?[1-9]', text)


# --- vendors' own types ---------------------------------------------------------------------------------------------

OPENAI_SHAPED = sorted(SPECS.keys() - {"anthropic", "openai-responses", "tgi-native", "together", "mistral"})
"""Together and Mistral have types of their own, which are checked when the cassettes are built (docs/endpoints.md)."""


@pytest.mark.parametrize("name", OPENAI_SHAPED)
def test_chat_bodies_have_openais_types(name: str) -> None:
    count = 0
    for body in bodies(name, "/chat/completions"):
        if isinstance(body, list):
            for chunk in body:
                ChatCompletionChunk.model_validate(known(chunk))
        else:
            ChatCompletion.model_validate(known(body))
        count += 1
    assert count >= 5


def test_anthropics_bodies_have_its_types() -> None:
    event_type: TypeAdapter[Any] = TypeAdapter(anthropic.types.RawMessageStreamEvent)
    for body in bodies("anthropic", "/messages"):
        if isinstance(body, list):
            for event in body:
                if event["type"] != "ping":
                    check(event_type.validate_python(event))
        else:
            check(anthropic.types.Message.model_validate(body))


def test_responses_bodies_have_openais_types() -> None:
    event_type: TypeAdapter[Any] = TypeAdapter(responses.ResponseStreamEvent)
    for body in bodies("openai-responses", "/responses"):
        if isinstance(body, list):
            for event in body:
                check(event_type.validate_python(event))
        else:
            check(responses.Response.model_validate(body))


def bodies(name: str, path: str) -> Iterator[Any]:
    """The recorded answers to one route: objects, and lists of the objects of a stream."""
    for line in (CASSETTES / f"{name}.jsonl").read_text().splitlines()[1:]:
        row = json.loads(line)
        if row["status"] == 200 and row["path"].endswith(path):
            text = row.get("response_text")
            events = [e for e in re.findall(r"^data: (.*)$", text or "", re.MULTILINE) if e != "[DONE]"]
            yield [json.loads(e) for e in events] if text else row["response"]


def known(body: Any) -> Any:
    """The body with what servers leave out and OpenAI's types demand: empty lists, nulls, missing bytes.

    SGLang keeps lists in ``metadata``, which is text to OpenAI; nobody reads it.
    """
    body.pop("metadata", None)
    for choice in body["choices"]:
        logprobs = choice.get("logprobs")
        for entry in (logprobs or {}).get("content") or ():
            for one in (entry, *entry.setdefault("top_logprobs", [])):
                one.setdefault("bytes", None)
    return body


def check(value: BaseModel) -> None:
    assert value.model_extra is None or not value.model_extra
