"""Counting tokens before a call: with tiktoken where it is installed and has its tables, else by a rule of thumb."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

CHARS_PER_TOKEN: Final = 4.0
"""A rule of thumb for English; every number built on it is labelled an estimate."""
PER_MESSAGE: Final = 4
"""Tokens that a chat template puts around a message, about."""
_PATIENCE_S: Final = 5.0


class Counting(NamedTuple):
    """A way of counting the tokens of a text, and how to call it in front of people."""

    count: Callable[[str], int]
    label: str


def rule_of_thumb(chars_per_token: float = CHARS_PER_TOKEN) -> Counting:
    """Tokens by the number of characters."""
    return Counting(
        lambda text: math.ceil(len(text) / chars_per_token), f"an estimate: {chars_per_token:.3g} characters per token"
    )


def counting(load: Callable[[], Any] | None = None, patience_s: float = _PATIENCE_S) -> Counting:
    """The best way of counting at hand. Never fails and never waits longer than ``patience_s`` seconds.

    tiktoken downloads its tables at its first use, so there may be none; and what it counts is another model's tokens
    unless the endpoint is OpenAI's, so also its count is labelled an estimate.
    """
    found: list[Any] = []

    def attempt() -> None:
        try:
            found.append((load or _tiktoken)())
        except Exception:  # noqa: BLE001 - not installed, no network, a broken table: all the same here
            found.clear()

    # A daemon, because a download that hangs must not keep the program from ending.
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(patience_s)
    if thread.is_alive() or not found:
        return rule_of_thumb()
    encoding = found[0]
    return Counting(
        lambda text: len(encoding.encode(text, disallowed_special=())),
        f"an estimate: tiktoken's {encoding.name}, which is not every model's tokenizer",
    )


def _tiktoken() -> Any:
    import tiktoken

    return tiktoken.get_encoding("o200k_base")
