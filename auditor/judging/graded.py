"""How sure a judge was of its label, read from the logprobs of the label's own tokens."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from auditor.records import TokenLogprob, TokenLogprobs

JUDGE_TOP_LOGPROBS = 5
"""Alternatives asked for with every verdict: as many as every server gives that gives any, and a rubric has no more labels."""

_LABEL = re.compile(r'"label"\s*:\s*"')


def label_probability(logprobs: TokenLogprobs, labels: Sequence[str], label: str) -> float | None:
    """The share, in (0, 1], of ``label`` among ``labels`` at the place where the last ``"label": "…"`` was written.

    At each token of the label, the mass of the listed tokens that lead on to ``label`` is divided by the mass of those
    that lead on to any label; the product over the label's tokens is the result (G-Eval's token-probability score, Liu et
    al. 2023, renormalised to the menu). Tokens outside the list are not counted. None if the label is not there or a
    logprob is missing.
    """
    pieces = [position.sampled.token for position in logprobs.positions]
    whole = "".join(pieces)
    found = list(_LABEL.finditer(whole))
    if not found or not whole.startswith(f'{label}"', found[-1].end()):
        return None
    start, end = found[-1].end(), found[-1].end() + len(label)
    share, at = 1.0, 0
    for position, piece in zip(logprobs.positions, pieces, strict=True):
        begin, at = at, at + len(piece)
        if at <= start or begin >= end or not piece:
            continue
        lead, written = piece[: max(0, start - begin)], whole[start : max(start, begin)]
        chosen = any_label = 0.0
        for alternative in _listed(position.sampled, position.top):
            if alternative.logprob is None or not alternative.token.startswith(lead):
                continue
            said = written + alternative.token[len(lead) :]
            mass = math.exp(min(0.0, alternative.logprob))
            chosen += mass * _leads_to(said, label)
            any_label += mass * any(_leads_to(said, one) for one in labels)
        if chosen <= 0.0:
            return None
        share *= chosen / any_label
    return share


def _listed(sampled: TokenLogprob, top: Sequence[TokenLogprob]) -> list[TokenLogprob]:
    """The alternatives and, if it is none of them, the sampled token."""
    return [*top] if any(one.token == sampled.token for one in top) else [sampled, *top]


def _leads_to(said: str, label: str) -> bool:
    whole = f'{label}"'
    return bool(said) and (whole.startswith(said) or said.startswith(whole))
