"""The map from Document.text to the page: each word's box holds that word, whatever was done to the text."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pymupdf
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from octavo.pipeline.document import Document

from .pdf_world import LOREM, column, read, saved, texts, wrapped


def folded(text: str) -> str:
    return "".join(char for char in unicodedata.normalize("NFKC", text) if char.isalnum())


def assert_boxes_hold_words(path: Path, document: Document) -> None:
    covered = 0
    with pymupdf.open(path) as pdf:
        for page in document.pages:
            shown = pdf[page.number - 1]
            rows = page.boxes
            assert (rows["start"][1:] >= rows["stop"][:-1]).all()
            for row in rows:
                word = document.text[row["start"] : row["stop"]]
                assert page.start <= row["start"] < row["stop"] <= page.stop
                box = pymupdf.Rect(*(float(row[side]) for side in ("x0", "y0", "x1", "y1")))
                assert box in pymupdf.Rect(-1, -1, page.width + 1, page.height + 1)
                clip = box * shown.derotation_matrix
                clip.normalize()
                wider = pymupdf.Rect(clip.x0 - 0.5, clip.y0 - 0.5, clip.x1 + 0.5, clip.y1 + 0.5)
                assert folded(word) in folded(shown.get_text(clip=wider)), word
                covered += len(word)
    assert covered == sum(not char.isspace() for char in document.text.replace(" | ", ""))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_on_a_turned_page_are_those_of_the_page_as_displayed(tmp_path: Path, rotation: int) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page(width=500, height=700)
    page.insert_text((72, 80), "Turned by the scanner", fontsize=18)
    column(page, 72, 120, 400, wrapped(LOREM, 60))
    page.set_rotation(rotation)
    path = saved(pdf, tmp_path)
    document = read(path)
    assert (document.pages[0].width, document.pages[0].height) == ((500, 700) if rotation % 180 == 0 else (700, 500))
    assert texts(document) == ["Turned by the scanner", LOREM.strip()]
    assert_boxes_hold_words(path, document)


def test_boxes_count_from_the_corner_of_the_crop_box(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page(width=600, height=800)
    column(page, 172, 220, 500, wrapped(LOREM, 50))
    page.set_cropbox(pymupdf.Rect(100, 150, 560, 700))
    path = saved(pdf, tmp_path)
    document = read(path)
    assert document.pages[0].width == 460
    assert abs(float(document.pages[0].boxes["x0"][0]) - 72) < 1
    assert_boxes_hold_words(path, document)


def test_a_divided_word_has_a_box_on_each_line(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    column(
        pdf.new_page(),
        72,
        100,
        500,
        ["The keeper of the pump makes one more sug-", "gestion about the valves of the house."],
    )
    path = saved(pdf, tmp_path)
    document = read(path)
    at = document.text.index("suggestion")
    rows = document.pages[0].boxes
    parts = rows[(rows["start"] >= at) & (rows["stop"] <= at + len("suggestion"))]
    assert [document.text[row["start"] : row["stop"]] for row in parts] == ["sug", "gestion"]
    assert parts["y0"][0] < parts["y0"][1]
    assert_boxes_hold_words(path, document)


def test_ligatures_and_presentation_forms_become_letters_with_their_box(tmp_path: Path) -> None:
    font = pymupdf.Font("helv")
    pdf = pymupdf.open()
    page = pdf.new_page()
    writer = pymupdf.TextWriter(page.rect)
    writer.append((72, 100), "The \ufb01nal \ufb02ow of the re\ufb02ection of water", font=font)
    writer.write_text(page)
    path = saved(pdf, tmp_path)
    document = read(path)
    assert document.text == "The final flow of the reflection of water"
    assert_boxes_hold_words(path, document)


def test_ideographs_have_a_row_each_and_lines_join_without_space(tmp_path: Path) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    page.insert_text(
        (72, 100), "水泵从下方的水箱抽水并将其提升到屋顶那里它流过滤床每个阀门都有", fontname="china-s", fontsize=12
    )
    page.insert_text(
        (72, 116), "一个编号请在打开泵之前按顺序关闭阀门并等待压力表降至零然后再继续", fontname="china-s", fontsize=12
    )
    path = saved(pdf, tmp_path)
    document = read(path)
    assert "都有一个编号" in document.text
    rows = document.pages[0].boxes
    assert set((rows["stop"] - rows["start"]).tolist()) == {1}
    assert_boxes_hold_words(path, document)


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    paragraphs=st.lists(
        st.lists(st.text("abcdefghijklmnop-", min_size=1, max_size=12), min_size=1, max_size=60), min_size=1, max_size=4
    ),
    size=st.sampled_from([8, 10, 12]),
    columns=st.sampled_from([1, 2]),
)
def test_every_word_of_any_page_is_covered(
    tmp_path: Path, paragraphs: list[list[str]], size: int, columns: int
) -> None:
    pdf = pymupdf.open()
    page = pdf.new_page()
    for place in range(columns):
        y = 80.0
        for words in paragraphs:
            y = column(page, 72 + 240 * place, y, 0, wrapped(" ".join(words), 30), size) + 8
    path = saved(pdf, tmp_path)
    if not any(any(char.isalnum() for char in word) for words in paragraphs for word in words):
        return
    document = read(path)
    assert_boxes_hold_words(path, document)
    printed = sorted(char for words in paragraphs for word in words for char in word if char != "-") * columns
    assert sorted(char for char in document.text if char.isalpha()) == sorted(printed)
