"""Judging: rubrics, the deterministic rules judge, and language models as judges. See docs/judging.md."""

from __future__ import annotations

from auditor.judging.base import Judge, JudgeKind, JudgeQuestion, request_of
from auditor.judging.llm import LADDER, UNSCORED_REASONS, LlmJudge, Structured
from auditor.judging.rubric import Example, Rubric, load_rubric, rubric_names
from auditor.judging.rules import RulesJudge

__all__ = [
    "LADDER",
    "UNSCORED_REASONS",
    "Example",
    "Judge",
    "JudgeKind",
    "JudgeQuestion",
    "LlmJudge",
    "Rubric",
    "RulesJudge",
    "Structured",
    "load_rubric",
    "request_of",
    "rubric_names",
]
