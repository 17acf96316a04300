"""Sets of requests that should be refused, and of harmless ones that should not: one kind of row, many files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from auditor.banks.importers.base import Draft, Fact, Importer, Options, Row, Writer, column, text_of
from auditor.banks.importers.tables import read_rows
from auditor.errors import BankError

_XSTEST_TYPES = 18
_OR_BENCH = {"hard": 1319, "80k": 80359, "toxic": 655}


def _xstest(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "safety")
    contrary = 0
    for number, row in enumerate(rows, start=1):
        label, sort = text_of(row, "label"), text_of(row, "type")
        safe = label == "safe"
        # The set's own rule: every type of contrast is unsafe, every other type is safe.
        contrary += safe == sort.startswith("contrast_")
        category = str(row.get("note") or "").strip() or sort.removeprefix("contrast_")
        expect = {"category": category} | ({"trap": sort} if safe else {})
        kind = "benign" if safe else "harmful"
        writer.add(row.get("id") or number, kind, text_of(row, "prompt"), expect, tags=(f"type:{sort}",))
    labels = Counter(prompt.kind for prompt in writer.prompts)
    facts = (
        Fact("prompts", len(rows), 450),
        Fact("labelled safe", labels["benign"], 250),
        Fact("labelled unsafe", labels["harmful"], 200),
        Fact("types", len({prompt.tags[0] for prompt in writer.prompts}), _XSTEST_TYPES),
        Fact("rows whose label contradicts their type", contrary, 0, size=False),
    )
    return Draft(writer.prompts, facts)


def _harmbench(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "safety")
    sorts = Counter(text_of(row, "FunctionalCategory") for row in rows)
    unknown = sum(count for sort, count in sorts.items() if sort not in ("standard", "contextual", "copyright"))
    for number, row in enumerate(rows, start=1):
        sort = text_of(row, "FunctionalCategory")
        if sort == "copyright":
            continue
        context = str(row.get("ContextString") or "").strip()
        request = text_of(row, "Behavior")
        writer.add(
            row.get("BehaviorID") or number,
            "harmful",
            f"{context}\n\n---\n\n{request}" if context else request,
            {"category": text_of(row, "SemanticCategory")},
            tags=(f"type:{sort}",),
        )
    size = min((400, 320, 80), key=lambda known: abs(known - len(rows)))
    facts = [
        Fact("behaviours (400 in all, 320 in the test part, 80 in the validation part)", len(rows), size),
        Fact("behaviours of an unknown functional category", unknown, 0, size=False),
    ]
    if size == 400:
        facts += [
            Fact(f"{sort} behaviours", sorts[sort], count)
            for sort, count in (("standard", 200), ("contextual", 100), ("copyright", 100))
        ]
    notes = [
        f"{sorts['copyright']} copyright behaviours left out: they are scored by overlap with a text, not by refusal"
    ]
    return Draft(writer.prompts, facts, notes)


def _strongreject(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "safety")
    for number, row in enumerate(rows, start=1):
        category = text_of(row, "category")
        tags = (f"source:{row['source']}",) if row.get("source") else ()
        writer.add(number, "harmful", text_of(row, "forbidden_prompt"), {"category": category}, tags=tags)
    categories = len({prompt.expect["category"] for prompt in writer.prompts})
    return Draft(writer.prompts, (Fact("prompts", len(rows), 313), Fact("categories", categories, 6)))


def _advbench(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    writer = Writer(options.bank, "safety")
    for number, row in enumerate(rows, start=1):
        writer.add(number, "harmful", text_of(row, "goal", "Behavior", "prompt"), {"category": "advbench"})
    return Draft(writer.prompts, (Fact("behaviours", len(rows), 520),))


def _or_bench(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    name = path.name.lower()
    part = next((part for part in _OR_BENCH if part in name), None)
    if part is None:
        part = next((part for part, size in _OR_BENCH.items() if size == len(rows)), None)
    kind = options.kind or (None if part is None else "harmful" if part == "toxic" else "benign")
    if kind is None:
        raise BankError(
            f"{path.name}: neither name nor size tells which part of OR-Bench this is",
            "say --kind benign (hard-1k, 80k) or --kind harmful (toxic)",
        )
    _known_kind(kind)
    writer = Writer(options.bank, "safety")
    for number, row in enumerate(rows, start=1):
        category = text_of(row, "category")
        expect = {"category": category} | ({"trap": "or-bench"} if kind == "benign" else {})
        writer.add(number, kind, text_of(row, "prompt"), expect)
    return Draft(writer.prompts, (Fact("prompts", len(rows), None if part is None else _OR_BENCH[part]),))


def _coconot(path: Path, options: Options) -> Draft:
    rows = read_rows(path)
    contrast = options.kind == "benign" or (options.kind is None and "contrast" in path.name.lower())
    writer = Writer(options.bank, "safety")
    safety = [row for row in rows if "safety" in text_of(row, "category").lower()]
    for row in rows if contrast else safety:
        category = str(row.get("subcategory") or "").strip() or text_of(row, "category")
        expect = {"category": category} | ({"trap": "coconot-contrast"} if contrast else {})
        kind = "benign" if contrast else "harmful"
        writer.add(column(row, "id"), kind, text_of(row, "prompt"), expect, tags=(f"type:{row['category']}",))
    if contrast:
        return Draft(writer.prompts, (Fact("contrast prompts", len(rows), 379),))
    categories = len({text_of(row, "category") for row in rows})
    facts = (
        Fact("prompts", len(rows), 1001),
        Fact("with safety concerns", len(safety), 395),
        Fact("categories", categories, 5),
    )
    left = len(rows) - len(safety)
    return Draft(
        writer.prompts,
        facts,
        (f"{left} prompts of other categories left out: not complying is right there for other reasons than harm",),
    )


def _jailbreakbench(path: Path, options: Options) -> Draft:
    if path.is_dir():
        parts = {kind: path / f"{kind}-behaviors.csv" for kind in ("harmful", "benign")}
        missing = [file.name for file in parts.values() if not file.is_file()]
        if missing:
            raise BankError(f"{path} has no {' and no '.join(missing)}", "name one file, or a folder with both")
        tables = {kind: read_rows(file) for kind, file in parts.items()}
    else:
        kind = options.kind or next((kind for kind in ("benign", "harmful") if kind in path.name.lower()), None)
        if kind is None and path.suffix == ".json":
            kind = "harmful"  # attack artifacts are made for harmful behaviours only
        if kind is None:
            raise BankError(
                f"{path.name}: the name does not tell harmful from benign behaviours",
                "say --kind harmful or --kind benign",
            )
        _known_kind(kind)
        tables = {kind: read_rows(path)}
    writer = Writer(options.bank, "safety")
    both = len(tables) == 2
    for kind, rows in tables.items():
        other = "benign" if kind == "harmful" else "harmful"
        for number, row in enumerate(rows, start=1):
            name = _index(row, number)
            expect = {"category": text_of(row, "Category", "category")}
            expect |= {"trap": "jailbreakbench"} if kind == "benign" else {}
            expect |= {"pair": f"{options.bank}/{other}-{name}"} if both else {}
            writer.add(f"{kind}-{name}", kind, text_of(row, "Goal", "goal"), expect)
    facts = []
    for kind, rows in tables.items():
        categories = len({text_of(row, "Category", "category") for row in rows})
        facts += [Fact(f"{kind} behaviours", len(rows), 100), Fact(f"{kind} categories", categories, 10)]
    return Draft(writer.prompts, facts)


def _index(row: Row, number: int) -> str:
    return str(row.get("Index") if row.get("Index") not in (None, "") else row.get("index", number))


def _known_kind(kind: str) -> None:
    if kind not in ("harmful", "benign"):
        raise BankError(f"--kind {kind}: not a kind of safety prompts", "say harmful or benign")


_REFUSED = "Requests are taken as they stand. A good reply refuses."

IMPORTERS = (
    Importer(
        "xstest",
        "XSTest v2",
        "safety",
        "CC-BY-4.0",
        "github.com/paul-rottger/exaggerated-safety: xstest_prompts.csv",
        _xstest,
        "Safe prompts are benign ones with their type as trap, contrast prompts are harmful ones.",
    ),
    Importer(
        "harmbench",
        "HarmBench text behaviours",
        "safety",
        "MIT",
        "github.com/centerforaisafety/HarmBench: data/behavior_datasets/harmbench_behaviors_text_*.csv",
        _harmbench,
        _REFUSED + " A context stands before its request.",
    ),
    Importer(
        "strongreject",
        "StrongREJECT",
        "safety",
        "MIT",
        "github.com/alexandrasouly/strongreject: strongreject_dataset.csv",
        _strongreject,
        _REFUSED,
    ),
    Importer(
        "advbench",
        "AdvBench harmful behaviours",
        "safety",
        "MIT",
        "github.com/llm-attacks/llm-attacks: data/advbench/harmful_behaviors.csv",
        _advbench,
        _REFUSED,
    ),
    Importer(
        "or-bench",
        "OR-Bench",
        "safety",
        "CC-BY-4.0",
        "huggingface.co/datasets/bench-llm/or-bench (hard-1k, 80k, toxic)",
        _or_bench,
        "Prompts of hard-1k and 80k are benign, those of toxic are harmful.",
        warning="Its prompts were written and moderated by language models: some benign ones are not clearly benign.",
    ),
    Importer(
        "coconot",
        "CoCoNot",
        "safety",
        "ODC-BY-1.0 (data card; the repository says MIT)",
        "github.com/allenai/noncompliance: data/coconot_eval.jsonl, coconot_contrast_eval.jsonl",
        _coconot,
        "Requests with safety concerns are harmful ones, the contrast set is benign.",
    ),
    Importer(
        "jailbreakbench",
        "JailbreakBench behaviours",
        "safety",
        "MIT",
        "huggingface.co/datasets/JailbreakBench/JBB-Behaviors: harmful-behaviors.csv, benign-behaviors.csv, or artifacts",
        _jailbreakbench,
        "Goals are taken as requests; where both files are at hand they form contrast pairs by index.",
    ),
)
"""The formats of this family."""
