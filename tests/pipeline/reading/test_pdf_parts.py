"""The rules that read_pdf is made of, one by one."""

from __future__ import annotations

import pytest
from octavo.pipeline.reading.pdf import spelled
from octavo.pipeline.reading.pdf_assembly import hyphen_rule
from octavo.pipeline.reading.pdf_characters import is_unspaced, normalised
from octavo.pipeline.reading.pdf_draft import EdgeLine, PageDraft
from octavo.pipeline.reading.pdf_furniture import find
from octavo.pipeline.reading.pdf_metadata import iso_date


@pytest.mark.parametrize(
    ("stamp", "iso"),
    [
        ("D:20240103093826+01'00'", "2024-01-03T09:38:26+01:00"),
        ("D:20240103093826Z", "2024-01-03T09:38:26Z"),
        ("D:202401030938", "2024-01-03T09:38"),
        ("D:20240103", "2024-01-03"),
        ("D:2024", "2024"),
        ("20240103", "2024-01-03"),
        ("D:20241303", ""),
        ("yesterday", ""),
        ("", ""),
    ],
)
def test_pdf_dates_become_iso_8601(stamp: str, iso: str) -> None:
    assert iso_date(stamp) == iso


@pytest.mark.parametrize(
    ("raw", "plain"),
    [
        ("o\ufb03ce", "office"),
        ("\ufedf\ufee0\ufedb\ufe98\ufe8e\ufe8f", "\u0644\u0644\u0643\u062a\u0627\u0628"),
        ("\u2f42\u2f8f", "\u6587\u884c"),
        ("a\u0308", "ä"),
        ("hy\u00adphen", "hyphen"),
        ("hy\u00ad", "hy-"),
        ("x\u00b2", "x\u00b2"),
        ("\uf0b7", "•"),
        ("a\x00b\x85", "ab"),
        ("plain", "plain"),
    ],
)
def test_only_presentation_forms_are_normalised(raw: str, plain: str) -> None:
    assert normalised(raw) == plain


def test_scripts_without_spaces() -> None:
    assert all(map(is_unspaced, "水あカไ។"))
    assert not any(map(is_unspaced, "aя한अ1 "))


def test_a_hyphen_stays_where_the_document_writes_it_inside_a_line() -> None:
    text = "a well-known well-known thing sug-gestion problem-solving problem and solving"
    divided = [text.rindex("well-known") + 4, text.index("sug-") + 3, text.index("problem-") + 7]
    draft = PageDraft(1, 100, 100, text, hyphens=divided)
    keeps = hyphen_rule([draft])
    assert [keeps(draft, at) for at in divided] == [True, False, True]


def _page(number: int, *lines: tuple[str, float]) -> PageDraft:
    text, edges = "", []
    for line, place in lines:
        edges.append(EdgeLine(len(text), len(text) + len(line), place, 9.0))
        text += line + "\n"
    return PageDraft(number, 600, 800, text + f"Body of page {number}", edges=edges)


def test_page_numbers_must_count_along() -> None:
    counting = [_page(number, (str(number + 10), -30.0)) for number in range(1, 5)]
    assert len(find(counting, 10.0).ranges) == 4
    figures = [_page(number, (figure, -30.0)) for number, figure in enumerate(("17", "99", "4", "31"), 1)]
    assert not find(figures, 10.0).ranges


def test_roman_page_numbers_are_page_numbers() -> None:
    assert (
        len(find([_page(at, (numeral, -30.0)) for at, numeral in enumerate(("ii", "iii", "iv"), 1)], 10.0).ranges) == 3
    )


def test_a_running_line_stands_at_one_height() -> None:
    steady = [_page(number, ("Handbook of pumps", 30.0)) for number in range(1, 5)]
    assert find(steady, 10.0).samples == [("Handbook of pumps", 4)]
    moving = [_page(number, ("Handbook of pumps", 30.0 * number)) for number in range(1, 5)]
    assert not find(moving, 10.0).samples


def test_page_lists_are_spelled_short() -> None:
    assert spelled([1, 2, 3, 7, 9, 10]) == "1-3, 7, 9-10"
