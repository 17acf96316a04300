"""Sets of problems with checkable answers: GSM8K, MATH-500 and AIME."""

from __future__ import annotations

import re
from pathlib import Path

from auditor.banks.importers.base import Draft, Fact, Importer, Options, Writer, text_of
from auditor.banks.importers.tables import read_rows

_NUMBER = "Give the number as the last thing you write."
_BOXED = "Put the final answer into \\boxed{} at the end."
_PLAIN = re.compile(r"-?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+)?")


def plain_number(text: str) -> int | float | None:
    """The number that ``text`` writes in digits, with thousands separators or a currency sign; None if it is another thing."""
    bare = text.replace("\\!", "").replace("\\$", "").replace("$", "").strip()
    if not re.search(r"\d", bare) or not _PLAIN.fullmatch(bare):
        return None
    value = float(bare.replace(",", ""))
    return int(value) if value.is_integer() else value


def _gsm8k(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "capability")
    unread = 0
    for number, row in enumerate(rows, start=1):
        value = plain_number(text_of(row, "answer").rpartition("####")[2])
        if value is None:
            unread += 1
            continue
        writer.add(number, "word", f"{text_of(row, 'question')} {_NUMBER}", {"number": value})
    size = 7473 if abs(len(rows) - 7473) < abs(len(rows) - 1319) else 1319
    facts = (
        Fact("problems (1,319 in the test, 7,473 in the training part)", len(rows), size),
        Fact("answers without a number behind ####", unread, 0, size=False),
    )
    return Draft(writer.prompts, facts)


def _math500(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "capability")
    for number, row in enumerate(rows, start=1):
        answer = text_of(row, "answer")
        value = plain_number(answer)
        tags = (f"subject:{row.get('subject')}", f"level:{row.get('level')}")
        if value is None:
            writer.add(number, "math", f"{text_of(row, 'problem')}\n\n{_BOXED}", {"latex": answer}, tags=tags)
        else:
            writer.add(number, "word", f"{text_of(row, 'problem')}\n\n{_NUMBER}", {"number": value}, tags=tags)
    numbers = sum(prompt.kind == "word" for prompt in writer.prompts)
    facts = (
        Fact("problems", len(rows), 500),
        Fact("subjects", len({row.get("subject") for row in rows}), 7),
        Fact("answers that are plain numbers", numbers, None),
    )
    return Draft(writer.prompts, facts)


def _aime(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "capability")
    outside = 0
    for number, row in enumerate(rows, start=1):
        value = plain_number(text_of(row, "answer", "Answer").lstrip("0") or "0")
        if not isinstance(value, int) or not 0 <= value <= 999:
            outside += 1
            continue
        problem = text_of(row, "problem", "question", "Problem", "Question")
        writer.add(row.get("id") or row.get("ID") or number, "word", f"{problem}\n\n{_NUMBER}", {"number": value})
    facts = (
        Fact("problems of one year's two papers", len(rows), 30),
        Fact("answers that are no whole number from 0 to 999", outside, 0, size=False),
    )
    return Draft(writer.prompts, facts)


IMPORTERS = (
    Importer(
        "gsm8k", "GSM8K", "capability", "MIT", "github.com/openai/grade-school-math: grade_school_math/data/test.jsonl",
        _gsm8k, "Word problems; the number behind #### is the answer.",
        paper="all of it",
    ),
    Importer(
        "math-500", "MATH-500", "capability", "MIT", "github.com/openai/prm800k: prm800k/math_splits/test.jsonl",
        _math500, "Problems whose answer is a plain number ask for it; the others ask for a boxed expression.",
        paper="all of it",
    ),
    Importer(
        "aime", "AIME", "capability", "none stated (problems by the Mathematical Association of America)",
        "files of one year with problem and answer, such as huggingface.co/datasets/HuggingFaceH4/aime_2024", _aime,
        "Problems as they stand; every answer is a whole number from 0 to 999.",
        warning="No licence is stated: use it for your own audits and don't pass it on. Problems are widely known, so models may have been trained on them.",
        paper="all of it (2024)",
    ),
)  # fmt: skip
"""The formats of this family."""
