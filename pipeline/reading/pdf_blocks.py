"""Paragraphs of lines -> blocks of a page draft: text, words, kind and print of each."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from ..document import BlockKind
from .pdf_characters import is_unspaced
from .pdf_draft import DraftBlock, DraftWriter, EdgeLine
from .pdf_lines import Frame, Line, Piece

EDGE = 0.13
"""Share of a page's height at its upper and lower edge where running headers and footers stand."""
RUNNING_LINES = 3
"""A running header has no more lines; a longer paragraph at the edge, a legal notice, is one as a whole or not."""

TERMINAL = ".!?:;。！？：；…।؟۔"
CLOSING = "\"'”’»)]』」）"
BULLETS = "o•‣◦▪■□●○◆◇►▶▸➢➤✓✔❖∙·–—-*−\uf0b7"
BULLET = re.compile(rf"[{re.escape(BULLETS)}]$")


@dataclass(frozen=True, slots=True)
class Style:
    """The print of most of a page's text.

    Attributes:
        size: Font size of most characters.
        leading: Font size in whole points -> distance of base lines inside paragraphs of that size.
        mono: Most of the page is typed: then typewriter type does not mean code.
    """

    size: float
    leading: dict[int, float]
    mono: bool


@dataclass(slots=True)
class Paragraph:
    """Lines that belong together.

    Attributes:
        left, right: Margins of the flow it stands in.
    """

    lines: list[Line]
    kind: BlockKind
    left: float
    right: float


def ends(text: str) -> bool:
    """Whether a sentence, or a clause before a list, ends here."""
    return text.rstrip(CLOSING)[-1:] in TERMINAL


def write_note(pieces: Sequence[Piece], writer: DraftWriter) -> None:
    """Writes an annotation's or a form field's text as a block of its own."""
    if writer.length:
        writer.raw("\n\n")
    start = writer.length
    writer.words(pieces)
    if writer.length > start:
        writer.blocks.append(DraftBlock(start, writer.length, BlockKind.NOTE))


def write_paragraph(
    paragraph: Paragraph, writer: DraftWriter, frame: Frame, style: Style, zones: tuple[float, float]
) -> None:
    """Writes a paragraph or a table as blocks, or as the rest of the paragraph in the column before.

    Args:
        zones: Above the first y and below the second, short paragraphs may be running headers or footers.
    """
    line = paragraph.lines[0]
    if line.rows is not None:
        _write_table(line, writer, frame, zones)
        return
    if _continues_above(paragraph, writer, frame):
        block = writer.blocks[-1]
        writer.join(line.pieces)
        block.lines += len(paragraph.lines)
    else:
        if writer.length:
            writer.raw("\n\n")
        block = DraftBlock(writer.length, writer.length, paragraph.kind, line.size, line.bold, len(paragraph.lines))
        block.left, block.spread = line.x0, len(paragraph.lines) == 1 and line.parts > 2
        writer.blocks.append(block)
    if paragraph.kind is BlockKind.LIST_ITEM and BULLET.match(line.pieces[0].text):
        block.mark = len(line.pieces[0].text) + 1
    whole = writer.length
    places: list[float] = []
    for at, printed in enumerate(paragraph.lines):
        pieces = printed.pieces
        if at and paragraph.kind is BlockKind.CODE:
            below = printed.base - paragraph.lines[at - 1].base
            writer.raw("\n\n" if below > 1.8 * printed.size else "\n")
            start = min(item.x0 for item in paragraph.lines)
            writer.raw(" " * max(0, round((printed.x0 - start) / (0.6 * max(printed.size, 1.0)))))
        elif at:
            writer.join(pieces)
        begin = writer.length
        writer.words(pieces)
        place = _edge(printed.top, printed.bottom, printed.base, zones, frame.height)
        places.append(place)
        if place and len(paragraph.lines) <= RUNNING_LINES:
            writer.edges.append(EdgeLine(begin, writer.length, place, printed.size))
    block.stop = writer.length
    if len(places) > RUNNING_LINES and all(places):
        writer.edges.append(EdgeLine(whole, writer.length, places[0], line.size))
    if block.stop <= block.start + block.mark:
        writer.blocks.pop()
        return
    bottom = paragraph.lines[-1]
    wide = max(paragraph.right - paragraph.left, 1.0)
    block.runs_on = (
        paragraph.kind in (BlockKind.PARAGRAPH, BlockKind.LIST_ITEM)
        and not ends(bottom.text)
        and bottom.x1 > paragraph.right - 0.15 * wide
        and len(bottom.text) > 12
    )
    block.bold = all(item.bold for item in paragraph.lines) and (block.bold or block.lines == len(paragraph.lines))
    block.size = median(item.size for item in paragraph.lines) if block.lines == len(paragraph.lines) else block.size
    if block.kind is BlockKind.PARAGRAPH and block.size < 0.92 * style.size and _is_note(paragraph, frame):
        block.kind = BlockKind.NOTE


def _edge(top: float, bottom: float, base: float, zones: tuple[float, float], height: float) -> float:
    """Place of a line that may be a running header (from above) or footer (from below, negative); else 0."""
    if bottom < zones[0]:
        return base
    return base - height if top > zones[1] else 0.0


def _is_note(paragraph: Paragraph, frame: Frame) -> bool:
    """A footnote: small print low on the page that begins with its mark."""
    first = paragraph.lines[0]
    mark = first.text[:2].strip()
    return first.top > 0.65 * frame.height and bool(mark) and (mark[0].isdigit() or mark[0] in "*†‡§¹²³⁴⁵⁶⁷⁸⁹")


def _continues_above(paragraph: Paragraph, writer: DraftWriter, frame: Frame) -> bool:
    """Whether the first paragraph of a column goes on with the last one of the column before."""
    if not writer.blocks or paragraph.kind is not BlockKind.PARAGRAPH:
        return False
    before, line = writer.blocks[-1], paragraph.lines[0]
    if not before.runs_on or before.stop != writer.length or abs(before.size - line.size) > 0.05 * line.size:
        return False
    first = line.text[0]
    return before.bold == line.bold and (first.islower() or (is_unspaced(first) and is_unspaced(writer.last_char())))


def _write_table(line: Line, writer: DraftWriter, frame: Frame, zones: tuple[float, float]) -> None:
    """Writes the rows of a table; those of a small one near the page's edge may be a running header in a box."""
    rows = [cells for cells in line.rows or [] if any(cells)]
    small = len(rows) <= RUNNING_LINES
    for at, cells in enumerate(rows):
        if writer.length:
            writer.raw("\n" if at and writer.blocks and writer.blocks[-1].kind is BlockKind.TABLE_ROW else "\n\n")
        start = writer.length
        for column, cell in enumerate(cells):
            if column:
                writer.raw(" | ")
            writer.words(cell)
        block = DraftBlock(start, writer.length, BlockKind.TABLE_ROW, line.size, left=line.x0, opens=not at)
        writer.blocks.append(block)
        boxes = [frame.move(piece.box) for cell in cells for piece in cell] if small else []
        if not boxes:
            continue
        top, bottom = min(box[1] for box in boxes), max(box[3] for box in boxes)
        if place := _edge(top, bottom, bottom, zones, frame.height):
            writer.edges.append(EdgeLine(start, writer.length, place, line.size, cells=True))
