"""Prompts in little memory: a bank may have 50,000, and each is looked at a few times only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import overload

import msgspec

from auditor.records import Prompt

_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Prompt)


class PackedPrompts(Sequence[Prompt]):
    """A sequence of prompts that are kept as JSON and read when they are asked for: a third of the memory.

    Equal to any sequence of the same prompts.
    """

    def __init__(self, prompts: Iterable[Prompt]) -> None:
        self._lines = [_ENCODER.encode(prompt) for prompt in prompts]

    @classmethod
    def joined(cls, several: Iterable[Sequence[Prompt]]) -> PackedPrompts:
        """The prompts of several sequences, in their order; what is packed is shared."""
        whole = cls(())
        for some in several:
            whole._lines += (some if isinstance(some, PackedPrompts) else cls(some))._lines  # noqa: SLF001 - its own kind
        return whole

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, place: int) -> Prompt: ...
    @overload
    def __getitem__(self, place: slice) -> tuple[Prompt, ...]: ...
    def __getitem__(self, place: int | slice) -> Prompt | tuple[Prompt, ...]:
        if isinstance(place, slice):
            return tuple(map(_DECODER.decode, self._lines[place]))
        return _DECODER.decode(self._lines[place])

    def __iter__(self) -> Iterator[Prompt]:
        return map(_DECODER.decode, self._lines)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and all(map(_same, self, other))

    def __hash__(self) -> int:
        return hash(tuple(self._lines))

    def __repr__(self) -> str:
        return f"PackedPrompts({len(self)} prompts)"


def _same(one: Prompt, other: object) -> bool:
    return one == other
