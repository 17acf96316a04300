"""What our own layers tell each other about a request; it rides in the request's extensions, never on the network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx2

SAMPLE_HEADER: Final = "x-auditor-sample"
PURPOSE_HEADER: Final = "x-auditor-purpose"

ELAPSED: Final = "auditor_elapsed_s"
"""Response extension: seconds the network took, as recorded (a float)."""
FROM_TAPE: Final = "auditor_from_tape"
"""Response extension: whether the tape answered (a bool)."""

READABLE: Final = "auditor_readable"
"""Response extension between our own layers: the body was seen to be JSON or an event stream."""

_CONTEXT: Final = "auditor_context"


@dataclass(slots=True)
class RequestContext:
    """Sample index and purpose of one request, its key on the tape, the model it asks for, and the seconds waited before
    its next attempt.
    """

    sample: int = 0
    purpose: str = ""
    key: str = ""
    model: str = ""
    backoff_s: float = 0.0


def context_of(request: httpx2.Request) -> RequestContext:
    """Give the request's context, taking the internal headers off the request the first time.

    The context stays with the request object, so sending the same object again asks the same sample again.
    """
    context = request.extensions.get(_CONTEXT)
    if isinstance(context, RequestContext):
        return context
    context = RequestContext(
        sample=int(request.headers.pop(SAMPLE_HEADER, "0")),
        purpose=request.headers.pop(PURPOSE_HEADER, ""),
    )
    request.extensions[_CONTEXT] = context
    return context
