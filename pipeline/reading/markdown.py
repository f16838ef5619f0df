"""Markdown: blocks are ranges in the decoded file, found by markdown-it-py's line maps.

Only the block grammar runs; emphasis and links stay in the text as written. The parser drops what is nested too
deeply and lines it takes for markup, so every letter outside a block is accounted for afterwards.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..document import Block, BlockKind, Document, Flag, Metadata, Source
from ..errors import EmptySource
from .decoding import decode
from .front_matter import front_matter
from .plain import Line, by_line, lines, plain_blocks

if TYPE_CHECKING:
    from markdown_it import MarkdownIt
    from markdown_it.token import Token

_LINE_END: Final = re.compile(r"\r\n?|\n")
"""What the parser counts as a line end; its line numbers are only right with the same rule."""

_QUOTE_MARKERS: Final = re.compile(r"[ \t>]*")
_ATX: Final = re.compile(r"#{1,6}[ \t]+")
_ORDERED: Final = re.compile(r"\d{1,9}[.)][ \t]+$")
_EMPHASIS: Final = re.compile(r"(\*\*|__|[*_`])(\S.{0,500}?)\1")
_TASK: Final = re.compile(r"\[[ xX]\][ \t]+(?=\S)")
_EMBEDDED: Final = re.compile(
    r"!?\[[^\[\]\n]{0,300}\]\(\s*data:[^)\s]{100,}\)|data:[\w.+/-]+;base64,[A-Za-z0-9+/=%]{100,}"
)
_TAG: Final = re.compile(r"</?([A-Za-z][A-Za-z0-9-]*)[^<>]*>|<[!?][^<>]*>")
_LAST_CELL: Final = re.compile(r"\s*</?t[dh]\b[^<>]*>\s*$", re.IGNORECASE)
_INLINE_TAGS: Final = frozenset(
    "a abbr b bdi bdo cite code del dfn em font i ins kbd mark q s samp small span strong sub sup tt u var wbr".split()
)
_HIDDEN_PARTS: Final = ("<!--", "-->"), ("<script", "</script"), ("<style", "</style"), ("<svg", "</svg")
_MARKERS: Final = re.compile(r"^[\s>]*(?:\d{1,9}[.)](?=\s|$)[\s>]*)*(?:\[\^[^\]\n]{1,100}\]:)?", re.MULTILINE)
_MAX_NESTING: Final = 40


def read_markdown(path: Path, source: Source) -> Document:
    """Read a Markdown file (CommonMark with tables, footnotes and front matter).

    Raises:
        EmptySource: Nothing but white space, or nothing but front matter.
        UnsupportedSource: The bytes are not text.
    """
    decoded = decode(path.read_bytes())
    text = decoded.text
    metadata, body = front_matter(text)
    blocks, lost = markdown_blocks(text, body)
    flags = list(decoded.flags)
    if lost:
        flags.append(Flag("structure-lost", f"{lost} characters were outside the parsed structure; read as plain text"))
    if not blocks:
        what = "front matter only" if body else "no text"
        raise EmptySource(f"{source.uri}: the file of {len(text)} characters holds {what}")
    if not metadata.title:
        first = next((b for b in blocks if b.kind is BlockKind.HEADING), None)
        if first is not None and (first.level == 1 or first is blocks[0]):
            title = _EMPHASIS.sub(r"\2", text[first.start : first.stop])
            metadata = Metadata(title, metadata.author, metadata.language, metadata.created, metadata.modified)
    return Document(source, text, tuple(blocks), (), metadata, tuple(flags))


def markdown_blocks(text: str, start: int = 0) -> tuple[list[Block], int]:
    """Blocks of ``text[start:]``, and how many letters and digits the parser had lost.

    What was lost is in blocks all the same, as plain text.
    """
    body = text[start:] if start else text
    bounds = [start, *(start + match.end() for match in _LINE_END.finditer(body)), len(text)]
    # The parser takes NUL for U+FFFD one to one; nothing else changes the length of a line.
    environment: dict[str, Any] = {}
    tokens = _parser().parse(body, environment)
    walk = _Walk(text, bounds)
    blocks = walk.blocks(tokens)
    silent = walk.silent
    for reference in (*environment.get("references", {}).values(), *environment.get("duplicate_refs", [])):
        if mapped := reference.get("map"):
            silent.append((bounds[mapped[0]], bounds[min(mapped[1], len(bounds) - 1)]))
    return _fill_gaps(text, start, blocks, silent)


@cache
def _parser() -> MarkdownIt:
    from markdown_it import MarkdownIt
    from mdit_py_plugins.footnote import footnote_plugin

    parser = MarkdownIt("commonmark", {"maxNesting": _MAX_NESTING}).enable("table").use(footnote_plugin)
    parser.core.ruler.enableOnly(["normalize", "block"])  # inline parsing would move footnotes and cost most time
    return parser


class _Walk:
    """Tokens to ranges of the file."""

    def __init__(self, text: str, bounds: Sequence[int]) -> None:
        self._text = text
        self._bounds = bounds
        self.silent: list[Line] = []
        """Ranges that hold markup only: fence lines, underlines, comments."""

    def blocks(self, tokens: Sequence[Token]) -> list[Block]:
        found: list[Block] = []
        lists: list[bool] = []
        """Open lists, each with whether an item has just begun."""
        heading, note = 0, 0
        for token in tokens:
            kind = token.type
            if kind in ("bullet_list_open", "ordered_list_open"):
                lists.append(False)
            elif kind in ("bullet_list_close", "ordered_list_close"):
                lists.pop()
            elif kind == "list_item_open":
                lists[-1] = True
            elif kind == "heading_open":
                heading = int(token.tag[1])
                if token.map and token.markup in ("=", "-"):
                    self.silent.append((self._bounds[token.map[1] - 1], self._bounds[token.map[1]]))
            elif kind == "heading_close":
                heading = 0
            elif kind in ("footnote_reference_open", "footnote_reference_close"):
                note += 1 if kind.endswith("open") else -1
            elif token.map is None:
                continue
            elif kind == "tr_open":
                found.extend(self._row(token.map[0]))
            elif kind == "table_open":
                self.silent.append((self._bounds[token.map[0] + 1], self._bounds[token.map[0] + 2]))
            elif kind in ("fence", "code_block"):
                found.extend(self._code(token))
            elif kind == "html_block":
                found.extend(self._html(*self._range(token.map)))
            elif kind == "inline" and token.content.strip() and token.level >= 0:
                if heading:
                    found.extend(self._heading(token, heading))
                elif note:
                    found.extend(self._paragraph(token, BlockKind.NOTE, 0, item=False))
                elif lists:
                    found.extend(self._paragraph(token, BlockKind.LIST_ITEM, len(lists), item=lists[-1]))
                    lists[-1] = False
                else:
                    found.extend(self._paragraph(token, BlockKind.PARAGRAPH, 0, item=False))
        return found

    def _range(self, mapped: Sequence[int]) -> Line:
        last = len(self._bounds) - 1
        return self._bounds[min(mapped[0], last)], self._bounds[min(mapped[1], last)]

    def _heading(self, token: Token, level: int) -> Iterator[Block]:
        assert token.map is not None
        start, stop = self._range(token.map)
        first = _LINE_END.split(token.content, maxsplit=1)[0].strip()
        marker = _ATX.search(self._text, start, stop)
        found = self._text.find(first, marker.end() if marker else start, stop)
        if found < 0:  # tabs or NULs replaced by the parser: the whole line, markup and all
            found = start
        several = "\n" in token.content
        stop = start + len(self._text[start:stop].rstrip()) if several else found + len(first)
        if found < stop:
            yield Block(found, stop, BlockKind.HEADING, level)

    def _paragraph(self, token: Token, kind: BlockKind, level: int, *, item: bool) -> Iterator[Block]:
        """The lines of a paragraph; markers of the containers it stands in are cut off its first line."""
        assert token.map is not None
        group = list(lines(self._text, *self._range(token.map)))
        if not group:
            return
        begin, end = group[0]
        first = _LINE_END.split(token.content, maxsplit=1)[0].strip()
        if self._text.endswith(first, begin, end):
            content = end - len(first)
            if item and (number := _ORDERED.search(self._text, begin, content)):
                content = number.start()  # people ask for "step 3"
            elif item and (task := _TASK.match(self._text, content, end)):
                self.silent.append(task.span())
                content = task.end()
            group[0] = (content, end)
        parts = group if by_line(self._text, group) else [(group[0][0], group[-1][1])]
        for start, stop in parts:
            for piece_start, piece_stop in self._without_embedded(start, stop):
                yield Block(piece_start, piece_stop, kind, level)

    def _without_embedded(self, start: int, stop: int) -> Iterator[Line]:
        """Cut embedded files (``data:`` addresses) out: megabytes that nobody reads."""
        if stop - start > 100:
            for match in _EMBEDDED.finditer(self._text, start, stop):
                yield from lines_joined(self._text, start, match.start())
                self.silent.append(match.span())
                start = match.end()
        yield from lines_joined(self._text, start, stop)

    def _row(self, line: int) -> Iterator[Block]:
        start, stop = self._bounds[line], self._bounds[line + 1]
        marker = _QUOTE_MARKERS.match(self._text, start, stop)
        start = marker.end() if marker else start
        stop = start + len(self._text[start:stop].rstrip())
        if start < stop and any(c not in "|-: \t" for c in self._text[start:stop]):
            yield Block(start, stop, BlockKind.TABLE_ROW)

    def _code(self, token: Token) -> Iterator[Block]:
        assert token.map is not None
        first, last = token.map
        if token.type == "fence":
            self.silent.append((self._bounds[first], self._bounds[first + 1]))
            first += 1
            # An unclosed fence runs to the end: its last line is code, so count the lines of the content.
            count = token.content.count("\n")
            if first + count < last:
                self.silent.append((self._bounds[first + count], self._bounds[last]))
            last = first + count
        group = list(lines(self._text, *self._range((first, last))))
        if group:
            yield Block(group[0][0], group[-1][1], BlockKind.CODE)

    def _html(self, start: int, stop: int) -> Iterator[Block]:
        """Runs of text between the block tags of an HTML block; inline tags stay inside their run."""
        position = start
        for hidden_start, hidden_stop in _hidden(self._text, start, stop):
            yield from self._html_text(position, hidden_start)
            self.silent.append((hidden_start, hidden_stop))
            position = hidden_stop
        yield from self._html_text(position, stop)

    def _html_text(self, start: int, stop: int) -> Iterator[Block]:
        position, kind, level = start, BlockKind.PARAGRAPH, 0
        for match in _TAG.finditer(self._text, start, stop):
            tag = (match.group(1) or "").lower()
            if tag in _INLINE_TAGS or (tag in ("td", "th") and kind is BlockKind.TABLE_ROW):
                continue
            yield from self._html_run(position, match.start(), kind, level)
            self.silent.append(match.span())
            position = match.end()
            opening = not match.group().startswith("</")
            kind, level = BlockKind.PARAGRAPH, 0
            if opening and tag in ("td", "th"):
                kind = BlockKind.TABLE_ROW  # to the end of the row, with the tags between its cells
            elif opening and tag in ("li", "dt", "dd"):
                kind, level = BlockKind.LIST_ITEM, 1
            elif opening and len(tag) == 2 and tag[0] == "h" and tag[1] in "123456":
                kind, level = BlockKind.HEADING, int(tag[1])
        yield from self._html_run(position, stop, kind, level)

    def _html_run(self, start: int, stop: int, kind: BlockKind, level: int) -> Iterator[Block]:
        if kind is BlockKind.TABLE_ROW:
            while end := _LAST_CELL.search(self._text, max(start, stop - 200), stop):
                self.silent.append(end.span())
                stop = end.start()
        bare = _TAG.sub("", self._text[start:stop])
        if bare.strip():
            yield from (Block(begin, end, kind, level) for begin, end in lines_joined(self._text, start, stop))
        else:
            self.silent.append((start, stop))


def lines_joined(text: str, start: int, stop: int) -> Iterator[Line]:
    """The trimmed range of ``text[start:stop]``, or nothing where it is blank."""
    part = text[start:stop]
    bare = part.strip()
    if bare:
        begin = start + len(part) - len(part.lstrip())
        yield begin, begin + len(bare)


def _hidden(text: str, start: int, stop: int) -> Iterator[Line]:
    """Comments, scripts, styles and drawings in ``text[start:stop]``, in order."""
    if "<" not in text[start:stop]:
        return
    part = text[start:stop].lower()
    following = {opening: part.find(opening) for opening, _ in _HIDDEN_PARTS}
    position = 0
    while True:
        ahead = [(at, opening, closing) for opening, closing in _HIDDEN_PARTS if (at := following[opening]) >= 0]
        if not ahead:
            return
        at, opening, closing = min(ahead)
        if at >= position:
            end = part.find(closing, at + len(opening))
            end = len(part) if end < 0 else (part.find(">", end) + 1 or len(part))
            yield start + at, start + end
            position = end
        following[opening] = part.find(opening, max(position, at + 1))


def _fill_gaps(text: str, start: int, blocks: list[Block], silent: list[Line]) -> tuple[list[Block], int]:
    """Add plain blocks for letters and digits that are in no block and in no known markup."""
    blocks.sort(key=lambda block: block.start)
    filled: list[Block] = []
    lost = 0
    silent.sort()
    starts = [begin for begin, _ in silent]
    position = start
    for block in (*blocks, None):
        begin = len(text) if block is None else block.start
        if begin < position:
            continue  # overlaps what is there already; its characters are covered or come with the next gap
        gap = position
        for quiet_start, quiet_stop in silent[max(bisect_right(starts, position) - 1, 0) : bisect_right(starts, begin)]:
            lost += _recover(text, gap, min(quiet_start, begin), filled)
            gap = max(gap, min(quiet_stop, begin))
        lost += _recover(text, gap, begin, filled)
        if block is not None:
            filled.append(block)
            position = block.stop
    return filled, lost


def _recover(text: str, start: int, stop: int, found: list[Block]) -> int:
    """Plain blocks for ``text[start:stop]`` if it holds more than markers; returns its letters and digits."""
    if start >= stop:
        return 0
    # Numbers of empty list items and labels of footnotes are markup too.
    rest = _MARKERS.sub("", text[start:stop])
    letters = sum(map(str.isalnum, rest))
    if letters:
        found.extend(plain_blocks(text, start, stop))
    return letters
