"""What looked wrong in the logprobs of a run's own replies, beside what its probes saw beforehand."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any, Final

from auditor.records import SIDES, Reply, Side
from auditor.store import RunReader

_COUNT: Final = re.compile(r" \(\d+ of \d+ positions\)$")


def anomalies(reader: RunReader) -> list[dict[str, Any]]:
    """One entry for each side and oddity, in that order: {"side", "what", "replies", "of"}.

    ``replies`` are those in which it was seen, ``of`` all of that side that came with logprobs.
    """
    seen: dict[Side, Counter[str]] = {side: Counter() for side in SIDES}
    whole: Counter[Side] = Counter()
    # The only replies of a run that are asked for logprobs.
    for _, side, reply in reader.first_tokens():
        whole[side] += reply.logprobs is not None
        seen[side].update(_of(reply))
    return [
        {"side": side, "what": what, "replies": seen[side][what], "of": whole[side]}
        for side in SIDES
        for what in sorted(seen[side])
    ]


def told(found: list[dict[str, Any]]) -> list[str]:
    """The same as sentences for a report's notes."""
    return [f"{one['side']}: {one['what']} ({one['replies']} of {one['of']} replies with logprobs)" for one in found]


def _of(reply: Reply) -> set[str]:
    return {_COUNT.sub("", one) for one in reply.logprobs.anomalies} if reply.logprobs is not None else set()
