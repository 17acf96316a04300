from __future__ import annotations

from typing import Any

import pytest

from auditor.endpoints.loose import read_json


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b'{"a": 1.5}', {"a": 1.5}),
        (b'{"a": NaN, "b": [-Infinity, Infinity, 1]}', {"a": None, "b": [None, None, 1]}),
        (b"\n\n {}", {}),
        (b"null", None),
        (b"<html>", None),
        (b"", None),
        (b'{"a": [}\xff', None),
        (b"[" * 100_000, None),
    ],
)
def test_what_servers_write(content: bytes, value: Any) -> None:
    assert read_json(content) == value
