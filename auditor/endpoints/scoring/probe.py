"""Measuring whether an endpoint can score given text, and how: only a way that reproduces the server's own numbers counts.

A short text is generated with its logprobs and then scored. Servers were seen that echo logprobs one position off or
corrupt them under load: what they say about given text must agree with what they said when they wrote it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec

from auditor.endpoints.base import Endpoint
from auditor.endpoints.capabilities import Capabilities
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.scoring.base import ScoreProtocol, Scorer, Server
from auditor.endpoints.scoring.completions import CompletionsScorer
from auditor.endpoints.scoring.hosted import FireworksScorer, TogetherScorer
from auditor.endpoints.scoring.llama_cpp import LlamaCppScorer
from auditor.endpoints.scoring.prefill import PrefillScorer
from auditor.endpoints.scoring.sglang import SglangScorer
from auditor.endpoints.scoring.tgi import TgiScorer
from auditor.errors import CassetteMiss, EndpointError
from auditor.records import Message, TokenPosition

SCORING_MAX_CALLS: Final = 40
"""At most this many requests more than the probe itself; most servers take about ten."""
AGREE: Final = 0.05
"""Nats by which a scored token's median may differ from what it was when generated: above batch noise, below a shift."""
FINGERPRINT_TEXT: Final = "Hello, wörld! 👋🏽 漢字かな 한글 العربية 0123456789 3.14\n\tdef f(x):\r\n    return x  # ok?\n<|im_end|></s><think>\u00a0…"
"""Emoji, scripts, digits, code and special tokens: tokenizers that agree on all of it are taken to be the same."""

_OWN: Final[dict[str, Callable[[Server], Scorer]]] = {
    "llama-cpp": LlamaCppScorer,
    "sglang": SglangScorer,
    "tgi": TgiScorer,
    "tgi-native": TgiScorer,
}
"""Server families with routes of their own."""
_HOSTED: Final[dict[str, Callable[[Server], Scorer]]] = {"fireworks": FireworksScorer, "together": TogetherScorer}
"""Vendors that document how a prompt is scored."""

_ASKED: Final = (Message("user", "Write one short, surprising sentence about a town."),)
_TOKENS: Final = 6
_TOP: Final = 2


async def find_scorer(
    endpoint: Endpoint, found: Capabilities, *, wanted: ScoreProtocol | None = None
) -> tuple[Capabilities, Scorer | None]:
    """Find the best way to score given tokens at this endpoint, if there is one.

    Args:
        endpoint: connected in the dialect that its probe recognised.
        wanted: only ways of this protocol; S takes any way of F.
        found: that probe's record; it comes back with ``prompt_logprobs``, ``token_ids`` and ``protocol`` set.

    Raises:
        AuditorError: only faults that are not about scoring (a tape that can't be written, say). A server that refuses is
            a finding.
    """
    dialect = dialect_named(endpoint.spec.dialect)
    # Most vendors' own chat models score nothing; asking them only costs refusals.
    hosted = dialect.base_url and dialect.name not in _HOSTED
    if not isinstance(endpoint, Server) or hosted or not dialect.has_logprobs:
        return found, None
    seen: dict[str, bool] = {}
    best: Scorer | None = None
    top = _TOP if found.top_logprobs_max is None else min(_TOP, found.top_logprobs_max)
    for make in _ways(endpoint):
        scorer = make()
        if wanted is not None and scorer.protocol != wanted and (wanted, scorer.protocol) != ("S", "F"):
            continue
        try:
            works = await _agrees(scorer, top)
        except (EndpointError, CassetteMiss):
            works = False
        seen[scorer.name] = works
        if works:
            best = await _with_targets(scorer, top)
            break
    ways = [seen[name] for name in ("prompt_logprobs", "sglang", "tgi") if name in seen]
    fields = {"prompt_logprobs": any(ways)} if ways else {}
    found = msgspec.structs.replace(
        found, **fields, token_ids=True if best else found.token_ids, protocol=best.protocol if best else found.protocol
    )
    return found, best


async def fingerprint(scorer: Scorer) -> tuple[int, ...] | None:
    """The ids of `FINGERPRINT_TEXT`, or None where the server does not tokenise for us."""
    try:
        return await scorer.tokenise(FINGERPRINT_TEXT)
    except (EndpointError, CassetteMiss):
        return None


def _ways(server: Server) -> Iterator[Callable[[], Scorer]]:
    name = dialect_named(server.spec.dialect).name
    own = _OWN.get(name) or _HOSTED.get(name)
    if own is not None:
        yield lambda: own(server)
        if name != "sglang":
            return
    yield lambda: CompletionsScorer(server, "prompt_logprobs")
    yield lambda: CompletionsScorer(server, "echo")
    yield lambda: CompletionsScorer(server, "one_by_one", forced=True)
    yield lambda: CompletionsScorer(server, "one_by_one")
    yield lambda: PrefillScorer(server, forced=True)
    yield lambda: PrefillScorer(server)


async def _with_targets(scorer: Scorer, top: int) -> Scorer:
    """The scorer, able to ask for tokens by id if the server was seen to list them with the numbers that they had."""
    if type(scorer) is CompletionsScorer:
        scorer.targets = "each"
    if scorer.targets == "none":
        return scorer
    try:
        prefix = await scorer.prefix(_ASKED)
        wrote = await scorer.sample(prefix, max_tokens=_TOKENS, top=top, seed=17)
        listed = (await scorer.score(prefix, wrote.ids, top=top, at=[0]))[0].top
        wanted = [t.id for t in listed if t.id is not None]
        stranger = next(one for one in range(len(wanted) + 1) if one not in wanted)
        found = await scorer.known(prefix, wrote.ids, {0: [stranger, *reversed(wanted)]})
        gaps = [abs(found[0][t.id] - t.logprob) for t in listed if t.id is not None and t.logprob is not None]
        if stranger in found[0] and gaps and sorted(gaps)[len(gaps) // 2] < AGREE:
            return scorer
    except (EndpointError, CassetteMiss, KeyError):
        pass
    scorer.targets = "none"
    return scorer


async def _agrees(scorer: Scorer, top: int) -> bool:
    """Whether scored tokens have the logprobs that they had when they were generated, position by position."""
    prefix = await scorer.prefix(_ASKED)
    wrote = await scorer.sample(prefix, max_tokens=_TOKENS, top=top, seed=17)
    ids = wrote.ids
    if not ids:
        return False
    given = await scorer.score(prefix, ids, top=top, pieces=[p.sampled.token for p in wrote.positions])
    if len(given) < len(ids) or any(len(p.top) > top for p in given.values()):
        return False
    gaps = sorted(
        abs(one - other)
        for t, position in enumerate(wrote.positions)
        for one, other in _pairs(position, given[t], keyed=wrote.keyed)
    )
    # A bias that shows in the logprobs makes the forced token certain and moves every other one.
    return len(gaps) >= len(ids) / 2 and gaps[len(gaps) // 2] < AGREE


def _pairs(wrote: TokenPosition, given: TokenPosition, *, keyed: bool) -> Iterator[tuple[float, float]]:
    if wrote.sampled.logprob is not None and given.sampled.logprob is not None:
        yield wrote.sampled.logprob, given.sampled.logprob
    if keyed:
        known = {t.id: t.logprob for t in wrote.top}
        for token in given.top:
            other = known.get(token.id)
            if token.logprob is not None and other is not None:
                yield other, token.logprob
