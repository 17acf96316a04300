from __future__ import annotations

import pytest

from auditor.judging import families, kin


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("meta-llama/Llama-3.3-70B-Instruct", "llama"),
        ("meta-llama/llama-4-maverick", "llama"),
        ("lmsys/vicuna-13b-v1.5", "llama"),
        ("Qwen/Qwen2.5-7B-Instruct", "qwen"),
        ("qwen3:8b", "qwen"),
        ("Qwen/QwQ-32B", "qwen"),
        ("gpt-4o-mini-2024-07-18", "gpt"),
        ("openai/gpt-oss-120b", "gpt"),
        ("o3", "gpt"),
        ("o4-mini", "gpt"),
        ("openai/o1-preview", "gpt"),
        ("chatgpt-4o-latest", "gpt"),
        ("claude-sonnet-4-5", "claude"),
        ("anthropic/claude-3-opus", "claude"),
        ("gemini-2.5-pro", "gemini"),
        ("google/gemma-3-27b-it", "gemini"),
        ("mistralai/Mistral-7B-Instruct-v0.3", "mistral"),
        ("mixtral-8x7b", "mistral"),
        ("magistral-small", "mistral"),
        ("deepseek-ai/DeepSeek-V3", "deepseek"),
        ("deepseek-reasoner", "deepseek"),
        ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", "deepseek qwen"),
        ("deepseek-ai/DeepSeek-R1-Distill-Llama-70B", "deepseek llama"),
        ("deepseek-ai/DeepSeek-R1-0528-Qwen3-8B", "deepseek qwen"),
        ("deepseek-r1:7b", "deepseek qwen"),
        ("deepseek-r1:70b", "deepseek llama"),
        ("deepseek-r1:8b", "deepseek llama qwen"),
        ("simplescaling/s1.1-32B", "qwen"),
        ("open-thoughts/OpenThinker-7B", "deepseek qwen"),
        ("nvidia/Llama-3.1-Nemotron-70B", "llama"),
        ("microsoft/phi-4-reasoning", "phi"),
        ("grok-4", "grok"),
        ("zai-org/GLM-4.6", "glm"),
        ("moonshotai/Kimi-K2", "kimi"),
        ("command-r-plus", "command"),
        ("allenai/OLMo-2-13B", "olmo"),
        ("ibm-granite/granite-3.3-8b", "granite"),
        ("01-ai/Yi-34B", "yi"),
        ("synthetic-baseline", ""),
        ("synthetic-candidate", ""),
        ("synthetic-judge", ""),
        ("EleutherAI/gpt-neox-20b", ""),
        ("my-model", ""),
        ("tiny-instruct", ""),
        ("", ""),
    ],
)
def test_families_of_names(name: str, expected: str) -> None:
    assert families(name) == frozenset(expected.split())


def test_kin_by_family_by_served_name_and_by_identity() -> None:
    assert "qwen" in kin(["qwen-max"], ["deepseek-ai/DeepSeek-R1-Distill-Qwen-7B"])
    assert "llama" in kin(["judge", "meta-llama/Llama-3.1-8B"], ["a", "Llama-3.2-3B"])
    assert "itself" in kin(["My-Model"], ["my-model"])
    assert not kin(["synthetic-judge"], ["synthetic-baseline", "synthetic-candidate"])
    assert not kin(["gpt-4o"], ["Qwen/Qwen2.5-7B", "meta-llama/Llama-3.1-8B", ""])
    assert not kin([""], [""])
