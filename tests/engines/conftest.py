"""Fixtures of the engine lane, session-scoped and lazy: only what a selected test asks for is built or started."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from .lane import EnginePair, Lane, TinyModels, llama_pair, sglang_pair, vllm_pair
from .lane.build import Part

HERE = Path(__file__).parent
BUILD_SECONDS = 3600
NEEDS: dict[str, tuple[Part, ...]] = {
    "lane": (),
    "tiny_models": (),
    "vllm_pair": ("vllm",),
    "llama_pair": ("llama",),
    "sglang_pair": ("sglang",),
    "engine_pair": ("vllm", "llama"),
    "any_pair": ("vllm", "llama", "sglang"),
}
BY_ENGINE = ("engine_pair", "any_pair")
"""Fixtures with a parameter: a test that uses one needs one engine at a time."""


def _needed(items: Iterable[pytest.Item]) -> set[Part]:
    """Return the engines that the tests' fixtures are about to ask for."""
    return {
        part
        for item in items
        for name in getattr(item, "fixturenames", ())
        for part in NEEDS.get(name, ())
        if name not in BY_ENGINE or not isinstance(item, pytest.Function) or item.callspec.params[name] == part
    }


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what uses an engine, so that no test starts one in the default run for want of a marker.

    Such a test also gets a time limit that has room for building the engines: the first of them waits for that.
    """
    for item in items:
        if HERE in item.path.parents and NEEDS.keys() & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.engines)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(BUILD_SECONDS))


@pytest.fixture(scope="session")
def lane(request: pytest.FixtureRequest) -> Iterator[Lane]:
    """Give the lane, already building in the background what the selected tests are going to need."""
    with Lane() as lane:
        lane.prefetch(sorted(_needed(request.session.items)))
        yield lane


@pytest.fixture(scope="session")
def tiny_models(lane: Lane) -> TinyModels:
    """Give the paths of the tiny models and of the Python that can load them."""
    return lane.models()


@pytest.fixture(scope="session", name="vllm_pair")
def vllm_pair_fixture(lane: Lane) -> Iterator[EnginePair]:
    """Serve with two vLLM servers; the candidate's has a reasoning parser."""
    with vllm_pair(lane) as pair:
        yield pair


@pytest.fixture(scope="session", name="llama_pair")
def llama_pair_fixture(lane: Lane) -> Iterator[EnginePair]:
    """Serve with two llama-servers."""
    with llama_pair(lane) as pair:
        yield pair


@pytest.fixture(scope="session", name="sglang_pair")
def sglang_pair_fixture(lane: Lane) -> Iterator[EnginePair]:
    """Serve with two SGLang servers; the candidate's has a reasoning parser."""
    with sglang_pair(lane) as pair:
        yield pair


@pytest.fixture(scope="session", params=["vllm", "llama", "sglang"])
def any_pair(request: pytest.FixtureRequest) -> EnginePair:
    """Serve with each engine in turn: for what all three must show."""
    found: EnginePair = request.getfixturevalue(f"{request.param}_pair")
    return found


@pytest.fixture(scope="session", params=["vllm", "llama"])
def engine_pair(request: pytest.FixtureRequest) -> EnginePair:
    """Serve with vLLM and llama-server in turn: for what has nothing of its own to see on SGLang."""
    found: EnginePair = request.getfixturevalue(f"{request.param}_pair")
    return found
