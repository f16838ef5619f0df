"""What the layout of a page may do to its text: short columns, tables over page ends, boxed running lines."""

from __future__ import annotations

from pathlib import Path

import pymupdf
import pytest
from octavo.pipeline.document import BlockKind

from .pdf_world import LOREM, column, grid, read, saved, text_of, texts, wrapped

RIGHT = (
    "Grease the front bearing every three hundred hours of drum time because the panel reminds you of it. "
    "Use only the grease that stands the heat of the drum, and take the cap off the nipple beside the glass. "
)
PARTS = [[f"Part {letter}", f"shelf {letter}{letter}", f"{place}.50"] for place, letter in enumerate("ABCDEFGHIJ", 1)]


@pytest.mark.parametrize("crossing", [False, True])
@pytest.mark.parametrize("shift", [0.0, 6.5])
@pytest.mark.parametrize("short", [1, 2, 3, 5])
def test_a_short_column_is_read_after_the_long_one(tmp_path: Path, short: int, shift: float, crossing: bool) -> None:
    """Base lines of both columns may agree, or stand between each other."""
    pdf = pymupdf.open()
    page = pdf.new_page()
    if crossing:
        page.insert_text((72, 80), "Water supply of the house on the northern hill", fontsize=20)
    left, right = wrapped(LOREM * 2, 42), wrapped(RIGHT, 42)[:short]
    column(page, 72, 110, 290, left)
    column(page, 310, 110 + shift, 530, right)
    assert texts(read(saved(pdf, tmp_path)))[-2:] == [" ".join(left), " ".join(right)]


def test_a_line_below_and_right_of_another_makes_no_columns(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_text((72, 80), "A line which runs across the page from its left margin to the right one", fontsize=13)
    column(page, 72, 120, 300, ["To shed sleepiness quickly: five minutes", "To work better after it: half an hour"])
    page.insert_text((330, 180), "Copyright of the northern water works", fontsize=10)
    assert texts(read(saved(pdf, tmp_path)))[1:] == [
        "To shed sleepiness quickly: five minutes",
        "To work better after it: half an hour",
        "Copyright of the northern water works",
    ]


def test_a_ruled_header_alone_at_the_page_end_is_a_row_and_heads_nothing(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_text((72, 90), "1 Sensors", fontsize=14, fontname="hebo")
    column(page, 72, 120, 500, wrapped(LOREM * 6, 80))
    header = ["Sensor", "Place", "Part number"]
    for place, cell in enumerate(header):
        box = pymupdf.Rect(72 + 130 * place, 730, 202 + 130 * place, 750)
        page.draw_rect(box)
        page.insert_text((box.x0 + 5, 744), cell, fontsize=10, fontname="hebo")
    page.insert_text((72, 810), "Water works page 1", fontsize=8)
    page = pdf.new_page()
    y = grid(page, 72, 90, PARTS)
    page.insert_text((72, y + 40), "2 Setting up", fontsize=14, fontname="hebo")
    column(page, 72, y + 70, 500, wrapped(LOREM, 80))
    page.insert_text((72, 810), "Water works page 2", fontsize=8)
    document = read(saved(pdf, tmp_path))
    assert texts(document, BlockKind.HEADING) == ["1 Sensors", "2 Setting up"]
    assert texts(document, BlockKind.TABLE_ROW) == [" | ".join(row) for row in [header, *PARTS]]


def test_an_unruled_header_alone_at_the_page_end_heads_nothing(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 120, 500, wrapped(LOREM * 6, 80))
    for x, cell in zip((72, 220, 380), ("Sensor", "Place", "Part number"), strict=True):
        page.insert_text((x, 750), cell, fontsize=11.5, fontname="hebo")
    page = pdf.new_page()
    for at, row in enumerate(PARTS):
        for x, cell in zip((72, 220, 380), row, strict=True):
            page.insert_text((x, 90 + 14 * at), cell, fontsize=10)
    column(page, 72, 300, 500, wrapped(LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert not texts(document, BlockKind.HEADING)
    assert "Sensor Place Part number" in texts(document)


def test_a_panel_at_the_page_end_is_no_table(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 120, 500, wrapped(LOREM * 6, 80))
    for x in (72, 252):
        page.draw_rect(pymupdf.Rect(x, 650, x + 180, 760))
        column(page, x + 10, 670, 0, ["Ask the keeper", "of the pump"])
    assert not texts(read(saved(pdf, tmp_path)), BlockKind.TABLE_ROW)


def test_the_header_of_a_table_is_kept_once(tmp_path: Path) -> None:
    header = ["Name", "Place", "Price"]
    pdf = pymupdf.open()
    page = pdf.new_page()
    column(page, 72, 80, 500, wrapped(LOREM, 80))
    grid(page, 72, 600, [header, *PARTS[:4]])
    grid(pdf.new_page(), 72, 90, [header, *PARTS[4:7]])
    page = pdf.new_page()
    y = grid(page, 72, 90, [header, *PARTS[7:]])
    column(page, 72, y + 40, 500, wrapped(LOREM, 80))
    grid(page, 72, y + 200, [header, *PARTS[:2]])
    document = read(saved(pdf, tmp_path))
    expected = [header, *PARTS, header, *PARTS[:2]]  # a table of its own keeps its header
    assert texts(document, BlockKind.TABLE_ROW) == [" | ".join(row) for row in expected]
    assert (
        "Name | Place | Price" in next(flag for flag in document.flags if flag.code == "header-footer-removed").detail
    )


def test_tables_that_begin_alike_keep_their_data(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for last in ("Vienna", "Graz"):
        grid(pdf.new_page(), 72, 400, [["Name", "Value"], ["Height", "12"], ["Length", "40"], ["Town", last]])
    rows = texts(read(saved(pdf, tmp_path)), BlockKind.TABLE_ROW)
    assert rows.count("Height | 12") == rows.count("Length | 40") == 2


def test_a_running_header_in_a_box_is_dropped_and_figures_in_a_box_are_kept(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(1, 6):
        page = pdf.new_page()
        grid(page, 72, 30, [["Water works", "Handbook of pumps"], ["Edition 3", f"Page {number} of 5"]])
        column(page, 72, 120, 500, wrapped(f"On page {number} stands this. " + LOREM, 80))
        grid(page, 72, 780, [["Hours counted", f"{number * number + 20}"], ["Drum", f"{900 - 7 * number}"]])
    rows = texts(read(saved(pdf, tmp_path)), BlockKind.TABLE_ROW)
    assert not [row for row in rows if "Handbook" in row or "Edition" in row]
    assert [row for row in rows if "Hours" in row] == [f"Hours counted | {number**2 + 20}" for number in range(1, 6)]


def test_headings_outside_the_outline_stand_below_those_in_it(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    y = 60.0
    for title, size in (("Safety", 16), ("Heat", 13), ("Take care", 11.5), ("Data", 16)):
        page.insert_text((72, y + 20), title, fontsize=size, fontname="hebo")
        y = column(page, 72, y + 50, 500, wrapped(LOREM, 80)) + 10
    pdf.set_toc([[1, "Safety", 1], [2, "Heat", 1], [1, "Data", 1]])
    document = read(saved(pdf, tmp_path))
    headings = [(text_of(document, block), block.level) for block in document.blocks if block.kind is BlockKind.HEADING]
    assert headings == [("Safety", 1), ("Heat", 2), ("Take care", 3), ("Data", 1)]


def test_a_numbered_heading_may_be_the_last_line_of_its_page(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    for number in range(1, 4):
        page = pdf.new_page()
        column(page, 72, 100, 500, wrapped(LOREM * 3, 80))
        page.insert_text((72, 740), f"{number}.1 The {'abc'[number - 1]} valve", fontsize=10, fontname="hebo")
        page.insert_text((290, 810), f"Page {number}", fontsize=9)
    column(pdf.new_page(), 72, 100, 500, wrapped(LOREM, 80))
    document = read(saved(pdf, tmp_path))
    assert texts(document, BlockKind.HEADING) == ["1.1 The a valve", "2.1 The b valve", "3.1 The c valve"]
