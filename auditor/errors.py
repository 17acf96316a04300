"""Every error a user can meet. Each leaf says what to do next; the exit code belongs to the class.

    AuditorError
    ├── UsageError (2)              what was asked for can't be done as written
    │   ├── PlanError               a plan file or flag is wrong: names the place and the fix
    │   ├── BankError               a bank is missing, empty or malformed
    │   ├── RubricError             a rubric is missing or malformed
    │   ├── RunError                a run folder is missing, from another plan, or from a newer version
    │   ├── CassetteError           a cassette is missing, malformed or from a newer version
    │   └── CassetteMiss            replay asked for an exchange that was never recorded
    ├── Stopped (130)               whoever watches the run asked it to stop at a pair boundary
    ├── IndeterminateError (3)      no fault, but no answer either
    │   └── BudgetReached           the hard budget stopped the run at a pair boundary
    └── EndpointError (4)           an endpoint or its key does not work
        ├── AuthenticationFailed    401 or 403
        ├── ModelNotFound           404, or the server says it does not serve this model
        ├── Unreachable             no connection, DNS failure, time-out before a response
        ├── NotAnApi                an answer that is not the API's JSON (an HTML page, an empty body)
        ├── JudgeUnfit              a judge that answers, but gets clear cases wrong or falls for an injected verdict
        ├── RequestRejected         400 or 422: the server understood and refuses the request
        └── Exhausted               retries were used up, or the server asked to wait longer than allowed

No fault of the infrastructure ever maps to exit code 1: that code means "a regression was found".
"""

from __future__ import annotations


class AuditorError(Exception):
    """Base of all errors meant for the user's eyes.

    ``what`` says what happened in one sentence, ``todo`` what to do about it.
    """

    exit_code = 2

    def __init__(self, what: str, todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.todo = todo

    def __str__(self) -> str:
        return f"{self.what}\n  → {self.todo}" if self.todo else self.what


class UsageError(AuditorError):
    """What was asked for can't be done as written."""


class PlanError(UsageError):
    """A plan file or a flag is wrong."""


class BankError(UsageError):
    """A bank is missing, empty or malformed."""


class RubricError(UsageError):
    """A rubric is missing or malformed."""


class RunError(UsageError):
    """A run folder is missing, from another plan, or from a newer version."""


class CassetteError(UsageError):
    """A cassette file is missing, malformed or from a newer version."""


class CassetteMiss(UsageError):
    """Replay asked for an exchange that was never recorded."""


class Stopped(AuditorError):
    """Whoever watches the run asked it to stop at a pair boundary."""

    exit_code = 130


class IndeterminateError(AuditorError):
    """No fault, but no answer either."""

    exit_code = 3


class BudgetReached(IndeterminateError):
    """The hard budget stopped the run at a pair boundary."""


class EndpointError(AuditorError):
    """An endpoint or its key does not work."""

    exit_code = 4


class AuthenticationFailed(EndpointError):
    """The server answered 401 or 403."""


class ModelNotFound(EndpointError):
    """The server does not serve this model."""


class Unreachable(EndpointError):
    """No connection, DNS failure, or a time-out before a response."""


class NotAnApi(EndpointError):
    """Something answered, but not with the API's JSON."""


class JudgeUnfit(EndpointError):
    """A judge got one of the cases wrong that any judge must get right, so none of its verdicts can be used."""


class RequestRejected(EndpointError):
    """The server understood the request and refuses it (400, 422)."""


class Exhausted(EndpointError):
    """Retries were used up, or the server asked to wait longer than allowed."""
