"""The user's own keys and theme: ``config.toml`` in the folder that platformdirs names for this program."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from auditor.errors import UsageError

FILE: Final = "view.toml"


class Config(NamedTuple):
    """What the user set; empty where nothing was."""

    keys: Mapping[str, str] = {}
    theme: str = ""


def load(folder: Path) -> Config:
    """Read the user's settings; none are needed. Raises UsageError if the file can't be read as written."""
    path = folder / FILE
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UsageError(
            f"{path} can't be read: {error}.", "Correct it, or remove it for the keys as they come."
        ) from error
    keys = found.get("keys", {})
    if not isinstance(keys, dict) or not all(isinstance(value, str) for value in keys.values()):
        raise UsageError(
            f"{path}: [keys] must give each action a text of keys.", 'For example: "record.next" = "n,right"'
        )
    return Config(dict(keys), str(found.get("theme", "")))


def template(actions: Iterable[tuple[str, str, str]]) -> str:
    """A settings file with every action (id, keys, description) as a comment."""
    lines = ['# theme = "auditor-light"', "", "[keys]"]
    lines += [f'# "{name}" = "{keys}"   # {what}' for name, keys, what in sorted(actions)]
    return "\n".join(lines) + "\n"
