"""Whether the probe tells how thinking stands, and says what to do where it is off by default."""

from __future__ import annotations

from typing import Any

import pytest

from auditor.endpoints import probe
from auditor.records import EndpointSpec
from tests.endpoints.support import SPEC, Recorder, chat, endpoint, ok


def template_server(default: bool | None, *, knows: bool = True) -> Recorder:
    """A server whose template writes an empty trace (6 tokens) when thinking is off; ``default`` is what it passes unasked."""

    def serve(body: dict[str, Any]) -> Any:
        enabled = body.get("chat_template_kwargs", {}).get("enable_thinking", default)
        size = 24 if knows and enabled is False else 18
        return ok(chat("7") | {"usage": {"prompt_tokens": size, "completion_tokens": 1}})

    return Recorder(serve)


@pytest.mark.parametrize(
    ("default", "knows", "switch"),
    [(False, True, "off"), (True, True, "on"), (None, True, "on"), (None, False, "none")],
)
async def test_templates_are_told_by_the_size_of_the_prompt(default: bool | None, knows: bool, switch: str) -> None:
    """llama.cpp's server passes enable_thinking=false unasked (24 prompt tokens instead of 18, seen on b1-0c1e570)."""
    async with endpoint(template_server(default, knows=knows)) as e:
        found = await probe(e)
    assert found.reasoning_switch == switch
    fixes = [a for a in found.anomalies if "reasoning = {enabled = true}" in a]
    assert len(fixes) == (switch == "off")


@pytest.mark.parametrize(
    "spec",
    [
        EndpointSpec(SPEC.base_url, "tiny", reasoning={"enabled": False}),
        EndpointSpec(SPEC.base_url, "tiny", extra_body={"chat_template_kwargs": {"enable_thinking": False}}),
    ],
)
async def test_who_switched_it_off_is_not_told_so(spec: EndpointSpec) -> None:
    async with endpoint(template_server(True), spec) as e:
        found = await probe(e)
    assert not any("switched off" in a for a in found.anomalies)


async def test_a_plan_that_switches_it_on_is_seen_on() -> None:
    spec = EndpointSpec(SPEC.base_url, "tiny", reasoning={"enabled": True})
    async with endpoint(template_server(False), spec) as e:
        found = await probe(e)
    assert found.reasoning_switch == "on"
    assert found.anomalies == ()


async def test_without_counts_nothing_is_claimed() -> None:
    async with endpoint(Recorder(lambda _: ok(chat("7") | {"usage": None}))) as e:
        assert (await probe(e)).reasoning_switch is None


@pytest.mark.parametrize(
    ("thinks", "switch"),
    [
        ({"none": False, None: True}, "on"),
        ({"none": False, None: False, "medium": True}, "off"),
        ({"none": True, None: True}, "none"),
        ({"none": False, None: False, "medium": False}, "none"),
    ],
)
async def test_elsewhere_by_the_reply(thinks: dict[str | None, bool], switch: str) -> None:
    def serve(body: dict[str, Any]) -> Any:
        thought = thinks[body.get("reasoning_effort")]
        return ok(chat("7", **({"reasoning": "3 + 4 is 7"} if thought else {})))

    async with endpoint(Recorder(serve), EndpointSpec(SPEC.base_url, "tiny", "ollama")) as e:
        assert (await probe(e)).reasoning_switch == switch
