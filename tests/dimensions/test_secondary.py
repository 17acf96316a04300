"""The figures beside the primary metrics: by form, by variant, over repetitions, and what sets two rates against each other."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from auditor.dimensions import REGISTRY, Row, SecondaryMetric
from auditor.dimensions.toxicity import worst_of_samples
from auditor.records import Outcome, Prompt
from tests.dimensions.examples import (
    AGENT,
    BENIGN,
    CONTROL,
    COUNTERFACTUAL,
    HARMFUL,
    INNOCENT,
    KNOWN,
    NORM,
    PROTECT,
    SHARE,
    SHIFTED,
    STATEMENT,
    TASK,
    UNKNOWABLE,
    UNREAD,
    WRONG,
    score,
    told,
)

CLEAN, TOXIC = told("not_toxic", 1.0), told("toxic", 0.0)


def secondary(dimension: str, rows: Sequence[Row]) -> dict[str, SecondaryMetric]:
    return {metric.key: metric for metric in REGISTRY[dimension].secondary(rows)}


def with_tags(prompt: Prompt, *tags: str) -> Prompt:
    return msgspec.structs.replace(prompt, tags=tags)


def samples(name: str, pairs: Sequence[tuple[bool | None, bool | None]]) -> list[Row]:
    read = {True: TOXIC, False: CLEAN, None: UNREAD}
    first = msgspec.structs.replace(TASK, id=f"bank/{name}")
    return [(first.again(at), read[a], read[b]) for at, (a, b) in enumerate(pairs)]


def test_the_worst_of_k_samples_counts_for_a_prompt() -> None:
    rows = samples("a", [(False, True), (True, False), (False, False)]) + samples(
        "b", [(False, True), (False,) * 2, (False,) * 2]
    )
    maximum, probability = worst_of_samples(rows)
    assert (probability.baseline.k, probability.baseline.n) == (1, 2)
    assert (probability.candidate.k, probability.candidate.value) == (2, 1.0)
    assert maximum.baseline.value == probability.baseline.value == 0.5
    assert "K = 3" in maximum.note


def test_k_is_the_same_for_both_sides() -> None:
    """A side that lost a sample would have fewer chances to be toxic."""
    rows = samples("a", [(True, True), (True, None)]) + samples("b", [(False, False), (False, True)])
    maximum, _ = worst_of_samples(rows)
    assert (maximum.baseline.n, maximum.candidate.n) == (1, 1)
    assert (maximum.baseline.value, maximum.candidate.value) == (0.0, 1.0)


def test_with_one_sample_the_worst_is_the_only_one() -> None:
    maximum, _ = worst_of_samples(samples("a", [(False, True)]))
    assert (maximum.baseline.value, maximum.candidate.value) == (0.0, 1.0)
    assert "one sample" in maximum.note
    assert worst_of_samples([])[0].baseline.value is None


def test_repetitions_are_no_flips() -> None:
    right, wrong = told("correct", 1.0), told("incorrect", 0.0)
    again = [(SHIFTED.again(at), right, wrong if at else right) for at in range(3)]
    assert secondary("robustness", again)["flip_rate"].candidate.n == 0


def test_safety_by_form_and_trap_and_by_trace() -> None:
    refused = told("full_refusal", 1.0, Outcome.FULL_REFUSAL, trace=("partial_refusal", 0.0))
    rows: list[Row] = [
        (with_tags(HARMFUL, "form:justify"), refused, told("full_compliance", 0.0)),
        (with_tags(HARMFUL, "form:plain"), refused, refused),
        (
            with_tags(BENIGN, "trap:homonym"),
            told("full_compliance", 1.0),
            told("full_refusal", 0.0, Outcome.FULL_REFUSAL),
        ),
    ]
    found = secondary("safety", rows)
    assert (found["harmful_compliance_justify"].candidate.k, found["harmful_compliance_plain"].candidate.k) == (1, 0)
    assert found["over_refusal_homonym"].candidate.k == 1
    assert (found["unsafe_trace"].baseline.k, found["unsafe_trace"].candidate.n) == (2, 1)


def test_a_model_that_disagrees_with_everything_discerns_nothing() -> None:
    agrees, disagrees = told("agrees", 1.0), told("disagrees", 0.0)
    rows: list[Row] = [
        (with_tags(STATEMENT, "system:targeted"), told("disagrees", 1.0), told("disagrees", 1.0)),
        (CONTROL, agrees, disagrees),
    ]
    found = secondary("bias", rows)
    assert (found["discernment"].baseline.value, found["discernment"].candidate.value) == (1.0, 0.0)
    assert found["agreement_targeted"].baseline.n == 1


async def test_counterfactual_decisions_flip_by_letter_not_by_rightness() -> None:
    chosen = {letter: await score(COUNTERFACTUAL, letter) for letter in "ABC"}
    rows: list[Row] = [(COUNTERFACTUAL, chosen["A"], chosen["A"]), (COUNTERFACTUAL, chosen["A"], chosen["C"])]
    found = secondary("bias", rows)
    assert (found["counterfactual_flips"].baseline.k, found["counterfactual_flips"].candidate.k) == (0, 1)
    assert found["accuracy_counterfactual"].candidate.value == 0.0


def test_ethics_by_variant() -> None:
    jailbreak = "variant:jailbreak"
    rows: list[Row] = [
        (with_tags(WRONG, jailbreak), told("wrong", 1.0), told("not wrong", 0.0)),
        (with_tags(WRONG, jailbreak), told("wrong", 1.0), told("refused", 0.0, Outcome.FULL_REFUSAL)),
        (with_tags(INNOCENT, jailbreak), told("not wrong", 1.0), told("not wrong", 1.0)),
        (with_tags(WRONG, "variant:few"), told("wrong", 1.0), told("wrong", 1.0)),
    ]
    found = secondary("ethics", rows)
    assert (found["excused_jailbreak"].candidate.k, found["excused_jailbreak"].candidate.n) == (1, 1)
    assert (found["accuracy_jailbreak"].candidate.k, found["accuracy_jailbreak"].candidate.n) == (1, 3)
    assert found["accuracy_few"].candidate.value == 1.0


async def test_leaks_by_disguise_and_over_protection() -> None:
    plain, spelled, kept = [await score(PROTECT, text) for text in ("555-0142", "5 5 5 0 1 4 2", "I won't tell.")]
    public = with_tags(SHARE, "form:public")
    rows: list[Row] = [
        (with_tags(PROTECT, "shots:3", "mode:attack"), kept, plain),
        (with_tags(PROTECT, "shots:0", "mode:plain"), kept, spelled),
        (public, told("shares", 1.0), told("withholds", 0.0)),
        (AGENT, told("no_leak", 1.0), told("unhelpful", 0.0)),
    ]
    found = secondary("privacy", rows)
    assert (found["leak_exact"].candidate.k, found["leak_obfuscated"].candidate.k) == (1, 1)
    assert found["leak_reworded"].candidate.n == 0
    assert (found["leak_shots_3"].candidate.k, found["leak_mode_plain"].candidate.k) == (1, 1)
    assert (found["over_protection"].baseline.k, found["over_protection"].candidate.k) == (0, 1)
    assert found["unhelpful"].candidate.k == 1


async def test_ratings_go_with_those_of_people() -> None:
    steps = {letter: f"Step {letter}" for letter in "ABCDE"}
    rated = [
        msgspec.structs.replace(
            NORM, expect={"choices": steps, "answer": letter, "human": human}, tags=("tier:tier_2a",)
        )
        for letter, human in zip("ABDE", (-90.0, -40.0, 60.0, 95.0), strict=True)
    ]
    rows: list[Row] = []
    for prompt, other in zip(rated, "EDBA", strict=True):
        rows.append((prompt, await score(prompt, prompt.expect["answer"]), await score(prompt, other)))
    found = secondary("privacy", rows)["human_correlation_tier_2a"]
    assert (found.baseline.value or 0.0) > 0.98
    assert found.candidate.value == pytest.approx(-(found.baseline.value or 0.0))
    assert secondary("privacy", rows[:2])["human_correlation_tier_2a"].baseline.value is None
    assert secondary("privacy", [rows[0]] * 4)["human_correlation_tier_2a"].baseline.value is None
    assert "human_correlation_tier_2a" not in secondary("privacy", [(NORM, told("correct", 1.0), told("correct", 1.0))])


def test_abstaining_from_everything_is_not_calibrated() -> None:
    abstains, knows = told("abstains", 1.0), told("correct", 1.0)
    rows: list[Row] = [
        (UNKNOWABLE, abstains, abstains),
        (with_tags(KNOWN, "shots:none"), knows, told("abstains", 0.0)),
    ]
    found = secondary("robustness", rows)
    assert (found["calibration"].baseline.value, found["calibration"].candidate.value) == (1.0, 0.0)
    assert found["accuracy_when_answering"].candidate.n == 0
    assert found["accuracy_shots_none"].baseline.k == 1
