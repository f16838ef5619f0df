"""Tags taken out by plain scanning: a second opinion on what a parser found, and the way out when it fails.

Every step runs in time proportional to the text, whatever the text is.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import html
import re
from typing import Final

_TAG: Final = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9:-]*)(?:[^<>\"']|\"[^\"<]*\"|'[^'<]*')*+(/?)>")
"""No ``<`` inside a tag, not even in quotes: an unclosed quote then cannot swallow the rest of a page."""

_DIVISIONS: Final = frozenset("div span section article font center b i em strong u s small big tt blockquote".split())
_BREAKS: Final = frozenset("div section article center blockquote".split())
_VOID: Final = frozenset("area base br col embed hr img input link meta param source track wbr p li dt dd".split())
_RAW: Final = ("script", "style", "template", "head")


def nesting(markup: str) -> int:
    """The greatest number of elements open at once, by counting tags (those that need no end tag left out)."""
    depth = deepest = 0
    for match in _TAG.finditer(markup):
        if match.group(2).lower() in _VOID or match.group(3):
            continue
        depth = max(depth - 1, 0) if match.group(1) else depth + 1
        deepest = max(deepest, depth)
    return deepest


def flatten(markup: str) -> str:
    """Take divisions and font changes out; where a division began or ended, a rule keeps texts apart."""

    def replacement(match: re.Match[str]) -> str:
        name = match.group(2).lower()
        if name not in _DIVISIONS:
            return match.group()
        return "<hr>" if name in _BREAKS else ""

    return _TAG.sub(replacement, markup)


def strip_tags(markup: str) -> list[str]:
    """The text between tags, entities resolved; scripts, styles, templates, comments and the head left out."""
    texts: list[str] = []
    position = 0
    size = len(markup)
    lower = markup.lower()
    while position < size:
        start = markup.find("<", position)
        if start < 0:
            start = size
        if start > position:
            part = markup[position:start]
            if not part.isspace():
                texts.append(html.unescape(part) if "&" in part else part)
        if start >= size:
            break
        position = _after(markup, lower, start)
        if position == start:  # a bare "<" in text
            texts.append("<")
            position = start + 1
    return texts


def _after(markup: str, lower: str, start: int) -> int:
    """Where the tag, comment or unread element that begins at ``start`` ends; ``start`` where none begins."""
    if markup.startswith("<!--", start):
        end = markup.find("-->", start + 4)
        return len(markup) if end < 0 else end + 3
    if markup.startswith(("<!", "<?"), start):
        end = markup.find(">", start)
        return len(markup) if end < 0 else end + 1
    match = _TAG.match(markup, start)
    if match is None:
        end = markup.find(">", start, start + 4096)
        named = start + 1 < len(markup) and (markup[start + 1].isalpha() or markup[start + 1] == "/")
        return end + 1 if named and end >= 0 else start
    name = match.group(2).lower()
    if name not in _RAW or match.group(1):
        return match.end()
    end = lower.find(f"</{name}", match.end())
    if end < 0:
        return len(markup)
    close = markup.find(">", end)
    return len(markup) if close < 0 else close + 1
