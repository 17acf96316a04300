"""Building, caching, starting and checking the engines; runs in the project's own environment."""

from __future__ import annotations

from .build import Lane, TinyModels
from .cache import EngineLaneError
from .oracle import ExactLogprobs, exact_logprobs
from .serve import EnginePair, EngineServer, llama_pair, sglang_pair, start_llama, start_sglang, start_vllm, vllm_pair

__all__ = [
    "EngineLaneError",
    "EnginePair",
    "EngineServer",
    "ExactLogprobs",
    "Lane",
    "TinyModels",
    "exact_logprobs",
    "llama_pair",
    "sglang_pair",
    "start_llama",
    "start_sglang",
    "start_vllm",
    "vllm_pair",
]
