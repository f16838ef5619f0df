"""Flows of lines -> paragraphs, list items, captions, code and table rows in a page draft."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from ..document import BlockKind
from .pdf_aligned import aligned_tables
from .pdf_blocks import BULLET, BULLETS, EDGE, Paragraph, Style, ends, write_paragraph
from .pdf_characters import is_unspaced
from .pdf_columns import beside, flows
from .pdf_draft import HYPHENS, DraftWriter
from .pdf_lines import Frame, Line, Move, Piece

_ENUMERATOR = re.compile(r"(?:\(?(\d{1,3})[.)]|\(?([a-zA-Z])[.)]|\(([ivx]{1,5})\)|\[(\d{1,3})\])$")
_GLUED = re.compile(r"\(?\d{1,3}[.)][^\W\d]")
_CAPTION = re.compile(
    r"(?:Fig(?:ure|\.)|Table|Tab\.|Abb(?:ildung|\.)|Tabelle|Tableau|Figura|Tabla|Listing|[图表図])\s*\d+", re.I
)


def write_frame(frame: Frame, writer: DraftWriter, edges: bool) -> None:
    """Writes the blocks of a frame in reading order.

    Args:
        edges: Whether lines near the upper and lower edge are to be noted.
    """
    _attach_initials(frame.lines)
    read = [_merged_rows(flow, frame.move) for flow in flows(frame.lines)]
    style = _style(read)
    zones = _edge_zones(frame, read) if edges else (0.0, frame.height)
    for flow in read:
        for paragraph in _paragraphs(flow, style):
            write_paragraph(paragraph, writer, frame, style, zones)


def _edge_zones(frame: Frame, read: Sequence[Sequence[Line]]) -> tuple[float, float]:
    """Above the first y and below the second, a line may be a running header or footer.

    The page's edges, and in any case the two uppermost and the two lowest lines: margins may be wide.
    """
    lines = [line for flow in read for line in flow if line.rows is None]
    tops = sorted({round(line.bottom) for line in lines})
    upper = max(EDGE * frame.height, tops[min(1, len(tops) - 1)] if tops else 0.0)
    lower = min(
        (1 - EDGE) * frame.height, sorted({round(line.top) for line in lines})[-2:][0] if tops else frame.height
    )
    return upper + 1, lower - 1


def _attach_initials(lines: list[Line]) -> None:
    """Puts a large initial letter (drop cap) back before the word it begins."""
    for initial in [line for line in lines if len(line.text) == 1 and line.text.isalpha()]:
        if initial.rows is not None:
            continue
        beside_it = [
            line
            for line in lines
            if line is not initial
            and line.pieces
            and initial.size > 1.8 * line.size
            and 0 <= line.x0 - initial.x1 + 0.3 * line.size < 1.5 * line.size
            and initial.top - line.size < line.base < initial.bottom + 0.3 * line.size
        ]
        if len(beside_it) < 2:
            continue
        first = min(beside_it, key=lambda line: line.base)
        if not first.text[:1].isalpha():
            continue
        first.pieces[:0] = initial.pieces
        first.text = initial.text + first.text
        lines.remove(initial)


def _merged_rows(flow: list[Line], move: Move) -> list[Line]:
    """Lines standing side by side as one line each, or as one table where they stand in columns."""
    rows: list[list[Line]] = []
    for line in sorted(flow, key=lambda item: (item.top + item.bottom) / 2):
        # Compared with few rows before: a raised or larger part may come out of order by a little.
        for row in rows[-1:-4:-1]:
            if row[0].rows is None and line.rows is None and beside(row[0], line) and _clear(row, line):
                row.append(line)
                break
        else:
            rows.append([line])
    for row in rows:
        row.sort(key=lambda item: item.x0)
    return [_merged(row, move) for row in aligned_tables(rows)]


def _clear(row: list[Line], line: Line) -> bool:
    return all(min(other.x1, line.x1) - max(other.x0, line.x0) < 0.5 * line.size for other in row)


def _merged(row: list[Line], move: Move) -> Line:
    if len(row) == 1:
        return row[0]
    pieces: list[Piece] = []
    for at, line in enumerate(row):
        close = at > 0 and line.x0 - row[at - 1].x1 < 0.12 * line.size
        pieces.append(line.pieces[0]._replace(gap=at > 0 and not close))
        pieces.extend(line.pieces[1:])
    if any(right.x0 < left.x1 - 1 for left, right in pairwise(row)):
        pieces.sort(key=lambda piece: move(piece.box)[0])  # powers and indices stand inside the line they belong to
    widest = max(row, key=lambda line: len(line.text))
    return Line(
        pieces,
        row[0].x0,
        min(line.top for line in row),
        max(line.x1 for line in row),
        max(line.bottom for line in row),
        widest.base,
        widest.size,
        all(line.bold for line in row),
        all(line.mono for line in row),
        sum(line.x0 - row[at - 1].x1 > 2.0 * line.size for at, line in enumerate(row) if at) + 1,
    )


def _style(read: Sequence[Sequence[Line]]) -> Style:
    sizes: dict[float, int] = {}
    typed = letters = 0
    steps: dict[int, list[float]] = {}
    full_steps: dict[int, list[float]] = {}
    for flow in read:
        text = [line for line in flow if line.rows is None]
        right = max((line.x1 for line in text), default=0.0)
        for line in text:
            count = len(line.text)
            sizes[round(line.size * 2) / 2] = sizes.get(round(line.size * 2) / 2, 0) + count
            letters += count
            typed += count * line.mono
        for one, other in pairwise(text):
            step = other.base - one.base
            if abs(one.size - other.size) < 0.1 * one.size and 0 < step < 4 * one.size:
                key = round(one.size)
                steps.setdefault(key, []).append(step)
                if one.x1 > right - 0.12 * (right - one.x0):
                    full_steps.setdefault(key, []).append(step)
    leading: dict[int, float] = {}
    for key, found in steps.items():
        full = sorted(full_steps.get(key, []))
        if len(full) >= 3:
            leading[key] = full[len(full) * 3 // 10]
        else:
            leading[key] = min(sorted(found)[len(found) * 3 // 10], 1.5 * max(key, 1))
    return Style(max(sizes, key=lambda key: sizes[key]) if sizes else 0.0, leading, 2 * typed > letters)


def _paragraphs(flow: list[Line], style: Style) -> list[Paragraph]:
    """Cuts a flow of lines into paragraphs."""
    text = [line for line in flow if line.rows is None]
    left = _margin([line.x0 for line in text], style.size)
    right = max((line.x1 for line in text), default=0.0)
    found: list[Paragraph] = []
    for at, line in enumerate(flow):
        kind = _kind(line, style)
        if found and line.rows is None and found[-1].kind is not BlockKind.TABLE_ROW:
            last = found[-1]
            following = flow[at + 1] if at + 1 < len(flow) else None
            if _goes_on(last, line, kind, following, style, left, right):
                last.lines.append(line)
                continue
        found.append(Paragraph([line], kind, left, right))
    return found


def _margin(starts: list[float], size: float) -> float:
    """The left edge most lines share; the smallest one where none is common."""
    if not starts:
        return 0.0
    counts: dict[int, list[float]] = {}
    for start in starts:
        counts.setdefault(round(start / max(size / 2, 1)), []).append(start)
    most = max(counts.values(), key=len)
    return min(most) if 3 * len(most) > len(starts) else min(starts)


def _kind(line: Line, style: Style) -> BlockKind:
    if line.rows is not None:
        return BlockKind.TABLE_ROW
    if line.mono and not style.mono:
        return BlockKind.CODE
    first = line.pieces[0].text
    if len(line.pieces) > 1 and (BULLET.match(first) or _ENUMERATOR.match(first)):
        return BlockKind.LIST_ITEM
    if _GLUED.match(first):
        return BlockKind.LIST_ITEM
    if line.size <= 1.05 * style.size and _CAPTION.match(line.text):
        return BlockKind.CAPTION
    return BlockKind.PARAGRAPH


def _goes_on(
    last: Paragraph, line: Line, kind: BlockKind, following: Line | None, style: Style, left: float, right: float
) -> bool:
    """Whether ``line`` belongs to the paragraph before it."""
    above = last.lines[-1]
    step = line.base - above.base
    size = max(above.size, line.size)
    usual = style.leading.get(round(size), 1.3 * size)
    if last.kind is BlockKind.CODE or kind is BlockKind.CODE:
        return last.kind is kind and 0 < step < 3 * usual
    if step <= 0 or step > max(1.28 * usual, usual + 0.25 * size):
        return False
    if abs(above.size - line.size) > 0.12 * size or (above.bold != line.bold and _emphatic(above, line)):
        return False
    if line.x0 > above.x1 or line.x1 < above.x0:
        return False
    if kind is BlockKind.CAPTION and ends(above.text):
        return False
    if kind is BlockKind.LIST_ITEM and _starts_item(last, line, left):
        return False
    if last.kind is BlockKind.LIST_ITEM and len(last.lines) == 1 and kind is not BlockKind.LIST_ITEM:
        # The second line of an item hangs below its text or returns to the margin; anything left of the mark ends it.
        return line.x0 > above.x0 - 0.5 * size and not (ends(above.text) and _short(above, line, right))
    if abs((above.x0 + above.x1) - (line.x0 + line.x1)) < size and abs(above.x0 - line.x0) > 0.5 * size:
        return not (ends(above.text) and above.size <= style.size)  # centred lines
    indent = line.x0 - above.x0
    if 0.6 * size < indent < 6 * size and (above.x0 < left + 0.5 * size or len(last.lines) > 1):
        back = following is None or following.rows is not None or following.x0 < line.x0 - 0.5 * size
        if back and (ends(above.text) or not _short(above, line, right)) and last.kind is not BlockKind.LIST_ITEM:
            hanging = len(last.lines) == 1 and not ends(above.text)
            return hanging
    if above.text[-1] in HYPHENS and len(above.text) > 1 and line.text[0].isalnum():
        return True
    if _short(above, line, right) and size <= 1.15 * style.size:
        width = max(right - left, 1.0)
        return not (ends(above.text) or above.x1 - above.x0 < 0.7 * width)
    return True


def _emphatic(above: Line, line: Line) -> bool:
    """A change of weight between lines divides unless one of them is a word or two inside a sentence."""
    return not (above.bold and line.text[:1].islower() and not ends(above.text)) and len(line.text) > 3


def _starts_item(last: Paragraph, line: Line, left: float) -> bool:
    above = last.lines[-1]
    first = line.pieces[0].text
    if first in BULLETS and first not in "o-–—*−·":
        return True
    if last.kind is BlockKind.LIST_ITEM and abs(line.x0 - last.lines[0].x0) < 0.6 * line.size:
        return True
    if abs(line.x0 - above.x0) > 0.6 * line.size and not line.text[:1].islower():
        return True
    return ends(above.text)


def _short(above: Line, line: Line, right: float) -> bool:
    """Whether the next line's first word would have fitted behind ``above``: its writer broke the line on purpose."""
    first = line.pieces[0]
    width = line.size * 0.55 * len(first.text) if not is_unspaced(first.text[0]) else line.size
    return right - above.x1 > width + 1.5 * line.size
