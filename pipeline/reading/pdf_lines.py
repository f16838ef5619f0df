"""Lines of print, and the frames they stand in.

Words have boxes in displayed space, lines stand in a *frame*: the page turned so that the line runs from left to right
(mirrored for right-to-left scripts), which lets the layout code know one direction only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ..document import Box
from .pdf_characters import is_rtl

Move = Callable[[Box], Box]
"""Takes a box from one space to another."""

LIST_MARK = re.compile(r"(?:[•‣◦▪■□●○◆◇►▶▸➢➤✓✔❖∙·*–—o-]|\(?(?:\d{1,3}|[a-zA-Z]|[ivxIVX]{1,5})[.)])$")


class Piece(NamedTuple):
    """A word, a part of one at a line end, or one character of a script without spaces."""

    text: str
    box: Box
    """On the displayed page."""
    gap: bool
    """White space stands before it."""


TableRows = list[list[list[Piece]]]
"""rows of cells of pieces"""


@dataclass(slots=True, eq=False)
class Line:
    """A run of words on one base line, or a whole table standing as one block.

    Coordinates are points in the frame: x grows along the line, y towards the next line.

    Attributes:
        base: y of the base line.
        size: Font size of most of its characters.
        bold, mono: Nearly all of its characters are.
        parts: How many runs it is made of with wide gaps between them, as the cells of a table have.
        rows: The table's rows where the line stands for a table; then ``pieces`` is empty.
    """

    pieces: list[Piece]
    x0: float
    top: float
    x1: float
    bottom: float
    base: float
    size: float
    bold: bool = False
    mono: bool = False
    parts: int = 1
    rows: TableRows | None = None
    text: str = field(default="")

    def __post_init__(self) -> None:
        if not self.text and self.pieces:
            self.text = pieces_text(self.pieces)


@dataclass(slots=True, eq=False)
class Frame:
    """The lines of a page that run in one direction, turned so that they run to the right and downwards."""

    lines: list[Line]
    move: Move
    """From displayed space into the frame."""
    width: float
    height: float
    rtl: bool


def pieces_text(pieces: Sequence[Piece]) -> str:
    """The words as one string, white space where it stands on the page."""
    return "".join((" " if piece.gap and at else "") + piece.text for at, piece in enumerate(pieces))


def directed_frame(lines: list[Line], move: Move, width: float, height: float) -> Frame:
    """A frame of ``lines``, mirrored where most of their letters are written from right to left."""
    rtl = sum(is_rtl(char) for line in lines for char in line.text)
    latin = sum(char.isalpha() for line in lines for char in line.text) - rtl
    if rtl <= latin:
        return Frame(lines, move, width, height, False)
    for line in lines:
        line.x0, line.x1 = width - line.x1, width - line.x0

    def mirrored(box: Box) -> Box:
        x0, y0, x1, y1 = move(box)
        return width - x1, y0, width - x0, y1

    return Frame(lines, mirrored, width, height, True)
