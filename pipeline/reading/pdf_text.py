"""A PDF page's text layer -> lines of print: characters become words, normalised, each with its box.

MuPDF hands out characters in logical order (right-to-left runs already turned), in the page's space before
``/Rotate``; words get boxes in displayed space and lines their place in a frame (``pdf_lines``).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from ..document import Box
from .pdf_characters import is_mark, is_unmapped, is_unspaced, normalised
from .pdf_lines import LIST_MARK, Frame, Line, Move, Piece, directed_frame

_LEADER_DOTS = frozenset("._·…‧")
_BOLD_NAME = re.compile(r"bold|black|heavy|demi|[-,]bd\b", re.IGNORECASE)
_SUPERSCRIPTS = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(slots=True, eq=False)
class PageText:
    """What the text layer of one page holds.

    Attributes:
        frames: The direction with most characters first.
        letters, unmapped: Count of visible characters, and of those without a meaning in Unicode.
    """

    frames: list[Frame]
    letters: int
    unmapped: int


def page_lines(raw: dict[str, Any], turn: Move, width: float, height: float) -> PageText:
    """Lines of a page.

    Args:
        raw: ``TextPage.extractRAWDICT()``, extracted without ``TEXT_CID_FOR_UNKNOWN_UNICODE``.
        turn: From extraction space into displayed space (``page.rotation_matrix``).
        width, height: Of the displayed page, points.
    """
    directed: dict[int, list[tuple[Line, int]]] = {}
    letters = unmapped = 0
    seen: dict[str, list[Box]] = {}
    for block in raw["blocks"]:
        if block["type"] != 0:
            continue
        for line in block["lines"]:
            direction = _quarter(line["dir"], turn)
            for run in _runs(line, turn, direction, width, height):
                built, good, bad = run
                letters += good + bad
                unmapped += bad
                if built is None or _printed_twice(built, seen):
                    continue
                directed.setdefault(direction, []).append((built, good))
    frames = []
    for direction, runs in sorted(directed.items(), key=lambda item: -sum(count for _, count in item[1])):
        lines = _rejoined([line for line, _ in runs])
        move = _frame_move(direction, width, height)
        across, down = (height, width) if direction in (1, 3) else (width, height)
        frames.append(directed_frame(lines, move, across, down))
    return PageText(frames, letters, unmapped)


def _rejoined(lines: list[Line]) -> list[Line]:
    """Lines of which MuPDF made several, one a glyph in vertical writing, put together again.

    List marks join their text too, at any usual distance: nothing may come between them.
    """
    lines.sort(key=lambda line: (round(line.base), line.x0))
    done: list[Line] = []
    for line in lines:
        last = done[-1] if done else None
        if last is None or abs(last.base - line.base) > 0.25 * min(last.size, line.size):
            done.append(line)
            continue
        gap = line.x0 - last.x1
        close = -0.3 * line.size < gap < 0.5 * line.size and abs(last.size - line.size) < 0.2 * line.size
        marked = LIST_MARK.match(last.text) and 0 <= gap < 5 * line.size
        if not (close or marked):
            done.append(line)
            continue
        unspaced = is_unspaced(last.text[-1]) and is_unspaced(line.text[0])
        spaced = bool(marked) or (gap > 0.15 * line.size and not unspaced)
        done[-1] = Line(
            [*last.pieces, line.pieces[0]._replace(gap=spaced), *line.pieces[1:]],
            min(last.x0, line.x0),
            min(last.top, line.top),
            max(last.x1, line.x1),
            max(last.bottom, line.bottom),
            line.base,
            line.size,
            line.bold if marked else last.bold and line.bold,
            line.mono if marked else last.mono and line.mono,
        )
    return done


def _quarter(direction: tuple[float, float], turn: Move) -> int:
    """Displayed direction of a line: 0 right, 1 down, 2 left, 3 up, 4 anything else."""
    ax, ay, _, _ = turn((0.0, 0.0, 0.0, 0.0))
    dx, dy = direction
    # A box loses its orientation, a point does not: turn both ends of the direction.
    bx, by, _, _ = turn((dx, dy, dx, dy))
    dx, dy = bx - ax, by - ay
    if abs(dy) < 0.3 * abs(dx):
        return 0 if dx > 0 else 2
    if abs(dx) < 0.3 * abs(dy):
        return 1 if dy > 0 else 3
    return 4


def _frame_move(direction: int, width: float, height: float) -> Move:
    if direction == 1:
        return lambda box: (box[1], width - box[2], box[3], width - box[0])
    if direction == 2:
        return lambda box: (width - box[2], height - box[3], width - box[0], height - box[1])
    if direction == 3:
        return lambda box: (height - box[3], box[0], height - box[1], box[2])
    return lambda box: box


def _runs(
    line: dict[str, Any], turn: Move, direction: int, width: float, height: float
) -> Iterable[tuple[Line | None, int, int]]:
    """The words of one MuPDF line, split where white space is too wide to lie inside a line of print.

    Yields:
        The line, or ``None`` where nothing readable is in it; readable characters; characters without meaning.
    """
    pieces: list[Piece] = []
    good = bad = bold = mono = 0
    sizes: dict[float, int] = {}
    chars: list[str] = []
    x0 = y0 = x1 = y1 = 0.0
    gap = synthetic = False
    base: tuple[float, float] | None = None
    move = _frame_move(direction, width, height)

    def close_word() -> None:
        nonlocal gap, synthetic, chars
        if chars:
            text = normalised("".join(chars))
            if text and 2 * sum(map(is_unmapped, text)) <= len(text):
                box = turn((x0, y0, x1, y1))
                # White space that MuPDF put between two ideographs is justification, not a word boundary.
                spaced = gap and not (
                    synthetic and pieces and is_unspaced(text[0]) and is_unspaced(pieces[-1].text[-1])
                )
                pieces.append(Piece(text, box, spaced))
                gap = synthetic = False
            chars = []

    superscript = False
    for span in line["spans"]:
        size = span["size"]
        is_bold = bool(span["flags"] & 16) or _is_bold_name(span["font"])
        is_mono = bool(span["flags"] & 8)
        raised = bool(span["flags"] & 1)
        if raised != superscript:
            digits = "".join(item["c"] for item in span["chars"]).strip()
            if raised and chars and chars[-1].isalnum() and digits.isdigit():
                # 10² must not become 102, and the note mark in "word³" is no part of the word.
                power = chars[-1].isdigit() or sum(map(str.isalpha, chars)) <= 2
                close_word()
                gap = not power
        superscript = raised
        count = 0
        for item in span["chars"]:
            char = item["c"]
            if char.isspace():
                close_word()
                gap = True
                synthetic = bool(item["synthetic"])
                continue
            cx0, cy0, cx1, cy1 = item["bbox"]
            if (not char.isascii() and is_unmapped(char)) or char < " " or char == "\x7f":
                bad += 1
            else:
                good += 1
                count += 1
            if base is None:
                base = item["origin"]
            if raised and char.isdigit() and not chars and pieces and not gap:
                char = char.translate(_SUPERSCRIPTS)
            if char.isascii() and chars and chars[-1].isascii():
                pass
            elif (chars and is_unspaced(char) and not is_mark(char)) or (
                chars and is_unspaced(chars[0]) and not is_unspaced(char) and not is_mark(char)
            ):
                close_word()
            if chars:
                if cx0 < x0:
                    x0 = cx0
                if cy0 < y0:
                    y0 = cy0
                if cx1 > x1:
                    x1 = cx1
                if cy1 > y1:
                    y1 = cy1
            else:
                x0, y0, x1, y1 = cx0, cy0, cx1, cy1
            chars.append(char)
        sizes[size] = sizes.get(size, 0) + count
        bold += count * is_bold
        mono += count * is_mono
    close_word()
    pieces = _without_leaders(pieces)
    if not pieces or base is None or not sizes:
        yield None, good, bad
        return
    size = max(sizes, key=lambda key: sizes[key]) or 1.0
    bx, by, _, _ = turn((base[0], base[1], base[0], base[1]))
    _, base_y, _, _ = move((bx, by, bx, by))
    if line["wmode"]:
        base_y += 0.35 * size  # the origin of vertical writing is the middle of the column
    framed = [move(piece.box) for piece in pieces]
    heavy, typed = bold > 0.8 * good, mono > 0.8 * good
    start = 0
    for at in range(1, len(pieces) + 1):
        if at < len(pieces):
            left, right = framed[at - 1], framed[at]
            if not pieces[at].gap or max(right[0] - left[2], left[0] - right[2]) <= 2.0 * size:
                continue
        part = pieces[start:at]
        boxes = framed[start:at]
        part[0] = part[0]._replace(gap=False)
        yield (
            Line(
                part,
                min(box[0] for box in boxes),
                base_y - 0.75 * size,
                max(box[2] for box in boxes),
                base_y + 0.2 * size,
                base_y,
                size,
                heavy,
                typed,
            ),
            good,
            bad,
        )
        good = bad = 0
        start = at


def _without_leaders(pieces: list[Piece]) -> list[Piece]:
    """Words without the dots that lead the eye from a title to its page number."""
    if not any(piece.text[-1] in _LEADER_DOTS for piece in pieces):
        return pieces
    kept: list[Piece] = []
    run: list[Piece] = []
    for piece in pieces:
        if set(piece.text) <= _LEADER_DOTS:
            run.append(piece)
            continue
        if sum(len(dots.text) for dots in run) < 4:
            kept += run
        run = []
        text = piece.text.rstrip("._·…")
        kept.append(piece._replace(text=text) if len(text) <= len(piece.text) - 4 and text else piece)
    return kept if sum(len(dots.text) for dots in run) >= 4 else kept + run


@lru_cache(maxsize=1024)
def _is_bold_name(font: str) -> bool:
    return _BOLD_NAME.search(font) is not None


def _printed_twice(line: Line, seen: dict[str, list[Box]]) -> bool:
    """Whether the same words were already printed here: the usual way to fake bold type and shadows."""
    text = line.text
    reach = 0.3 * line.size
    places = seen.setdefault(text, [])
    here = (line.x0, line.top, line.x1, line.bottom)
    for place in places:
        if all(abs(one - other) < reach for one, other in zip(here, place, strict=True)):
            return True
    places.append(here)
    return False
