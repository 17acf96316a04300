"""What the tests of this room share: questions, a rubric and an endpoint that says what it is told to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from auditor.errors import EndpointError
from auditor.judging import JudgeQuestion
from auditor.records import Ask, EndpointSpec, Message, Part, Prompt, Reply

Says = str | Reply | EndpointError | Callable[[Ask], "Says"]


def prompt(text: str = "What is this about?", *, system: str = "", **expect: Any) -> Prompt:
    messages = (Message("system", system),) if system else ()
    return Prompt("bank/001", "safety", "bank", "harmful", (*messages, Message("user", text)), expect)


def question(text: str, asked: str = "What is this about?", part: Part = "answer", **expect: Any) -> JudgeQuestion:
    return JudgeQuestion(prompt(asked, **expect), text, part)


class Parrot:
    """An endpoint that replies with the next of the given things, the last one for ever, and remembers what it was asked."""

    def __init__(self, *says: Says) -> None:
        self.spec = EndpointSpec("http://judge.invalid/v1", "some-judge")
        self.asked: list[Ask] = []
        self.purposes: list[str] = []
        self._says: Sequence[Says] = says

    async def ask(self, ask: Ask, *, purpose: str) -> Reply:
        says = self._says[min(len(self.asked), len(self._says) - 1)]
        self.asked.append(ask)
        self.purposes.append(purpose)
        while callable(says) and not isinstance(says, str | Reply | EndpointError):
            says = says(ask)
        if isinstance(says, EndpointError):
            raise says
        return Reply(answer=says) if isinstance(says, str) else says

    async def models(self) -> list[str] | None:
        return None
