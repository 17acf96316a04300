"""Whether to try again and after how long: a pure policy, and the transport that follows it."""

from __future__ import annotations

import logging
import socket
import ssl
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Final, Literal

import httpx2
import msgspec

from auditor.errors import Exhausted, NotAnApi, Unreachable
from auditor.wire.clock import Clock
from auditor.wire.context import READABLE, RequestContext, context_of
from auditor.wire.limits import WireLimits
from auditor.wire.quota import quota_reset, retry_after
from auditor.wire.redact import Redactor
from auditor.wire.tape import readable

Fault = Literal["refused", "down", "timeout", "broken", "garbled", "hopeless"]
"""Why there is no answer: nobody listens there, nobody listens there any more, too slow, broken off on the way, a body
that is no answer, or of a kind that stays."""

_TRANSIENT: Final = frozenset({408, 409, 425, 429, 498})
"""Beside 5xx: time-out, lock time-out, too early, too many requests, Groq's "capacity exceeded"."""
_FINAL_5XX: Final = frozenset({501, 505})
"""Not implemented, HTTP version not supported: what the server can't do, it won't be able to do in a second."""

_SPENT: Final = b"insufficient_quota"
"""OpenAI's code, copied by others, for a 429 that means an empty account: waiting does not fill it."""

_RATE_LIMITED: Final = frozenset({429, 498})
_DOWN_MAX_S: Final = 2.0
"""Longest pause before a closed door: knocking costs nothing, and a server that is back should not stand idle."""

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
    if attempt >= (limits.rate_limited_attempts if status in _RATE_LIMITED else limits.max_attempts):
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


class RetryTransport(httpx2.AsyncBaseTransport):
    """Repeats attempts through ``inner`` as ``decide`` says.

    Responses that are answers (also 400, 401, 403, 404) come back. Raises Unreachable when no connection came about or
    nothing answered in time, Exhausted when the last attempt was a transient fault. A page or broken JSON in place of an
    answer is a fault that passes, but a page is handed on at once where no answer has been seen yet: then the address
    is wrong. When every connection has been refused for ``limits.outage_s``, each further request gets one try.
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
        self._connected = False
        self._proven = False
        self._refusing_since: float | None = None

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Ask until there is an answer or no hope of one."""
        context = context_of(request)
        context.backoff_s = 0.0
        case = _Case()
        case.take(await self._try(request))
        case.verdict = self._verdict(case, context)
        while isinstance(case.verdict, Wait):
            await self._pause(case, case.verdict.seconds, context)
            case.take(await self._try(request))
            case.verdict = self._verdict(case, context)
        fault = case.fault
        if fault is not None:
            error = self._failed(fault, case.attempts)
        else:
            response = case.response
            status = told_status(response.status_code, response.content)
            if transient(status, response.headers):
                error = self._exhausted(status, response.content, case.attempts, case.verdict.reason)
            elif case.garbled:
                error = self._unreadable(response.content, case.attempts)
            else:
                return response
        # Raised out here on purpose: a chained network error can quote the request's headers.
        raise error

    async def aclose(self) -> None:
        """Close what is below."""
        await self._inner.aclose()

    async def _pause(self, case: _Case, seconds: float, context: RequestContext) -> None:
        context.backoff_s = seconds
        case.waited += seconds
        _LOG.info("%s: attempt %d failed, waiting %.1f s", self._endpoint, case.attempts, seconds)
        await self._clock.sleep(seconds)

    async def _try(self, request: httpx2.Request) -> httpx2.Response | httpx2.RequestError | NotAnApi:
        try:
            response = await self._inner.handle_async_request(request)
        except (httpx2.RequestError, NotAnApi) as fault:
            if not isinstance(fault, httpx2.ConnectError | httpx2.ConnectTimeout):
                self._refusing_since = None
            elif self._refusing_since is None:
                self._refusing_since = self._clock.monotonic()
            if isinstance(fault, NotAnApi) and not self._proven:
                raise
            return fault
        self._connected = True
        self._refusing_since = None
        return response

    def _verdict(self, case: _Case, context: RequestContext) -> Wait | GiveUp:
        jitter = zlib.crc32(f"{context.key}/{case.attempts}".encode()) / 2**32
        if case.fault is None:
            return self._verdict_on(case, case.response, jitter)
        if isinstance(case.fault, NotAnApi):
            return GiveUp("larger than any answer")
        kind = fault_kind(case.fault)
        if (
            self._connected
            and isinstance(case.fault, httpx2.ConnectError | httpx2.ConnectTimeout)
            and kind != "hopeless"
        ):
            # It was there a moment ago: perhaps it is being restarted, which takes longer than two short waits.
            kind = "down"
        since = self._refusing_since
        outage = 0.0 if since is None else self._clock.monotonic() - since
        return self._decide(case, None, {}, jitter, kind, outage)

    def _verdict_on(self, case: _Case, response: httpx2.Response, jitter: float) -> Wait | GiveUp:
        body = response.content
        status = told_status(response.status_code, body)
        if status in _RATE_LIMITED and _SPENT in body[:2000]:
            return GiveUp("the account has no credit left")
        case.garbled = False
        if 200 <= status < 300:
            if readable(body, response.headers.get("content-type", "")):
                response.extensions[READABLE] = True
                self._proven = True
            elif self._proven or body.lstrip()[:1] in {b"{", b"["}:
                case.garbled = self._proven
                return self._decide(case, None, {}, jitter, "garbled")
        return self._decide(case, status, response.headers, jitter)

    def _decide(
        self,
        case: _Case,
        status: int | None,
        headers: Mapping[str, str],
        jitter: float,
        fault: Fault = "broken",
        outage: float = 0.0,
    ) -> Wait | GiveUp:
        kind = "limited" if status in _RATE_LIMITED else fault if fault in {"timeout", "down", "refused"} else "failed"
        case.counts[kind] += 1
        now = self._clock.time()
        return decide(
            case.counts[kind],
            status,
            headers,
            now,
            self._limits,
            jitter=jitter,
            fault=fault,
            waited=case.waited,
            outage=outage,
        )

    def _failed(self, fault: httpx2.RequestError | NotAnApi, attempts: int) -> Unreachable | Exhausted:
        if isinstance(fault, NotAnApi):
            return Exhausted(fault.what, "Look into what the server sent; other replies are not affected.")
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

    def _unreadable(self, body: bytes, attempts: int) -> Exhausted:
        what = f"{self._endpoint} sent {attempts} times in a row what is no answer; it began: {self._redactor.words(_head(body))}"
        return Exhausted(
            what, "Look into the log of the server, and of any proxy before it; then run the same command again."
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


class _Case:
    """One request's history: how often it failed in which way, what came last, and what to do now."""

    __slots__ = ("_last", "attempts", "counts", "garbled", "verdict", "waited")

    def __init__(self) -> None:
        self._last: httpx2.Response | httpx2.RequestError | NotAnApi | None = None
        self.attempts = 0
        self.counts: Counter[str] = Counter()
        self.garbled = False
        self.verdict: Wait | GiveUp = GiveUp("")
        self.waited = 0.0

    def take(self, last: httpx2.Response | httpx2.RequestError | NotAnApi) -> None:
        self._last = last
        self.attempts += 1

    @property
    def fault(self) -> httpx2.RequestError | NotAnApi | None:
        return None if isinstance(self._last, httpx2.Response) else self._last

    @property
    def response(self) -> httpx2.Response:
        if not isinstance(self._last, httpx2.Response):
            raise TypeError("no response came")
        return self._last


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


def _head(body: bytes) -> str:
    return body[:20_000].decode("utf-8", "replace")


def _last_words(body: bytes) -> str:
    text = _head(body)
    try:
        said = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return text
    error = said.get("error", said) if isinstance(said, dict) else said
    message = error.get("message", error.get("detail")) if isinstance(error, dict) else error
    return message if isinstance(message, str) else text
