from __future__ import annotations

import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import httpx2
import pytest

from auditor.endpoints import Capabilities, connect
from auditor.endpoints.scoring import (
    CompletionsScorer,
    FireworksScorer,
    LlamaCppScorer,
    PrefillScorer,
    Scorer,
    Server,
    SglangScorer,
    TgiScorer,
    TogetherScorer,
    find_scorer,
    fingerprint,
)
from auditor.errors import NotAnApi, RequestRejected
from auditor.records import EndpointSpec, Message, TokenPosition
from auditor.wire import MemoryTape, open_wire
from tests.endpoints.scoring.engines import (
    PREFIX,
    VOCABULARY,
    ChatServer,
    CompletionsServer,
    FireworksServer,
    LlamaServer,
    SglangServer,
    TgiServer,
    TogetherServer,
    best,
    logprobs,
)

Handler = Callable[[httpx2.Request], httpx2.Response]
HELLO = (Message("user", "hello"),)


@asynccontextmanager
async def server(handler: Handler, dialect: str = "vllm") -> AsyncIterator[Server]:
    spec = EndpointSpec(base_url="http://engine.test/v1", model="tiny", dialect=dialect)
    wire = open_wire(spec.base_url, tape=MemoryTape(), network=httpx2.MockTransport(handler))
    endpoint = connect(spec, wire, key=None)
    assert isinstance(endpoint, Server)
    try:
        yield endpoint
    finally:
        await wire.aclose()


def found(dialect: str = "vllm") -> Capabilities:
    return Capabilities(endpoint="e", dialect=dialect, model="tiny", logprobs=True, top_logprobs_max=20, protocol="G")


WAYS: list[tuple[Handler, str, Callable[[Server], Scorer], str]] = [
    (CompletionsServer(), "vllm", lambda s: CompletionsScorer(s, "prompt_logprobs"), "F"),
    (CompletionsServer(), "vllm", lambda s: CompletionsScorer(s, "echo"), "F"),
    (CompletionsServer(), "vllm", lambda s: CompletionsScorer(s, "one_by_one", forced=True), "P"),
    (LlamaServer(), "llama-cpp", LlamaCppScorer, "P"),
    (SglangServer(), "sglang", SglangScorer, "F"),
    (FireworksServer(), "fireworks", FireworksScorer, "F"),
]


@pytest.mark.parametrize(("handler", "dialect", "make", "protocol"), WAYS)
async def test_given_tokens_get_the_models_own_numbers(
    handler: Handler, dialect: str, make: Callable[[Server], Scorer], protocol: str
) -> None:
    async with server(handler, dialect) as endpoint:
        scorer = make(endpoint)
        prefix = await scorer.prefix(HELLO)
        assert list(prefix.ids) == PREFIX
        assert await scorer.tokenise("x y") == (5, 6)
        given = [9, 40, 0, 12]
        scored = await scorer.score(prefix, given, top=3)
        for t, token in enumerate(given):
            exact = logprobs([*PREFIX, *given[:t]])
            check(scored[t], token, exact, 3)
        some = await scorer.score(prefix, given, top=3, at=[2])
        assert list(some) == [2]
        assert some[2] == scored[2]
        assert scorer.protocol == protocol


def check(position: TokenPosition, token: int, exact: list[float], k: int) -> None:
    assert position.sampled.id == token
    assert position.sampled.logprob == pytest.approx(exact[token])
    assert [t.id for t in position.top] == best(exact, k)
    assert [t.logprob for t in position.top] == pytest.approx([exact[i] for i in best(exact, k)])


@pytest.mark.parametrize(("handler", "dialect", "make", "protocol"), WAYS)
async def test_generated_text_comes_with_ids_and_lists(
    handler: Handler, dialect: str, make: Callable[[Server], Scorer], protocol: str
) -> None:
    async with server(handler, dialect) as endpoint:
        scorer = make(endpoint)
        prefix = await scorer.prefix(HELLO)
        wrote = await scorer.sample(prefix, max_tokens=6, top=4, seed=3)
        assert wrote.keyed
        assert wrote.text
        assert len(wrote.positions) == len(wrote.ids) <= 6
        for t, position in enumerate(wrote.positions):
            exact = logprobs([*PREFIX, *wrote.ids[:t]])
            assert position.sampled.logprob == pytest.approx(exact[wrote.ids[t]])
            assert {t.id for t in position.top} >= set(best(exact, 4))


@pytest.mark.parametrize(
    ("handler", "dialect", "targets"),
    [
        (CompletionsServer(), "vllm", "each"),
        (CompletionsServer(targeted=False), "vllm", "none"),
        (SglangServer(), "sglang", "all"),
        (SglangServer(targeted=False), "sglang", "none"),
        (LlamaServer(), "llama-cpp", "none"),
    ],
)
async def test_chosen_tokens_can_be_asked_for_where_the_server_was_seen_to_list_them(
    handler: Handler, dialect: str, targets: str
) -> None:
    async with server(handler, dialect) as endpoint:
        _, scorer = await find_scorer(endpoint, found(dialect))  # type: ignore[arg-type]
        assert scorer is not None
        assert scorer.targets == targets
        prefix, given = await scorer.prefix(HELLO), [9, 40, 0, 12]
        known = await scorer.known(prefix, given, {0: [30, 7], 2: [1, 30], 3: []})
        if targets == "none":
            assert known == {}
            return
        for t, ids in ((0, [30, 7]), (2, [1, 30])):
            exact = logprobs([*PREFIX, *given[:t]])
            assert known[t] == pytest.approx({one: exact[one] for one in ids})


async def test_a_question_asked_again_is_not_counted_again() -> None:
    async with server(CompletionsServer()) as endpoint:
        scorer = CompletionsScorer(endpoint, "prompt_logprobs")
        prefix = await scorer.prefix(HELLO)
        await scorer.score(prefix, [9], top=2)
        once = (scorer.spent.calls, scorer.spent.prompt_tokens)
        await scorer.score(prefix, [9], top=2)
        assert (scorer.spent.calls, scorer.spent.prompt_tokens) == once == (2, 3 + 4)
        await scorer.score(prefix, [9], top=2, sample=1)
        assert scorer.spent.calls == 3


TEXT_ONLY: list[tuple[Handler, str, Callable[[Server], Scorer], str, list[int]]] = [
    (TgiServer(), "tgi", TgiScorer, "S", [3, 7, 4]),
    (TogetherServer(), "together", TogetherScorer, "S", [3, 7, 4]),
    (ChatServer(), "vllm", lambda s: PrefillScorer(s, forced=True), "P", PREFIX),
]


@pytest.mark.parametrize(("handler", "dialect", "make", "protocol", "begins"), TEXT_ONLY)
async def test_servers_that_read_text_score_what_they_cut_as_it_was_written(
    handler: Handler, dialect: str, make: Callable[[Server], Scorer], protocol: str, begins: list[int]
) -> None:
    async with server(handler, dialect) as endpoint:
        scorer = make(endpoint)
        assert scorer.protocol == protocol
        prefix = await scorer.prefix(HELLO)
        assert list(prefix.ids) == begins
        given = [9, 40, 12]
        pieces = [VOCABULARY[one] for one in given]
        scored = await scorer.score(prefix, given, top=4, pieces=pieces)
        for t, token in enumerate(given):
            exact = logprobs([*begins, *given[:t]])
            assert scored[t].sampled.id == token
            assert scored[t].sampled.logprob == pytest.approx(exact[token])
            assert [one.id for one in scored[t].top] == (best(exact, 3) if protocol == "P" else [])
        longer = prefix.then(given[:1], pieces[:1])
        rest = await scorer.score(longer, given[1:], top=4, pieces=pieces[1:])
        assert rest == {0: scored[1], 1: scored[2]}
        for unknown in ([], ["", *pieces[1:]], ["\ufffd", *pieces[1:]]):
            with pytest.raises(RequestRejected):
                await scorer.score(prefix, given, top=4, pieces=unknown)


@pytest.mark.parametrize(("handler", "dialect", "make", "protocol", "begins"), TEXT_ONLY)
async def test_what_they_write_comes_with_ids(
    handler: Handler, dialect: str, make: Callable[[Server], Scorer], protocol: str, begins: list[int]
) -> None:
    async with server(handler, dialect) as endpoint:
        scorer = make(endpoint)
        prefix = await scorer.prefix(HELLO)
        wrote = await scorer.sample(prefix, max_tokens=6, top=4, seed=3)
        for t, position in enumerate(wrote.positions):
            exact = logprobs([*begins, *wrote.ids[:t]])
            assert position.sampled.token == VOCABULARY[wrote.ids[t]]
            assert position.sampled.logprob == pytest.approx(exact[wrote.ids[t]])
            assert [one.id for one in position.top] == best(exact, len(position.top))
        assert await scorer.tokenise(" w0 w1") == (5, 6)


async def test_text_that_is_cut_into_other_tokens_is_not_scored() -> None:
    """w1 and 7, say, where the writer's tokens were others that print the same."""
    for handler, dialect, make, protocol, _ in TEXT_ONLY:
        async with server(handler, dialect) as endpoint:
            scorer = make(endpoint)
            prefix = await scorer.prefix(HELLO)
            if protocol == "P":
                # The template cuts a space off: this place is left out, the others stay.
                found = await scorer.score(prefix, [9, 5, 6], top=2, pieces=[" w4", " ", " w1"])
                assert set(found) == {0, 1}
            else:
                with pytest.raises(RequestRejected, match="other tokens"):
                    await scorer.score(prefix, [9, 5], top=2, pieces=[" w4", " w1"])


async def test_tgi_that_keeps_prompt_logprobs_back_is_no_scorer() -> None:
    async with server(TgiServer(prefill=False), "tgi") as endpoint:
        known, scorer = await find_scorer(endpoint, found("tgi"))  # type: ignore[arg-type]
        assert scorer is None
        assert known.prompt_logprobs is False


async def test_a_token_that_could_not_be_forced_has_no_number() -> None:
    """Unless it is among the best anyway."""
    async with server(LlamaServer(biased=False), "llama-cpp") as endpoint:
        scorer = LlamaCppScorer(endpoint)
        prefix = await scorer.prefix(HELLO)
        exact = logprobs(PREFIX)
        first, last = best(exact, 1)[0], best(exact, len(VOCABULARY))[-1]
        assert (await scorer.score(prefix, [first], top=2))[0].sampled.logprob == pytest.approx(exact[first])
        assert (await scorer.score(prefix, [last], top=2))[0].sampled.logprob is None


async def test_llama_settings_are_sent_whole() -> None:
    handler = LlamaServer()
    async with server(handler, "llama-cpp") as endpoint:
        scorer = LlamaCppScorer(endpoint)
        await scorer.sample(await scorer.prefix(HELLO), max_tokens=2, top=1, seed=9)
    path, body = handler.bodies[-1]
    assert path == "/completion"
    wanted = {"temperature": 1.0, "top_p": 1.0, "top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0, "seed": 9}
    assert wanted.items() <= body.items()
    assert ("/tokenize", {"content": "<user>hello<bot>", "add_special": True, "parse_special": True}) in handler.bodies


@pytest.mark.parametrize(
    ("handler", "dialect", "name", "protocol"),
    [
        (CompletionsServer(), "vllm", "prompt_logprobs", "F"),
        (CompletionsServer(prompt_logprobs=False), "", "echo", "F"),
        (CompletionsServer(prompt_logprobs=False, echo=""), "", "one_by_one", "P"),
        (LlamaServer(), "llama-cpp", "llama-cpp", "P"),
        (SglangServer(), "sglang", "sglang", "F"),
        (TgiServer(), "tgi", "tgi", "S"),
        (TogetherServer(), "together", "together", "S"),
        (FireworksServer(), "fireworks", "fireworks", "F"),
        (ChatServer(), "vllm", "chat_prefill", "P"),
    ],
)
async def test_the_best_way_that_works_is_found(handler: Handler, dialect: str, name: str, protocol: str) -> None:
    async with server(handler, dialect) as endpoint:
        assert hasattr(endpoint, "ask")
        known, scorer = await find_scorer(endpoint, found(dialect))  # type: ignore[arg-type]
        assert scorer is not None
        assert (scorer.name, scorer.protocol, known.protocol) == (name, protocol, protocol)
        assert known.token_ids is True
        if name in ("prompt_logprobs", "echo", "one_by_one", "llama-cpp", "sglang"):
            assert await fingerprint(scorer) == (5, 6)


async def test_echo_that_is_one_position_off_is_not_believed() -> None:
    async with server(CompletionsServer(prompt_logprobs=False, echo="shifted"), "") as endpoint:
        known, scorer = await find_scorer(endpoint, found(""))  # type: ignore[arg-type]
        assert known.prompt_logprobs is False
        assert scorer is not None
        assert scorer.protocol == "P"


async def test_logprobs_that_show_the_bias_are_not_believed() -> None:
    """Then tokens are not forced, and those outside the list have no number."""
    async with server(CompletionsServer(prompt_logprobs=False, echo="", bias=True), "") as endpoint:
        _, scorer = await find_scorer(endpoint, found(""))  # type: ignore[arg-type]
        if scorer is not None:
            exact = logprobs(PREFIX)
            position = (await scorer.score(await scorer.prefix(HELLO), [best(exact, 30)[-1]], top=2))[0]
            assert position.sampled.logprob is None or position.sampled.logprob < -1.0
            assert math.fsum(math.exp(t.logprob) for t in position.top if t.logprob is not None) < 1.0


async def test_a_server_that_only_chats_has_no_scorer() -> None:
    async with server(CompletionsServer(ids=False), "") as endpoint:
        known, scorer = await find_scorer(endpoint, found(""))  # type: ignore[arg-type]
        assert scorer is None
        assert known.protocol == "G"
        assert known.prompt_logprobs is False


async def test_a_protocol_can_be_asked_for() -> None:
    async with server(CompletionsServer(), "vllm") as endpoint:
        _, scorer = await find_scorer(endpoint, found(), wanted="P")  # type: ignore[arg-type]
        assert scorer is not None
        assert scorer.name == "one_by_one"


@pytest.mark.parametrize("body", [b"[]", b"<html>", b'{"choices": []}', b'{"choices": [{"index": 0}]}'])
async def test_an_answer_without_what_was_asked_for_is_an_error(body: bytes) -> None:
    def handler(request: httpx2.Request) -> httpx2.Response:
        return httpx2.Response(200, content=body, headers={"content-type": "application/json"})

    async with server(handler) as endpoint:
        with pytest.raises(NotAnApi):
            await CompletionsScorer(endpoint, "prompt_logprobs").tokenise("x")
