"""Plain text: the decoded file is the text, blocks are ranges in it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain, pairwise
from pathlib import Path
from typing import Final

from ..document import Block, BlockKind, Document, Metadata, Page, Source
from ..errors import EmptySource
from .decoding import decode
from .media_type import CSV

_LINE: Final = re.compile(r"[^\r\n\f\u2028\u2029]+")
_GAP: Final = re.compile(r"\r\n?|[\n\f\u2028\u2029]")
_BULLET: Final = re.compile(r"[-*+•‣◦▪●○■–—·]\s+(?=\S)")
_ENUMERATOR: Final = re.compile(r"(?:\(?(?:\d{1,3}|[A-Za-z]|[ivxIVX]{2,5})[.)])\s+(?=\S)")
_RULE: Final = re.compile(r"[^\w\s]*\s*(?:[-=_*~#+|.]\s*){3,}")
_NUMBERED_TITLE: Final = re.compile(r"(\d{1,2}(?:\.\d{1,2}){0,3})\.?\s+[^\W\d_]")
_NAMED_TITLE: Final = re.compile(
    r"(?:chapter|part|section|appendix|book|act|article)\s+(?:\d+|[IVXLC]+)\b", re.IGNORECASE
)

SOFT_WRAPPED: Final = 240
"""A line longer than this was not broken by its writer to fit a page: every line is a paragraph."""

_TITLE_LENGTH: Final = 90

Line = tuple[int, int]
"""Start and stop of a line in the text, white space at both ends left out; never empty."""


def read_plain(path: Path, source: Source) -> Document:
    """Read a text file; rows of CSV and TSV files become table rows.

    Raises:
        EmptySource: Nothing but white space.
        UnsupportedSource: The bytes are not text.
    """
    decoded = decode(path.read_bytes())
    text = decoded.text
    if source.media_type == CSV:
        blocks = [Block(start, stop, BlockKind.TABLE_ROW) for start, stop in lines(text, 0, len(text))]
    else:
        blocks = list(plain_blocks(text, 0, len(text)))
    if not blocks:
        raise EmptySource(f"{source.uri}: the file of {len(text)} characters holds no text")
    title = next((text[b.start : b.stop] for b in blocks[:1] if b.kind is BlockKind.HEADING), "")
    return Document(source, text, tuple(blocks), tuple(_pages(text)), Metadata(title=title), decoded.flags)


def lines(text: str, start: int, stop: int) -> Iterator[Line]:
    """The lines of ``text[start:stop]`` that are not blank, trimmed."""
    for match in _LINE.finditer(text, start, stop):
        line = match.group()
        stripped = line.strip()
        if stripped:
            begin = match.start() + len(line) - len(line.lstrip())
            yield begin, begin + len(stripped)


def plain_blocks(text: str, start: int, stop: int) -> Iterator[Block]:
    """Blocks of ``text[start:stop]``: paragraphs between blank lines, list items, titles.

    Lines without a letter or digit (rules, underlines) that stand alone are in no block. Bullets are in no block;
    numbers of items stay in theirs, for people ask for "clause 12".
    """
    before: list[Line] = []
    for group, after in pairwise(chain(_groups(text, start, stop), [[]])):
        # "1. Milk" alone between blank lines is a title, unless its neighbours are numbered too: a list.
        listed = any(near and _ENUMERATOR.match(text, *near[0]) for near in (before, after))
        yield from _group_blocks(text, group, listed=listed)
        before = group


def by_line(text: str, group: list[Line]) -> bool:
    """Whether each line of a run of lines is a paragraph of its own."""
    return len(group) > 1 and max(stop - start for start, stop in group) > SOFT_WRAPPED


def _groups(text: str, start: int, stop: int) -> Iterator[list[Line]]:
    """Runs of lines with no blank line or page break between them."""
    group: list[Line] = []
    for line in lines(text, start, stop):
        if group:
            between = text[group[-1][1] : line[0]]
            if len(_GAP.findall(between)) > 1 or "\f" in between:
                yield group
                group = []
        group.append(line)
    if group:
        yield group


def _group_blocks(text: str, group: list[Line], *, listed: bool) -> Iterator[Block]:
    if len(group) == 2 and group[0][1] - group[0][0] <= _TITLE_LENGTH:
        underline = text[slice(*group[1])]
        if underline[0] in "=-~#*" and _RULE.fullmatch(underline):
            yield Block(*group[0], BlockKind.HEADING, 1 if underline[0] == "=" else 2)
            return
    if len(group) == 1 and (level := _title_level(text[slice(*group[0])], listed=listed)):
        yield Block(*group[0], BlockKind.HEADING, level)
        return
    long_lines = by_line(text, group)
    open_start, open_stop, kind, level = -1, -1, BlockKind.PARAGRAPH, 0
    indents: list[int] = []
    for begin, end in group:
        if _RULE.fullmatch(text, begin, end) and not any(map(str.isalnum, text[begin:end])):
            if open_start >= 0:
                yield Block(open_start, open_stop, kind, level)
                open_start = -1
            continue
        bullet = _BULLET.match(text, begin, end)
        enumerator = None
        if bullet is None and (open_start < 0 or kind is BlockKind.LIST_ITEM or text[open_stop - 1] in ":;"):
            enumerator = _ENUMERATOR.match(text, begin, end)
        if open_start >= 0 and (bullet or enumerator or long_lines):
            yield Block(open_start, open_stop, kind, level)
            open_start = -1
        if open_start < 0:
            open_start, kind, level = begin, BlockKind.PARAGRAPH, 0
            if bullet or enumerator:
                indent = begin - (text.rfind("\n", 0, begin) + 1)
                while indents and indents[-1] >= indent:
                    indents.pop()
                indents.append(indent)
                kind, level = BlockKind.LIST_ITEM, len(indents)
            if bullet:
                open_start = bullet.end()
        open_stop = end
    if open_start >= 0:
        yield Block(open_start, open_stop, kind, level)


def _title_level(line: str, *, listed: bool) -> int:
    """Level of a line that stands alone and looks like a title, else 0."""
    if len(line) > _TITLE_LENGTH or line[-1] in ".,;:!?":
        return 0
    if match := _NUMBERED_TITLE.match(line):
        depth = 1 + match.group(1).count(".")
        return 0 if (depth == 1 and listed) or not any(map(str.isupper, line)) else depth
    if _NAMED_TITLE.match(line):
        return 1
    letters = sum(map(str.isalpha, line))
    return 2 if letters >= 4 and letters > 0.5 * len(line) and line.isupper() else 0


def _pages(text: str) -> Iterator[Page]:
    """Form feeds break pages; a text without one has none."""
    if "\f" not in text.strip("\f \t\r\n"):
        return
    start = 0
    pages = text.split("\f")
    for number, page in enumerate(pages if pages[-1].strip() else pages[:-1], start=1):
        yield Page(number, start, start + len(page))
        start += len(page) + 1
