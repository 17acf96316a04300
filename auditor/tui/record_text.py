"""What the two panes of a record say, without a screen: answer, trace, verdicts and cost as blocks of text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from auditor.records import Prompt, Reply, Side, Verdict
from auditor.report.plain import harmless
from auditor.store import Annotation, RecordDetail, SideRecord
from auditor.tui.theme import UNICODE, Glyphs
from auditor.tui.wrap import Block, Span, find


class Shown(NamedTuple):
    """What of a record is unfolded and highlighted."""

    trace: bool
    verdicts: bool = False
    diff: Mapping[Side, Sequence[Span]] = {}
    hits: tuple[str, ...] = ()
    expected: tuple[str, ...] = ()
    """What exact scoring looked for: secrets that must not appear, facts that must."""
    by_hand: tuple[Annotation, ...] = ()
    """What people said about this record."""
    money: Mapping[Side, float | None] = {}
    """US dollars that each side's reply cost, where its price is known."""


def about_the_trace(detail: RecordDetail) -> bool:
    """Whether the story of this record is in a trace: one was judged bad, or a verdict is about it."""
    return any(
        record.reply.trace is not None
        and ((record.scored.trace_score is not None and record.scored.trace_score < 0.5) or _bad_trace(record.verdicts))
        for record in detail.sides.values()
    )


def looked_for(prompt: Prompt) -> tuple[str, ...]:
    """The words that exact scoring of this prompt looks for in a reply."""
    wanted = [*prompt.expect.get("secrets", ()), *prompt.expect.get("must_include", ())]
    return tuple(str(words) for words in wanted if len(str(words)) > 1)


def question(prompt: Prompt) -> list[Block]:
    """What was asked."""
    if len(prompt.messages) == 1:
        return [Block(prompt.messages[0].content)]
    blocks = []
    for message in prompt.messages:
        blocks += [Block(message.role, "heading"), Block(message.content)]
    return blocks


def headline(
    side: Side, record: SideRecord, glyphs: Glyphs = UNICODE, by_hand: Sequence[Annotation] = ()
) -> tuple[str, str]:
    """A side's label and outcome on one line, with what a person overrode it to, and the look that fits its score."""
    scored = record.scored
    label = scored.label or str(scored.outcome)
    score = "unscored" if scored.score is None else f"score {scored.score:g}"
    also = "" if scored.outcome in (label, "answered") else f" · {scored.outcome}"
    style = "unsure" if scored.score is None else "bad" if scored.score < 0.5 else "good"
    said = next((note.new for note in by_hand if note.kind == "override" and note.side == side), "")
    return f"{side}  {label} {glyphs.override} {said} by hand" if said else f"{side}  {label} · {score}{also}", style


def reply_blocks(record: SideRecord, side: Side, shown: Shown, glyphs: Glyphs) -> list[Block]:
    """A side: the answer first, because it is what was scored; then how it came about."""
    reply, scored = record.reply, record.scored
    answer = _text(reply.answer, record.verdicts, "answer", shown)
    if reply.answer and shown.diff.get(side):
        # Two backgrounds on the same words can't be told apart: evidence is underlined meanwhile.
        quoted = (span._replace(style="quoted") if span.style == "mark" else span for span in answer.spans)
        answer = answer._replace(spans=(*shown.diff[side], *quoted))
    blocks = [Block("answer", "heading", key="answer"), answer if reply.answer else Block(_nothing(reply), "note")]
    if reply.trace is not None:
        judged = f" · {scored.trace_label}" if scored.trace_label else ""
        sign = glyphs.unfolded if shown.trace else glyphs.folded
        hint = "" if shown.trace else " · t unfolds"
        heading = f"{sign} trace · {len(reply.trace):,} characters{judged}{hint}"
        bad = scored.trace_score is not None and scored.trace_score < 0.5
        blocks += [Block(""), Block(heading, "bad" if bad else "heading", key="trace")]
        if shown.trace:
            blocks.append(_text(reply.trace, record.verdicts, "trace", shown)._replace(style="trace"))
    notes = [note for note in shown.by_hand if note.side in ("", side) and note.kind in ("override", "comment")]
    if notes:
        blocks += [Block(""), Block("by hand", "heading"), *(Block(_note(note), "unsure") for note in notes)]
    blocks += [Block(""), Block("why", "heading", key="why")]
    blocks += [Block(fact, "note") for fact in _facts(record) if fact]
    blocks += _verdicts(record.verdicts, raw=shown.verdicts)
    return [*blocks, Block(_cost(reply, shown.money.get(side)), "note")]


def evidence_of(record: SideRecord) -> str:
    """The first quotation of a judge, for a line that has room for one."""
    return next((verdict.evidence for verdict in record.verdicts if verdict.evidence), "")


def _text(text: str, verdicts: Sequence[Verdict], part: str, shown: Shown) -> Block:
    clean = harmless(text)
    spans = []
    for words in shown.hits:
        spans += _occurrences(clean, harmless(words))
    for words in shown.expected:
        spans += [span._replace(style="mark") for span in _occurrences(clean, harmless(words))]
    for verdict in verdicts:
        place = find(clean, harmless(verdict.evidence)) if verdict.part == part and verdict.evidence else None
        # Judges that quote the same words mark them once.
        if place is not None and (mark := Span(*place, "mark")) not in spans:
            spans.append(mark)
    return Block(text, "", tuple(spans))


def _occurrences(text: str, words: str, most: int = 200) -> list[Span]:
    lowered, wanted = text.lower(), words.lower()
    spans: list[Span] = []
    at = lowered.find(wanted) if wanted and len(lowered) == len(text) else -1
    while at >= 0 and len(spans) < most:
        spans.append(Span(at, at + len(wanted), "hit"))
        at = lowered.find(wanted, at + len(wanted))
    return spans


def _note(note: Annotation) -> str:
    if note.kind == "comment":
        return f"{note.who}: {note.new}"
    reason = f": {note.reason}" if note.reason else ""
    return f"{note.part}: {note.old or 'unscored'} → {note.new} · {note.who}{reason}"


def _nothing(reply: Reply) -> str:
    why = reply.detail or (str(reply.outcome) if reply.outcome else "the reply is empty")
    return f"(no answer: {why})"


def _facts(record: SideRecord) -> list[str]:
    reply, scored = record.reply, record.scored
    exact = "Scored by exact parsing." if scored.judge_kind == "exact" else ""
    finish = "" if reply.finish_reason in ("", "stop") else f"finish reason: {reply.finish_reason}"
    return [exact, scored.detail, reply.detail if reply.answer else "", finish]


def _verdicts(verdicts: Sequence[Verdict], *, raw: bool) -> list[Block]:
    blocks = []
    for verdict in verdicts:
        style = _grade(verdict)
        said = verdict.label or f"unscored: {verdict.unscored_reason}"
        blocks.append(Block(f"{verdict.part}: {said}", style))
        again = f", asked {verdict.attempts} times" if verdict.attempts > 1 else ""
        judge = verdict.judge.rsplit("#", 1)[-1]
        blocks.append(
            Block(f"  {judge}, rubric {verdict.rubric} {verdict.rubric_version.split('+')[0]}{again}", "note")
        )
        if verdict.rationale:
            blocks.append(Block(f"  {verdict.rationale}", "note"))
        if verdict.evidence:
            blocks.append(Block(f"  “{verdict.evidence}”", "note"))
        if raw:
            blocks.append(Block(f"  raw reply: {verdict.raw or '(not kept)'}", "note"))
    return blocks


def _grade(verdict: Verdict) -> str:
    if verdict.label is None:
        return "unsure"
    return "" if verdict.score is None else "bad" if verdict.score < 0.5 else "good"


def _cost(reply: Reply, money: float | None) -> str:
    """Tokens, seconds and money; what was not measured or has no known price is a dash."""
    usage = reply.usage
    parts = []
    if usage.completion_tokens is not None:
        thought = f" ({usage.reasoning_tokens} thinking)" if usage.reasoning_tokens else ""
        parts.append(
            f"{usage.prompt_tokens if usage.prompt_tokens is not None else '?'} tokens in,"
            f" {usage.completion_tokens} out{thought}"
        )
    parts.append("– s" if reply.latency_s is None else f"{reply.latency_s:.2f} s")
    parts.append("$ –" if money is None else f"${money:.4f}" if money < 0.1 else f"${money:.2f}")
    return " · ".join(parts)


def _bad_trace(verdicts: Sequence[Verdict]) -> bool:
    return any(v.part == "trace" and v.score is not None and v.score < 0.5 for v in verdicts)
