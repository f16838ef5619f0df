"""Odd PDFs of other projects' test suites: each ends in a document with text or in an error of ours."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from octavo.pipeline.document import Document
from octavo.pipeline.errors import SourceError

from .pdf_world import read

ODD = Path(__file__).resolve().parents[4] / "shared" / "data" / "robust" / "pdf"
pytestmark = pytest.mark.skipif(not ODD.is_dir(), reason=f"the odd PDFs are not at {ODD}")


def outcome(path: Path) -> Document | SourceError:
    try:
        return read(path, ocr_pages=0)
    except SourceError as error:
        return error


def test_every_fourth_odd_file_is_read_or_refused_with_a_reason() -> None:
    counts: Counter[str] = Counter()
    for path in sorted(ODD.glob("*/*.pdf"))[::4]:
        found = outcome(path)
        if isinstance(found, SourceError):
            counts[found.code] += 1
            assert str(path) in str(found)
            continue
        counts["read"] += 1
        assert found.blocks
        assert "page-damaged" not in {flag.code for flag in found.flags}, path
        for page in found.pages:
            rows = page.boxes
            assert (rows["start"][1:] >= rows["stop"][:-1]).all(), path
            assert not len(rows) or (page.start <= rows["start"][0] and rows["stop"][-1] <= page.stop), path
        covered = sum(int((page.boxes["stop"] - page.boxes["start"]).sum()) for page in found.pages)
        assert covered >= sum(not char.isspace() for char in found.text.replace("|", "")), path
    assert counts["read"] > 0.6 * sum(counts.values()), counts


def test_known_files_read_as_they_should() -> None:
    poem = read(ODD / "pdfminer" / "jo.pdf")
    assert "わたくしといふ現象は" in poem.text  # vertical writing, one line a glyph
    arabic = read(ODD / "pdfjs" / "ArabicCIDTrueType.pdf")
    assert arabic.text.startswith("انواع الخطوط العربية")  # logical order, no presentation forms
    columns = read(ODD / "py-pdf-sample-files" / "multicolumn.pdf")
    assert "Belgium | 11.5 | 30,689 | Brussels | Dutch, French, German" in columns.text
    senate = read(ODD / "pdfplumber" / "senate-expenditures.pdf")  # turned page, rows of several lines, no rules
    assert "DHAW20190002 | 05/24/2019 | CITIBANK - TRAVEL CBA CARD | 03/10/2019 | 05/15/2019 | STAFF" in senate.text
