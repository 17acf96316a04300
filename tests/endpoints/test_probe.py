from __future__ import annotations

import json
import math
import random
from typing import Any

import httpx2
import pytest

from auditor.endpoints import PROBE_MAX_CALLS, connect, probe
from auditor.endpoints.probing.logprobs import compare_temperatures, is_cut, shape_of_lists
from auditor.errors import AuthenticationFailed, ModelNotFound, NotAnApi
from auditor.plan import parse_endpoint
from auditor.records import EndpointSpec, TokenLogprob, TokenLogprobs, TokenPosition
from auditor.wire import MemoryTape, open_wire
from tests.endpoints.support import SPEC, Recorder, chat, endpoint, ok

WORDS = [" the", " a", " sun", " sea", " red", " old", " big", " new", *(f" w{i}" for i in range(192))]


class Engine:
    """A server whose next-token distribution is known, with the habits of the engine it plays."""

    def __init__(
        self,
        *,
        most: int = 20,
        scaled: bool = False,
        sampled_first: bool = False,
        schema: bool = True,
        json_object: bool = True,
        seeded: bool = True,
        ids: bool = False,
        logprobs: bool = True,
        owner: str = "",
        trace: str = "",
        over: str = "refuse",
    ) -> None:
        self.most, self.scaled, self.sampled_first, self.schema, self.json_object = (
            most,
            scaled,
            sampled_first,
            schema,
            json_object,
        )
        self.seeded, self.ids, self.logprobs, self.owner, self.trace, self.over = (
            seeded,
            ids,
            logprobs,
            owner,
            trace,
            over,
        )
        self.calls = 0
        self.asked: list[int] = []
        weights = [math.exp(-0.35 * i) for i in range(len(WORDS))]
        self.base = [math.log(w / sum(weights)) for w in weights]

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.calls += 1
        if request.url.path.endswith("/models"):
            return ok({"data": [{"id": "tiny", "owned_by": self.owner}]})
        if not request.url.path.endswith("/chat/completions"):
            return self.beside(request)
        body = json.loads(request.content)
        k = body.get("top_logprobs", 0)
        self.asked.append(k)
        if k > self.most and self.logprobs and self.over == "refuse":
            words = f"Requested sample logprobs of {k}, which is greater than max allowed: {self.most}"
            return httpx2.Response(400, json={"error": {"message": words, "code": 400}})
        form = body.get("response_format", {}).get("type")
        if (form == "json_schema" and self.schema) or (form == "json_object" and self.json_object):
            return ok(chat('{"zq_label": "m4", "zq_sure": true}' if form == "json_schema" else '{"colour": "red"}'))
        return ok(self.reply(body, min(k, self.most)))

    def beside(self, request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(404, json={"detail": "Not Found"})

    def reply(self, body: dict[str, Any], k: int) -> dict[str, Any]:
        temperature = body["temperature"]
        rng = random.Random(body.get("seed") if self.seeded and "seed" in body else self.calls)
        heat = [b / max(temperature, 0.01) for b in self.base]
        total = math.log(sum(math.exp(h - heat[0]) for h in heat)) + heat[0]
        actual = [h - total for h in heat]
        shown = actual if self.scaled and temperature > 0 else self.base
        picks = rng.choices(range(len(WORDS)), [math.exp(a) for a in actual], k=min(body["max_tokens"], 30))
        content = [self.position(pick, shown, k) for pick in picks] if body.get("logprobs") and self.logprobs else None
        logprobs = None if content is None else {"content": content}
        field = {"reasoning": self.trace} if self.trace else {}
        return chat("".join(WORDS[p] for p in picks), logprobs=logprobs, **field)

    def position(self, pick: int, shown: list[float], k: int) -> dict[str, Any]:
        order = list(range(k))
        if self.sampled_first and k:
            order = [pick, *(i for i in order if i != pick)][:k]
        return {**self.entry(pick, shown), "top_logprobs": [self.entry(i, shown) for i in order]}

    def entry(self, index: int, shown: list[float]) -> dict[str, Any]:
        named = {"id": index} if self.ids else {}
        return {"token": WORDS[index], "logprob": shown[index], "bytes": list(WORDS[index].encode()), **named}


@pytest.mark.parametrize(
    "most", [0, 1, 2, 3, 4, 5, 6, 8, 11, 14, 19, 20, 21, 22, 30, 49, 50, 51, 64, 98, 99, 100, 128, 200]
)
@pytest.mark.parametrize("over", ["refuse", "cut"])
async def test_the_largest_number_of_alternatives(most: int, over: str) -> None:
    engine = Engine(most=most, over=over)
    async with endpoint(engine) as e:
        found = await probe(e)
    assert (found.top_logprobs_max, found.top_logprobs_limited) == (min(most, 100), most < 100)
    assert found.protocol == ("G" if most else "T")
    asked = [k for k in engine.asked if k]
    # vLLM and SGLang die of more than their vocabulary.
    assert max(asked) <= 100
    assert len(asked) <= (16 if over == "refuse" else 8)


@pytest.mark.parametrize("vocabulary", [101, 256])
async def test_no_more_alternatives_are_asked_for_than_the_smallest_vocabularies_have(vocabulary: int) -> None:
    engine = Engine(most=vocabulary)
    async with endpoint(engine) as e:
        found = await probe(e)
    assert max(engine.asked) == 100
    assert (found.top_logprobs_max, found.top_logprobs_limited) == (100, False)


@pytest.mark.parametrize("scaled", [True, False])
async def test_logprobs_before_or_after_temperature(scaled: bool) -> None:
    async with endpoint(Engine(scaled=scaled)) as e:
        found = await probe(e)
    assert found.logprobs_temperature == ("scaled" if scaled else "raw")
    assert found.logprobs_at_temperature_zero == "raw"


@pytest.mark.parametrize("sampled_first", [True, False])
async def test_whether_the_sampled_token_pushes_the_kth_out(sampled_first: bool) -> None:
    async with endpoint(Engine(sampled_first=sampled_first)) as e:
        found = await probe(e)
    assert found.top_list == ("sampled_first" if sampled_first else "top")


async def test_without_logprobs_everything_else_is_still_measured() -> None:
    async with endpoint(Engine(logprobs=False)) as e:
        found = await probe(e)
    assert (found.logprobs, found.top_logprobs_max, found.protocol) == (False, None, "T")
    assert found.structured_output == "json_schema"
    assert found.seed == "repeats"


@pytest.mark.parametrize(
    ("schema", "json_object", "rung"),
    [(True, True, "json_schema"), (False, True, "json_object"), (False, False, "none")],
)
async def test_structured_output_is_believed_only_when_seen(schema: bool, json_object: bool, rung: str) -> None:
    async with endpoint(Engine(schema=schema, json_object=json_object)) as e:
        found = await probe(e, wanted="judge")
    assert found.structured_output == rung
    assert found.logprobs is None


async def test_a_weak_model_lost_in_white_space_was_still_constrained() -> None:
    """Seen on vLLM 0.32 with a tiny model: the schema holds, but blanks fill the reply."""
    async with endpoint(Recorder(lambda _: ok(chat('{"zq_label":  \n\n   ', finish="length")))) as e:
        found = await probe(e, wanted="judge")
    assert found.structured_output == "json_schema"
    assert any("white space" in a for a in found.anomalies)


async def test_structured_output_in_the_reasoning_field() -> None:
    """vLLM issues 19222 and 48863: with a reasoning parser the JSON lands in ``reasoning`` and content is null."""
    body = chat(None, reasoning='{"zq_label": "k7", "zq_sure": false}')
    async with endpoint(Recorder(lambda _: ok(body))) as e:
        found = await probe(e, wanted="judge")
    assert found.structured_output == "json_schema"
    assert any("reasoning field" in a for a in found.anomalies)


async def test_seed_that_does_not_hold() -> None:
    async with endpoint(Engine(seeded=False)) as e:
        assert (await probe(e)).seed == "varies"


async def test_server_trace_ids_and_json() -> None:
    async with endpoint(Engine(owner="llamacpp", ids=True, trace="hm")) as e:
        found = await probe(e)
    assert (found.dialect, found.dialect_recognised, found.reasoning_field, found.token_ids) == (
        "llama-cpp",
        True,
        "reasoning",
        True,
    )
    plain = found.to_dict()
    assert plain["schema"] == "auditor.probe/1"
    assert json.loads(json.dumps(plain))["echo"] is None
    assert plain["latency_s"] is not None
    assert plain["anomalies"] == []


async def test_a_dialect_named_in_the_plan_is_kept() -> None:
    spec = EndpointSpec(SPEC.base_url, "tiny", "sglang")
    async with endpoint(Engine(owner="vllm"), spec) as e:
        found = await probe(e)
    assert (found.dialect, found.dialect_recognised) == ("sglang", False)


async def test_the_worst_endpoint_stays_within_the_stated_number_of_requests() -> None:
    engine = Engine(most=14)

    def serve(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content) if request.content else {}
        if not request.url.path.endswith("/chat/completions"):
            return engine(request)
        for setting, instead in (("max_tokens", " Use 'max_completion_tokens' instead."), ("top_p", ""), ("seed", "")):
            if setting in body:
                engine.calls += 1
                words = f"Unsupported parameter: '{setting}' is not supported with this model.{instead}"
                return httpx2.Response(400, json={"error": {"message": words, "code": "unsupported_parameter"}})
        if "max_completion_tokens" in body:
            renamed = json.dumps({**body, "max_tokens": body["max_completion_tokens"]}).encode()
            return engine(httpx2.Request("POST", request.url, content=renamed))
        return engine(request)

    async with endpoint(serve) as e:
        found = await probe(e)
    assert engine.calls <= PROBE_MAX_CALLS
    assert found.calls <= PROBE_MAX_CALLS
    assert found.top_logprobs_max == 14
    assert set(found.refused_settings) == {"max_tokens", "top_p", "seed"}
    assert found.seed == "unsupported"


async def test_a_probe_replays_from_its_tape() -> None:
    tape = MemoryTape()
    async with open_wire(SPEC.base_url, tape=tape, network=httpx2.MockTransport(Engine())) as wire:
        live = await probe(connect(SPEC, wire, key=None))
    async with open_wire(SPEC.base_url, tape=tape, mode="replay") as wire:
        assert await probe(connect(SPEC, wire, key=None)) == live
        assert wire.unused() == []


@pytest.mark.parametrize(("tokens", "field"), [(1, None), (64, "hidden")])
async def test_a_trace_that_is_counted_but_not_shown(tokens: int, field: str | None) -> None:
    body = chat("7") | {"usage": {"completion_tokens_details": {"reasoning_tokens": tokens}}}
    async with endpoint(Recorder(lambda _: ok(body))) as e:
        assert (await probe(e)).reasoning_field == field


async def test_a_reasoning_parser_in_the_way_is_reported() -> None:
    body = chat(None, reasoning="7") | {"system_fingerprint": "vllm-0.32.0-3b4515fc"}
    body["usage"] |= {"completion_tokens_details": {"reasoning_tokens": 0}}
    async with endpoint(Recorder(lambda _: ok(body))) as e:
        found = await probe(e)
    assert any("reasoning parser" in a for a in found.anomalies)
    assert found.reasoning_field is None


async def test_another_model_behind_the_name() -> None:
    server = Recorder(lambda _: ok(chat("7") | {"model": "other-model"}), models=["other-model"])
    async with endpoint(server) as e:
        found = await probe(e)
    assert any("another model" in a for a in found.anomalies)


async def test_anthropic_is_not_asked_for_what_it_has_not() -> None:
    body = {"content": [{"type": "text", "text": "7"}], "stop_reason": "end_turn", "model": "claude-x"}
    server = Recorder(lambda _: ok(body), models=["claude-x"])
    async with endpoint(server, parse_endpoint("anthropic:claude-x"), key="k") as e:
        found = await probe(e)
    assert (found.logprobs, found.protocol, found.seed) == (False, "T", "unsupported")
    assert found.calls == 7
    assert found.prefill is None
    assert found.reasoning_switch == "none"


@pytest.mark.parametrize(
    ("response", "leaf"),
    [
        (httpx2.Response(401, json={}), AuthenticationFailed),
        (httpx2.Response(404, json={"error": {"message": "The model `tiny` does not exist."}}), ModelNotFound),
        (httpx2.Response(200, text="<html>"), NotAnApi),
    ],
)
async def test_a_useless_endpoint_is_an_error(response: httpx2.Response, leaf: type[Exception]) -> None:
    async with endpoint(Recorder(lambda _: response)) as e:
        with pytest.raises(leaf):
            await probe(e)


def position(*values: float, sampled: float | None = None) -> TokenPosition:
    top = tuple(TokenLogprob(f"t{i}", v) for i, v in enumerate(values))
    return TokenPosition(sampled=top[0] if sampled is None else TokenLogprob("s", sampled), top=top)


def test_temperatures_that_can_not_be_told_apart_stay_unknown() -> None:
    flat = position(-0.7, -0.7)
    assert compare_temperatures(flat, flat, 0.5) == "unknown"
    assert compare_temperatures(position(-0.1), position(-0.1), 0.5) == "unknown"
    assert compare_temperatures(None, flat, 0.5) == "unknown"
    assert compare_temperatures(position(-1.0, -2.0, -3.0), position(-9.0, -1.0, -3.0), 0.5) == "unknown"


def test_a_distribution_that_was_cut_before_it_was_reported() -> None:
    """TGI and vLLM's processed_logprobs: what top-k and top-p left sums to 1."""
    half = math.log(0.5)
    assert is_cut(position(half, half))
    assert not is_cut(position(half, half - 0.1))
    assert not is_cut(position(math.log(0.999), math.log(0.001)))
    assert not is_cut(position(0.0))


def test_shape_of_lists() -> None:
    assert shape_of_lists(None, 2) == "unknown"
    assert shape_of_lists(TokenLogprobs((position(-0.1, -3.0, -4.0),)), 2) == "appended"
    assert shape_of_lists(TokenLogprobs((position(-0.1, -3.0, sampled=-6.0),)), 2) == "top"
    assert shape_of_lists(TokenLogprobs((position(-0.1, -3.0),)), 2) == "unknown"
