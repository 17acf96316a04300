"""The way to the servers: tape ▸ retry ▸ pacing ▸ network. Retrying, pacing, caching and counting happen only here."""

from auditor.wire.adaptive import Controller, LimitChange
from auditor.wire.cassette import CassetteTape
from auditor.wire.clock import Clock, SystemClock
from auditor.wire.context import ELAPSED, FROM_TAPE, PURPOSE_HEADER, SAMPLE_HEADER
from auditor.wire.limiter import KEPT_CHANGES, AdaptiveLimiter
from auditor.wire.limits import WireLimits, deadline_for
from auditor.wire.open import Wire, hidden_error, open_wire
from auditor.wire.pacing import FixedLimiter, Limiter, Signal
from auditor.wire.policy import GiveUp, Wait, decide, unsayable
from auditor.wire.redact import Redactor
from auditor.wire.tape import MemoryTape, Tape, TapeMode, canonical_body, exchange_key

__all__ = [
    "ELAPSED",
    "FROM_TAPE",
    "KEPT_CHANGES",
    "PURPOSE_HEADER",
    "SAMPLE_HEADER",
    "AdaptiveLimiter",
    "CassetteTape",
    "Clock",
    "Controller",
    "FixedLimiter",
    "GiveUp",
    "LimitChange",
    "Limiter",
    "MemoryTape",
    "Redactor",
    "Signal",
    "SystemClock",
    "Tape",
    "TapeMode",
    "Wait",
    "Wire",
    "WireLimits",
    "canonical_body",
    "deadline_for",
    "decide",
    "exchange_key",
    "hidden_error",
    "open_wire",
    "unsayable",
]
