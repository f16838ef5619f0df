"""Pictures of text: recognised words with boxes, as PDF pages and as files of their own."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pymupdf
import pytest
from octavo.pipeline.document import Box, Source
from octavo.pipeline.errors import EmptySource
from octavo.pipeline.reading import ocr
from octavo.pipeline.reading.image import read_image

from .pdf_world import read, saved

needs_ocr = pytest.mark.skipif(not ocr.available(), reason=f"OCR is not installed: {ocr.INSTALL}")
LINES = ["The pump draws water", "from the lower tank", "E-4304 means no pressure"]


def picture() -> pymupdf.Pixmap:
    pdf = pymupdf.open()
    page = pdf.new_page(width=360, height=140)
    for at, line in enumerate(LINES):
        page.insert_text((30, 40 + 30 * at), line, fontsize=18)
    return page.get_pixmap(dpi=150)


@needs_ocr
def test_a_scanned_page_is_read_with_word_boxes(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page(width=360, height=140)
    page.insert_image(page.rect, pixmap=picture())
    document = read(saved(pdf, tmp_path))
    assert "ocr" in {flag.code for flag in document.flags}
    assert "E-4304" in document.text
    at = document.text.index("E-4304")
    rows = document.pages[0].boxes
    row = rows[rows["start"] == at][0]
    assert abs(float(row["x0"]) - 30) < 6
    assert 80 < float(row["y0"]) < float(row["y1"]) < 112


@needs_ocr
def test_the_page_limit_leaves_a_flag(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for _ in range(2):
        page = pdf.new_page(width=360, height=140)
        page.insert_image(page.rect, pixmap=picture())
    path = saved(pdf, tmp_path)
    for limit in ({"ocr_pages": 1}, {"ocr_seconds": 0.0}):
        flags = {flag.code: flag.detail for flag in read(path, **limit).flags}
        assert flags["ocr-skipped"].startswith("pages 2:")


@needs_ocr
def test_an_image_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "scan.png"
    picture().save(path)
    source = Source(str(path), "image/png", hashlib.sha256(path.read_bytes()).hexdigest())
    assert "lower tank" in read_image(path, source).text


def test_an_image_without_ocr_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    path = tmp_path / "scan.png"
    picture().save(path)
    with pytest.raises(EmptySource, match=r"pip install 'octavo\[ocr\]'"):
        read_image(path, Source(str(path), "image/png", "0" * 64))


def test_skew_is_taken_out_before_lines_are_ordered() -> None:
    tilt = np.array([[0, 0], [400, 20], [399, 40], [-1, 20]], np.float32)
    texts = ["first line of print", "second line of print", "third line of print"]
    lines = [
        (text, tilt + np.array([0, 30 * at], np.float32), list[tuple[str, Box]]()) for at, text in enumerate(texts)
    ]
    (frame,) = ocr.frames(lines, 1.0, 500, 200)
    tops = [line.top for line in frame.lines]
    assert tops == sorted(tops)
    assert all(line.bottom - line.top < 30 for line in frame.lines)
    assert [line.pieces[0].text for line in frame.lines] == ["first", "second", "third"]


def test_characters_and_words_are_put_together_along_the_text() -> None:
    parts = [("pump", (0.0, 0.0, 40.0, 10.0)), ("水", (50.0, 0.0, 60.0, 10.0)), ("泵", (60.0, 0.0, 70.0, 10.0))]
    (frame,) = ocr.frames(
        [("pump 水泵", np.array([[0, 0], [70, 0], [70, 10], [0, 10]], np.float32), parts)], 1.0, 100, 20
    )
    assert [(piece.text, piece.gap) for piece in frame.lines[0].pieces] == [
        ("pump", False),
        ("水", True),
        ("泵", False),
    ]
