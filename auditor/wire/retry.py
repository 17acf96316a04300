"""The transport that tries again, as the policy says."""

from __future__ import annotations

import logging
import zlib
from collections import Counter
from collections.abc import Mapping
from typing import Final

import httpx2
import msgspec

from auditor.errors import Exhausted, NotAnApi, Unreachable
from auditor.wire.clock import Clock
from auditor.wire.context import READABLE, RequestContext, context_of
from auditor.wire.limits import WireLimits
from auditor.wire.policy import RATE_LIMITED, Fault, GiveUp, Wait, decide, fault_kind, told_status, transient, unsayable
from auditor.wire.redact import Redactor
from auditor.wire.tape import readable

_SPENT: Final = b"insufficient_quota"
"""OpenAI's code, copied by others, for a 429 that means an empty account: waiting does not fill it."""
_LOG = logging.getLogger(__name__)


class RetryTransport(httpx2.AsyncBaseTransport):
    """Repeats attempts through ``inner`` as ``decide`` says.

    Responses that are answers (also 400, 401, 403, 404, and a 500 for NaN in the answer) come back. Raises Unreachable when no connection came about or
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
            if unsayable(status, response.content):
                return response
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
        if status in RATE_LIMITED and _SPENT in body[:2000]:
            return GiveUp("the account has no credit left")
        if unsayable(status, body):
            return GiveUp("the server can't write its answer to this question")
        case.garbled = False
        if 200 <= status < 300:
            if response.extensions.get(READABLE) or readable(body, response.headers.get("content-type", "")):
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
        kind = "limited" if status in RATE_LIMITED else fault if fault in {"timeout", "down", "refused"} else "failed"
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
