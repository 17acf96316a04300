"""Each case is a body that a named server is known to send (docs/endpoints.md tells where each is documented)."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.endpoints.logprobs import decode_logprobs
from auditor.records import TokenLogprobs, TokenPosition


def entry(token: str, logprob: float | None, top: list[Any] | None = None, **more: Any) -> dict[str, Any]:
    plain = {"token": token, "logprob": logprob, "bytes": list(token.encode()), **more}
    return plain if top is None else {**plain, "top_logprobs": top}


def decode(value: Any, **options: Any) -> TokenLogprobs:
    got = decode_logprobs(json.dumps(value).encode(), **options)
    assert got is not None
    return got


def first(*entries: dict[str, Any]) -> TokenPosition:
    return decode({"content": list(entries)}).positions[0]


@pytest.mark.parametrize(
    "value",
    ["null", "{}", "[]", '{"content": null}', '{"content": []}', '{"content": null, "refusal": null}', "", "true"],
)
def test_no_logprobs(value: str) -> None:
    assert decode_logprobs(value.encode()) is None


def test_openai_sorted_list() -> None:
    got = decode({"content": [entry("Yes", -0.1, [entry("Yes", -0.1), entry("No", -2.5)])]})
    assert [t.token for t in got.positions[0].top] == ["Yes", "No"]
    assert got.positions[0].sampled.logprob == -0.1
    assert got.anomalies == ()


def test_vllm_lists_the_sampled_token_first_and_cuts_to_k() -> None:
    position = first(entry(" odd", -6.0, [entry(" odd", -6.0), entry(" the", -0.5), entry(" a", -1.5)]))
    assert [t.logprob for t in position.top] == [-0.5, -1.5, -6.0]
    assert position.sampled.key == b" odd"
    assert position.sampled.key in {t.key for t in position.top}


def test_llama_cpp_python_appends_the_sampled_token_as_k_plus_first() -> None:
    position = first(entry("z", -7.0, [entry("a", -0.5), entry("b", -1.5), entry("z", -7.0)]))
    assert len(position.top) == 3


def test_sglang_gives_the_sampled_token_apart() -> None:
    position = first(entry("z", -7.0, [entry("a", -0.5), entry("b", -1.5)]))
    assert position.sampled.key not in {t.key for t in position.top}


def test_unsorted_lists_are_sorted() -> None:
    position = first(entry("b", -1.0, [entry("c", -3.0), entry("a", -0.7), entry("b", -1.0)]))
    assert [t.token for t in position.top] == ["a", "b", "c"]


@pytest.mark.parametrize("sentinel", [-9999.0, None, -3.4028234663852886e38, -1e9, -100.0])
def test_sentinels_are_censored_and_last(sentinel: float | None) -> None:
    position = first(entry("x", sentinel, [entry("x", sentinel), entry("a", -0.2)]))
    assert position.sampled.logprob is None
    assert [t.logprob for t in position.top] == [-0.2, None]


def test_a_masked_list_says_so() -> None:
    got = decode({"content": [entry("{", -9999.0, [entry("a", -9999.0)])]})
    assert got.anomalies == ("a list of alternatives without a single number (1 of 1 positions)",)


def test_vllm_entry_without_alternatives_is_no_data() -> None:
    position = first(entry("<|x|>", -9999.0, []))
    assert position.sampled.logprob is None
    assert position.top == ()


def test_llama_server_ids_tell_special_tokens_apart() -> None:
    position = first(
        entry("", -0.1, [entry("", -0.1, id=3, bytes=[]), entry("", -3.0, id=4, bytes=[])], id=3, bytes=[])
    )
    assert [t.key for t in position.top] == [3, 4]
    assert position.sampled.key == 3


def test_vllm_token_ids_for_texts() -> None:
    """As vLLM 0.32 answered: real bytes for the sampled token, the spelled-out text for the alternatives."""
    entries = [entry("token_id:36", -3.8401191234588623), entry("token_id:3067", -0.47063079476356506)]
    got = decode({"content": [entry("token_id:36", -3.8401191234588623, entries, bytes=[66])]})
    position = got.positions[0]
    assert [t.key for t in position.top] == [3067, 36]
    assert [t.raw for t in position.top] == [None, None]
    assert (position.sampled.key, position.sampled.raw) == (36, b"B")


def test_ids_beside_the_choice_are_used() -> None:
    got = decode({"content": [entry("a", -0.1, []), entry("b", -0.2, [])]}, token_ids=[5, 6])
    assert [p.sampled.id for p in got.positions] == [5, 6]
    assert decode({"content": [entry("a", -0.1, [])]}, token_ids=[5, 6]).positions[0].sampled.id is None


def test_the_sampled_token_takes_its_id_from_its_own_entry() -> None:
    position = first(entry("a", -0.1, [entry("a", -0.1, id=9), entry("b", -3.0, id=8)]))
    assert position.sampled.key == 9


def test_texts_that_collide_without_ids_are_reported_and_kept() -> None:
    """vLLM prints incomplete characters as "": 155 of 3072 tokens of a byte-level vocabulary."""
    got = decode({"content": [entry("", -0.7, [entry("", -0.7), entry("", -1.1), entry("a", -2.0)])]})
    assert len(got.positions[0].top) == 3
    assert any("can't be told apart" in a for a in got.anomalies)


def test_re_encoded_bytes_are_not_believed() -> None:
    position = first(entry("\ufffd", -0.1, [entry("\ufffd", -0.1), entry("\ufffd", -2.0, bytes=[0xE4, 0xBD])]))
    assert position.top[0].raw is None
    assert position.top[1].raw == b"\xe4\xbd"


@pytest.mark.parametrize("raw", [None, [], [300], [-1]])
def test_missing_or_impossible_bytes(raw: Any) -> None:
    position = first(entry("hi", -0.1, [], bytes=raw))
    assert position.sampled.raw is None
    assert position.sampled.key == "hi"


def test_sums_above_one() -> None:
    got = decode({"content": [entry("a", -0.1, [entry("a", -0.1), entry("b", -0.5)])]})
    assert got.anomalies == ("probabilities sum to more than 1 (1 of 1 positions)",)


def test_sums_within_rounding_are_fine() -> None:
    halves = [entry("a", math.log(0.5)), entry("b", math.log(0.5005))]
    assert decode({"content": [entry("a", math.log(0.5), halves)]}).anomalies == ()


def test_a_sampled_token_beside_the_list_counts_into_the_sum() -> None:
    assert decode({"content": [entry("z", -0.1, [entry("a", -0.2)])]}).anomalies


def test_positive_logprobs_are_no_logprobs() -> None:
    got = decode({"content": [entry("a", 0.5, []), entry("b", 1e-7, [])]})
    assert [p.sampled.logprob for p in got.positions] == [None, 0.0]
    assert "above 0" in got.anomalies[0]


def test_zeros_of_speculative_decoding() -> None:
    """llama.cpp issue #27972: every token comes with 0.0."""
    got = decode({"content": [entry(str(i), 0.0, []) for i in range(10)]})
    assert any("speculative" in a for a in got.anomalies)
    assert not decode({"content": [entry("a", 0.0, [])]}).anomalies


def test_refusal_logprobs_of_openai() -> None:
    assert decode({"content": None, "refusal": [entry("I", -0.2, [])]}).positions[0].sampled.token == "I"


def test_legacy_completions_shape() -> None:
    body = {
        "tokens": [" a", " b"],
        "token_logprobs": [None, -0.5],
        "top_logprobs": [None, {" b": -0.5, " c": -1.5}],
        "text_offset": [0, 2],
    }
    got = decode(body)
    assert got.positions[0].sampled.logprob is None
    assert [t.token for t in got.positions[1].top] == [" b", " c"]
    assert any("keyed by text" in a for a in got.anomalies)


@pytest.mark.parametrize("top", [[{"x": -0.25, "y": -2.0}], {"x": -0.25, "y": -2.0}])
def test_together_gives_ids_of_the_sampled_tokens_only(top: Any) -> None:
    """Kept, an id would make the sampled token another one than its own entry in the list, and count it twice."""
    got = decode({"tokens": ["x"], "token_ids": [42], "token_logprobs": [-0.25], "top_logprobs": top})
    (position,) = got.positions
    assert position.sampled == position.top[0]
    assert len(position.top) == 2
    assert not any("more than 1" in a for a in got.anomalies)


def test_together_ids_without_alternatives_stay() -> None:
    got = decode({"tokens": ["x"], "token_ids": [42], "token_logprobs": [-0.25]})
    assert got.positions[0].sampled.id == 42


def test_mistral_names_the_id_token_id() -> None:
    top = [{"token": "a", "logprob": -0.1, "bytes": [97], "token_id": 7}]
    got = first({"token": "a", "logprob": -0.1, "bytes": [97], "token_id": 7, "top_logprobs": top})
    assert (got.sampled.id, got.top[0].id) == (7, 7)


def test_probabilities_after_the_chain_are_not_taken_for_logprobs() -> None:
    got = decode({"content": [{"token": "a", "prob": 0.5, "top_probs": [{"token": "a", "prob": 0.5}]}]})
    assert got.positions[0].sampled.logprob is None
    assert any("sampling chain" in a for a in got.anomalies)


@pytest.mark.parametrize("value", [3, "x", [1], {"content": 3}, {"content": [1]}, {"tokens": 5}])
def test_unknown_shapes_do_not_break_the_reply(value: Any) -> None:
    assert decode(value).anomalies == ("logprobs came in a shape that is not known",)


@given(
    st.lists(
        st.lists(st.tuples(st.text(max_size=3), st.none() | st.floats(-20, 0)), min_size=1, max_size=5),
        min_size=1,
        max_size=4,
    )
)
def test_positions_and_alternatives_are_never_lost_and_always_sorted(
    lists: list[list[tuple[str, float | None]]],
) -> None:
    got = decode({"content": [entry(*tops[0], [entry(*t) for t in tops]) for tops in lists]})
    assert [len(p.top) for p in got.positions] == [len(tops) for tops in lists]
    for position in got.positions:
        values = [-math.inf if t.logprob is None else t.logprob for t in position.top]
        assert values == sorted(values, reverse=True)
