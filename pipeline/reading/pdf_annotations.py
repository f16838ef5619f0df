"""What readers see on a PDF page besides its text: notes, comments and the values of form fields.

MuPDF draws free text and filled fields with the page where the file has an appearance for them; what is already among
the page's words is not repeated.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..document import Box
from .pdf_characters import normalised
from .pdf_headings import fold
from .pdf_lines import Frame, Piece

MAX_CHARS = 20_000
"""Of one note; longer contents are data, not a remark."""


def annotation_pieces(page: Any, is_form: bool, frames: list[Frame]) -> Iterable[list[Piece]]:
    """Notes and field values that are not among the page's words, each as words in the annotation's box."""
    found = [*_notes(page), *(_fields(page) if is_form else ())]
    if not found:
        return
    pieces = [piece for frame in frames for line in frame.lines for piece in line.pieces]
    drawn = fold("".join(piece.text for piece in pieces))
    for text, box, on_page in found:
        folded = fold(text)
        if not folded or folded in drawn or len(text) > MAX_CHARS:
            continue
        if on_page and 2 * sum(len(piece.text) for piece in pieces if _inside(piece.box, box)) > len(folded):
            continue
        words = [normalised(word) for word in text.split()]
        yield [Piece(word, box, at > 0) for at, word in enumerate(word for word in words if word)]


def _inside(word: Box, box: Box) -> bool:
    x, y = (word[0] + word[2]) / 2, (word[1] + word[3]) / 2
    return box[0] <= x <= box[2] and box[1] <= y <= box[3]


def _notes(page: Any) -> Iterable[tuple[str, Box, bool]]:
    """Text, box, and whether viewers draw the text in the box."""
    from pymupdf import mupdf

    try:
        annotations = list(page.annots() or ())
    except Exception:  # broken annotation arrays
        return
    for annotation in annotations:
        try:
            text = str(annotation.info.get("content", ""))
            box = _box(annotation.rect, page)
            drawn = annotation.type[0] == mupdf.PDF_ANNOT_FREE_TEXT
        except Exception:
            continue
        if text.strip():
            yield text, box, drawn


def _fields(page: Any) -> Iterable[tuple[str, Box, bool]]:
    from pymupdf import mupdf

    shown = (
        mupdf.PDF_WIDGET_TYPE_TEXT,
        mupdf.PDF_WIDGET_TYPE_COMBOBOX,
        mupdf.PDF_WIDGET_TYPE_LISTBOX,
    )
    try:
        widgets = list(page.widgets() or ())
    except Exception:  # broken forms
        return
    for widget in widgets:
        try:
            if widget.field_type not in shown or (widget.field_flags or 0) & mupdf.PDF_TX_FIELD_IS_PASSWORD:
                continue
            value, box = widget.field_value, _box(widget.rect, page)
        except Exception:
            continue
        text = " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value or "")
        if text.strip():
            yield text, box, True


def _box(rect: Any, page: Any) -> Box:
    turned = rect * page.rotation_matrix if page.rotation else rect
    turned.normalize()
    return float(turned.x0), float(turned.y0), float(turned.x1), float(turned.y1)
