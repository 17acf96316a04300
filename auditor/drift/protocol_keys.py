"""Keys that mean the same outcome on both sides, and lists under them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal

from auditor.drift.topk import Key, TopK
from auditor.records import TokenLogprob, TokenPosition

KeyKind = Literal["id", "raw", "token"]
"""What tells outcomes apart: token ids, bytes, or printed text."""

_REPLACEMENT: Final = "\ufffd"


def common_kind(first: Sequence[TokenPosition], second: Sequence[TokenPosition], *, same_ids: bool = False) -> KeyKind:
    """The best kind of key that both sides' entries have.

    Token ids where both sides give them and shared ids spell the same text (or ``same_ids``: the tokenizers are known to
    be one); else bytes where both give them; else printed text.
    """
    entries = [*_entries(first), *_entries(second)]
    if all(entry.id is not None for entry in entries):
        spelled: dict[int | None, str] = {}
        if same_ids or all(spelled.setdefault(entry.id, entry.token) == entry.token for entry in entries):
            return "id"
    return "raw" if all(entry.raw for entry in entries) else "token"


def key_of(token: TokenLogprob, kind: KeyKind) -> Key:
    """The token's key of this kind."""
    return getattr(token, kind)  # type: ignore[no-any-return]


def usable(token: TokenLogprob, kind: KeyKind) -> bool:
    """Whether the key names one outcome. Incomplete characters print as "" or U+FFFD, and many tokens share that: held
    against another list, such a print could stand for different tokens.
    """
    return kind != "token" or (token.token != "" and _REPLACEMENT not in token.token)


def as_topk(position: TokenPosition, kind: KeyKind, k: int, *, displaces: bool) -> TopK:
    """A position's list under keys of one kind.

    Args:
        position: the list and the token that was sampled or given.
        kind: of key.
        k: alternatives asked for.
        displaces: whether the server may put the sampled token in the k-th best's place.

    Raises:
        ValueError: as `TopK.from_pairs`.
    """
    pairs = [(key_of(t, kind), t.logprob if usable(t, kind) else None) for t in position.top]
    own = position.sampled
    return TopK.from_pairs(
        pairs,
        k=min(k, len(pairs)) if pairs else k,
        sampled=key_of(own, kind),
        sampled_logprob=own.logprob if usable(own, kind) else None,
        displaces=displaces,
    )


def _entries(positions: Iterable[TokenPosition]) -> list[TokenLogprob]:
    return [token for position in positions for token in (*position.top, position.sampled)]
