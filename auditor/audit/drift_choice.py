"""Which protocol a pair permits, from what its endpoints were seen to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from auditor.audit.session import Session
from auditor.drift.protocol_gather import Party, find_markers
from auditor.endpoints import Capabilities, Endpoint
from auditor.endpoints.dialects import dialect_named
from auditor.endpoints.scoring import ScoreProtocol, Scorer, find_scorer, fingerprint
from auditor.endpoints.targeting import Targeter, find_targeter
from auditor.errors import RequestRejected
from auditor.records import SIDES, Message, Side

Wanted = Literal["auto", "F", "S", "P", "G", "T"]
"""A protocol, or the strongest that both endpoints permit."""

_RANK: Final = {"F": 0, "P": 1, "S": 2, "G": 3, "T": 4}


@dataclass(frozen=True, slots=True)
class Scorers:
    """Both sides' scorers, as far as they exist, and whether the tokenizers are one."""

    parties: Mapping[Side, Party]
    same_tokenizer: bool | None
    capabilities: Mapping[Side, Capabilities]
    endpoint_with_itself: bool = False

    @property
    def spent(self) -> tuple[int, int]:
        """Calls and tokens of both sides' scorers so far."""
        ledgers = [spent for party in self.parties.values() for spent in party.spent]
        return sum(one.calls for one in ledgers), sum(one.prompt_tokens + one.completion_tokens for one in ledgers)


async def find_scorers(session: Session, capabilities: Mapping[Side, Capabilities], wanted: Wanted) -> Scorers:
    """Both sides' scorers, as far as they exist, each with thinking as served and switched off."""
    if wanted == "G" or wanted == "T":
        return Scorers({}, None, capabilities)
    only: ScoreProtocol | None = None if wanted == "auto" else wanted
    parties: dict[Side, Party] = {}
    known = dict(capabilities)
    for side in SIDES:
        known[side], scorer = await find_scorer(session.endpoints[side], capabilities[side], wanted=only)
        if scorer is None:
            continue
        off = await _off(session, side, scorer, capabilities[side], only)
        parties[side] = Party(scorer, off, await find_markers(scorer))
    prints = [await fingerprint(party.scorer) for party in parties.values()]
    same = prints[0] == prints[1] if len(prints) == len(SIDES) and None not in prints else None
    return Scorers(parties, same, known, session.specs["baseline"] == session.specs["candidate"])


async def _off(
    session: Session, side: Side, scorer: Scorer, capabilities: Capabilities, wanted: ScoreProtocol | None
) -> Scorer:
    """The same server's scorer with thinking switched off; the one given, if that makes no difference to a prompt."""
    _, off = await find_scorer(session.variant(side, {"enabled": False}), capabilities, wanted=wanted)
    if off is None:
        return scorer
    hello = (Message("user", "Hello."),)
    return scorer if await off.prefix(hello) == await scorer.prefix(hello) else off


def choose(found: Scorers, wanted: Wanted) -> str:
    """The protocol. Raises RequestRejected if the one that is wanted is not to be had."""
    if wanted in ("G", "T"):
        if wanted == "G" and not all(found.capabilities[side].top_logprobs_max for side in SIDES):
            raise not_to_be_had("G", "not both of them return logprobs")
        return wanted
    if len(found.parties) == len(SIDES) and found.same_tokenizer is not None:
        weakest = max((party.scorer.protocol for party in found.parties.values()), key=lambda name: _RANK[name])
        if wanted in ("auto", weakest) or (wanted == "S" and weakest == "F"):
            return wanted if wanted == "S" else weakest
        raise not_to_be_had(wanted, f"the strongest that both permit is {weakest}")
    if wanted != "auto":
        raise not_to_be_had(wanted, "not both of them score given tokens that way")
    return "G" if all(found.capabilities[side].top_logprobs_max for side in SIDES) else "T"


@dataclass(frozen=True, slots=True)
class Target:
    """A side that can be asked for given tokens at the next position (E3)."""

    named_by_id: Endpoint
    targeter: Targeter


async def find_targets(session: Session, capabilities: Mapping[Side, Capabilities]) -> Mapping[Side, Target]:
    """Both sides, if both can be asked for tokens by id and their ids mean the same; else none. Four requests at most.

    Vendors' hosted models have no such field; asking them would only cost refusals.
    """
    prints = {capabilities[side].tokenizer for side in SIDES}
    hosted = [dialect_named(session.specs[side].dialect).base_url for side in SIDES]
    if None in prints or len(prints) > 1 or any(hosted):
        return {}
    if not all(capabilities[side].top_logprobs_max for side in SIDES):
        return {}
    if any(capabilities[side].targeted_token_ids is False for side in SIDES):
        return {}
    found: dict[Side, Target] = {}
    for side in SIDES:
        named = session.named_by_id(side)
        targeter = await find_targeter(session.endpoints[side], named)
        if targeter is None:
            return {}
        found[side] = Target(named, targeter)
    return found


def not_to_be_had(protocol: str, why: str) -> RequestRejected:
    """The error for a protocol that these endpoints do not permit."""
    return RequestRejected(
        f"Protocol {protocol} can't be had from these endpoints: {why}.",
        "Leave --protocol out: auto takes what there is.",
    )
