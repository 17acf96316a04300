from __future__ import annotations

from typing import Any

import pytest

from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.faults import ServerSaid
from auditor.endpoints.requests import chat_body, merged, reasoning_body, refused_setting
from auditor.records import Ask, EndpointSpec, Message, Sampling

ASK = Ask(messages=(Message("user", "q"),), sampling=Sampling(temperature=0.7, top_p=0.9, max_tokens=5, seed=3))


def spec(model: str = "m", **more: object) -> EndpointSpec:
    return EndpointSpec("http://h/v1", model, **more)  # type: ignore[arg-type]


def test_decoding_is_always_sent_in_full() -> None:
    body = chat_body(spec(), dialect_named(""), ASK)
    assert body == {
        "model": "m",
        "messages": [{"role": "user", "content": "q"}],
        "temperature": 0.7,
        "top_p": 0.9,
        "max_tokens": 5,
        "seed": 3,
    }


@pytest.mark.parametrize(
    ("name", "field", "value"), [("vllm", "top_k", -1), ("sglang", "top_k", -1), ("llama-cpp", "top_k", 0)]
)
def test_local_engines_have_every_filter_switched_off(name: str, field: str, value: int) -> None:
    body = chat_body(spec(), dialect_named(name), ASK)
    assert body[field] == value
    assert body["min_p"] == 0


def test_logprobs() -> None:
    ask = Ask(messages=ASK.messages, sampling=ASK.sampling, top_logprobs=20)
    body = chat_body(spec(), dialect_named("vllm"), ask)
    assert (body["logprobs"], body["top_logprobs"]) == (True, 20)
    assert "logprobs" not in chat_body(spec(), dialect_named("vllm"), ASK)


def test_openai_reasoning_models_are_not_sampled() -> None:
    ask = Ask(messages=ASK.messages, sampling=ASK.sampling, top_logprobs=5)
    for model in ("o3", "o4-mini", "gpt-5", "gpt-5.2", "ft:o3"):
        body = chat_body(spec(model), dialect_named("openai"), ask)
        assert body["max_completion_tokens"] == 5
        assert not body.keys() & {"max_tokens", "temperature", "top_p", "logprobs", "top_logprobs"}
    for model, reasoning in (("gpt-4.1", {}), ("gpt-5.2", {"effort": "none"}), ("gpt-5-chat-latest", {})):
        body = chat_body(spec(model, reasoning=reasoning), dialect_named("openai"), ask)
        assert body["temperature"] == 0.7
        assert body["top_logprobs"] == 5


def test_structured_output() -> None:
    schema = {"type": "object"}
    body = chat_body(spec(), dialect_named(""), Ask(messages=ASK.messages, sampling=ASK.sampling, json_schema=schema))
    assert body["response_format"]["json_schema"] == {"name": "reply", "strict": True, "schema": schema}
    body = chat_body(spec(), dialect_named(""), Ask(messages=ASK.messages, sampling=ASK.sampling, json_object=True))
    assert body["response_format"] == {"type": "json_object"}


@pytest.mark.parametrize(
    ("dialect", "reasoning", "expected"),
    [
        ("vllm", {}, {}),
        ("vllm", {"enabled": False}, {"chat_template_kwargs": {"enable_thinking": False, "thinking": False}}),
        ("sglang", {"thinking": True}, {"chat_template_kwargs": {"thinking": True}}),
        ("vllm", {"effort": "low"}, {"reasoning_effort": "low"}),
        ("openai", {"effort": "low"}, {"reasoning_effort": "low"}),
        ("openai", {"enabled": False}, {"reasoning_effort": "none"}),
        ("ollama", {"enabled": True}, {"reasoning_effort": "medium"}),
        ("mistral", {"enabled": True}, {"reasoning_effort": "high"}),
        ("together", {"enabled": False, "effort": "low"}, {"reasoning": {"enabled": False}, "reasoning_effort": "low"}),
        ("groq", {"enabled": True}, {"reasoning_effort": "default", "reasoning_format": "parsed"}),
        ("groq", {"enabled": False}, {"reasoning_effort": "none"}),
        ("gemini", {"enabled": True}, {"extra_body": {"google": {"thinking_config": {"include_thoughts": True}}}}),
        ("gemini", {"enabled": False}, {"reasoning_effort": "none"}),
        ("fireworks", {"effort": "high"}, {"reasoning_effort": "high"}),
        ("deepseek", {"enabled": False}, {"thinking": {"type": "disabled"}}),
        ("openrouter", {"max_tokens": 9}, {"reasoning": {"max_tokens": 9}}),
    ],
)
def test_reasoning_is_written_as_the_server_wants_it(
    dialect: str, reasoning: dict[str, object], expected: object
) -> None:
    assert reasoning_body(reasoning, dialect_named(dialect)) == expected


def test_extra_body_wins_and_merges_one_level() -> None:
    s = spec(reasoning={"enabled": True}, extra_body={"chat_template_kwargs": {"x": 1}, "top_k": 40})
    body = chat_body(s, dialect_named("vllm"), ASK)
    assert body["chat_template_kwargs"] == {"enable_thinking": True, "thinking": True, "x": 1}
    assert body["top_k"] == 40
    assert merged({"a": {"b": 1}}, {"a": 2}) == {"a": 2}


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        (
            ServerSaid(
                "Unsupported value: 'temperature' does not support 0.7", "unsupported_value", param="temperature"
            ),
            ("temperature",),
        ),
        (ServerSaid("`temperature` is deprecated for this model."), ("temperature",)),
        (ServerSaid("`logprobs` is not supported with this model"), ("logprobs", "top_logprobs")),
        (
            ServerSaid(
                "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
            ),
            ("max_tokens",),
        ),
        (ServerSaid("seed is not supported"), ("seed",)),
        (ServerSaid("Requested sample logprobs of 21, which is greater than max allowed: 20"), ()),
        (ServerSaid("This model's maximum context length is 10"), ()),
        (ServerSaid("tools are not supported"), ()),
    ],
)
def test_only_a_setting_refused_outright_is_given_up(said: ServerSaid, gone: tuple[str, ...]) -> None:
    body = {"temperature": 1, "logprobs": True, "top_logprobs": 5, "seed": 1, "max_tokens": 5}
    assert refused_setting(said, body) == gone


def test_what_was_given_up_is_left_out() -> None:
    body = chat_body(spec(), dialect_named(""), ASK, without=("max_tokens", "temperature"))
    assert body["max_completion_tokens"] == 5
    assert "max_tokens" not in body
    assert "temperature" not in body


@pytest.mark.parametrize(
    ("dialect", "sent"),
    [
        ("together", {"logprobs": 5, "max_tokens": 5}),
        ("fireworks", {"logprobs": True, "top_logprobs": 5, "context_length_exceeded_behavior": "error"}),
        ("mistral", {"random_seed": 3, "top_logprobs": 5}),
        ("xai", {"max_completion_tokens": 5, "top_logprobs": 5}),
        ("azure", {"max_completion_tokens": 5, "logprobs": True}),
        ("vllm", {"top_k": -1, "min_p": 0.0, "repetition_penalty": 1.0}),
        ("llama-cpp", {"top_k": 0, "min_p": 0.0, "repeat_penalty": 1.0}),
    ],
)
def test_what_each_dialect_sends(dialect: str, sent: dict[str, object]) -> None:
    ask = Ask((Message("user", "q"),), Sampling(max_tokens=5, seed=3), top_logprobs=5)
    body = chat_body(spec(), dialect_named(dialect), ask)
    assert {name: body.get(name) for name in sent} == sent


@pytest.mark.parametrize(
    ("dialect", "absent"),
    [
        ("together", {"top_logprobs"}),
        ("groq", {"logprobs", "top_logprobs"}),
        ("lmstudio", {"logprobs", "top_logprobs"}),
        ("mistral", {"seed", "stream_options"}),
        ("tgi", {"top_p"}),
    ],
)
def test_what_each_dialect_leaves_out(dialect: str, absent: set[str]) -> None:
    ask = Ask((Message("user", "q"),), Sampling(max_tokens=5, seed=3), top_logprobs=5, stream=True)
    assert not absent & chat_body(spec(), dialect_named(dialect), ask).keys()


def test_tgi_takes_a_top_p_that_is_in_range() -> None:
    ask = Ask((Message("user", "q"),), Sampling(top_p=0.9))
    assert chat_body(spec(), dialect_named("tgi"), ask)["top_p"] == 0.9


def test_a_question_can_reason_otherwise_than_its_endpoint() -> None:
    s = spec(reasoning={"enabled": True})
    ask = Ask((Message("user", "q"),), Sampling(), reasoning={"enabled": False})
    assert chat_body(s, dialect_named("deepseek"), ask)["thinking"] == {"type": "disabled"}
    assert "thinking" not in chat_body(s, dialect_named("deepseek"), Ask(ask.messages, ask.sampling, reasoning={}))


@pytest.mark.parametrize(
    ("name", "marks", "in_message"),
    [
        ("vllm", {"continue_final_message": True, "add_generation_prompt": False}, {}),
        ("mistral", {}, {"prefix": True}),
        ("deepseek", {}, {"prefix": True}),
        ("openrouter", {}, {}),
    ],
)
def test_a_begun_reply_is_marked_as_the_server_wants_it(
    name: str, marks: dict[str, Any], in_message: dict[str, Any]
) -> None:
    begun = Ask((Message("user", "Hello?"), Message("assistant", "Well,")), Sampling(max_tokens=8))
    body = chat_body(EndpointSpec("http://x/v1", "m", name), dialect_named(name), begun)
    assert body["messages"][-1] == {"role": "assistant", "content": "Well,", **in_message}
    fields = ("continue_final_message", "add_generation_prompt")
    assert {k: body[k] for k in fields if k in body} == marks
    plain = chat_body(EndpointSpec("http://x/v1", "m", name), dialect_named(name), ASK)
    assert not set(fields) & plain.keys()
