"""A language model as judge: blinded, constrained as far as its server can, validated, and never believed on its word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import msgspec

from auditor.endpoints.dialects import dialect_named
from auditor.errors import AuthenticationFailed, EndpointError, ModelNotFound, RequestRejected
from auditor.judging.ask import again_messages, judge_messages
from auditor.judging.base import JudgeQuestion, verdict_of
from auditor.judging.graded import label_probability
from auditor.judging.rubric import Rubric
from auditor.judging.rules.refusal import classify_refusal
from auditor.judging.verdict import (
    InvalidVerdict,
    JudgeSaid,
    Source,
    evidence_problem,
    has_object,
    parse_verdict,
    verdict_pattern,
    verdict_schema,
)
from auditor.records import Ask, Message, Outcome, Reply, Sampling, Verdict

if TYPE_CHECKING:
    from auditor.endpoints import Endpoint

Structured = Literal["json_schema", "json_object", "prompt"]
LADDER: tuple[Structured, ...] = get_args(Structured)
"""How a verdict's form is asked for, strictest first."""

JUDGE_MAX_TOKENS = 2048
"""Room for a judge that reasons before its verdict; the verdict itself takes about 100 tokens."""

EMPTY_TEXT = "empty_text"
JUDGE_REFUSED = "judge_refused"
JUDGE_TRUNCATED = "judge_truncated"
JUDGE_FILTERED = "judge_filtered"
JUDGE_EMPTY = "judge_empty"
JUDGE_ERROR = "endpoint_error"
INVALID_VERDICT = "invalid_verdict"
INVALID_EVIDENCE = "invalid_evidence"
UNSCORED_REASONS = (
    EMPTY_TEXT,
    JUDGE_REFUSED,
    JUDGE_TRUNCATED,
    JUDGE_FILTERED,
    JUDGE_EMPTY,
    JUDGE_ERROR,
    INVALID_VERDICT,
    INVALID_EVIDENCE,
)
"""Why a text has no label from an LLM judge. Each is counted by itself; none is ever turned into a score."""

_BY_OUTCOME = {
    Outcome.TRUNCATED: JUDGE_TRUNCATED,
    Outcome.FILTERED: JUDGE_FILTERED,
    Outcome.FULL_REFUSAL: JUDGE_REFUSED,
    Outcome.ERROR: JUDGE_ERROR,
}


class _Read(msgspec.Struct, frozen=True):
    """What one reply of the judge amounts to: a verdict, or a reason, with the problems if asking again may help."""

    said: JudgeSaid | None
    source: Source
    raw: str
    reason: str = ""
    problems: tuple[str, ...] = ()


class LlmJudge:
    """A judge behind an endpoint, asked at temperature 0, one text per call.

    ``structured`` is the rung of the ladder to begin with (what the probe found). When the server rejects a request
    on one rung the judge steps down and stays there, for all later calls too. A server that takes regular expressions gets
    one in place of the schema. ``names`` are the models under audit:
    they are blacked out in what the judge reads. ``top_logprobs`` (0: none) asks for that many alternatives per token,
    so that the verdict also says how sure the judge was.
    """

    kind: Literal["llm"] = "llm"

    def __init__(
        self,
        endpoint: Endpoint,
        structured: Structured = "json_schema",
        *,
        names: tuple[str, ...] = (),
        max_tokens: int = JUDGE_MAX_TOKENS,
        top_logprobs: int = 0,
    ) -> None:
        self._endpoint = endpoint
        self._rung = LADDER.index(structured)
        self._pattern = dialect_named(endpoint.spec.dialect).takes_regex
        self._names = names
        self._max_tokens = max_tokens
        self._top_logprobs = top_logprobs or None

    @property
    def name(self) -> str:
        """The judge's model and server, as people write it."""
        return self._endpoint.spec.label

    @property
    def structured(self) -> Structured:
        """The rung of the ladder in use now."""
        return LADDER[self._rung]

    async def judge(self, rubric: Rubric, question: JudgeQuestion, *, repeat: int = 0) -> Verdict:
        """Ask once, and once more with the errors if the verdict is not valid; then the text stays unscored. Constrained
        output that ran on to the token limit is asked for again in words only.

        ``repeat`` tells independent answers to the same question apart: each number is asked and recorded by itself.

        Raises AuthenticationFailed and ModelNotFound, which no later call can cure; every other EndpointError
        becomes an unscored verdict with the reason "endpoint_error".
        """
        messages, judged = judge_messages(rubric, question, self._names)
        if not judged.strip():
            return verdict_of(rubric, question, self, label=None, unscored_reason=EMPTY_TEXT, attempts=0)
        read = _Read(None, "answer", "")
        reply = Reply("")
        asked = messages
        ran_on = False
        attempts = 0
        while attempts < 2:
            attempts += 1
            try:
                reply = await self._ask(asked, rubric, repeat, in_words=ran_on)
            except (AuthenticationFailed, ModelNotFound):
                raise
            except EndpointError as error:
                read = _Read(None, "answer", read.raw, JUDGE_ERROR, (f"{type(error).__name__}: {error.what}",))
                break
            read = _read(rubric, reply, judged)
            if ran_on := read.reason == JUDGE_TRUNCATED and _constrained(reply) and self.structured != "prompt":
                continue
            if read.said is not None or read.reason not in {INVALID_VERDICT, INVALID_EVIDENCE}:
                break
            asked = again_messages(messages, read.raw, list(read.problems))
        said = read.said
        made = verdict_of(
            rubric,
            question,
            self,
            label=said.label if said else None,
            evidence=said.evidence if said else "",
            rationale=f"read from the judge's {read.source}" if said else " ".join(read.problems),
            unscored_reason=read.reason,
            raw=read.raw,
            attempts=attempts,
        )
        if said is None:
            return made
        sure = label_probability(reply.logprobs, rubric.labels, said.label) if reply.logprobs else None
        return msgspec.structs.replace(made, fields=said.fields, score=said.score, probability=sure)

    async def _ask(self, messages: tuple[Message, ...], rubric: Rubric, repeat: int, *, in_words: bool) -> Reply:
        while True:
            rung, pattern = self._rung, self._pattern
            form: Structured = "prompt" if in_words else LADDER[rung]
            ask = Ask(
                messages=messages,
                sampling=Sampling(temperature=0.0, top_p=1.0, max_tokens=self._max_tokens),
                json_schema=verdict_schema(rubric) if form == "json_schema" else None,
                pattern=verdict_pattern(rubric) if form == "json_schema" and pattern else "",
                json_object=form == "json_object",
                sample=repeat,
                top_logprobs=self._top_logprobs,
            )
            try:
                return await self._endpoint.ask(ask, purpose="judge")
            except RequestRejected:
                # Several calls are in flight: whoever is rejected on a rung that others have left must not step further.
                if ask.pattern:
                    self._pattern = False
                elif in_words or rung + 1 == len(LADDER):
                    raise
                else:
                    self._rung = max(self._rung, rung + 1)


def _read(rubric: Rubric, reply: Reply, judged: str) -> _Read:
    raw, source = _where(reply)
    if reply.outcome in _BY_OUTCOME:
        return _Read(None, source, raw, _BY_OUTCOME[reply.outcome], (reply.detail,) if reply.detail else ())
    if not raw.strip():
        return _Read(None, source, raw, JUDGE_EMPTY)
    if not has_object(raw) and classify_refusal(raw).label == "full_refusal":
        return _Read(None, source, raw, JUDGE_REFUSED)
    try:
        said = parse_verdict(rubric, raw)
    except InvalidVerdict as invalid:
        return _Read(None, source, raw, INVALID_VERDICT, tuple(invalid.problems))
    problem = evidence_problem(rubric, said, judged)
    if problem:
        return _Read(None, source, raw, INVALID_EVIDENCE, (problem,))
    return _Read(said, source, raw)


def _constrained(reply: Reply) -> bool:
    """Whether a reply was cut off in the middle of a verdict rather than before it: then the form is what did not end."""
    return (reply.answer.strip() or (reply.trace or "").strip()).startswith("{")


def _where(reply: Reply) -> tuple[str, Source]:
    """The judge's words: its answer or, only if that is blank, its trace when that ends with a JSON object.

    Some servers with a reasoning parser put constrained output into the reasoning field and leave the content null.
    A trace that merely drafts verdicts and then goes on is not taken.
    """
    if not reply.answer.strip() and reply.trace:
        end = reply.trace.rstrip().removesuffix("```").rstrip()
        if end.endswith("}"):
            return end, "trace"
    return reply.answer, "answer"
