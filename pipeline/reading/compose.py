"""Putting a document's text together from pieces, for formats whose text is not the file itself."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from ..document import Block, BlockKind, Document, Flag, Metadata, Page, Source
from ..errors import EmptySource

CELL_SEPARATOR: Final = " | "
_BLOCK_SEPARATOR: Final = "\n\n"
_PROSE_CELL: Final = 600
"""A cell of several paragraphs longer than this makes its table a means of layout, not a table."""

_INVISIBLE: Final = re.compile("[\u00ad\u200b\u2060-\u2064\ufeff\x00-\x08\x0e-\x1f\x7f]")
_BULLET: Final = re.compile(r"[•‣◦▪●○■]\s*")
_SURROGATES: Final = re.compile("[\ud800-\udfff]")
_BLANKS: Final = re.compile(r"[^\S\n]+")
_LINE_ENDS: Final = re.compile(r"\s*\n\s*")


@dataclass(slots=True)
class Draft:
    """A block before it has a place in the text."""

    text: str
    kind: BlockKind = BlockKind.PARAGRAPH
    level: int = 0


SomeDraft = TypeVar("SomeDraft", bound=Draft)


def printable(text: str) -> str:
    """Without soft hyphens, zero-width spaces, control characters and lone surrogates (these become U+FFFD)."""
    if text.isascii() and text.isprintable():
        return text
    return _SURROGATES.sub("\ufffd", _INVISIBLE.sub("", text))


def tidy(text: str) -> str:
    """Running text as it is read: blanks of every width become one space, line ends stay."""
    text = _BLANKS.sub(" ", printable(text))
    return (_LINE_ENDS.sub("\n", text) if "\n" in text else text).strip()


def tidy_code(text: str) -> str:
    """Preformatted text: indentation and empty lines inside stay."""
    text = printable(text.replace("\r\n", "\n").replace("\r", "\n").replace("\xa0", " "))
    return text.strip("\n").rstrip()


def one_line(text: str) -> str:
    """Text for a table cell or a title."""
    return " ".join(printable(text).split())


def table_row(cells: Sequence[Sequence[SomeDraft]]) -> list[SomeDraft]:
    """The blocks of one table row.

    Cells are joined by " | ". A row that lays out a page (a nested table, headings, long prose of several
    paragraphs) gives its blocks one by one instead.
    """
    filled = [cell for cell in cells if cell]
    for cell in filled:
        structured = any(draft.kind in (BlockKind.TABLE_ROW, BlockKind.HEADING) for draft in cell)
        if (structured and len(cell) > 1) or (len(cell) > 1 and sum(len(draft.text) for draft in cell) > _PROSE_CELL):
            return [draft for cell in filled for draft in cell]
    if not filled:
        return []
    if len(filled) == 1:  # a frame around text
        return list(filled[0])
    texts = (one_line(" ".join(draft.text for draft in cell)) for cell in cells)
    return [replace(filled[0][0], text=CELL_SEPARATOR.join(texts).strip(), kind=BlockKind.TABLE_ROW, level=0)]


class Composer:
    """Collects drafts into one text with exact block and page positions."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._length = 0
        self._blocks: list[Block] = []
        self._pages: list[Page] = []

    def add(self, drafts: Iterable[Draft]) -> None:
        """Append blocks; drafts without text are passed over."""
        for draft in drafts:
            text = draft.text
            if draft.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM) and (bullet := _BULLET.match(text)):
                # Bullets typed by hand, or drawn by a style sheet that is not read.
                text = text[bullet.end() :]
                draft = replace(draft, kind=BlockKind.LIST_ITEM, level=max(draft.level, 1))
            if not text or text.isspace():
                continue
            if self._parts:
                self._parts.append(_BLOCK_SEPARATOR)
                self._length += len(_BLOCK_SEPARATOR)
            start = self._length
            self._parts.append(text)
            self._length += len(text)
            level = min(max(draft.level, 1), 6) if draft.kind is BlockKind.HEADING else draft.level
            self._blocks.append(Block(start, self._length, draft.kind, level))

    def add_page(self, drafts: Iterable[Draft], *, width: float = 0.0, height: float = 0.0) -> bool:
        """Append the blocks of the next page; returns whether it has any."""
        before = len(self._blocks)
        self.add(drafts)
        filled = len(self._blocks) > before
        start = self._blocks[before].start if filled else self._length
        self._pages.append(Page(len(self._pages) + 1, start, self._length, width, height))
        return filled

    def document(
        self, source: Source, metadata: Metadata, flags: Iterable[Flag] = (), *, empty: str = "it holds no text"
    ) -> Document:
        """Close the text.

        Args:
            empty: Why there may be no text, for the message.

        Raises:
            EmptySource: Nothing was added.
        """
        if not self._blocks:
            raise EmptySource(f"{source.uri}: {empty}")
        text = "".join(self._parts)
        return Document(source, text, tuple(self._blocks), tuple(self._pages), metadata, tuple(flags))
