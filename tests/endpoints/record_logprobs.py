"""Recording what real engines send as logprobs where parsers go wrong:  python -m tests.endpoints.record_logprobs

Starts each engine of the engine lane with its tiny model, asks a few odd questions, and writes ``recorded/logprobs.json``: by
case, the server, the route, the request, and the ``logprobs`` of the answer's choice as they came.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2

from tests.engines.lane import EngineServer, Lane, start_llama, start_sglang, start_vllm
from tests.engines.lane.build import BASELINE, CANDIDATE

RECORDED = Path(__file__).parent / "recorded" / "logprobs.json"

CHAT, TEXT = "/chat/completions", "/completions"
SAY = [{"role": "user", "content": "Tell me about the sea."}]
PICK = {
    "type": "json_schema",
    "json_schema": {
        "name": "reply",
        "strict": True,
        "schema": {
            "type": "object",
            "properties": {"k7": {"type": "boolean"}},
            "required": ["k7"],
            "additionalProperties": False,
        },
    },
}
HOT = {"messages": SAY, "max_tokens": 8, "temperature": 2.0, "seed": 4, "logprobs": True, "top_logprobs": 3}
ECHO = {"prompt": "The sea is", "max_tokens": 1, "seed": 4, "logprobs": 2, "echo": True}
ENFORCED = {"messages": SAY, "max_tokens": 2, "logprobs": True, "top_logprobs": 5, "response_format": PICK}

Cases = dict[str, tuple[str, dict[str, Any]]]


def of_vllm(partial: list[int]) -> Cases:
    """Args: partial: tokens that are pieces of characters."""
    by_id = {"messages": SAY, "max_tokens": 1, "seed": 4, "logprobs": True, "logprob_token_ids": partial}
    return {
        "sampled token first": (CHAT, HOT),
        "ids for texts": (CHAT, {**HOT, "max_tokens": 2, "return_tokens_as_token_ids": True}),
        "texts that collide": (CHAT, by_id),
        "masked by a grammar": (CHAT, ENFORCED),
        "k + 1 entries": (
            TEXT,
            {"prompt": "The sea is", "max_tokens": 8, "temperature": 2.0, "seed": 4, "logprobs": 2},
        ),
        "texts that overwrite each other": (
            TEXT,
            {"prompt": "The sea is", "max_tokens": 1, "seed": 4, "logprobs": 1, "logprob_token_ids": partial},
        ),
        "echo": (TEXT, ECHO),
    }


OF_SGLANG: Cases = {
    "sampled token apart": (CHAT, HOT),
    "masked by a grammar": (CHAT, ENFORCED),
    "after temperature": (CHAT, {**HOT, "max_tokens": 1, "temperature": 0.001, "top_logprobs": 5}),
    "echo": (TEXT, ECHO),
}
OF_LLAMA: Cases = {
    "ids and bytes": (CHAT, HOT),
    "the end token": (CHAT, {**HOT, "temperature": 0.0, "max_tokens": 64}),
    "after the sampling chain": (CHAT, {**HOT, "max_tokens": 2, "top_k": 2, "post_sampling_probs": True}),
    "completions": (TEXT, {"prompt": "The sea is", "max_tokens": 2, "seed": 4, "logprobs": 2}),
}
OF_SPECULATION: Cases = {"speculative decoding": (CHAT, {**HOT, "temperature": 0.0, "max_tokens": 16})}


def asked(server: EngineServer, cases: Cases) -> Iterator[tuple[str, dict[str, Any]]]:
    """The answer to each case, under the name of its engine and case."""
    with httpx2.Client(trust_env=False, timeout=120.0) as client:
        for name, (route, body) in cases.items():
            answer = client.post(f"{server.base_url}{route}", json={"model": server.model, **body})
            answer.raise_for_status()
            choice = answer.json()["choices"][0]
            yield (
                f"{server.engine}: {name}",
                {"route": route, "request": body, "logprobs": choice["logprobs"], "token_ids": choice.get("token_ids")},
            )


def pieces(server: EngineServer, count: int = 6) -> list[int]:
    """Tokens that are pieces of characters: alone, they print as nothing that was meant."""
    with httpx2.Client(trust_env=False, timeout=120.0) as client:
        texts = {
            one: client.post(f"{server.root_url}/detokenize", json={"tokens": [one]}).json()["prompt"]
            for one in range(100, 260)
        }
    return [one for one, text in texts.items() if re.fullmatch("\ufffd|", text)][:count]


def main() -> None:
    """Record all cases."""
    found: dict[str, Any] = {}
    with Lane() as lane:
        with start_vllm(lane, BASELINE) as server:
            found |= asked(server, of_vllm(pieces(server)))
        with start_sglang(lane, BASELINE) as server:
            found |= asked(server, OF_SGLANG)
        with start_llama(lane, BASELINE) as server:
            found |= asked(server, OF_LLAMA)
        with contextlib.ExitStack() as stack:
            draft = lane.models().gguf[CANDIDATE]
            server = stack.enter_context(
                start_llama(
                    lane,
                    BASELINE,
                    *("--model-draft", str(draft)),
                    *("--spec-type", "draft-simple"),
                    log_name="llama-speculative",
                )
            )
            found |= asked(server, OF_SPECULATION)
    RECORDED.parent.mkdir(exist_ok=True)
    rows = [f" {json.dumps(name)}: {json.dumps(case, ensure_ascii=False)}" for name, case in found.items()]
    RECORDED.write_text("{\n" + ",\n".join(rows) + "\n}\n")


if __name__ == "__main__":
    main()
