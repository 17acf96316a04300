"""Prompt banks: loading, validating and linting them."""

from __future__ import annotations

from auditor.banks.expect import KINDS
from auditor.banks.lint import Problem, lint, lint_together
from auditor.banks.load import bank_names, default_banks, load_bank, load_file
from auditor.banks.model import Bank, Card, content_hash, make_bank, parse_prompts, prompt_lines
from auditor.banks.packed import PackedPrompts

__all__ = [
    "Bank",
    "Card",
    "KINDS",
    "PackedPrompts",
    "Problem",
    "bank_names",
    "content_hash",
    "default_banks",
    "lint",
    "lint_together",
    "load_bank",
    "load_file",
    "make_bank",
    "parse_prompts",
    "prompt_lines",
]
