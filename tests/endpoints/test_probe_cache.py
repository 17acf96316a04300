from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import msgspec

from auditor.defaults import PROBE_MAX_AGE_S
from auditor.endpoints import Capabilities
from auditor.endpoints.probe_cache import ProbeCache, server_version
from auditor.plan import parse_endpoint
from auditor.records import EndpointSpec
from tests.endpoints.support import SPEC, Recorder, chat, endpoint, ok

FOUND = Capabilities(endpoint="e", dialect="vllm", model="tiny", anomalies=("odd",))


def test_a_record_is_kept_for_a_day(tmp_path: Path) -> None:
    ProbeCache(tmp_path / "new", now=1000.0).put(SPEC, "vllm 1", FOUND)
    assert ProbeCache(tmp_path / "new", now=1060.0).get(SPEC, "vllm 1") == (FOUND, 60.0)
    assert ProbeCache(tmp_path / "new", now=1000.0 + PROBE_MAX_AGE_S + 1).get(SPEC, "vllm 1") is None
    assert ProbeCache(tmp_path / "new", now=900.0).get(SPEC, "vllm 1") is None


def test_another_version_or_other_options_are_another_record(tmp_path: Path) -> None:
    cache = ProbeCache(tmp_path, now=0.0)
    cache.put(SPEC, "vllm 1", FOUND)
    assert cache.get(SPEC, "vllm 2") is None
    assert cache.get(msgspec.structs.replace(SPEC, reasoning={"enabled": True}), "vllm 1") is None
    assert cache.get(EndpointSpec(SPEC.base_url, "other"), "vllm 1") is None


def test_a_broken_file_or_folder_is_no_fault(tmp_path: Path) -> None:
    cache = ProbeCache(tmp_path, now=0.0)
    cache.put(SPEC, "", FOUND)
    (file,) = tmp_path.iterdir()
    file.write_bytes(b'{"measured_at": 0')
    assert cache.get(SPEC, "") is None
    (tmp_path / "file").write_text("")
    ProbeCache(tmp_path / "file", now=0.0).put(SPEC, "", FOUND)


async def test_the_version_is_read_without_a_question() -> None:
    def serve(request: httpx2.Request) -> httpx2.Response:
        assert request.method == "GET"
        if request.url.path == "/version":
            return ok({"version": "0.32.0"})
        return ok({"data": [{"id": "tiny", "owned_by": "vllm"}]})

    async with endpoint(serve) as e:
        assert await server_version(e) == "vllm 0.32.0 tiny"


async def test_a_server_that_tells_nothing() -> None:
    async with endpoint(Recorder(lambda _: ok(chat()))) as e:
        assert await server_version(e) == ""
    body: dict[str, Any] = {"data": [{"id": "claude-x"}]}
    async with endpoint(lambda _: ok(body), parse_endpoint("anthropic:claude-x"), key="k") as e:
        assert await server_version(e) == "anthropic claude-x"
