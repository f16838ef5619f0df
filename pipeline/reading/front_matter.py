"""The block of metadata at the head of many Markdown files: YAML between ``---``, TOML between ``+++``."""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Mapping
from typing import Final

from ..document import Metadata
from .dates import iso_date

_YAML: Final = re.compile(r"---[ \t]*(?:\r\n?|\n)")
_TOML: Final = re.compile(r"\+\+\+[ \t]*(?:\r\n?|\n)")
_YAML_END: Final = re.compile(r"(?<=[\r\n])(?:---|\.\.\.)[ \t]*(?:\r\n?|\n|\Z)")
_TOML_END: Final = re.compile(r"(?<=[\r\n])\+\+\+[ \t]*(?:\r\n?|\n|\Z)")
_PAIR: Final = re.compile(r"^([A-Za-z][\w .-]{0,40}?)[ \t]*[:=][ \t]*(.*?)[ \t]*$", re.MULTILINE)
_LIMIT: Final = 64 * 1024
"""Longer is no front matter but a document between two rules."""


def front_matter(text: str) -> tuple[Metadata, int]:
    """Read a Markdown file's front matter.

    Returns:
        What it says, and where the text begins: 0 where there is no front matter.
    """
    opening, ending = _YAML.match(text), _YAML_END
    if opening is None:
        opening, ending = _TOML.match(text), _TOML_END
    if opening is None:
        return Metadata(), 0
    closing = ending.search(text, opening.end(), opening.end() + _LIMIT)
    if closing is None:
        return Metadata(), 0
    inside = text[opening.end() : closing.start()].replace("\r\n", "\n").replace("\r", "\n")
    values = _toml(inside) if ending is _TOML_END else _yaml(inside)
    if values is None:
        return Metadata(), 0
    return _metadata(values), closing.end()


def _yaml(inside: str) -> Mapping[str, object] | None:
    """Keys and values; ``None`` where it is text between two rules rather than YAML."""
    import yaml

    try:
        loaded = yaml.safe_load(inside)
    except (yaml.YAMLError, ValueError, RecursionError):
        # Unquoted colons and tabs are common in titles; take the lines that look like pairs.
        pairs = {key.lower(): value.strip("\"'") for key, value in _PAIR.findall(inside)}
        return pairs or None
    if loaded is None:
        return {}
    return {str(key).lower(): value for key, value in loaded.items()} if isinstance(loaded, dict) else None


def _toml(inside: str) -> Mapping[str, object] | None:
    try:
        return {key.lower(): value for key, value in tomllib.loads(inside).items()}
    except tomllib.TOMLDecodeError:
        pairs = {key.lower(): value.strip("\"'") for key, value in _PAIR.findall(inside)}
        return pairs or None


def _metadata(values: Mapping[str, object]) -> Metadata:
    def first(*names: str) -> str:
        return next((found for name in names if (found := _plain(values.get(name)))), "")

    return Metadata(
        title=first("title"),
        author=first("author", "authors", "by", "creator"),
        language=first("lang", "language", "locale"),
        created=iso_date(first("date", "created", "published", "pubdate", "publishdate")),
        modified=iso_date(first("lastmod", "modified", "updated", "last_modified_at", "last-modified")),
    )


def _plain(value: object, depth: int = 0) -> str:
    if value is None or isinstance(value, bool) or depth > 2:
        return ""
    if isinstance(value, list):
        return ", ".join(filter(None, (_plain(item, depth + 1) for item in value[:100])))
    if isinstance(value, dict):
        return _plain(value.get("name", value.get("title")), depth + 1)
    if isinstance(value, datetime.datetime | datetime.date):
        return value.isoformat()
    return " ".join(str(value).split())
