"""Whether to try again and after how long: a pure policy, and the transport that follows it."""

from __future__ import annotations

import email.utils
import logging
import math
import re
import socket
import ssl
import zlib
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Final, Literal

import httpx2
import msgspec
import tenacity

from auditor.errors import Exhausted, Unreachable
from auditor.wire.clock import Clock
from auditor.wire.context import RequestContext, context_of
from auditor.wire.limits import WireLimits
from auditor.wire.redact import Redactor

Fault = Literal["refused", "timeout", "broken", "hopeless"]
"""Why no response came: nobody listens there, too slow, broken off on the way, or of a kind that stays."""

_TRANSIENT: Final = frozenset({408, 409, 425, 429, 498})
"""Beside 5xx: time-out, lock time-out, too early, too many requests, Groq's "capacity exceeded"."""
_FINAL_5XX: Final = frozenset({501, 505})
"""Not implemented, HTTP version not supported: what the server can't do, it won't be able to do in a second."""

_SPENT: Final = b"insufficient_quota"
"""OpenAI's code, copied by others, for a 429 that means an empty account: waiting does not fill it."""

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_QUOTAS: Final = (
    ("x-ratelimit-remaining-requests", "x-ratelimit-reset-requests"),
    ("x-ratelimit-remaining-tokens", "x-ratelimit-reset-tokens"),
    ("anthropic-ratelimit-requests-remaining", "anthropic-ratelimit-requests-reset"),
    ("anthropic-ratelimit-tokens-remaining", "anthropic-ratelimit-tokens-reset"),
    ("anthropic-ratelimit-input-tokens-remaining", "anthropic-ratelimit-input-tokens-reset"),
    ("anthropic-ratelimit-output-tokens-remaining", "anthropic-ratelimit-output-tokens-reset"),
)

_LOG = logging.getLogger(__name__)


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
) -> Wait | GiveUp:
    """Say what to do after the ``attempt``-th try (1 is the first) ended with ``status``, or with ``fault`` if that is None.

    ``headers`` have lower-case names; ``now`` is Unix time in seconds. ``jitter`` in [0, 1) shortens a backoff by up to
    a quarter and lengthens a wait the server asked for by up to a tenth. Sources: openai 3 and anthropic 2
    (``_should_retry``, ``_parse_retry_after_header``), RFC 9110 §10.2.3.
    """
    if status is None:
        return _after_fault(attempt, limits, jitter, fault)
    if not transient(status, headers):
        return GiveUp("this is an answer, not a fault")
    if headers.get("x-should-retry") == "false":
        return GiveUp("the server says that trying again is pointless")
    asked = retry_after(headers, now)
    if asked is not None and asked > limits.max_retry_after_s:
        return GiveUp(f"the server asks to wait {asked:.0f} s, more than the {limits.max_retry_after_s:.0f} s allowed")
    if attempt >= limits.max_attempts:
        return GiveUp(f"{attempt} attempts failed")
    if asked is not None:
        return Wait(asked * (1 + 0.1 * jitter), "the server asked for it")
    pause = _backoff(attempt, limits, jitter)
    if status == 429:
        reset = quota_reset(headers, now)
        # Derived from quota headers, not asked for: too long a wait is a guess not worth giving up for.
        if reset is not None and pause < reset <= limits.max_retry_after_s:
            return Wait(reset * (1 + 0.1 * jitter), "until the quota is renewed")
    return Wait(pause, "backoff")


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Read the wait in seconds from retry-after-ms or retry-after (seconds or HTTP date); None if there is none to obey."""
    for name, scale in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        if not math.isnan(seconds):
            return seconds if seconds > 0 else None
    try:
        seconds = email.utils.parsedate_to_datetime(headers.get("retry-after", "")).timestamp() - now
    except (TypeError, ValueError, OverflowError):
        return None
    return seconds if seconds > 0 else None


def quota_reset(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds until the quotas that are used up are renewed (OpenAI's durations, Anthropic's RFC 3339 times)."""
    waits = [
        _reset_seconds(headers.get(reset, ""), now) for remaining, reset in _QUOTAS if headers.get(remaining) == "0"
    ]
    return max((wait for wait in waits if wait is not None and wait > 0), default=None)


def fault_kind(fault: BaseException) -> Fault:
    """Sort a failure of the network by whether and how soon trying again makes sense."""
    if isinstance(fault, httpx2.UnsupportedProtocol | httpx2.LocalProtocolError):
        return "hopeless"
    causes = list(_causes(fault))
    if any(isinstance(cause, ssl.SSLCertVerificationError) for cause in causes):
        return "hopeless"
    if any(isinstance(cause, ConnectionRefusedError) or _unknown_name(cause) for cause in causes):
        return "refused"
    return "timeout" if isinstance(fault, httpx2.TimeoutException) else "broken"


class RetryTransport(httpx2.AsyncBaseTransport):
    """Repeats attempts through ``inner`` as ``decide`` says.

    Responses that are answers (also 400, 401, 403, 404) come back. Raises Unreachable when no connection came about or
    nothing answered in time, Exhausted when the last attempt was a transient fault.
    """

    def __init__(
        self,
        inner: httpx2.AsyncBaseTransport,
        *,
        endpoint: str,
        limits: WireLimits,
        clock: Clock,
        redactor: Redactor,
    ) -> None:
        self._inner = inner
        self._endpoint = endpoint
        self._limits = limits
        self._clock = clock
        self._redactor = redactor
        self._answered = False

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask until there is an answer or no hope of one."""
        context = context_of(request)
        context.backoff_s = 0.0
        verdict: Wait | GiveUp = GiveUp("")
        attempts = 0

        def again(state: tenacity.RetryCallState) -> bool:
            nonlocal verdict, attempts
            attempts = state.attempt_number
            verdict = self._judge(state, context)
            return isinstance(verdict, Wait)

        def pause(state: tenacity.RetryCallState) -> float:
            seconds = verdict.seconds if isinstance(verdict, Wait) else 0.0
            context.backoff_s = seconds
            _LOG.info("%s: attempt %d failed, waiting %.1f s", self._endpoint, state.attempt_number, seconds)
            return seconds

        async def attempt() -> httpx2.Response:
            response = await self._inner.handle_async_request(request)
            self._answered = True
            return response

        response: httpx2.Response
        try:
            response = await tenacity.AsyncRetrying(sleep=self._clock.sleep, retry=again, wait=pause)(attempt)
        except httpx2.RequestError as fault:
            error = self._failed(fault, attempts)
        else:
            status = told_status(response.status_code, response.content)
            if not transient(status, response.headers):
                return response
            error = self._exhausted(status, response.content, attempts, verdict.reason)
        # Raised out here on purpose: a chained network error can quote the request's headers.
        raise error

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()

    def _judge(self, state: tenacity.RetryCallState, context: RequestContext) -> Wait | GiveUp:
        outcome = state.outcome
        if outcome is None:
            return GiveUp("nothing was tried")
        jitter = zlib.crc32(f"{context.key}/{state.attempt_number}".encode()) / 2**32
        now = self._clock.time()
        fault = outcome.exception()
        if fault is None:
            response: httpx2.Response = outcome.result()
            status = told_status(response.status_code, response.content)
            if status == 429 and _SPENT in response.content[:2000]:
                return GiveUp("the account has no credit left")
            return decide(state.attempt_number, status, response.headers, now, self._limits, jitter=jitter)
        if not isinstance(fault, httpx2.RequestError):
            return GiveUp("not a failure of the network")
        kind = fault_kind(fault)
        if kind == "refused" and self._answered:
            # It was there a moment ago: perhaps it is being restarted, which takes longer than two short waits.
            kind = "broken"
        return decide(state.attempt_number, None, {}, now, self._limits, jitter=jitter, fault=kind)

    def _failed(self, fault: httpx2.RequestError, attempts: int) -> Unreachable | Exhausted:
        host = httpx2.URL(self._endpoint).netloc.decode("ascii", "replace") or self._endpoint
        words = self._redactor.words(str(fault)) or type(fault).__name__
        kind = fault_kind(fault)
        if kind == "hopeless":
            return Unreachable(
                f"can't talk to {self._endpoint}: {words}", f"Check the URL and the certificate of {host}."
            )
        if kind == "timeout":
            what = f"{self._endpoint} gave no complete answer in time ({words}; {attempts} attempts)"
            return Unreachable(what, f"Check that {host} is up and not overloaded; then run the same command again.")
        if kind == "refused" or isinstance(fault, httpx2.ConnectError | httpx2.ProxyError):
            what = f"can't reach {self._endpoint}: {words} ({attempts} attempts)"
            return Unreachable(what, f"Check that a server is running at {host} and that the URL is right.")
        what = f"{self._endpoint} broke off its answer {attempts} times in a row: {words}"
        return Exhausted(
            what, f"Look into the log of {host}; then run the same command again, finished replies are kept."
        )

    def _exhausted(self, status: int, body: bytes, attempts: int, reason: str) -> Exhausted:
        said = self._redactor.words(_last_words(body)) or "nothing"
        times = "" if attempts == 1 else f" {attempts} times in a row"
        what = f"{self._endpoint} answered {status}{times} ({reason}); it said: {said}"
        if status == 429:
            return Exhausted(
                what, "Wait or lower the concurrency, check the account's limits, then run the same command again."
            )
        return Exhausted(what, "Look into the server's log or status page, then run the same command again.")


class _Soft(msgspec.Struct):
    error: object = None


_SOFT: Final = msgspec.json.Decoder(_Soft)


def _after_fault(attempt: int, limits: WireLimits, jitter: float, fault: Fault) -> Wait | GiveUp:
    if fault == "hopeless":
        return GiveUp("this failure does not pass")
    allowed = {"refused": limits.refused_attempts, "timeout": limits.timeout_attempts}.get(fault, limits.max_attempts)
    if attempt >= min(allowed, limits.max_attempts):
        return GiveUp(f"{attempt} attempts failed")
    return Wait(_backoff(attempt, limits, jitter), fault)


def _backoff(attempt: int, limits: WireLimits, jitter: float) -> float:
    # The exponent is bounded because 2**1024 is no float any more.
    seconds: float = min(limits.backoff_first_s * 2.0 ** min(attempt - 1, 64), limits.backoff_max_s)
    return seconds * (1 - 0.25 * jitter)


def _reset_seconds(value: str, now: float) -> float | None:
    parts = _DURATION.findall(value)
    if parts and "".join(number + unit for number, unit in parts) == value:
        return sum(float(number) * _UNITS[unit] for number, unit in parts)
    try:
        return datetime.fromisoformat(value).timestamp() - now
    except (ValueError, OverflowError):
        return None


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


def _last_words(body: bytes) -> str:
    text = body[:20_000].decode("utf-8", "replace")
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return text
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return message if isinstance(message, str) else text
