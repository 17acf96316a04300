"""The pairs of a list as a file: CSV, JSON Lines, Markdown or HTML. Model text is made harmless for each of them."""

from __future__ import annotations

import csv
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any, Final

import msgspec

from auditor.records import SIDES
from auditor.report.plain import harmless
from auditor.store import Annotation, RunReader
from auditor.tui.listing import Listing

FORMATS: Final = ("csv", "jsonl", "md", "html")
COLUMNS: Final = (
    *("id", "dimension", "bank", "kind", "delta", "kl", "prompt"),
    *(f"{side}_{what}" for side in SIDES for what in ("outcome", "label", "score", "answer", "trace_label", "trace")),
    *("starred", "by_hand"),
)


def export(reader: RunReader, listing: Listing, path: Path, overrides: Mapping[Any, Annotation] | None = None) -> int:
    """Write the pairs of a list in its order; the format is the file's suffix. Returns how many.

    Raises OSError if the file can't be written, ValueError for another suffix.
    """
    kind = path.suffix.lstrip(".").lower()
    if kind not in FORMATS:
        raise ValueError(f"{path.name}: the name must end in one of {', '.join('.' + f for f in FORMATS)}")
    rows = records(reader, listing, overrides or {})
    with path.open("w", encoding="utf-8", newline="") as file:
        return {"csv": _csv, "jsonl": _jsonl, "md": _markdown, "html": _html}[kind](file, rows, listing)


def records(
    reader: RunReader, listing: Listing, overrides: Mapping[Any, Annotation] | None = None
) -> Iterator[dict[str, Any]]:
    """The pairs of a list as flat records."""
    by_hand: dict[str, list[str]] = {}
    for found in (overrides or {}).values():
        by_hand.setdefault(found.prompt_id, []).append(f"{found.side} {found.part}: {found.new} ({found.who})")
    for index in range(len(listing)):
        row = listing.row(index)
        detail = reader.detail(row.prompt_id)
        if detail is None:
            continue
        record: dict[str, Any] = {
            "id": row.prompt_id,
            "dimension": row.dimension,
            "bank": row.bank,
            "kind": row.kind,
            "delta": row.delta,
            "kl": row.kl,
            "prompt": "\n".join(f"{m.role}: {m.content}" for m in detail.prompt.messages),
        }
        for side in SIDES:
            one = detail.sides.get(side)
            record[f"{side}_outcome"] = None if one is None else str(one.scored.outcome)
            record[f"{side}_label"] = None if one is None else one.scored.label
            record[f"{side}_score"] = None if one is None else one.scored.score
            record[f"{side}_answer"] = None if one is None else one.reply.answer
            record[f"{side}_trace_label"] = None if one is None else one.scored.trace_label
            record[f"{side}_trace"] = None if one is None else one.reply.trace
        record["starred"] = row.prompt_id in listing.marks.get("starred", ())
        record["by_hand"] = "; ".join(by_hand.get(row.prompt_id, ()))
        yield record


def cell(value: Any) -> str:
    """A value for a spreadsheet: what could be read as a formula gets an apostrophe in front."""
    if value is None:
        return ""
    if not isinstance(value, str):
        return str(value)
    text = harmless(value)
    return f"'{text}" if text.lstrip().startswith(("=", "+", "-", "@", "\t", "|", "%")) else text


def fenced(text: str) -> str:
    """Text as a block of code in Markdown that nothing inside can end."""
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}text\n{harmless(text)}\n{fence}"


def _csv(file: IO[str], rows: Iterator[dict[str, Any]], _: Listing) -> int:
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    count = 0
    for row in rows:
        writer.writerow([cell(row[name]) for name in COLUMNS])
        count += 1
    return count


def _jsonl(file: IO[str], rows: Iterator[dict[str, Any]], _: Listing) -> int:
    count = 0
    for row in rows:
        # Escaped to ASCII: JSON keeps every character, and a terminal that shows the file meets none of them.
        text = msgspec.json.encode(row).decode("utf-8", "replace")
        file.write("".join(c if " " <= c <= "~" else _escaped(c) for c in text) + "\n")
        count += 1
    return count


def _escaped(character: str) -> str:
    code = ord(character)
    if code < 0x10000:
        return f"\\u{code:04x}"
    code -= 0x10000
    return f"\\u{0xD800 + (code >> 10):04x}\\u{0xDC00 + (code & 0x3FF):04x}"


def _markdown(file: IO[str], rows: Iterator[dict[str, Any]], listing: Listing) -> int:
    file.write(f"# {len(listing)} pairs\n\nFilter:\n\n{fenced(_filter(listing))}\n")
    count = 0
    for row in rows:
        count += 1
        file.write(f"\n## {count}\n\n{fenced(_head(row))}\n\n**prompt**\n\n{fenced(row['prompt'])}\n")
        for side in SIDES:
            file.write(f"\n**{side}**\n\n{fenced(row[f'{side}_answer'] or '(no answer)')}\n")
            if row[f"{side}_trace"]:
                file.write(f"\n**{side}, trace**\n\n{fenced(row[f'{side}_trace'])}\n")
    return count


def _html(file: IO[str], rows: Iterator[dict[str, Any]], listing: Listing) -> int:
    def text(value: str | None) -> str:
        return html.escape(harmless(value or ""), quote=True)

    file.write(_PAGE_HEAD.replace("{filter}", text(_filter(listing))).replace("{many}", f"{len(listing):,}"))
    count = 0
    for row in rows:
        count += 1
        file.write(f"<section><h2>{text(_head(row))}</h2><pre class=q>{text(row['prompt'])}</pre><div class=two>")
        for side in SIDES:
            trace = row[f"{side}_trace"]
            folded = f"<details><summary>trace</summary><pre>{text(trace)}</pre></details>" if trace else ""
            answer = text(row[f"{side}_answer"])
            file.write(f"<div><h3>{side}: {text(row[f'{side}_label'])}</h3><pre>{answer}</pre>{folded}</div>")
        file.write("</div></section>\n")
    file.write("</body></html>\n")
    return count


def _filter(listing: Listing) -> str:
    chosen = listing.filter
    return f"{chosen.mode}, {chosen.sort}" + (f", {chosen.text}" if chosen.terms else "")


def _head(row: Mapping[str, Any]) -> str:
    labels = [row[f"{side}_label"] or row[f"{side}_outcome"] or "?" for side in SIDES]
    kl = "" if row["kl"] is None else f" · KL at least {row['kl']:.3f} nats"
    hand = f" · by hand: {row['by_hand']}" if row["by_hand"] else ""
    return f"{row['id']} · {row['dimension']} · {row['kind']} · {labels[0]} to {labels[1]}{kl}{hand}"


_PAGE_HEAD: Final = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{many} pairs</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
pre { white-space: pre-wrap; overflow-wrap: anywhere; font: 13px/1.5 ui-monospace, monospace; margin: 0 }
h2 { font-size: 1rem; margin: 2rem 0 .5rem } h3 { font-size: .9rem; margin: 0 0 .3rem }
.q { border-left: 3px solid #5aa9e6; padding-left: .8rem; margin-bottom: .8rem }
.two { display: grid; grid-template-columns: 1fr 1fr; gap: 1.5rem } summary { cursor: pointer; opacity: .7 }
@media (max-width: 50rem) { .two { grid-template-columns: 1fr } }
</style></head><body><h1>{many} pairs</h1><p>{filter}</p>
"""
