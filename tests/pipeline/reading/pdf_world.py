"""Small PDFs made for a test."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from octavo.pipeline.document import Block, BlockKind, Document, Source
from octavo.pipeline.reading.pdf import read_pdf

LOREM = (
    "The pump draws water from the lower tank and lifts it to the roof, where it runs through the filter bed. "
    "Every valve on the way carries a number that is stamped into its brass plate. Close the valves in the order "
    "of their numbers before the pump is opened, and wait until the gauge has fallen to nothing. "
)


def saved(pdf: Any, folder: Path, **options: Any) -> Path:
    """Writes ``pdf`` to a file in ``folder``."""
    path = folder / "made.pdf"
    pdf.save(path, **options)
    pdf.close()
    return path


def read(path: Path, **options: Any) -> Document:
    """Reads ``path`` with a true source."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    return read_pdf(path, Source(str(path), "application/pdf", digest), **options)


def column(page: Any, x0: float, y0: float, x1: float, lines: list[str], size: float = 10, **font: Any) -> float:
    """Prints lines one below the other, justified by nothing; returns the y below the last."""
    del x1
    for line in lines:
        page.insert_text((x0, y0), line, fontsize=size, **font)
        y0 += 1.3 * size
    return y0


def grid(page: Any, x0: float, y0: float, rows: list[list[str]], width: float = 130, size: float = 10) -> float:
    """Prints a table with a box around each cell; returns the y below its last row."""
    import pymupdf

    for row in rows:
        for place, cell in enumerate(row):
            box = pymupdf.Rect(x0 + width * place, y0, x0 + width * (place + 1), y0 + 2 * size)
            page.draw_rect(box)
            page.insert_text((box.x0 + 5, box.y1 - 0.6 * size), cell, fontsize=size)
        y0 += 2 * size
    return y0


def wrapped(text: str, chars: int) -> list[str]:
    """``text`` cut into lines of at most ``chars`` characters."""
    lines, line = [], ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > chars:
            lines.append(line)
            line = word
        else:
            line = f"{line} {word}".strip()
    return [*lines, line]


def texts(document: Document, kind: BlockKind | None = None) -> list[str]:
    """Texts of the blocks, of one kind or of all."""
    return [text_of(document, block) for block in document.blocks if kind is None or block.kind is kind]


def text_of(document: Document, block: Block) -> str:
    """Text of one block."""
    return document.text[block.start : block.stop]
