"""What read_pdf makes of small PDFs: order, kinds, what is dropped, what is refused."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from octavo.pipeline.document import BlockKind
from octavo.pipeline.errors import DamagedSource, EmptySource, EncryptedSource
from octavo.pipeline.reading import ocr

from .pdf_world import LOREM, column, read, saved, text_of, texts, wrapped


def test_columns_are_read_one_after_the_other_below_a_heading_that_spans_them(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_text((72, 80), "Water supply of the house on the northern hill", fontsize=20)
    column(page, 72, 120, 290, ["LEFT " + line for line in wrapped(LOREM * 2, 42)])
    column(page, 310, 120, 530, ["RIGHT " + line for line in wrapped(LOREM * 2, 42)])
    page.insert_text(
        (72, 560), "A closing line which runs across both columns of this page, from left to right", fontsize=10
    )
    document = read(saved(pdf, tmp_path))
    assert document.blocks[0].kind is BlockKind.HEADING
    assert text_of(document, document.blocks[0]) == "Water supply of the house on the northern hill"
    assert document.text.rindex("LEFT") < document.text.index("RIGHT") < document.text.index("A closing line")
    assert document.metadata.title == "Water supply of the house on the northern hill"


def test_lines_of_a_paragraph_are_joined_by_one_space_and_paragraphs_are_blocks(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    y = column(page, 72, 100, 500, wrapped(LOREM, 80))
    column(page, 72, y + 10, 500, wrapped("A second paragraph. " + LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert texts(document) == [LOREM.strip(), "A second paragraph. " + LOREM.strip()]
    assert document.text == "\n\n".join(texts(document))


def test_hyphens_that_divide_go_and_hyphens_of_compounds_stay(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    lines = [
        "This handbook of the northern water works makes a sug-",
        "gestion to all who keep a state-of-the-art well-known pump: the well-",
        "known sort needs self-",
        "control, and the Jean-",
        "Pierre valve, model E-",
        "4304, has its Vor- und Nachteile.",
    ]
    column(page, 72, 100, 500, lines)
    text = read(saved(pdf, tmp_path)).text
    assert "makes a suggestion to" in text
    assert "the well-known sort needs self-control, and the Jean-Pierre valve, model E-4304, has" in text


def test_headers_footers_and_page_numbers_are_dropped_and_reported(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(1, 7):
        page = pdf.new_page()
        page.insert_text((72, 40), "Handbook of pumps, second edition", fontsize=9)
        page.insert_text((290, 810), f"Page {number}", fontsize=9)
        column(page, 72, 100, 500, wrapped(f"On page {number} stands this. " + LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert "second edition" not in document.text
    assert "Page 3" not in document.text
    assert all(f"On page {number} stands this." in document.text for number in range(1, 7))
    flag = next(flag for flag in document.flags if flag.code == "header-footer-removed")
    assert "second edition" in flag.detail
    assert "(6)" in flag.detail


def test_pages_that_hold_nothing_but_their_running_line_keep_it(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(1, 5):
        pdf.new_page().insert_text((72, 72), f"Slide {number}")
    document = read(saved(pdf, tmp_path))
    assert texts(document) == [f"Slide {number}" for number in range(1, 5)]


def test_a_paragraph_goes_on_over_the_page_end(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    lines = wrapped(LOREM * 3, 90)
    column(pdf.new_page(), 72, 700, 500, lines[:6])
    column(pdf.new_page(), 72, 100, 500, lines[6:])
    document = read(saved(pdf, tmp_path))
    if lines[6][0].islower():
        assert texts(document)[0] == " ".join(lines)
    first, second = document.pages
    assert document.text[first.start : first.stop].endswith(lines[5])
    assert document.text[second.start : second.stop].startswith(lines[6])


def test_ruled_table_rows_stay_readable(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    rows = [
        ["Part", "Price", "Stock"],
        ["Valve E-4304", "12.50", "7"],
        ["Gasket, large", "0.80", ""],
        ["Pump", "310.00", "2"],
    ]
    for at, row in enumerate(rows):
        for place, cell in enumerate(row):
            box = pymupdf.Rect(72 + 130 * place, 200 + 24 * at, 202 + 130 * place, 224 + 24 * at)
            page.draw_rect(box)
            page.insert_text((box.x0 + 5, box.y1 - 8), cell, fontsize=10)
    column(page, 72, 100, 500, wrapped(LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert texts(document, BlockKind.TABLE_ROW) == [
        "Part | Price | Stock",
        "Valve E-4304 | 12.50 | 7",
        "Gasket, large | 0.80 |",
        "Pump | 310.00 | 2",
    ]


def test_aligned_table_without_rules_is_read_by_rows(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 80, 500, wrapped(LOREM, 80))
    for at, row in enumerate(
        [
            ("City", "People", "Area"),
            ("Vienna", "1,900,000", "415"),
            ("Graz", "290,000", "128"),
            ("Linz", "205,000", "96"),
        ]
    ):
        for x, cell in zip((72, 200, 330), row, strict=True):
            page.insert_text((x, 200 + 14 * at), cell, fontsize=10)
    rows = texts(read(saved(pdf, tmp_path)), BlockKind.TABLE_ROW)
    assert rows == ["City | People | Area", "Vienna | 1,900,000 | 415", "Graz | 290,000 | 128", "Linz | 205,000 | 96"]


def test_lists_have_depth_and_lose_their_bullets(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 80, 500, wrapped(LOREM, 80))
    for at, (indent, line) in enumerate(
        [(0, "Open the valve."), (0, "Wait for the gauge."), (20, "It falls slowly."), (0, "Close it.")]
    ):
        page.insert_text((80 + indent, 200 + 14 * at), "\u00b7", fontsize=10)
        page.insert_text((95 + indent, 200 + 14 * at), line, fontsize=10)
    document = read(saved(pdf, tmp_path))
    items = [(text_of(document, block), block.level) for block in document.blocks if block.kind is BlockKind.LIST_ITEM]
    assert items == [("Open the valve.", 1), ("Wait for the gauge.", 1), ("It falls slowly.", 2), ("Close it.", 1)]


def test_heading_levels_follow_size_and_outline(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_text((72, 80), "The Manual", fontsize=24)
    page.insert_text((72, 120), "Installation", fontsize=16)
    column(page, 72, 150, 500, wrapped(LOREM, 80))
    page.insert_text((72, 260), "Tools you need", fontsize=10, fontname="hebo")
    column(page, 72, 280, 500, wrapped(LOREM, 80))
    path = saved(pdf, tmp_path)
    document = read(path)
    headings = [(text_of(document, block), block.level) for block in document.blocks if block.kind is BlockKind.HEADING]
    assert headings == [("The Manual", 1), ("Installation", 2), ("Tools you need", 3)]


def test_metadata_is_read(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    pdf.new_page().insert_text((72, 72), "Some text that is long enough to be read.")
    pdf.set_metadata({"title": "Pumps", "author": "A. Writer", "creationDate": "D:20240103093826+01'00'"})
    pdf.set_language("de-AT")
    found = read(saved(pdf, tmp_path)).metadata
    assert (found.title, found.author, found.created) == ("Pumps", "A. Writer", "2024-01-03T09:38:26+01:00")
    assert found.language.lower().startswith("de")


def test_notes_and_field_values_are_read_once(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 80, 500, wrapped(LOREM, 80))
    page.add_text_annot((300, 300), "Remember the spare gasket")
    page.add_freetext_annot(pymupdf.Rect(72, 400, 300, 430), "Seen by the foreman")
    field = pymupdf.Widget()
    field.field_name, field.field_type = "owner", pymupdf.mupdf.PDF_WIDGET_TYPE_TEXT
    field.field_value, field.rect = "Widow Bolte", pymupdf.Rect(72, 500, 300, 520)
    page.add_widget(field)
    text = read(saved(pdf, tmp_path)).text
    assert [text.count(part) for part in ("spare gasket", "Seen by the foreman", "Widow Bolte")] == [1, 1, 1]


def test_a_locked_file_is_refused_and_an_owner_password_is_not_asked_for(tmp_path: Path) -> None:
    for password, refused in (("secret", True), ("", False)):
        pdf = pymupdf.open()
        pdf.new_page().insert_text((72, 72), "Some text that is long enough to be read.")
        path = saved(pdf, tmp_path, encryption=pymupdf.mupdf.PDF_ENCRYPT_AES_256, owner_pw="owner", user_pw=password)
        if refused:
            with pytest.raises(EncryptedSource, match="password"):
                read(path)
        else:
            assert "long enough" in read(path).text


def test_what_is_no_pdf_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "made.pdf"
    path.write_bytes(b"%PDF-1.7\n\x00\x01 nothing else")
    with pytest.raises(DamagedSource):
        read(path)


def test_a_cut_file_is_repaired_and_says_so(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for _ in range(3):
        column(pdf.new_page(), 72, 80, 500, wrapped(LOREM, 80))
    path = saved(pdf, tmp_path)
    path.write_bytes(path.read_bytes()[:-200])
    document = read(path)
    assert "repaired" in {flag.code for flag in document.flags}
    assert LOREM.strip() in document.text


def test_blank_pages_are_flagged_together_and_a_blank_file_is_empty(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(6):
        page = pdf.new_page()
        if number in (0, 4):
            column(page, 72, 80, 500, wrapped(LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert [flag.detail for flag in document.flags if flag.code == "blank-page"] == ["pages 2-4, 6: nothing on it"]
    assert [page.start == page.stop for page in document.pages] == [False, True, True, True, False, True]
    pdf = pymupdf.open()
    pdf.new_page()
    with pytest.raises(EmptySource, match="blank-page"):
        read(saved(pdf, tmp_path))


def test_a_picture_without_ocr_is_flagged_or_refused_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ocr, "available", lambda: False)
    picture = pymupdf.Pixmap(pymupdf.csRGB, pymupdf.IRect(0, 0, 400, 500))
    picture.clear_with(200)
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_image(page.rect, pixmap=picture)
    with pytest.raises(EmptySource, match=r"octavo\[ocr\]"):
        read(saved(pdf, tmp_path))
    pdf = pymupdf.open()
    column(pdf.new_page(), 72, 80, 500, wrapped(LOREM, 80))
    page = pdf.new_page()
    page.insert_image(page.rect, pixmap=picture)
    flags = {flag.code: flag.detail for flag in read(saved(pdf, tmp_path)).flags}
    assert flags["needs-ocr"].startswith("pages 2:")


def test_three_hundred_pages_keep_their_order_and_small_drafts(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(300):
        page = pdf.new_page()
        page.insert_text((290, 810), str(number + 1), fontsize=9)
        column(page, 72, 100, 500, wrapped(f"Chapter {number} says: {LOREM}", 80))
    document = read(saved(pdf, tmp_path))
    assert len(document.pages) == 300
    found = [document.text.index(f"Chapter {number} says") for number in range(300)]
    assert found == sorted(found)
    # What is held for a page is its text and 24 bytes a word, nothing that grows with the document.
    assert max(page.boxes.nbytes for page in document.pages) < 24 * 100
    assert max(page.stop - page.start for page in document.pages) < 2 * len(LOREM)
