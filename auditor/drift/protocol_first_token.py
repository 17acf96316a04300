"""Protocol G at its first position: one generated token per prompt, asked at T=1 with its top-logprobs.

Both endpoints see the same messages; what their chat templates make of them may differ, so the first token after the
template is what is compared, and nothing later: contexts are equal only until the first difference.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

from auditor.drift.firsttoken import first_token_drift
from auditor.drift.protocol_keys import as_topk, common_kind, key_of
from auditor.drift.protocol_targeted import is_complete
from auditor.drift.topk import TopK
from auditor.records import Ask, Message, Reply, Sampling, Side, TokenPosition

MIN_PROMPTS: Final = 2
DISPLACES: Final[Mapping[Side, bool]] = {"baseline": True, "candidate": True}
"""The safe reading of a list whose server is not known: the sampled token may stand in the k-th best's place."""


def first_token_ask(messages: tuple[Message, ...], *, top_logprobs: int, sample: int) -> Ask:
    """The question: one token at T=1 and top_p=1, where every server's logprobs mean the model's own distribution."""
    return Ask(
        messages=messages,
        sampling=Sampling(temperature=1.0, top_p=1.0, max_tokens=1, seed=0),
        sample=sample,
        top_logprobs=top_logprobs,
    )


def aligned(
    baseline: Reply, candidate: Reply, k: int, displaces: Mapping[Side, bool] = DISPLACES
) -> tuple[TopK, TopK] | str:
    """Both first-token lists under keys that mean the same on both sides, or the reason why they can't be compared.

    Keys as in `protocol_keys.common_kind`. ``displaces`` tells per side whether the server may list the sampled token in
    the k-th best's place.
    """
    sides = []
    for name, reply in (("baseline", baseline), ("candidate", candidate)):
        if reply.logprobs is None or not reply.logprobs.positions:
            return f"no logprobs from the {name}"
        sides.append(reply.logprobs.positions[0])
    first, second = sides
    kind = common_kind([first], [second])
    try:
        return (
            as_topk(first, kind, k, displaces=displaces["baseline"]),
            as_topk(second, kind, k, displaces=displaces["candidate"]),
        )
    except ValueError as error:
        return str(error)


def completed(
    baseline: Reply, candidate: Reply, k: int, displaces: Mapping[Side, bool] = DISPLACES
) -> tuple[TopK, TopK] | None:
    """Both lists with what each side said about the other's tokens; None where it was not asked, or its two answers do not
    fit (a server whose numbers move from one request to the next).
    """
    lists = aligned(baseline, candidate, k, displaces)
    if isinstance(lists, str) or baseline.logprobs is None or candidate.logprobs is None:
        return None
    first, second = baseline.logprobs.positions[0], candidate.logprobs.positions[0]
    if not (is_complete(first, second) and is_complete(second, first)):
        return None
    kind = common_kind([first], [second])
    try:
        p, q = (
            own.with_known({key_of(t, kind): t.logprob for t in position.targeted})
            for own, position in zip(lists, (first, second), strict=True)
        )
    except ValueError:
        return None
    return p, q


def _first(reply: Reply) -> TokenPosition | None:
    return reply.logprobs.positions[0] if reply.logprobs and reply.logprobs.positions else None


def measure(
    replies: Sequence[tuple[str, str, str, Reply, Reply]],
    *,
    k: int,
    displaces: Mapping[Side, bool] = DISPLACES,
    seed: int,
    resamples: int,
    level: float,
) -> tuple[dict[str, Any] | None, dict[str, float]]:
    """First-token drift over prompts: the results' ``drift`` object, and each prompt's bound in nats.

    ``replies`` are (prompt id, unit, dimension, baseline, candidate). Returns (None, {}) when fewer than two prompts can
    be compared; otherwise the object also tells how many prompts were left out and why, and a value per dimension.
    """
    usable: list[tuple[str, str, str, TopK, TopK]] = []
    more: list[tuple[TopK, TopK] | None] = []
    left_out: dict[str, int] = {}
    for prompt_id, unit, dimension, baseline, candidate in replies:
        lists = aligned(baseline, candidate, k, displaces)
        if isinstance(lists, str):
            left_out[lists] = left_out.get(lists, 0) + 1
        else:
            usable.append((prompt_id, unit, dimension, *lists))
            more.append(completed(baseline, candidate, k, displaces))
    if len(usable) < MIN_PROMPTS:
        return None, {}
    targeted = any(position.targeted for _, _, _, *sides in replies for position in map(_first, sides) if position)
    whole = first_token_drift(
        [(unit, p, q) for _, unit, _, p, q in usable],
        seed=seed,
        resamples=resamples,
        level=level,
        completed=more if targeted else (),
    )
    body = whole.to_dict("G")
    del body["prompts"]
    body["left_out"] = left_out
    body["dimensions"] = {}
    for name in dict.fromkeys(dimension for _, _, dimension, _, _ in usable):
        some = [
            ((unit, p, q), known) for (_, unit, where, p, q), known in zip(usable, more, strict=True) if where == name
        ]
        if len(some) >= MIN_PROMPTS:
            pairs, knowns = [pair for pair, _ in some], [known for _, known in some]
            part = first_token_drift(
                pairs, seed=seed, resamples=resamples, level=level, completed=knowns if targeted else ()
            ).to_dict("G")
            body["dimensions"][name] = {
                key: part[key] for key in ("n", "forward", "reverse", "same_top", "low_coverage")
            }
    bounds = {item[0]: row.kl_forward for item, row in zip(usable, whole.rows, strict=True)}
    return body, {prompt_id: bound for prompt_id, bound in bounds.items() if math.isfinite(bound)}
