"""E3 at the first token: what the lists leave open is asked for by id."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

import httpx2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_texts import DriftSettings
from auditor.drift.bounds import jsd_bounds, kl_lower_capped, tv_bounds
from auditor.drift.firsttoken import first_token_drift
from auditor.drift.protocol_first_token import measure
from auditor.drift.protocol_gather import Settings
from auditor.drift.protocol_targeted import complete
from auditor.drift.topk import TopK
from auditor.endpoints import connect
from auditor.endpoints.targeting import AS_IDS, Targeted, Targeter, find_targeter
from auditor.errors import NotAnApi
from auditor.records import EndpointSpec, Message, Prompt, Reply, Side, TokenLogprob, TokenLogprobs, TokenPosition
from auditor.simulator import PlantedTruth, Serving, build_app, context_bytes
from auditor.wire import MemoryTape, open_wire
from tests.drift.simulated import MODELS, URL, after, network, spec
from tests.drift.support import jsd, kl, synthetic_pair, top_list, tv

HELLO = (Message("user", "hello"),)


@given(seed=st.integers(0, 10**6), k=st.integers(1, 8), shift=st.floats(0.05, 3.0), size=st.integers(10, 60))
@settings(deadline=None)
def test_asking_each_side_for_the_others_tokens_only_sharpens(seed: int, k: int, shift: float, size: int) -> None:
    p, q = synthetic_pair(size, shift, seed=seed, spread=2.0)
    a, b = top_list(p, k), top_list(q, k)
    a_known = a.with_known({key: float(np.log(p[int(str(key))])) for key in b.logprobs})
    b_known = b.with_known({key: float(np.log(q[int(str(key))])) for key in a.logprobs})
    assert a_known.mass >= a.mass - 1e-12
    assert kl_lower_capped(a, b) <= kl_lower_capped(a_known, b_known) + 1e-9
    assert kl_lower_capped(a_known, b_known) <= kl(p, q) + 1e-6
    for bounds, exact in ((jsd_bounds, jsd(p, q)), (tv_bounds, tv(p, q))):
        wide, tight = bounds(a, b), bounds(a_known, b_known)
        assert wide.lower <= tight.lower + 1e-9
        assert tight.upper <= wide.upper + 1e-9
        assert tight.lower - 1e-6 <= exact <= tight.upper + 1e-6


def test_answers_that_do_not_fit_the_list_are_refused() -> None:
    listing = TopK.from_pairs([(1, math.log(0.7)), (2, math.log(0.2))], k=2)
    with pytest.raises(ValueError, match="do not fit"):
        listing.with_known({3: math.log(0.3)})
    assert listing.with_known({1: math.log(0.1), 4: None}) == listing
    assert listing.with_known({3: math.log(0.05)}).cap == listing.cap


def test_rows_without_answers_keep_the_bound_from_lists() -> None:
    p, q = synthetic_pair(200, 2.5, seed=3, spread=2.0)
    a, b = top_list(p, 3), top_list(q, 3)
    known = (
        a.with_known({key: float(np.log(p[int(str(key))])) for key in b.logprobs}),
        b.with_known({key: float(np.log(q[int(str(key))])) for key in a.logprobs}),
    )
    pairs = [("x", a, b), ("y", a, b)]
    found = first_token_drift(pairs, seed=0, resamples=20, completed=[known, None])
    one, other = found.rows
    assert one.kl_forward > other.kl_forward == other.kl_forward_lists == one.kl_forward_lists
    body = found.to_dict()["forward"]
    assert body["kl_per_token"]["method"] == "E3 at 1 of 2 prompts, else E2"
    assert body["kl_per_token"]["e2"] == pytest.approx(other.kl_forward)
    assert body["coverage"]["targeted"] == 1


# --- over HTTP ------------------------------------------------------------------------------------------------------


def asked(count: int) -> list[Prompt]:
    return [
        Prompt(id=f"q/{i}", dimension="safety", bank="q", kind="k", messages=(Message("user", f"Ask {i}?"),))
        for i in range(count)
    ]


async def measured(truth: PlantedTruth, top: int = 5) -> dict[str, Any]:
    specs: Any = {side: spec(side) for side in MODELS}
    wanted = DriftSettings(protocol="G", gather=Settings(top=top, max_tokens=4))
    return await drift_alone(specs, asked(8), wanted, environ={}, networks=network(truth))


@pytest.mark.parametrize("vocabulary", [1536, 50_000])
async def test_two_more_calls_recover_what_the_lists_miss(vocabulary: int) -> None:
    truth = PlantedTruth(seed=4, other_drift=1.5, serving=Serving(targeted=True, vocabulary=vocabulary))
    found = await measured(truth)
    pairs = [after(truth, context_bytes(prompt.messages)) for prompt in asked(8)]
    for way, sign in (("forward", 1), ("reverse", -1)):
        token = found[way]["kl_per_token"]
        exact = np.mean([np.sum(np.exp(p) * (p - q)) for p, q in (pair[::sign] for pair in pairs)])
        assert token["method"] == "E3"
        assert 0 < token["e2"] < token["lower_bound"] <= exact + 1e-6
        assert token["lower_bound"] > 0.5 * exact
    plain = await measured(PlantedTruth(seed=4, other_drift=1.5, serving=Serving(vocabulary=vocabulary)))
    assert plain["forward"]["kl_per_token"]["method"] == "E2"
    assert plain["forward"]["kl_per_token"]["lower_bound"] == pytest.approx(found["forward"]["kl_per_token"]["e2"])
    for mass in ("baseline_mass", "candidate_mass"):
        assert plain["forward"]["coverage"][mass] < found["forward"]["coverage"][mass]
    width = {name: body["forward"]["jsd_per_token"] for name, body in (("plain", plain), ("E3", found))}
    assert width["E3"]["upper"] - width["E3"]["lower"] < width["plain"]["upper"] - width["plain"]["lower"]


async def test_ids_of_different_tokenizers_are_never_asked_for() -> None:
    truth = PlantedTruth(seed=4, serving=Serving(targeted=True, tokenizers="different"))
    found = await measured(truth)
    assert found["forward"]["kl_per_token"]["method"] == "E2"


async def test_lists_by_id_get_their_texts_back() -> None:
    truth = PlantedTruth(seed=4, other_drift=1.0, serving=Serving(targeted=True))
    wire = open_wire(URL, tape=MemoryTape(), network=httpx2.ASGITransport(build_app(truth, [])))
    try:
        replies: dict[Side, Reply] = {}
        targeters: dict[Side, Targeter] = {}
        for side in MODELS:
            plain = connect(spec(side), wire, key=None)
            named = connect(EndpointSpec(base_url=URL, model=MODELS[side], extra_body=dict(AS_IDS)), wire, key=None)
            found = await find_targeter(plain, named)
            assert found is not None
            targeters[side] = found
            from auditor.drift.protocol_first_token import first_token_ask

            replies[side] = await named.ask(first_token_ask(HELLO, top_logprobs=5, sample=0), purpose="drift")

        async def ask(ids: Mapping[Side, tuple[int, ...]]) -> dict[Side, Targeted | None]:
            return {side: await targeters[side].ask(HELLO, ids[side], purpose="drift") for side in ids}

        completed = await complete(replies, ask)

        async def never(ids: Mapping[Side, tuple[int, ...]]) -> dict[Side, Targeted | None]:
            return dict.fromkeys(ids)

        failed = await complete(replies, never)
    finally:
        await wire.aclose()
    words = truth.lexicon("baseline").tokens
    for side in MODELS:
        logprobs = completed[side].logprobs
        assert logprobs is not None
        position = logprobs.positions[0]
        assert position.targeted
        assert not {t.id for t in position.targeted} & {t.id for t in position.top}
        for token in (*position.top, *position.targeted):
            assert token.id is not None
            assert token.token == words[token.id].text
        assert failed[side].logprobs == replies[side].logprobs
    rows = [("q", "q", "", completed["baseline"], completed["candidate"])] * 2
    body, _ = measure(rows, k=5, seed=0, resamples=10, level=0.95)
    assert body is not None
    assert body["forward"]["kl_per_token"]["method"] == "E3"
    rows = [("q", "q", "", failed["baseline"], failed["candidate"])] * 2
    body, _ = measure(rows, k=5, seed=0, resamples=10, level=0.95)
    assert body is not None
    assert body["forward"]["kl_per_token"]["method"] == "E2"


def test_answers_that_move_from_one_request_to_the_next_leave_e2() -> None:
    def reply(listed: dict[int, float], known: dict[int, float]) -> Reply:
        top = tuple(TokenLogprob(str(i), math.log(p), id=i) for i, p in listed.items())
        more = tuple(TokenLogprob(str(i), math.log(p), id=i) for i, p in known.items())
        return Reply(answer="", logprobs=TokenLogprobs((TokenPosition(top[0], top, more),)))

    steady = reply({1: 0.6, 2: 0.3}, {3: 0.05})
    moved = reply({1: 0.5, 3: 0.45}, {2: 0.2})
    body, _ = measure([("q", "q", "", steady, moved)] * 2, k=2, seed=0, resamples=10, level=0.95)
    assert body is not None
    assert body["forward"]["kl_per_token"]["method"] == "E2"


# --- servers --------------------------------------------------------------------------------------------------------


def listing(entries: list[tuple[int, float]], ids: list[int]) -> dict[str, Any]:
    content = [
        {
            "token": f"w{entries[0][0]}",
            "logprob": entries[0][1],
            "top_logprobs": [{"token": f"w{i}", "logprob": v, "bytes": [119]} for i, v in entries],
        }
    ]
    return {"choices": [{"logprobs": {"content": content}, "token_ids": ids}], "usage": {"prompt_tokens": 3}}


async def told(answer: dict[str, Any], ids: list[int]) -> Targeted:
    wire = open_wire(
        "http://engine.test/v1",
        tape=MemoryTape(),
        network=httpx2.MockTransport(lambda _: httpx2.Response(200, json=answer)),
    )
    try:
        endpoint = connect(EndpointSpec(base_url="http://engine.test/v1", model="m", dialect="vllm"), wire, key=None)
        return await Targeter(endpoint).ask(HELLO, ids, purpose="drift")  # type: ignore[arg-type]
    finally:
        await wire.aclose()


async def test_the_list_is_the_sampled_token_and_those_asked_for_in_order() -> None:
    """As vLLM 0.32 sends it: the sampled token first and only once, a number it has not as -9999."""
    found = await told(listing([(8, -1.0), (5, -2.0), (6, -9999.0)], [8]), [5, 8, 6])
    assert [(t.id, t.logprob) for t in found.tokens] == [(8, -1.0), (5, -2.0), (6, None)]
    found = await told(listing([(9, -1.0), (5, -2.0)], [9]), [5])
    assert [(t.id, t.logprob) for t in found.tokens] == [(5, -2.0)]
    assert found.usage.prompt_tokens == 3


@pytest.mark.parametrize(
    "answer",
    [
        listing([(9, -1.0), (5, -2.0), (6, -3.0)], [9]),
        listing([(9, -1.0)], [9]),
        {"choices": [{"logprobs": None}]},
        {"choices": []},
        {"detail": "no"},
    ],
)
async def test_a_server_that_lists_something_else_is_not_believed(answer: dict[str, Any]) -> None:
    with pytest.raises(NotAnApi):
        await told(answer, [5])


async def test_a_server_that_does_not_know_the_field_is_found_out() -> None:
    """It ignores it, as unknown fields are, and lists its best as ever."""

    def handler(request: httpx2.Request) -> httpx2.Response:
        body = json.loads(request.content)
        count = body.get("top_logprobs", 0)
        entries = [(i, -1.0 - i) for i in range(max(count, 1))]
        answer = listing(entries, [0])
        if body.get("return_tokens_as_token_ids"):
            for entry in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
                entry["token"] = f"token_id:{entry['token'][1:]}"
        answer["choices"][0] |= {"message": {"role": "assistant", "content": "x"}, "finish_reason": "length"}
        return httpx2.Response(200, json=answer)

    wire = open_wire("http://engine.test/v1", tape=MemoryTape(), network=httpx2.MockTransport(handler))
    try:
        plain = EndpointSpec(base_url="http://engine.test/v1", model="m", dialect="vllm")
        named = EndpointSpec(base_url="http://engine.test/v1", model="m", dialect="vllm", extra_body=dict(AS_IDS))
        assert await find_targeter(connect(plain, wire, key=None), connect(named, wire, key=None)) is None
    finally:
        await wire.aclose()
