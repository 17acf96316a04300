"""Stand-ins for servers that can't be reached from here, with bodies after their vendors' documentation.

All of them play one model: fixed words, and a next-token distribution that is a list of numbers. What a vendor does
differently from plain OpenAI-compatible chat is a method overridden. The bodies are validated with the vendors' SDK
types (test_cassettes.py; those of Groq, Mistral, Together and Hugging Face by hand when the cassettes were made).
"""

from __future__ import annotations

import json
import math
from typing import Any, ClassVar

import httpx2

from auditor.records import EndpointSpec
from tests.endpoints.support import ok

WORDS = (" a", " the", " some", " red", " old", " shells", " sand", " driftwood", *(f" w{i}" for i in range(120)))
TOTAL = sum(math.exp(-0.4 * i) for i in range(len(WORDS)))
BASE = [-0.4 * i - math.log(TOTAL) for i in range(len(WORDS))]
TRACE = "The diary is private. Reading it breaks trust."
ANSWER = "No. A diary is private, and reading it breaks a friend's trust."


def refusal(status: int, message: str, **more: Any) -> httpx2.Response:
    return httpx2.Response(status, json={"error": {"message": message, "type": "invalid_request_error", **more}})


class Vendor:
    """A server of OpenAI-compatible chat. ``source`` names the documentation that its bodies follow."""

    source = "OpenAI's API reference"
    spec: EndpointSpec
    owner = "vendor"
    most = 20
    """Alternatives per position; 0 if logprobs are refused."""
    trace_field = ""
    default_thinks = False
    schema = True
    fingerprint: str | None = None
    every_delta: ClassVar[dict[str, Any]] = {}

    @property
    def note(self) -> str:
        return f"not recorded: built from {self.source}, and validated with SDK types where there are any"

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        path = request.url.path
        body = json.loads(request.content) if request.content else {}
        if path.endswith("/models"):
            row = {"id": self.spec.model, "object": "model", "created": 0, "owned_by": self.owner}
            return ok({"object": "list", "data": [row]})
        if path.endswith("/chat/completions"):
            return self.refused(body) or self.chat(body)
        return self.beside(path, body)

    def beside(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return httpx2.Response(404, json={"error": {"message": f"Unknown request URL: {path}"}})

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        """The vendor's 400 for what it does not take, or None."""
        k = self.alternatives(body)
        if k is not None and k > self.most:
            return refusal(400, f"Invalid value for 'top_logprobs': must be less than or equal to {self.most}.")
        return None

    def alternatives(self, body: dict[str, Any]) -> int | None:
        return body.get("top_logprobs", 0) if body.get("logprobs") else None

    def thinks(self, body: dict[str, Any]) -> bool:
        return self.default_thinks

    # --- the model --------------------------------------------------------------------------------------------------

    def words(self, body: dict[str, Any]) -> str:
        """What the model says: fixed by the question, and by the seed where one counts."""
        asked = str(self.asked(body))
        if "response_format" in body and self.schema:
            schema = body["response_format"]["type"] == "json_schema"
            return '{"zq_label": "m4", "zq_sure": true}' if schema else '{"colour": "red"}'
        if "3 + 4" in asked:
            return "7"
        if "town" in asked:
            seed = body.get("seed", body.get("random_seed", 0))
            return f"The town of {'Aldbury' if seed == 11 else 'Brockley'} sold its only bridge twice."
        return ANSWER if "diary" in asked else " a"

    def asked(self, body: dict[str, Any]) -> Any:
        return body["messages"][-1]["content"]

    def tokens(self, body: dict[str, Any], answer: str) -> list[str]:
        room = body.get("max_tokens") or body.get("max_completion_tokens") or body.get("max_output_tokens") or 16
        if self.alternatives(body) is not None and "beach" in str(self.asked(body)):
            return [" a"]
        return [w if i == 0 else f" {w}" for i, w in enumerate(answer.split(" "))][:room]

    def entry(self, index: int) -> dict[str, Any]:
        return {"token": WORDS[index], "logprob": round(BASE[index], 6), "bytes": list(WORDS[index].encode())}

    def positions(self, tokens: list[str], k: int) -> list[dict[str, Any]]:
        rows = []
        for place, token in enumerate(tokens):
            # Now and then a token that is far from the best, as hot sampling gives.
            index = WORDS.index(token) if token in WORDS else (30 if place % 4 == 2 else place % 2)
            sampled = self.entry(index) | {"token": token, "bytes": list(token.encode())}
            best = [
                self.entry(i) | ({"token": token, "bytes": list(token.encode())} if i == index else {})
                for i in range(k)
            ]
            rows.append({**sampled, "top_logprobs": best})
        return rows

    def logprobs(self, body: dict[str, Any], tokens: list[str]) -> Any:
        k = self.alternatives(body)
        return None if k is None else {"content": self.positions(tokens, k), "refusal": None}

    # --- the reply --------------------------------------------------------------------------------------------------

    def usage(self, tokens: list[str], *, thought: bool) -> dict[str, Any]:
        spent = len(tokens) + (12 if thought else 0)
        return {
            "prompt_tokens": 18,
            "completion_tokens": spent,
            "total_tokens": 18 + spent,
            "completion_tokens_details": {"reasoning_tokens": 12 if thought else 0},
        }

    def head(self, kind: str) -> dict[str, Any]:
        head = {"id": "chatcmpl-0", "object": kind, "created": 0, "model": self.spec.model}
        return head if self.fingerprint is None else {**head, "system_fingerprint": self.fingerprint}

    def message(self, answer: str, *, thought: bool) -> dict[str, Any]:
        traced = {self.trace_field: TRACE} if thought and self.trace_field else {}
        return {"role": "assistant", "content": answer, **traced}

    def chat(self, body: dict[str, Any]) -> httpx2.Response:
        thought = self.thinks(body)
        tokens = self.tokens(body, self.words(body))
        answer, logprobs, usage = "".join(tokens), self.logprobs(body, tokens), self.usage(tokens, thought=thought)
        if body.get("stream"):
            return self.stream(self.message(answer, thought=thought), logprobs, usage)
        choice: dict[str, Any] = {"index": 0, "message": self.message(answer, thought=thought), "finish_reason": "stop"}
        if logprobs is not None:
            choice["logprobs"] = logprobs
        return ok({**self.head("chat.completion"), "choices": [choice], "usage": usage})

    def stream(self, message: dict[str, Any], logprobs: Any, usage: dict[str, Any]) -> httpx2.Response:
        """Three chunks of text, one with the finish reason, one with the usage, then [DONE]."""
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{k: v} for k, v in message.items() if k not in {"role", "content"}]
        text = message["content"]
        deltas += self.text_deltas(text)
        chunks: list[dict[str, Any]] = [
            {"index": 0, "delta": self.every_delta | delta, "finish_reason": None} for delta in deltas
        ]
        if logprobs is not None:
            chunks[-1]["logprobs"] = logprobs
        chunks.append({"index": 0, "delta": self.every_delta, "finish_reason": "stop"})
        head = self.head("chat.completion.chunk")
        events: list[Any] = [{**head, "choices": [chunk]} for chunk in chunks]
        events.append({**head, "choices": [], "usage": usage})
        return sse(*events, "[DONE]")

    def text_deltas(self, content: Any) -> list[dict[str, Any]]:
        half = len(content) // 2
        return [{"content": content[:half]}, {"content": content[half:]}]


def sse(*events: Any) -> httpx2.Response:
    lines = [e if isinstance(e, str) else json.dumps(e, ensure_ascii=False, separators=(",", ":")) for e in events]
    text = "".join(f"data: {line}\n\n" for line in lines)
    return httpx2.Response(200, text=f": keep-alive\n\n{text}", headers={"content-type": "text/event-stream"})


def hosted(dialect: str, model: str) -> EndpointSpec:
    return EndpointSpec(base_url="", model=model, dialect=dialect)


class OpenAI(Vendor):
    spec, owner, fingerprint = hosted("openai", "gpt-4.1"), "system", "fp_44709d6fcb"

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if "reasoning_effort" in body:
            said = "Unrecognized request argument supplied: reasoning_effort"
            return refusal(400, said, param="reasoning_effort", code=None)
        return super().refused(body)


class Azure(OpenAI):
    source = "Microsoft's API reference for Azure OpenAI"
    spec = EndpointSpec("https://example.openai.azure.com/openai/v1", "audited-deployment", "azure")
    most = 5


class OpenRouter(Vendor):
    source = "OpenRouter's API reference"
    spec = hosted("openrouter", "vendor/model-r1")
    trace_field, default_thinks = "reasoning", True

    def head(self, kind: str) -> dict[str, Any]:
        return {**super().head(kind), "provider": "Example"}

    def message(self, answer: str, *, thought: bool) -> dict[str, Any]:
        details = [{"type": "reasoning.text", "text": TRACE, "format": "unknown", "index": 0}]
        return super().message(answer, thought=thought) | ({"reasoning_details": details} if thought else {})

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning", {}).get("enabled", True))


class DeepSeek(Vendor):
    source = "DeepSeek's API reference and thinking-mode guide"
    spec, owner, fingerprint = hosted("deepseek", "deepseek-chat"), "deepseek", "fp_8802369eaa_prod0820_fp8_kvcache"
    trace_field = "reasoning_content"
    schema = False

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if body.get("response_format", {}).get("type") == "json_schema":
            return refusal(400, "This response_format type is unavailable now")
        return super().refused(body)

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("thinking", {}).get("type") == "enabled")

    def words(self, body: dict[str, Any]) -> str:
        return '{"colour": "red"}' if "response_format" in body else super().words(body)

    def usage(self, tokens: list[str], *, thought: bool) -> dict[str, Any]:
        return super().usage(tokens, thought=thought) | {"prompt_cache_hit_tokens": 0, "prompt_cache_miss_tokens": 18}


class Ollama(Vendor):
    source = "Ollama's source (openai/openai.go)"
    spec = EndpointSpec("http://127.0.0.1:11434/v1", "qwen3:8b", "ollama")
    owner, fingerprint = "library", "fp_ollama"
    trace_field, default_thinks = "reasoning", True

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning_effort", "medium") != "none")

    def beside(self, path: str, body: dict[str, Any]) -> httpx2.Response:
        return ok({"version": "0.12.6"}) if path == "/api/version" else super().beside(path, body)


class LmStudio(Vendor):
    source = "LM Studio's documentation and its issue 60"
    spec = EndpointSpec("http://127.0.0.1:1234/v1", "qwen3-8b", "lmstudio")
    owner, fingerprint = "organization_owner", "qwen3-8b"
    trace_field, default_thinks = "reasoning_content", True

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if body.get("response_format", {}).get("type") == "json_object":
            said = "'response_format.type' must be 'json_schema' or 'text'"
            return httpx2.Response(400, json={"error": said})
        return None

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning_effort") != "none")


class Together(Vendor):
    source = "Together's OpenAPI description"
    spec = hosted("together", "vendor/Model-7B")
    trace_field = "reasoning"
    every_delta: ClassVar[dict[str, Any]] = {"role": "assistant"}

    def alternatives(self, body: dict[str, Any]) -> int | None:
        return body.get("logprobs")

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning", {}).get("enabled"))

    def head(self, kind: str) -> dict[str, Any]:
        return {**super().head(kind), "prompt": []}

    def logprobs(self, body: dict[str, Any], tokens: list[str]) -> Any:
        k = self.alternatives(body)
        if k is None:
            return None
        rows = self.positions(tokens, k)
        return {
            "tokens": [r["token"] for r in rows],
            "token_ids": [WORDS.index(r["token"]) if r["token"] in WORDS else 999 for r in rows],
            "token_logprobs": [r["logprob"] for r in rows],
            "top_logprobs": [{t["token"]: t["logprob"] for t in r["top_logprobs"]} for r in rows],
        }


class Fireworks(Vendor):
    source = "Fireworks' API reference"
    spec, owner = hosted("fireworks", "accounts/fireworks/models/model"), "fireworks"
    trace_field, most = "reasoning_content", 5

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning_effort", "none") != "none")

    def positions(self, tokens: list[str], k: int) -> list[dict[str, Any]]:
        rows = super().positions(tokens, k)
        for row in rows:
            if k and all(t["token"] != row["token"] for t in row["top_logprobs"]):
                row["top_logprobs"].append({n: v for n, v in row.items() if n != "top_logprobs"})
        return rows


class Groq(Vendor):
    source = "Groq's API reference"
    spec, owner, fingerprint = hosted("groq", "qwen/qwen3-32b"), "Alibaba Cloud", "fp_5cf921caa2"
    trace_field, default_thinks = "reasoning", True

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if "logprobs" in body:
            return refusal(400, "property 'logprobs' is not yet supported by any of our models")
        return None

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning_effort") != "none")

    def stream(self, message: dict[str, Any], logprobs: Any, usage: dict[str, Any]) -> httpx2.Response:
        whole = super().stream(message, logprobs, usage).text
        # Its usage also comes in a field of its own.
        return httpx2.Response(
            200,
            text=whole.replace('"usage":', '"x_groq":{"id":"req_0"},"usage":'),
            headers={"content-type": "text/event-stream"},
        )


class Mistral(Vendor):
    source = "Mistral's OpenAPI description"
    spec, owner = hosted("mistral", "magistral-medium-latest"), "mistralai"

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        for name in ("seed", "stream_options"):
            if name in body:
                detail = {"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs are not permitted"}
                return httpx2.Response(422, json={"object": "error", "message": {"detail": [detail]}})
        return super().refused(body)

    def entry(self, index: int) -> dict[str, Any]:
        return {**super().entry(index), "token_id": 100 + index}

    def thinks(self, body: dict[str, Any]) -> bool:
        return bool(body.get("reasoning_effort") == "high")

    def usage(self, tokens: list[str], *, thought: bool) -> dict[str, Any]:
        usage = super().usage(tokens, thought=thought)
        del usage["completion_tokens_details"]
        return usage

    def message(self, answer: str, *, thought: bool) -> dict[str, Any]:
        if not thought:
            return {"role": "assistant", "content": answer}
        thinking = {"type": "thinking", "thinking": [{"type": "text", "text": TRACE}]}
        return {"role": "assistant", "content": [thinking, {"type": "text", "text": answer}]}


class XAI(Vendor):
    source = "xAI's API reference"
    spec, owner, fingerprint = hosted("xai", "grok-mini"), "xai", "fp_0a1b2c3d4e"
    trace_field, most, default_thinks = "reasoning_content", 8, True

    def thinks(self, body: dict[str, Any]) -> bool:
        return True

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if body.get("reasoning_effort") == "none":
            return httpx2.Response(
                400, json={"code": "Client specified an invalid argument", "error": "Invalid reasoning effort."}
            )
        return super().refused(body)


class Gemini(Vendor):
    source = "Google's page on OpenAI compatibility"
    spec, owner = hosted("gemini", "gemini-flash"), "google"

    def refused(self, body: dict[str, Any]) -> httpx2.Response | None:
        if "logprobs" in body:
            error = {
                "code": 400,
                "message": "Logprobs is not supported for the current model.",
                "status": "INVALID_ARGUMENT",
            }
            return httpx2.Response(400, json=[{"error": error}])
        return None

    def thinks(self, body: dict[str, Any]) -> bool:
        google = body.get("extra_body", {}).get("google", {})
        return bool(google.get("thinking_config", {}).get("include_thoughts"))

    def message(self, answer: str, *, thought: bool) -> dict[str, Any]:
        return {"role": "assistant", "content": f"<thought>{TRACE}</thought>{answer}" if thought else answer}
