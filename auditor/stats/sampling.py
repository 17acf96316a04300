"""Drawing at random so that everybody who has the seed draws the same."""

import hashlib
from collections.abc import Iterable


def drawn(items: Iterable[tuple[str, ...]], seed: int, purpose: str = "") -> list[tuple[str, ...]]:
    """All items in a uniformly random order: any number of first ones is a simple random sample without replacement.

    The order is that of SHA-256 over purpose, seed and item, so it depends on neither the order nor the number of the
    others: an item keeps its place relative to the rest when more are added. ``purpose`` gives draws of their own.
    """
    return sorted(items, key=lambda item: hashlib.sha256("\0".join((purpose, str(seed), *item)).encode()).digest())
