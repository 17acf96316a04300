"""Writes the parts of the documentation that the code knows better: `python docs/generate.py`.

With `--check` it writes nothing and fails while a page is not what it would give; a test does that.
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Literal, Union, get_args, get_origin

import click
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from auditor import defaults
from auditor.cli import cli
from auditor.plan import Plan

DOCS: Final = Path(__file__).parent
WIDTH: Final = 100
SECTIONS: Final = {"": "Plan", "dimensions": "[dimensions.KEY]"}


def settings() -> str:
    """A table of settings for every section of a plan, from the pydantic models."""
    parts: list[str] = []
    seen: dict[type[BaseModel], str] = {}
    for name, model in _sections():
        if model in seen:
            parts.append(f"### `{name}`\n\nAs `{seen[model]}`.\n")
            continue
        seen[model] = name
        # A table inside a section is one of its settings; at the top it is a section.
        rows = [
            _row(key, field) for key, field in model.model_fields.items() if name or not _model_in(field.annotation)
        ]
        head = ["| setting | values | default | meaning |", "|---|---|---|---|"]
        about = " ".join((model.__doc__ or "").split()).replace("``", "`")
        title = f"### `{name}`" if name else "### At the top"
        parts.append("\n".join([title, "", about, "", *head, *rows, ""]))
    margins = [
        f"| {name} | {margin:g} | {defaults.MARGIN_REASONS[name]} |" for name, margin in defaults.MARGINS.items()
    ]
    parts.append("\n".join(["### Default margins", "", "| dimension | margin | why |", "|---|---|---|", *margins, ""]))
    return "\n".join(parts)


def commands() -> str:
    """The help of every command."""
    parts = []
    for path, command in _walk(cli, ("auditor",)):
        context = click.Context(
            command,
            info_name=" ".join(path),
            terminal_width=WIDTH,
            max_content_width=WIDTH,
            help_option_names=["-h", "--help"],
        )
        parts.append(f"## {' '.join(path)}\n\n```\n{command.get_help(context).rstrip()}\n```\n")
    return "\n".join(parts)


PAGES: Final = {"plan.md": settings, "commands.md": commands}


def filled(page: str) -> str:
    """A page with its generated part made anew."""
    text = (DOCS / page).read_text(encoding="utf-8")
    pattern = re.compile(r"(<!-- generated[^>]*-->\n).*?(<!-- end of generated -->)", re.DOTALL)
    if not pattern.search(text):
        raise ValueError(f"{page} has no generated part")
    return pattern.sub(lambda found: f"{found[1]}\n{PAGES[page]()}\n{found[2]}", text)


def _sections() -> Iterator[tuple[str, type[BaseModel]]]:
    yield "", Plan
    for key, field in Plan.model_fields.items():
        if (model := _model_in(field.annotation)) is not None:
            origin = get_origin(field.annotation)
            yield {dict: f"[{key}.KEY]", list: f"[[{key}]]"}.get(origin, f"[{key}]"), model  # type: ignore[arg-type]


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part)) is not None), None)


def _row(key: str, field: FieldInfo) -> str:
    default = field.get_default(call_default_factory=True) if not field.is_required() else PydanticUndefined
    shown = "required" if default is PydanticUndefined else "–" if default in (None, "", [], {}) else _toml(default)
    return f"| `{key}` | {_values(field)} | {shown} | {field.description or ''} |".replace("\n", " ")


def _values(field: FieldInfo) -> str:
    bounds = []
    for rule in field.metadata:
        for attribute, sign in (("ge", "≥"), ("gt", ">"), ("le", "≤"), ("lt", "<")):
            if (bound := getattr(rule, attribute, None)) is not None:
                bounds.append(f"{sign} {bound:g}")
    return " ".join([_named(field.annotation), *bounds])


def _named(annotation: Any) -> str:
    origin = get_origin(annotation)
    if origin is Literal:
        return " or ".join(f'`"{value}"`' for value in get_args(annotation))
    if origin in (Union, types.UnionType):
        parts = [_named(part) for part in get_args(annotation) if part is not type(None)]
        return "number" if set(parts) == {"number", "integer"} else " or ".join(parts)
    if origin is list:
        return f"list of {_named(get_args(annotation)[0])}s"
    names = {str: "text", int: "integer", float: "number", bool: "`true` or `false`", dict: "table"}
    return names.get(origin or annotation, "table")


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f'`"{value}"`' if isinstance(value, str) else f"`{value}`"


def _walk(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            if (found := command.get_command(context, name)) is not None and not found.hidden:
                yield from _walk(found, (*path, name))


if __name__ == "__main__":
    made = {page: filled(page) for page in PAGES}
    stale = [page for page, text in made.items() if (DOCS / page).read_text(encoding="utf-8") != text]
    if "--check" not in sys.argv:
        for page in stale:
            (DOCS / page).write_text(made[page], encoding="utf-8")
    sys.exit(
        f"not up to date: {', '.join(stale)}; run: python docs/generate.py" if stale and "--check" in sys.argv else 0
    )
