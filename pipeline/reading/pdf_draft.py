"""A page as compact text: what is kept of it until the whole document is known.

Which hyphens to drop, which lines are running headers and which sizes are headings can only be decided when all pages
are read; ten thousand pages of word objects would not fit. A draft keeps one string, one array of word
boxes and a few numbers a paragraph: about 20 kB for a full page.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..document import BOXES_DTYPE, BlockKind, Boxes
from .pdf_characters import is_unspaced
from .pdf_lines import Piece

HYPHENS = "-\u2010"
SUSPENDED = frozenset({"and", "or", "to", "und", "oder", "bis", "bzw", "sowie", "et", "ou", "y", "o", "e", "en", "of"})
"""Words after which a hyphen at a line's end hangs free: ``Vor- und Nachteile``."""


@dataclass(slots=True)
class DraftBlock:
    """A block of a draft, its positions those of the draft's text.

    Attributes:
        size, bold, lines: Print of the block, for deciding on headings.
        runs_on: Ends as a full line without the end of a sentence: may go on in the next column or on the next page.
        mark: Characters at the start that are a list bullet and no part of the block.
        left: Where it begins, in the frame; for the depth of lists.
        opens: It is the first row of its table.
        spread: It is one line of three or more parts with wide gaps between them: a row of a table or a form.
    """

    start: int
    stop: int
    kind: BlockKind
    size: float = 0.0
    bold: bool = False
    lines: int = 1
    runs_on: bool = False
    mark: int = 0
    left: float = 0.0
    level: int = 0
    opens: bool = False
    spread: bool = False


@dataclass(frozen=True, slots=True)
class EdgeLine:
    """A line near the upper or lower edge: a header or footer if other pages have the same one.

    Attributes:
        start, stop: In the draft's text.
        place: y in points, from the upper edge if positive, from the lower edge if negative.
        cells: It is the row of a small table.
    """

    start: int
    stop: int
    place: float
    size: float
    cells: bool = False


@dataclass(slots=True)
class PageDraft:
    """One page between reading and assembly."""

    number: int
    width: float
    height: float
    text: str = ""
    boxes: Boxes = field(default_factory=lambda: np.empty(0, BOXES_DTYPE))
    blocks: list[DraftBlock] = field(default_factory=list)
    hyphens: list[int] = field(default_factory=list)
    edges: list[EdgeLine] = field(default_factory=list)


class DraftWriter:
    """Appends words to a draft's text and boxes."""

    def __init__(self, number: int, width: float, height: float) -> None:
        self._draft = PageDraft(number, width, height)
        self._parts: list[str] = []
        self._rows: list[tuple[int, int, float, float, float, float]] = []
        self.length = 0

    @property
    def blocks(self) -> list[DraftBlock]:
        """The blocks so far."""
        return self._draft.blocks

    @property
    def edges(self) -> list[EdgeLine]:
        """The lines near the page's edges so far."""
        return self._draft.edges

    def raw(self, text: str) -> None:
        """Appends characters that stand nowhere on the page."""
        self._parts.append(text)
        self.length += len(text)

    def words(self, pieces: Iterable[Piece]) -> None:
        """Appends the words of one line; white space before the first is the caller's."""
        first = True
        for piece in pieces:
            if piece.gap and not first:
                self.raw(" ")
            first = False
            self._rows.append((self.length, self.length + len(piece.text), *piece.box))
            self._parts.append(piece.text)
            self.length += len(piece.text)

    def last_char(self) -> str:
        """The character that ends the text so far; empty at the start."""
        return self._parts[-1][-1] if self._parts and self._parts[-1] else ""

    def join(self, following: Sequence[Piece]) -> None:
        """Appends what stands between the line that ends here and the one that begins with ``following``.

        A space; nothing between characters of scripts without spaces; nothing after a hyphen that divides a word,
        which is noted for the decision whether the hyphen itself stays.
        """
        last, first = self.last_char(), following[0].text[0] if following else ""
        if not last or not first:
            return
        if last in HYPHENS and self.length >= 2:
            stem = self._parts[-1][:-1]
            word = following[0].text.rstrip(".,;:")
            if stem and stem[-1].isalpha() and first.islower() and word not in SUSPENDED:
                self._draft.hyphens.append(self.length - 1)
                return
            if stem and stem[-1].isalnum() and first.isalnum() and word not in SUSPENDED:
                return  # Jean-/Pierre, E-/4304: the hyphen belongs to the name
        if is_unspaced(last) and is_unspaced(first):
            return
        if (is_unspaced(last) or is_unspaced(first)) and min(last, first) < "\u0e00":
            return  # Chinese beside Latin; Thai keeps its space there
        self.raw(" ")

    def finish(self) -> PageDraft:
        """The draft; the writer is spent."""
        self._draft.text = "".join(self._parts)
        self._draft.boxes = np.array(self._rows, BOXES_DTYPE) if self._rows else np.empty(0, BOXES_DTYPE)
        return self._draft
