"""Judging: rubrics, the deterministic rules judge, and language models as judges. See docs/judging.md."""

from __future__ import annotations

from auditor.judging.base import Judge, JudgeKind, JudgeQuestion, request_of
from auditor.judging.family import families, kin
from auditor.judging.graded import JUDGE_TOP_LOGPROBS
from auditor.judging.llm import LADDER, UNSCORED_REASONS, LlmJudge, Structured
from auditor.judging.panel import Panel, flat
from auditor.judging.repeats import ASKED_AGAIN_AT_MOST, flips, settled, worth_repeating
from auditor.judging.rubric import Example, Rubric, load_rubric, rubric_names
from auditor.judging.rules import RulesJudge

__all__ = [
    "ASKED_AGAIN_AT_MOST",
    "JUDGE_TOP_LOGPROBS",
    "LADDER",
    "UNSCORED_REASONS",
    "Example",
    "Judge",
    "JudgeKind",
    "JudgeQuestion",
    "LlmJudge",
    "Panel",
    "Rubric",
    "RulesJudge",
    "Structured",
    "families",
    "flat",
    "flips",
    "kin",
    "load_rubric",
    "request_of",
    "rubric_names",
    "settled",
    "worth_repeating",
]
