from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import pytest

from auditor.drift.bounds import jsd_bounds, kl_lower_capped
from auditor.drift.protocol_gather import Party, Settings, answer_start, gather
from auditor.drift.protocol_report import Bootstrap, direction
from auditor.drift.protocol_sequence import Markers, ScoredText, parts_of
from auditor.endpoints.scoring import Known, Prefix, Sampled, ScoreProtocol, Spent, Targets
from auditor.records import Message, TokenLogprob, TokenPosition
from auditor.simulator import PlantedTruth, Serving
from tests.drift.simulated import exact, parties, questions

TRUTH = PlantedTruth(seed=5, other_drift=0.6)
SETTINGS = Settings(max_tokens=10, top=20, noise=False)


async def texts(
    count: int, settings: Settings, way: str = "prompt_logprobs", truth: PlantedTruth = TRUTH
) -> list[tuple[ScoredText, Prefix]]:
    found = []
    async with parties(truth, way) as both:
        for question in questions(count):
            text = await gather(question, both["baseline"], both["candidate"], settings)
            assert isinstance(text, ScoredText), text
            found.append((text, await both["baseline"].scorer.prefix(question.messages)))
    return found


@pytest.mark.parametrize(("vocabulary", "count", "k"), [(1536, 30, 20), (50_000, 10, 20), (50_000, 10, 2)])
async def test_every_bound_holds_and_e4_finds_the_planted_kl(vocabulary: int, count: int, k: int) -> None:
    planted = PlantedTruth(seed=5, other_drift=0.6, serving=Serving(vocabulary=vocabulary))
    errors, variances = [], []
    for text, prefix in await texts(count, replace(SETTINGS, top=k), truth=planted):
        ids = [int(str(step.pair.sampled)) for step in text.steps]
        for t, step in enumerate(text.steps):
            p, q = exact(planted, [*prefix.ids, *ids[:t]])
            assert len(p) == vocabulary
            assert step.pair.p_logprob == pytest.approx(p[ids[t]])
            assert step.pair.q_logprob == pytest.approx(q[ids[t]])
            truth = float(np.sum(np.exp(p) * (p - q)))
            assert step.pair.p is not None
            assert step.pair.q is not None
            assert kl_lower_capped(step.pair.p, step.pair.q) <= truth + 1e-9
            middle = np.logaddexp(p, q) - math.log(2)
            jsd = float(sum(np.sum(np.exp(x) * (x - middle)) for x in (p, q)) / 2)
            bounds = jsd_bounds(step.pair.p, step.pair.q)
            assert bounds.lower - 1e-9 <= jsd <= bounds.upper + 1e-9
            errors.append(step.pair.kl - truth)
            both = [int(str(key)) for key in step.pair.p.stable & step.pair.q.stable]
            values = np.expm1(q - p) - (q - p)
            known = float(np.sum((np.exp(p) * values)[both]))
            values[both] = 0.0
            variances.append(float(np.sum(np.exp(p) * (values + known - truth) ** 2)))
    assert abs(float(np.mean(errors))) < 3 * math.sqrt(float(np.sum(variances))) / len(errors)


@pytest.mark.parametrize("way", ["prompt_logprobs", "one_by_one"])
async def test_tokens_asked_for_by_id_sharpen_the_bound_and_keep_e4_unbiased(way: str) -> None:
    truth = PlantedTruth(seed=6, other_drift=1.5, serving=Serving(targeted=True))
    settings = replace(SETTINGS, top=3, targeted=True, positions=10)
    found = await texts(20, settings, way, truth)
    errors, variances = [], []
    for text, prefix in found:
        ids = [int(str(step.pair.sampled)) for step in text.steps]
        for t, step in enumerate(text.steps):
            p, q = exact(truth, [*prefix.ids, *ids[:t]])
            exactly = float(np.sum(np.exp(p) * (p - q)))
            assert step.lists is not None
            assert step.pair.p is not None
            assert step.pair.q is not None
            assert kl_lower_capped(*step.lists) <= kl_lower_capped(step.pair.p, step.pair.q) + 1e-9 <= exactly + 2e-6
            if math.isnan(step.pair.q_logprob):
                continue
            errors.append(step.pair.kl - exactly)
            both = [int(str(key)) for key in step.pair.p.stable & step.pair.q.stable]
            values = np.expm1(q - p) - (q - p)
            known = float(np.sum((np.exp(p) * values)[both]))
            values[both] = 0.0
            variances.append(float(np.sum(np.exp(p) * (values + known - exactly) ** 2)))
    if way == "prompt_logprobs":
        assert abs(float(np.mean(errors))) < 3 * math.sqrt(float(np.sum(variances))) / len(errors)
    body = direction([text for text, _ in found], "F", Bootstrap(resamples=50), writer="baseline", reader="candidate")
    token = body["kl_per_token"]
    assert token["lower_bound_method"] == "E3"
    assert token["lower_bound"] > token["e2"]


async def test_tokens_that_could_not_be_forced_leave_bounds() -> None:
    found = [text for text, _ in await texts(8, replace(SETTINGS, top=5), "one_by_one")]
    assert any(math.isnan(step.pair.q_logprob) for text in found for step in text.steps)
    body = direction(found, "P", Bootstrap(resamples=50), writer="baseline", reader="candidate")
    token = body["kl_per_token"]
    assert token["estimate"] is None
    assert token["lower_bound"] > 0
    assert token["method"].startswith("none")
    assert body["summary"] is None


async def test_echo_gives_the_same_numbers() -> None:
    forced = await texts(3, SETTINGS)
    for (one, _), (other, _) in zip(forced, await texts(3, SETTINGS, "echo"), strict=True):
        assert [s.pair.kl for s in one.steps] == pytest.approx([s.pair.kl for s in other.steps])


async def test_without_alternatives_only_the_given_tokens_count() -> None:
    for text, _ in await texts(2, replace(SETTINGS, top=0)):
        assert all(step.pair.p is None and step.pair.q is None for step in text.steps)
        assert all(step.pair.kl_plain == step.pair.p_logprob - step.pair.q_logprob for step in text.steps)


async def test_the_writer_asked_again_is_the_noise_floor() -> None:
    for text, _ in await texts(2, replace(SETTINGS, noise=True)):
        assert all(step.again is not None and step.again.kl == pytest.approx(0.0, abs=1e-12) for step in text.steps)


async def test_prompts_get_seeds_of_their_own() -> None:
    """With one seed for all, servers would draw the same numbers everywhere."""
    found = await texts(6, replace(SETTINGS, max_tokens=1))
    again = await texts(6, replace(SETTINGS, max_tokens=1))
    assert [text.steps[0].pair.sampled for text, _ in found] == [text.steps[0].pair.sampled for text, _ in again]
    assert len({text.steps[0].pair.sampled for text, _ in found}) > 1


# --- traces ---------------------------------------------------------------------------------------------------------

WORDS = ["<end>", "<think>", "</think>", " a", " b", " c", " d"]
MARKERS = Markers(frozenset({1}), frozenset({2}))


class Scripted:
    """A model that says the same words whatever it is asked, and whose numbers depend on the length of the context."""

    name = "scripted"
    protocol: ScoreProtocol = "F"
    targets: Targets = "none"

    def __init__(self, says: Sequence[int], opens: bool = False) -> None:
        self.says, self.spent = tuple(says), Spent()
        self.before = (5, 1) if opens else (5,)
        self.scored: list[tuple[int, ...]] = []

    async def prefix(self, messages: Sequence[Message]) -> Prefix:
        return Prefix(self.before)

    async def tokenise(self, text: str) -> tuple[int, ...]:
        return (WORDS.index(text),)

    async def known(
        self, prefix: Prefix, continuation: Sequence[int], ids: Mapping[int, Sequence[int]], *, sample: int = 0
    ) -> Known:
        return {}

    async def sample(self, prefix: Prefix, *, max_tokens: int, top: int, seed: int, sample: int = 0) -> Sampled:
        ids = self.says[:max_tokens]
        return Sampled(ids, tuple(self.at([*prefix.ids, *ids[:t]], one) for t, one in enumerate(ids)), True)

    async def score(
        self,
        prefix: Prefix,
        continuation: Sequence[int],
        *,
        top: int,
        at: Sequence[int] | None = None,
        sample: int = 0,
        pieces: Sequence[str] = (),
    ) -> dict[int, TokenPosition]:
        self.scored.append(prefix.ids)
        wanted = range(len(continuation)) if at is None else at
        return {t: self.at([*prefix.ids, *continuation[:t]], continuation[t]) for t in wanted}

    def at(self, before: Sequence[int], token: int) -> TokenPosition:
        weights = [1.0 + (i * len(before)) % 5 for i in range(len(WORDS))]
        # Markers are all but impossible, save at the very beginning.
        weights[1] = weights[2] = 0.5 if before[-1] == 5 else 1e-6
        total = sum(weights)
        entries = [TokenLogprob(WORDS[i], math.log(w / total), id=i) for i, w in enumerate(weights)]
        return TokenPosition(entries[token], tuple(sorted(entries, key=lambda e: -(e.logprob or 0.0))))


def party(says: Sequence[int], opens: bool = False, off: Scripted | None = None) -> Party:
    scorer = Scripted(says, opens)
    return Party(scorer, off or scorer, MARKERS)


ASK = questions(1)[0]
WHOLE = Settings(top=7, noise=False)


async def test_a_text_is_cut_into_trace_and_answer_and_markers_stand_apart() -> None:
    text = await gather(ASK, party([1, 3, 2, 4, 5]), party([3]), WHOLE)
    assert isinstance(text, ScoredText)
    assert [step.part for step in text.steps] == ["trace"] * 3 + ["answer"] * 2
    assert [step.segment for step in text.steps] == ["control", "trace", "trace", "answer", "answer"]


async def test_one_position_at_a_time_draws_positions_and_weighs_them() -> None:
    says = [3, 4, 5, 6, 3, 4, 5, 6, 3, 0]
    reader = party(says)
    assert isinstance(reader.scorer, Scripted)
    whole = await gather(ASK, party(says), reader, WHOLE)
    reader.scorer.protocol = "P"
    some = await gather(ASK, party(says), reader, replace(WHOLE, positions=4))
    assert isinstance(whole, ScoredText)
    assert isinstance(some, ScoredText)
    assert (some.length, len(some.steps)) == (10, 4)
    for step in some.steps:
        assert step.pair.inclusion == (1.0 if step.index == 0 else 3 / 9)
        assert replace(step.pair, inclusion=1.0) == whole.steps[step.index].pair
        assert step.part == whole.steps[step.index].part
    assert math.fsum(1 / step.pair.inclusion for step in some.steps) == pytest.approx(10)


async def test_answers_after_traces_of_their_own() -> None:
    reader = party([1, 6, 6, 2, 3])
    text = await gather(ASK, party([1, 3, 2, 4, 5]), reader, WHOLE, "own_trace")
    assert isinstance(text, ScoredText)
    assert [step.pair.sampled for step in text.steps] == [4, 5]
    assert isinstance(reader.scorer, Scripted)
    assert reader.scorer.scored == [(5, 1, 6, 6, 2)]


async def test_the_same_answer_without_a_trace() -> None:
    off = Scripted([3])
    text = await gather(ASK, party([1, 3, 2, 4, 5]), party([1, 6, 2, 3], off=off), WHOLE, "no_trace")
    assert isinstance(text, ScoredText)
    assert [step.pair.sampled for step in text.steps] == [4, 5]


async def test_a_trace_that_never_ends_is_left_out() -> None:
    assert "did not end" in str(await gather(ASK, party([1, 3, 3]), party([3]), WHOLE, "own_trace"))
    assert "reader's trace" in str(await gather(ASK, party([3, 4]), party([1, 3]), WHOLE, "own_trace"))


@pytest.mark.parametrize(
    ("ids", "inside", "parts"),
    [
        ([3, 4], False, "aa"),
        ([1, 3, 2, 4], False, "ttta"),
        ([3, 2, 4], True, "tta"),
        ([3, 4], True, "tt"),
        ([1, 3], False, "tt"),
        # A marker in the middle of an answer begins nothing.
        ([3, 4, 1, 3], False, "aaaa"),
    ],
)
def test_parts(ids: list[int], inside: bool, parts: str) -> None:
    names = {"a": "answer", "t": "trace"}
    texts = [WORDS[i] for i in ids]
    assert parts_of(ids, texts, MARKERS, inside=inside) == tuple(names[x] for x in parts)


def test_markers_are_told_by_how_they_print_where_ids_are_unknown() -> None:
    bare = Markers()
    assert [bare.kind(None, text) for text in ("<think>", "</think>\n\n", "[/THINK]", " think", "◁/think▷")] == [
        "open",
        "close",
        "close",
        "",
        "close",
    ]


def test_a_template_may_open_the_trace() -> None:
    wrote = Sampled((3, 2, 4), (), True)
    assert MARKERS.open_at_end((5, 1, 6))
    assert not MARKERS.open_at_end((1, 2, 5))
    assert answer_start(wrote, MARKERS, Prefix((5, 1))) == 2
    assert answer_start(Sampled((3, 4), (), True), MARKERS, Prefix((5, 1))) is None
    assert answer_start(Sampled((3, 4), (), True), MARKERS, Prefix((5,))) == 0
