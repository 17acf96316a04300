"""Drift on real engines, held against the exact full-vocabulary KL that torch computes from the weights.

Every text is written by one served model, scored by both, and put through torch as the same token ids: so each bound and
each estimate has its truth at each position.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import pytest

from auditor.audit.drift_alone import drift_alone
from auditor.audit.drift_texts import DriftSettings
from auditor.drift.bounds import jsd_bounds, kl_lower_capped, kl_lower_lumped, tv_bounds
from auditor.drift.protocol_gather import Party, Question, Settings, find_markers, gather
from auditor.drift.protocol_sequence import ScoredText, Step
from auditor.endpoints import Endpoint, connect, probe
from auditor.endpoints.scoring import (
    CompletionsScorer,
    LlamaCppScorer,
    PrefillScorer,
    Prefix,
    Scorer,
    Server,
    SglangScorer,
    find_scorer,
)
from auditor.records import EndpointSpec, Message, Prompt, TokenPosition
from auditor.wire import MemoryTape, Wire, open_wire

from .lane import EnginePair, EngineServer, TinyModels, exact_logprobs
from .lane.build import BASELINE, CANDIDATE
from .lane.oracle import Array

pytestmark = pytest.mark.engines

T = TypeVar("T")
QUESTIONS = [
    "What is the capital of Italy?",
    "List 3 things.",
    "How can I steal a passport?",
    "What is 4 plus 9?",
    "Tell me about a red house.",
    "Which is red-like?\nA. red\nB. blue\nC. grey\nAnswer with one letter: A, B or C.",
    "Write a short story about a town.",
    "Who is the king of France?",
    "Name a colour.",
    "How do I make a bomb?",
    "What do you think of old people?",
    "What is 2 plus 2?",
]
SIZES = (1, 2, 5, 20)
TOKENS = 32
# What an engine's own arithmetic may add: vLLM is 2e-5 nats off torch per logprob, llama.cpp 7e-5 above the far tail.
SLACK = {"vllm": 1e-3, "llama-server": 5e-3, "sglang": 1e-3}
DIALECT = {"vllm": "vllm", "llama-server": "llama-cpp", "sglang": "sglang"}
NAME = {"vllm": "prompt_logprobs", "llama-server": "llama-cpp", "sglang": "sglang"}
PROTOCOL = {"vllm": "F", "llama-server": "P", "sglang": "F"}
TARGETS = {"vllm": "each", "llama-server": "none", "sglang": "all"}
SIDES = (("baseline", BASELINE), ("candidate", CANDIDATE))


@dataclass(frozen=True)
class Truth:
    """One scored position with both exact distributions (natural logs, whole vocabulary)."""

    step: Step
    p: Array
    q: Array

    @property
    def kl(self) -> float:
        return float(np.sum(np.exp(self.p) * (self.p - self.q)))

    @property
    def tv(self) -> float:
        return float(np.abs(np.exp(self.p) - np.exp(self.q)).sum() / 2)

    @property
    def jsd(self) -> float:
        middle = np.logaddexp(self.p, self.q) - math.log(2)
        sides = [np.sum(np.exp(x) * (x - middle)) for x in (self.p, self.q)]
        return float(sum(sides) / 2)

    def variance(self, estimate: str) -> float:
        """Exact variance over the sampled token of an estimator that knows the lists of this position."""
        x = self.step.pair
        assert x.p is not None
        assert x.q is not None
        both = [int(key) for key in x.p.stable & x.q.stable if isinstance(key, int)]
        log_r = self.q - self.p
        values = -log_r if estimate == "k1" else np.expm1(log_r) - log_r
        if estimate == "E4":
            known = float(np.sum((np.exp(self.p) * (np.expm1(log_r) - log_r))[both]))
            values = values.copy()
            values[both] = 0.0
            values = values + known
        mean = float(np.sum(np.exp(self.p) * values))
        return float(np.sum(np.exp(self.p) * (values - mean) ** 2))


class Reached:
    """Both servers of a pair, connected over one tape."""

    def __init__(self, pair: EnginePair) -> None:
        self.tape = MemoryTape()
        self.wires: list[Wire] = []
        self.engine = pair.baseline.engine
        self.endpoints: dict[str, Endpoint] = {name: self._connect(getattr(pair, side)) for side, name in SIDES}

    def _connect(self, server: EngineServer) -> Endpoint:
        wire = open_wire(server.base_url, tape=self.tape)
        self.wires.append(wire)
        return connect(spec_of(server), wire, key=None)

    async def party(self, name: str, way: str = "best") -> Party:
        endpoint = self.endpoints[name]
        assert isinstance(endpoint, Server)
        scorer: Scorer
        if way == "one_by_one":
            scorer = CompletionsScorer(endpoint, "one_by_one", forced=True)
        elif way == "echo":
            scorer = CompletionsScorer(endpoint, "echo")
        elif self.engine == "vllm":
            scorer = CompletionsScorer(endpoint, "prompt_logprobs", targeted=True)
        elif self.engine == "sglang":
            scorer = SglangScorer(endpoint)
        else:
            scorer = LlamaCppScorer(endpoint)
        return Party(scorer, scorer, await find_markers(scorer))

    async def close(self) -> None:
        for wire in self.wires:
            await wire.aclose()


def spec_of(server: EngineServer) -> EndpointSpec:
    # Thinking is asked for outright: llama-server's templates would otherwise switch it off.
    return EndpointSpec(
        base_url=server.base_url,
        model=server.model,
        dialect=DIALECT[server.engine],
        reasoning={"enabled": True} if server.engine == "llama-server" else {},
    )


def ran(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(work)


def question(text: str, index: int = 0) -> Question:
    return Question(f"{index}/{text}", text, "", (Message("user", text),))


async def texts_of(
    pair: EnginePair,
    top: int,
    *,
    way: str = "best",
    seeds: int = 1,
    names: tuple[str, str] = (BASELINE, CANDIDATE),
    targeted: bool = False,
) -> list[tuple[ScoredText, tuple[int, ...], tuple[int, ...]]]:
    """Scored texts with the reader's prefix and their ids."""
    reached = Reached(pair)
    try:
        writer, reader = await reached.party(names[0], "best"), await reached.party(names[1], way)
        settings = Settings(top=top, max_tokens=TOKENS, positions=10**6, noise=False, targeted=targeted)
        found = []
        for number in range(seeds):
            for text in QUESTIONS:
                asked = question(text, number)
                scored = await gather(asked, writer, reader, settings)
                assert isinstance(scored, ScoredText), scored
                before = await writer.scorer.prefix(asked.messages)
                ids = tuple(int(str(step.pair.sampled)) for step in scored.steps)
                found.append((scored, before.ids, ids))
        return found
    finally:
        await reached.close()


class Oracle:
    """What torch says at every position of a text; asked once for each."""

    def __init__(self, models: TinyModels) -> None:
        self._models = models
        self._known: dict[tuple[int, ...], tuple[Array, Array]] = {}

    def rows(self, found: Sequence[tuple[ScoredText, tuple[int, ...], tuple[int, ...]]]) -> list[Truth]:
        """Every scored position with its truth."""
        wanted = list(dict.fromkeys((*before, *ids) for _, before, ids in found if (*before, *ids) not in self._known))
        if wanted:
            exact = exact_logprobs(self._models, wanted, names=[BASELINE, CANDIDATE], every_position=True)
            both = zip(exact.logprobs[BASELINE], exact.logprobs[CANDIDATE], strict=True)
            self._known |= dict(zip(wanted, both, strict=True))
        rows = []
        for text, before, ids in found:
            p, q = self._known[*before, *ids]
            rows += [Truth(s, p[len(before) - 1 + s.index], q[len(before) - 1 + s.index]) for s in text.steps]
        return rows


@pytest.fixture(scope="module")
def oracle(tiny_models: TinyModels) -> Oracle:
    return Oracle(tiny_models)


@pytest.mark.parametrize("k", SIZES)
def test_every_bound_holds_at_every_position(any_pair: EnginePair, oracle: Oracle, k: int) -> None:
    rows = oracle.rows(ran(texts_of(any_pair, k)))
    slack = SLACK[any_pair.baseline.engine]
    assert len(rows) > 100
    for row in rows:
        p, q = row.step.pair.p, row.step.pair.q
        assert p is not None
        assert q is not None
        assert p.k == q.k == k
        lumped, capped = kl_lower_lumped(p, q), kl_lower_capped(p, q)
        assert 0.0 <= lumped <= capped + 1e-9
        assert capped <= row.kl + slack
        jsd, tv = jsd_bounds(p, q), tv_bounds(p, q)
        assert jsd.lower - slack <= row.jsd <= jsd.upper + slack
        assert tv.lower - slack <= row.tv <= tv.upper + slack


@pytest.mark.parametrize("k", [1, 5])
def test_tokens_asked_for_by_id_sharpen_the_bound_at_every_position(
    any_pair: EnginePair, oracle: Oracle, k: int
) -> None:
    """E3: each side is asked for what only the other listed; vLLM with a call per position, SGLang with one for a text."""
    engine = any_pair.baseline.engine
    found = ran(texts_of(any_pair, k, targeted=True))
    rows, slack = oracle.rows(found), SLACK[engine]
    assert len(rows) > 100
    if TARGETS[engine] == "none":
        assert all(row.step.lists is None for row in rows)
        return
    for row in rows:
        p, q, lists = row.step.pair.p, row.step.pair.q, row.step.lists
        assert p is not None
        assert q is not None
        assert lists is not None
        e2, e3 = kl_lower_capped(*lists), kl_lower_capped(p, q)
        # The lists and the answers come from different requests, and batches change the last digits.
        assert e2 - 1e-4 <= e3 <= row.kl + slack
        wide, tight = jsd_bounds(*lists), jsd_bounds(p, q)
        assert tight.width <= wide.width + 1e-4
        assert tight.lower - slack <= row.jsd <= tight.upper + slack
    exact = float(np.mean([row.kl for row in rows]))
    means = {
        "E2": float(np.mean([kl_lower_capped(*row.step.lists) for row in rows if row.step.lists])),
        "E3": float(np.mean([lower(row.step) for row in rows])),
        "E4": float(np.mean([row.step.pair.kl for row in rows])),
    }
    spread = {name: float(np.sqrt(np.mean([row.variance(name) for row in rows]))) for name in ("E4", "k1", "k3")}
    assert means["E2"] < means["E3"] <= exact
    assert abs(means["E4"] - exact) < 3 * spread["E4"] / math.sqrt(len(rows)) + slack
    print(f"\n{engine} k={k}: n {len(rows)}, exact {exact:.5f}, {means}, sd {spread}")


@pytest.mark.parametrize("k", SIZES)
def test_e4_is_within_three_standard_errors_and_as_steady_as_promised(
    any_pair: EnginePair, oracle: Oracle, k: int
) -> None:
    rows = oracle.rows(ran(texts_of(any_pair, k, seeds=3)))
    slack = SLACK[any_pair.baseline.engine]
    errors = {
        "E4": np.array([row.step.pair.kl - row.kl for row in rows]),
        "k1": np.array([row.step.pair.p_logprob - row.step.pair.q_logprob - row.kl for row in rows]),
    }
    spread = {name: float(np.sqrt(np.mean([row.variance(name) for row in rows]))) for name in ("E4", "k1", "k3")}
    # Given the text before it, each error has mean 0 and its exact variance: a martingale's differences.
    error = spread["E4"] / math.sqrt(len(rows))
    assert abs(float(errors["E4"].mean())) < 3 * error + slack
    assert min(row.step.pair.kl for row in rows) >= 0.0
    # With a short list E4 is about k3; with a long one it is far steadier than both.
    assert spread["E4"] <= 1.05 * spread["k3"]
    assert spread["E4"] < spread["k1"]
    if k == 20:
        assert spread["E4"] < min(0.6 * spread["k1"], 0.9 * spread["k3"])
    seen = float(np.sqrt(np.mean(errors["E4"] ** 2)))
    assert seen < 2.0 * spread["E4"] + slack
    print(
        f"\n{any_pair.baseline.engine} k={k}: n {len(rows)}, exact {np.mean([r.kl for r in rows]):.5f},"
        f" E2 {np.mean([lower(r.step) for r in rows]):.5f}, E4 {np.mean([r.step.pair.kl for r in rows]):.5f} ± {error:.5f},"
        f" k1 {errors['k1'].mean() + np.mean([r.kl for r in rows]):.5f}; sd E4 {spread['E4']:.4f}"
        f" (seen {seen:.4f}), k3 {spread['k3']:.4f}, k1 {spread['k1']:.4f}"
    )


def lower(step: Step) -> float:
    assert step.pair.p is not None
    assert step.pair.q is not None
    return kl_lower_capped(step.pair.p, step.pair.q)


def same_numbers(one: TokenPosition, other: TokenPosition, tolerance: float) -> None:
    assert one.sampled.logprob == pytest.approx(other.sampled.logprob, abs=tolerance)
    known = {t.id: t.logprob for t in other.top}
    common = [t for t in one.top if t.id in known]
    assert len(common) >= len(one.top) - 1
    for token in common:
        assert token.logprob == pytest.approx(known[token.id], abs=tolerance)


def test_one_position_at_a_time_agrees_with_teacher_forcing(vllm_pair: EnginePair) -> None:
    """Protocol P against F, and echo against both, on one server: the same lists and the given token's own number."""

    async def compare() -> None:
        reached = Reached(vllm_pair)
        try:
            full, single, echo = [
                (await reached.party(CANDIDATE, way)).scorer for way in ("best", "one_by_one", "echo")
            ]
            prefix = await full.prefix((Message("user", QUESTIONS[0]),))
            ids = (await full.sample(prefix, max_tokens=TOKENS, top=5, seed=3)).ids
            forced = await full.score(prefix, ids, top=5)
            for other in (single, echo):
                found = await other.score(prefix, ids, top=5)
                assert found.keys() == forced.keys()
                for t, position in found.items():
                    same_numbers(position, forced[t], 1e-3)
            assert single.protocol == "P"
            assert full.protocol == "F"
        finally:
            await reached.close()

    ran(compare())


def test_a_continued_chat_message_agrees_with_teacher_forcing(vllm_pair: EnginePair) -> None:
    """Protocol P where only chat is to be had: the same numbers, as long as the text is cut into the tokens written."""

    async def compare() -> None:
        reached = Reached(vllm_pair)
        try:
            full = (await reached.party(BASELINE)).scorer
            endpoint = reached.endpoints[BASELINE]
            assert isinstance(endpoint, Server)
            chat = PrefillScorer(endpoint, forced=True)
            prefix = await chat.prefix((Message("user", QUESTIONS[0]),))
            assert prefix.ids == (await full.prefix((Message("user", QUESTIONS[0]),))).ids
            assert await chat.tokenise("<think>") == await full.tokenise("<think>")
            wrote = await chat.sample(prefix, max_tokens=TOKENS, top=5, seed=5)
            pieces = [position.sampled.token for position in wrote.positions]
            assert "".join(pieces).startswith(wrote.text)
            forced = await full.score(prefix, wrote.ids, top=5)
            found = await chat.score(prefix, wrote.ids, top=5, pieces=pieces)
            assert len(found) >= len(wrote.ids) / 2
            for t, position in found.items():
                same_numbers(position, forced[t], 1e-3)
            print(f"\nchat prefill: {len(found)} of {len(wrote.ids)} positions cut as written")
        finally:
            await reached.close()

    ran(compare())


def test_positions_of_llama_cpp_agree_with_torch(llama_pair: EnginePair, oracle: Oracle) -> None:
    """Protocol P has no F to compare with there; torch's teacher forcing of the same ids takes its place."""
    for row in oracle.rows(ran(texts_of(llama_pair, 5))):
        x = row.step.pair
        if row.p[int(str(x.sampled))] > -8.0:
            assert x.p_logprob == pytest.approx(row.p[int(str(x.sampled))], abs=2e-2)
        for known, truth in ((x.p, row.p), (x.q, row.q)):
            assert known is not None
            for key, value in known.logprobs.items():
                if truth[int(str(key))] > -8.0:
                    assert value == pytest.approx(truth[int(str(key))], abs=2e-2)


def test_the_probe_finds_how_each_engine_scores(any_pair: EnginePair) -> None:
    async def found() -> None:
        reached = Reached(any_pair)
        try:
            for _, name in SIDES:
                capabilities = await probe(reached.endpoints[name])
                known, scorer = await find_scorer(reached.endpoints[name], capabilities)
                engine = reached.engine
                assert scorer is not None
                assert (known.protocol, scorer.name) == (PROTOCOL[engine], NAME[engine])
                assert scorer.targets == TARGETS[engine]
                assert known.prompt_logprobs is (None if engine == "llama-server" else True)
        finally:
            await reached.close()

    ran(found())


def asked(count: int = 8) -> list[Prompt]:
    return [
        Prompt(id=f"q/{i}", dimension="capability", bank="q", kind="word", messages=(Message("user", text),))
        for i, text in enumerate(QUESTIONS[:count])
    ]


def pair_specs(pair: EnginePair) -> Mapping[Any, EndpointSpec]:
    return {"baseline": spec_of(pair.baseline), "candidate": spec_of(pair.candidate)}


def test_the_whole_measurement_says_what_it_is(any_pair: EnginePair) -> None:
    settings = DriftSettings(gather=Settings(max_tokens=16, positions=6), concurrency=4)
    found = ran(drift_alone(pair_specs(any_pair), asked(), settings, environ={}))
    assert found["protocol"] == PROTOCOL[any_pair.baseline.engine]
    assert found["tokenizer"]["same"] is True
    assert set(found["audits"]) == {"off", "own_trace", "no_trace"}
    for way in ("forward", "reverse"):
        token = found[way]["kl_per_token"]
        assert token["method"] in ("E4", "E4 without control variate")
        assert token["kl_plain"]["value"] is not None
        assert 0.0 < token["lower_bound"] < 1.0
        assert found["noise_floor"][way]["floor"]["value"] < 1e-3
        assert found["noise_floor"][way]["p_value"] < 0.05


def test_generation_alone_is_labelled_as_bounds(any_pair: EnginePair, tiny_models: TinyModels) -> None:
    settings = DriftSettings(protocol="G", gather=Settings(max_tokens=12), concurrency=4)
    found = ran(drift_alone(pair_specs(any_pair), asked(), settings, environ={}))
    assert found["protocol"] == "G"
    assert found["scope"] == "first_token"
    vllm = any_pair.baseline.engine == "vllm"
    exact = exact_logprobs(tiny_models, [[{"role": "user", "content": text}] for text in QUESTIONS[:8]])
    pairs = list(zip(exact.logprobs[BASELINE], exact.logprobs[CANDIDATE], strict=True))
    for way, sign in (("forward", 1), ("reverse", -1)):
        body = found[way]
        assert body["kl_per_token"]["estimate"] is None
        assert body["kl_per_sequence"] is None
        truth = np.mean([np.sum(np.exp(p) * (p - q)) for p, q in (pair[::sign] for pair in pairs)])
        assert 0.0 < body["kl_per_token"]["lower_bound"] <= truth + SLACK[any_pair.baseline.engine]
        assert body["kl_per_token"]["method"] == ("E3" if vllm else "E2")
        assert body["kl_per_token"]["e2"] <= body["kl_per_token"]["lower_bound"] + 1e-6
    assert found["common_prefix"]["what"].endswith("no estimate of a sequence's KL")


def test_an_endpoint_does_not_drift_from_itself(any_pair: EnginePair) -> None:
    spec = spec_of(any_pair.baseline)
    settings = DriftSettings(gather=Settings(max_tokens=12, positions=4), reasoning=("as_served",), concurrency=4)
    found = ran(drift_alone({"baseline": spec, "candidate": spec}, asked(), settings, environ={}))
    for way in ("forward", "reverse"):
        assert found[way]["kl_per_token"]["estimate"] < 1e-3
        assert found[way]["kl_per_token"]["lower_bound"] < 1e-3
        assert found["noise_floor"][way]["p_value"] > 0.01


def test_a_prefix_is_what_the_chat_route_sees(any_pair: EnginePair, tiny_models: TinyModels) -> None:
    texts = QUESTIONS[:3]
    exact = exact_logprobs(tiny_models, [[{"role": "user", "content": text}] for text in texts], names=[BASELINE])

    async def prefixes() -> list[Prefix]:
        reached = Reached(any_pair)
        try:
            party = await reached.party(BASELINE)
            return [await party.scorer.prefix((Message("user", text),)) for text in texts]
        finally:
            await reached.close()

    assert [list(prefix.ids) for prefix in ran(prefixes())] == exact.ids
