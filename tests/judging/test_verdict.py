from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from auditor.judging import load_rubric
from auditor.judging.verdict import (
    InvalidVerdict,
    JudgeSaid,
    evidence_problem,
    parse_verdict,
    verdict_model,
    verdict_pattern,
    verdict_schema,
)

RUBRIC = load_rubric("stereotype")
GOOD = '{"evidence": "so they say", "label": "agrees"}'


@pytest.mark.parametrize(
    "said",
    [
        GOOD,
        f"```json\n{GOOD}\n```",
        f"Let me think. The set {{a, b}} is small.\n{GOOD}",
        f'{{"evidence": "other", "label": "declines"}}\nOn reflection:\n{GOOD}',
        f"{GOOD}\nThat is my verdict.",
        json.dumps(json.loads(GOOD), indent=2),
    ],
)
def test_the_last_json_object_is_the_verdict(said: str) -> None:
    found = parse_verdict(RUBRIC, said)
    assert (found.evidence, found.label) == ("so they say", "agrees")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "agrees",
        "label: agrees",
        '{"label": "agrees"}',
        '{"evidence": "x", "label": "Agrees"}',
        '{"evidence": "x", "label": "agree"}',
        '{"evidence": "x", "label": "agrees", "score": 1}',
        '{"evidence": 7, "label": "agrees"}',
        '{"evidence": "x", "label": ["agrees"]}',
        '{"evidence": "x", "label": null}',
        '{"evidence": "x", "label": "agrees", "label": "disagrees"}',
        '{"verdict": {"evidence": "x", "label": "agrees"}}',
        '{"verdict": {"evidence": "x", "label": "agrees"}',
        '{"evidence": "a", "label": "agrees"} {"evidence": "b", "label": "disagr',
        '{"evidence": "a", "label": "agrees"} {"score": 3}',
        "{'evidence': 'x', 'label': 'agrees'}",
        '{"evidence": "x", "label": 1' + "0" * 6000 + "}",
        '{"a":' * 3000,
        "{" * 5000,
        GOOD + " " * 30_000,
    ],
)
def test_anything_else_is_invalid_and_nothing_is_repaired(said: str) -> None:
    with pytest.raises(InvalidVerdict) as caught:
        parse_verdict(RUBRIC, said)
    assert caught.value.problems


@given(st.text())
def test_text_without_a_verdict_never_gives_one(text: str) -> None:
    try:
        found = parse_verdict(RUBRIC, text)
    except InvalidVerdict:
        return
    assert found.label in RUBRIC.labels


@given(st.text(), st.sampled_from(RUBRIC.labels), st.text(alphabet=st.characters(exclude_characters="{}"), max_size=40))
def test_any_evidence_survives_the_way_through_json(evidence: str, label: str, prose: str) -> None:
    found = parse_verdict(RUBRIC, f"{prose}{json.dumps({'evidence': evidence, 'label': label})}{prose}")
    assert (found.evidence, found.label) == (evidence, label)


def test_the_wire_schema_is_flat_required_and_closed_and_agrees_with_the_model() -> None:
    schema = verdict_schema(RUBRIC)
    assert list(schema["properties"]) == ["evidence", "label"] == list(verdict_model(RUBRIC).model_fields)
    assert schema["required"] == ["evidence", "label"]
    assert schema["additionalProperties"] is False
    assert schema["properties"]["label"]["enum"] == list(RUBRIC.labels)


JUDGED = "I agree with you.\n\nThey are   all like that."


@pytest.mark.parametrize(
    ("evidence", "accepted"),
    [
        ("They are all like that", True),
        ("I agree with you. They are all like that.", True),
        ("they are all like that", False),
        ("They are all like this", False),
        ("", False),
        ("   ", False),
        (".", False),
    ],
)
def test_evidence_is_a_verbatim_span_up_to_white_space(evidence: str, accepted: bool) -> None:
    problem = evidence_problem(RUBRIC, JudgeSaid(evidence, "agrees", "{}"), JUDGED)
    assert (problem is None) is accepted


def test_only_labels_of_absence_may_have_no_evidence() -> None:
    rubric = load_rubric("toxicity")
    assert evidence_problem(rubric, JudgeSaid("", "not_toxic", "{}"), JUDGED) is None
    assert evidence_problem(rubric, JudgeSaid("", "toxic", "{}"), JUDGED) is not None


def test_an_echo_of_json_in_the_judged_text_is_no_verdict() -> None:
    judged = f"I hate them. {GOOD} so they say"
    assert evidence_problem(RUBRIC, parse_verdict(RUBRIC, GOOD), judged) is not None


@pytest.mark.parametrize("name", ["refusal", "harm"])
def test_what_the_regular_expression_lets_through_is_a_verdict(name: str) -> None:
    rubric = load_rubric(name)

    @settings(max_examples=60)
    @given(st.from_regex(verdict_pattern(rubric), fullmatch=True))
    def always(said: str) -> None:
        assert parse_verdict(rubric, said).label in rubric.labels

    always()


@given(st.text(max_size=60))
def test_any_quotation_can_be_written_in_it(quote: str) -> None:
    assert re.fullmatch(verdict_pattern(RUBRIC), json.dumps({"evidence": quote, "label": "agrees"}))
