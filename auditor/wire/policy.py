"""Whether to try again and after how long, as a pure policy."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import httpx2
import msgspec

from auditor.wire.limits import WireLimits
from auditor.wire.quota import quota_reset, retry_after

Fault = Literal["refused", "down", "timeout", "broken", "garbled", "hopeless"]
"""Why there is no answer: nobody listens there, nobody listens there any more, too slow, broken off on the way, a body
that is no answer, or of a kind that stays."""
_TRANSIENT: Final = frozenset({408, 409, 425, 429, 498})
"""Beside 5xx: time-out, lock time-out, too early, too many requests, Groq's "capacity exceeded"."""
_FINAL_5XX: Final = frozenset({501, 505})
"""Not implemented, HTTP version not supported: what the server can't do, it won't be able to do in a second."""
RATE_LIMITED: Final = frozenset({429, 498})
"""Too many requests, and Groq's "capacity exceeded"."""
_DOWN_MAX_S: Final = 2.0
"""Longest pause before a closed door: knocking costs nothing, and a server that is back should not stand idle."""


class Wait(msgspec.Struct, frozen=True):
    """Try again after ``seconds``."""

    seconds: float
    reason: str


class GiveUp(msgspec.Struct, frozen=True):
    """Don't try again."""

    reason: str


def transient(status: int, headers: Mapping[str, str]) -> bool:
    """Tell whether a response is a fault that may pass (as openai 3 and anthropic 2 do), rather than an answer."""
    if status < 400:
        return False
    if headers.get("x-should-retry") == "true":
        return True
    return status in _TRANSIENT or (status >= 500 and status not in _FINAL_5XX)


_UNSAYABLE: Final = b"out of range float values are not json compliant"


def unsayable(status: int, body: bytes) -> bool:
    """Whether a 500 says that the server computed an answer and can't write it, because it holds NaN or an infinity.

    The words are those of Python's json module; vLLM and SGLang pass them on. The same question meets the same fault, so
    this is an answer about one question and no outage.
    """
    return status == 500 and _UNSAYABLE in body[:4096].lower()


def told_status(status: int, body: bytes) -> int:
    """Give the status a response means: gateways (OpenRouter) send 200 with ``{"error": {"code": 502}}`` as the body.

    0 stands for a 200 whose body is an error without a code.
    """
    if status >= 300 or b'"error"' not in body[:200]:
        return status
    try:
        error = _SOFT.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return status
    if not error:
        return status
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 0


def decide(
    attempt: int,
    status: int | None,
    headers: Mapping[str, str],
    now: float,
    limits: WireLimits,
    *,
    jitter: float = 0.0,
    fault: Fault = "broken",
    waited: float = 0.0,
    outage: float = 0.0,
) -> Wait | GiveUp:
    """Say what to do after a try ended with ``status``, or with ``fault`` if that is None.

    ``attempt`` counts the tries that ended in this way (1 is the first): "too many requests", time-outs and everything
    else are counted apart. ``headers`` have lower-case names; ``now`` is Unix time. ``waited`` is what the request has
    waited already, ``outage`` how long the endpoint has been refusing every connection; all in seconds. ``jitter`` in
    [0, 1) shortens a backoff by up to a quarter and lengthens a wait the server asked for by up to a tenth. Sources:
    openai 3 and anthropic 2 (``_should_retry``, ``_parse_retry_after_header``), RFC 9110 §10.2.3.
    """
    if status is None:
        verdict = _after_fault(attempt, limits, jitter, fault, outage)
    else:
        verdict = _after_status(attempt, status, headers, now, limits, jitter)
    if isinstance(verdict, Wait) and waited + verdict.seconds > limits.max_wait_s:
        return GiveUp(f"it would wait more than {limits.max_wait_s:.0f} s in all")
    return verdict


def _after_status(
    attempt: int, status: int, headers: Mapping[str, str], now: float, limits: WireLimits, jitter: float
) -> Wait | GiveUp:
    if not transient(status, headers):
        return GiveUp("this is an answer, not a fault")
    if headers.get("x-should-retry") == "false":
        return GiveUp("the server says that trying again is pointless")
    asked = retry_after(headers, now)
    if asked is not None and asked > limits.max_retry_after_s:
        return GiveUp(f"the server asks to wait {asked:.0f} s, more than the {limits.max_retry_after_s:.0f} s allowed")
    if attempt >= (limits.rate_limited_attempts if status in RATE_LIMITED else limits.max_attempts):
        return GiveUp(f"{attempt} attempts failed")
    if asked is not None:
        seconds = asked * (1 + 0.1 * jitter)
        # Who is sent away again and again, however short the wait is said to be, comes back ever later.
        return Wait(
            max(seconds, _backoff(attempt - 3, limits, jitter)) if attempt > 3 else seconds, "the server asked for it"
        )
    pause = _backoff(attempt, limits, jitter)
    if status == 429:
        reset = quota_reset(headers, now)
        # Derived from quota headers, not asked for: too long a wait is a guess not worth giving up for.
        if reset is not None and pause < reset <= limits.max_retry_after_s:
            return Wait(reset * (1 + 0.1 * jitter), "until the quota is renewed")
    return Wait(pause, "backoff")


def fault_kind(fault: BaseException) -> Fault:
    """Sort a failure of the network by whether and how soon trying again makes sense."""
    if isinstance(fault, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return "hopeless"
    causes = list(_causes(fault))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "hopeless"
    if isinstance(fault, httpx2.ConnectTimeout):
        return "refused"
    if any(isinstance(cause, ConnectionRefusedError) or _unknown_name(cause) for cause in causes):
        return "refused"
    return "timeout" if isinstance(fault, httpx2.TimeoutException) else "broken"


class _Soft(msgspec.Struct):
    error: object = None


_SOFT: Final = msgspec.json.Decoder(_Soft)


def _after_fault(attempt: int, limits: WireLimits, jitter: float, fault: Fault, outage: float) -> Wait | GiveUp:
    if fault == "hopeless":
        return GiveUp("this failure does not pass")
    if fault in {"refused", "down"} and outage >= limits.outage_s:
        return GiveUp(f"no connection for {outage:.0f} s")
    if fault == "down":
        return Wait(min(_backoff(attempt, limits, jitter), _DOWN_MAX_S), fault)
    allowed = {"refused": limits.refused_attempts, "timeout": limits.timeout_attempts}.get(fault, limits.max_attempts)
    if attempt >= min(allowed, limits.max_attempts):
        return GiveUp(f"{attempt} attempts failed")
    return Wait(_backoff(attempt, limits, jitter), fault)


def _backoff(attempt: int, limits: WireLimits, jitter: float) -> float:
    # The exponent is bounded because 2**1024 is no float any more.
    seconds: float = min(limits.backoff_first_s * 2.0 ** min(attempt - 1, 64), limits.backoff_max_s)
    return seconds * (1 - 0.25 * jitter)


def _causes(fault: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    waiting: list[BaseException] = [fault]
    while waiting:
        current = waiting.pop()
        if id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        if isinstance(current, BaseExceptionGroup):
            waiting.extend(current.exceptions)
        waiting.extend(cause for cause in (current.__cause__, current.__context__) if cause is not None)


def _unknown_name(fault: BaseException) -> bool:
    # EAI_AGAIN is a resolver in trouble and passes; only a name that is known not to exist is given up early.
    return isinstance(fault, socket.gaierror) and fault.errno != socket.EAI_AGAIN
