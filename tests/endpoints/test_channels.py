from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auditor.endpoints.channels import Channels, flatten, read_blocks, split_message, split_text

PAIRS = [
    ("<think>", "</think>"),
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("[THINK]", "[/THINK]"),
    ("<reasoning>", "</reasoning>"),
    ("◁think▷", "◁/think▷"),
    ("<seed:think>", "</seed:think>"),
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|channel>thought", "<channel|>"),
    ("<|START_THINKING|>", "<|END_THINKING|>"),
    ("<THINK>", "</Think>"),
]
plain = st.text(st.characters(exclude_characters="<>[]◁▷`~\"'“”"), max_size=60)


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
def test_every_variant_of_the_tags(opening: str, closing: str) -> None:
    got = split_text(f"\n{opening}\nhm, 4\n{closing}\n\nIt is 4.")
    assert got == Channels(answer="It is 4.", trace="hm, 4", source="tags")


@pytest.mark.parametrize(("opening", "closing"), PAIRS)
@given(trace=plain, answer=plain)
def test_what_was_put_together_comes_apart(opening: str, closing: str, trace: str, answer: str) -> None:
    got = split_text(f"{opening}{trace}{closing}{answer}")
    assert (got.trace or "", got.answer, got.unclosed) == (trace.strip(), answer.strip(), False)


@given(text=plain)
def test_text_without_markers_is_untouched(text: str) -> None:
    if not text.startswith("analysis"):
        assert split_text(text) == Channels(answer=text)


PIECES = ["<think>", "</think>", "`", "```", "\n", '"', "a", "<|channel|>final<|message|>", " "]


@given(text=st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_no_text_is_invented_and_nothing_breaks(text: str) -> None:
    got = split_text(text)
    for part in (got.answer, got.trace or ""):
        for piece in part.split("\n\n"):
            assert piece.strip() in text
    if got.unclosed:
        assert got.answer == ""
    assert (got.trace is None) == (got.source == "")


@given(trace=plain, answer=plain)
def test_a_lone_end_marker_ends_the_trace_that_the_template_began(trace: str, answer: str) -> None:
    got = split_text(f"{trace}</think>{answer}")
    assert (got.trace or "", got.answer) == (trace.strip(), answer.strip())


@pytest.mark.parametrize(
    ("text", "trace"),
    [
        # What a tiny model on llama-server said.
        ("<think>\n\n</think>\n</think>\n\nEmpty.", None),
        ("<think>hm</think>\n</think>Empty.", "hm"),
        ("hm</think></think>\n\nEmpty.", "hm"),
        ("</think>\n</think>\nEmpty.", None),
    ],
)
def test_a_trace_may_be_closed_twice(text: str, trace: str | None) -> None:
    got = split_text(text)
    assert (got.trace, got.answer) == (trace, "Empty.")
    after_a_field = split_message([("reasoning", "hm")], Channels(answer="</think>\n</think>\n\nEmpty."))
    assert (after_a_field.trace, after_a_field.answer) == ("hm", "Empty.")


@pytest.mark.parametrize("text", ["<think>still going", "<think>", "  <thinking>\nabc\n"])
def test_an_unclosed_trace_leaves_no_answer(text: str) -> None:
    got = split_text(text)
    assert got.answer == ""
    assert got.unclosed


@pytest.mark.parametrize(
    "text",
    [
        "Models wrap thoughts in `<think>` and `</think>`.",
        'The tag "</think>" ends it.',
        "Write it so:\n```\n<think>\nhm\n</think>\n```\nDone.",
        "~~~xml\n</think>\n~~~\nThat is the closing tag.",
        "They use “</think>” for it.",
        "The closing tag is '</think>' here.",
        "The <think> tag starts a thought.",
        "Use ``a ` </think>`` in Markdown.",
    ],
)
def test_talking_about_markers_is_not_thinking(text: str) -> None:
    assert split_text(text) == Channels(answer=text)


@pytest.mark.parametrize(
    ("text", "trace", "answer"),
    [
        (
            "<think>The user wants `</think>` explained.</think>It ends a thought.",
            "The user wants `</think>` explained.",
            "It ends a thought.",
        ),
        ("<think>```py\nx = 1\n</think>\n```py\nx = 1\n```", "```py\nx = 1", "```py\nx = 1\n```"),
        ('<think>5" wide\n</think>\nIt is 5" wide', '5" wide', 'It is 5" wide'),
        ("```py\nx\n</think>\nanswer", "```py\nx", "answer"),
        ("<think>a</think>\n<think>b</think>c", "a\n\nb", "c"),
        ("Sure.\n<think>hm</think>\nYes.", "hm", "Sure.\n\nYes."),
        ("<think>\n\n</think>\n\nplain", None, "plain"),
        ("<think>r</think><answer> 4 </answer>", "r", "4"),
        ("<think>r</think><answer>4", "r", "4"),
        ("<|begin_of_thought|>r<|end_of_thought|><|begin_of_solution|>s<|end_of_solution|>", "r", "s"),
        ("<think>a</thinking>b", "a", "b"),
    ],
)
def test_hard_cases(text: str, trace: str | None, answer: str) -> None:
    got = split_text(text)
    assert (got.trace, got.answer) == (trace, answer)


@pytest.mark.parametrize(
    ("text", "trace", "answer"),
    [
        ("<|im_start|>think\nhm, 4\n<|im_start|>answer\nIt is 4.", "hm, 4", "It is 4."),
        ("think\nhm, 4\nanswer\nIt is 4.", "hm, 4", "It is 4."),
        ("Here is my thought process:\nhm\n\nHere is my response:\nIt is 4.", "hm", "It is 4."),
        ("Here's my thought process: hm Here's my response: It is 4.", "hm", "It is 4."),
        ("<think>hm\n<answer>4</answer>", "hm", "4"),
        ("<|START_THINKING|>hm<|END_THINKING|><|START_RESPONSE|>4<|END_RESPONSE|>", "hm", "4"),
        ("<|START_THINKING|>hm<|START_RESPONSE|>4<|END_RESPONSE|>", "hm", "4"),
        ("<think>hm</think>\n<response>\n4\n</response>", "hm", "4"),
    ],
)
def test_think_and_answer_formats(text: str, trace: str, answer: str) -> None:
    got = split_text(text)
    assert (got.trace, got.answer, got.unclosed) == (trace, answer, False)


@pytest.mark.parametrize(
    "text",
    [
        "think\nabout it, there is no second part",
        "Think twice.\nanswer\nlater",
        "Here is my response:\nIt is 4.",
        "I think so.\nanswer\nyes",
    ],
)
def test_words_alone_are_no_trace(text: str) -> None:
    assert split_text(text) == Channels(answer=text)


def test_an_answer_tag_in_code_does_not_end_a_trace() -> None:
    got = split_text("<think>I should write `<answer>` and\n```\n<answer>\n```\nnow")
    assert (got.answer, got.unclosed) == ("", True)


def test_answer_tags_without_a_trace_stay() -> None:
    assert split_text("<answer>4</answer>").answer == "<answer>4</answer>"


def test_harmony_channels() -> None:
    text = (
        "<|channel|>analysis<|message|>User wants a sum.<|end|><|start|>assistant<|channel|>commentary<|message|>note<|end|>"
        "<|start|>assistant<|channel|>final<|message|>It is 4.<|return|>"
    )
    assert split_text(text) == Channels(answer="It is 4.", trace="User wants a sum.\n\nnote", source="harmony")


def test_harmony_that_never_reaches_its_final_channel_is_unclosed() -> None:
    got = split_text("<|channel|>analysis<|message|>Let me see")
    assert (got.answer, got.trace, got.unclosed) == ("", "Let me see", True)


def test_harmony_with_its_special_tokens_stripped() -> None:
    got = split_text("analysisWe need a sum.assistantfinalIt is 4.")
    assert (got.trace, got.answer, got.source) == ("We need a sum.", "It is 4.", "harmony")


def test_typed_fields_are_believed_first() -> None:
    got = split_message([("reasoning", ""), ("reasoning_content", "hm ")], Channels(answer="About </think> tags."))
    assert got == Channels(answer="About </think> tags.", trace="hm", source="reasoning_content")


def test_blank_lines_between_a_typed_trace_and_its_answer_are_the_templates() -> None:
    """As vLLM 0.32 answers with a reasoning parser."""
    assert split_message([("reasoning", "hm")], Channels(answer="\n\nYes.")).answer == "Yes."


def test_a_leading_block_beside_a_typed_field_is_trace_too() -> None:
    got = split_message([("reasoning", "a")], Channels(answer="<think>b</think>c"))
    assert (got.trace, got.answer, got.source) == ("a\n\nb", "c", "reasoning")


def test_typed_blocks() -> None:
    anthropic = [
        {"type": "thinking", "thinking": "hm", "signature": "x"},
        {"type": "redacted_thinking", "data": "…"},
        {"type": "text", "text": "Yes"},
        {"type": "text", "text": "."},
    ]
    assert read_blocks(anthropic) == Channels(answer="Yes.", trace="hm", source="thinking")
    mistral = [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": "Yes."}]
    assert split_message([], read_blocks(mistral)) == Channels(answer="Yes.", trace="hm", source="thinking")


@pytest.mark.parametrize(
    ("content", "answer"), [(None, ""), ("x", "x"), (7, ""), ([1, None, "a"], "a"), ([{"type": "image"}], "")]
)
def test_content_of_any_shape(content: Any, answer: str) -> None:
    assert read_blocks(content).answer == answer


def test_reasoning_details_of_a_gateway() -> None:
    details = [
        {"type": "reasoning.summary", "summary": "a"},
        {"type": "reasoning.encrypted", "data": "?"},
        {"type": "reasoning.text", "text": "b"},
    ]
    assert flatten(details) == "ab"
    assert flatten(3) == ""


def test_text_made_to_exhaust_the_splitter() -> None:
    many = split_text("<think>a</think>" * 2000 + "end")
    assert many.answer.endswith("end")
    assert split_text("`" * 20_000 + "</think>x").answer == "x"
    assert split_text("“" * 20_000 + "</think>x").answer == "x"
    assert split_text("<think>r</think><answer>a" + " " * 20_000 + "b").answer.startswith("a")
    nested: Any = "deep"
    for _ in range(500):
        nested = [nested]
    assert flatten(nested) == ""
