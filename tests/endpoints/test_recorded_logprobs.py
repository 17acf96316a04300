"""What real engines sent (``recorded/logprobs.json``, by `record_logprobs`), and what the decoder makes of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from auditor.endpoints.logprobs import decode_logprobs
from auditor.records import TokenLogprobs, TokenPosition

RECORDED: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent / "recorded" / "logprobs.json").read_text(encoding="utf-8")
)


def decoded(case: str) -> TokenLogprobs:
    row = RECORDED[case]
    found = decode_logprobs(json.dumps(row["logprobs"]).encode(), token_ids=row["token_ids"])
    assert found is not None
    return found


def inside(position: TokenPosition) -> bool:
    return position.sampled.key in {t.key for t in position.top}


@pytest.mark.parametrize("case", sorted(RECORDED))
def test_every_list_is_sorted_and_sums_to_no_more_than_one(case: str) -> None:
    found = decoded(case)
    assert found.positions
    for position in found.positions:
        values = [t.logprob for t in position.top if t.logprob is not None]
        assert values == sorted(values, reverse=True)
        assert not any(t.logprob is None for t in position.top[: len(values)])
    assert not any("sum" in a for a in found.anomalies)


def test_vllm_puts_the_sampled_token_in_the_kth_bests_place() -> None:
    raw = RECORDED["vllm: sampled token first"]["logprobs"]["content"]
    assert any(e["top_logprobs"][0]["logprob"] < e["top_logprobs"][1]["logprob"] for e in raw)
    found = decoded("vllm: sampled token first")
    assert all(len(p.top) == 3 and inside(p) for p in found.positions)


def test_vllm_completions_have_one_entry_more() -> None:
    found = decoded("vllm: k + 1 entries")
    assert {len(p.top) for p in found.positions} == {2, 3}
    assert all(inside(p) for p in found.positions)


def test_vllm_names_tokens_by_id_and_spells_that_out_in_bytes() -> None:
    found = decoded("vllm: ids for texts")
    assert all(isinstance(t.key, int) and t.raw is None for p in found.positions for t in p.top)
    assert all(isinstance(p.sampled.key, int) and inside(p) for p in found.positions)


def test_vllm_prints_pieces_of_characters_alike() -> None:
    found = decoded("vllm: texts that collide")
    (position,) = found.positions
    assert [t.token for t in position.top].count("") == 6
    assert len({t.logprob for t in position.top}) == 7
    assert any("can't be told apart" in a for a in found.anomalies)


def test_vllm_completions_lose_what_prints_alike() -> None:
    """Six tokens were asked for; the dict keyed by text has one of them left."""
    row = RECORDED["vllm: texts that overwrite each other"]
    assert len(row["request"]["logprob_token_ids"]) == 6
    found = decoded("vllm: texts that overwrite each other")
    assert [t.token for t in found.positions[0].top].count("") == 1
    assert any("keyed by text" in a for a in found.anomalies)


@pytest.mark.parametrize(("engine", "sentinel"), [("vllm", -9999.0), ("sglang", -3.4028234663852886e38)])
def test_what_a_grammar_forbids_has_no_number(engine: str, sentinel: float) -> None:
    case = f"{engine}: masked by a grammar"
    assert sentinel in [t["logprob"] for e in RECORDED[case]["logprobs"]["content"] for t in e["top_logprobs"]]
    found = decoded(case)
    assert found.positions[0].top[-1].logprob is None
    assert found.positions[0].sampled.logprob == pytest.approx(0.0, abs=1e-4)


@pytest.mark.parametrize("engine", ["vllm", "sglang"])
def test_the_first_token_of_an_echo_has_no_number(engine: str) -> None:
    found = decoded(f"{engine}: echo")
    assert [p.sampled.token for p in found.positions[:3]] == ["The", " sea", " is"]
    assert found.positions[0].sampled.logprob is None
    assert all(p.sampled.logprob is not None for p in found.positions[1:])


def test_sglang_gives_the_sampled_token_apart() -> None:
    found = decoded("sglang: sampled token apart")
    assert all(len(p.top) == 3 for p in found.positions)
    assert not all(inside(p) for p in found.positions)


def test_sglang_after_temperature() -> None:
    """At 0.001 all is in one token, and the others have no number left."""
    (position,) = decoded("sglang: after temperature").positions
    assert position.sampled.logprob == 0.0
    assert [t.logprob for t in position.top] == [0.0, None, None, None, None]


def test_llama_cpp_gives_ids_and_true_bytes() -> None:
    found = decoded("llama-server: ids and bytes")
    for token in (t for p in found.positions for t in (p.sampled, *p.top)):
        assert token.id is not None
        assert token.raw == token.token.encode()


def test_llama_cpp_prints_its_end_token_as_nothing() -> None:
    last = decoded("llama-server: the end token").positions[-1]
    assert (last.sampled.token, last.sampled.raw) == ("", b"")
    assert last.sampled.id is not None


def test_llama_cpp_after_the_sampling_chain() -> None:
    found = decoded("llama-server: after the sampling chain")
    assert all(p.sampled.logprob is None for p in found.positions)
    assert any("sampling chain" in a for a in found.anomalies)


def test_llama_cpps_completions_have_the_shape_of_chat() -> None:
    found = decoded("llama-server: completions")
    assert all(len(p.top) == 2 and p.sampled.id is not None for p in found.positions)


def test_llama_cpp_has_no_numbers_for_what_a_draft_guessed() -> None:
    raw = RECORDED["llama-server: speculative decoding"]["logprobs"]["content"]
    guessed = [e["logprob"] == 0.0 and not e["top_logprobs"] for e in raw]
    assert 0 < sum(guessed) < len(raw)
    found = decoded("llama-server: speculative decoding")
    assert [p.sampled.logprob is None for p in found.positions] == guessed
    assert any("speculative" in a for a in found.anomalies)
