"""Plain text: positions index the decoded file."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.document import Block, BlockKind, Document
from octavo.pipeline.errors import EmptySource
from octavo.pipeline.reading import read_document
from octavo.pipeline.reading.plain import plain_blocks


def read(folder: Path, text: str, name: str = "a.txt") -> Document:
    path = folder / name
    path.write_bytes(text.encode())
    return read_document(path)


def cut(text: str) -> list[tuple[str, int, str]]:
    return [(block.kind.value, block.level, text[block.start : block.stop]) for block in parts(text)]


def parts(text: str) -> list[Block]:
    return list(plain_blocks(text, 0, len(text)))


def test_text_is_the_decoded_file(tmp_path: Path) -> None:
    text = "First line\r\n second line.  \r\n\r\n\tThird.\r\n"
    document = read(tmp_path, text)
    assert document.text == text
    assert [text[b.start : b.stop] for b in document.blocks] == ["First line\r\n second line.", "Third."]


def test_lists() -> None:
    text = "Buy:\n- milk and\n  cream\n- eggs\n  * brown\n1. first\n2. second"
    assert cut(text) == [
        ("paragraph", 0, "Buy:"),
        ("list_item", 1, "milk and\n  cream"),
        ("list_item", 1, "eggs"),
        ("list_item", 2, "brown"),
        ("list_item", 1, "1. first"),
        ("list_item", 1, "2. second"),
    ]


def test_a_year_in_running_text_is_no_list_item() -> None:
    assert len(parts("It was built in\n12. The rest followed.")) == 1


def test_titles() -> None:
    text = "MAIN TITLE\n\nIntro text here.\n\n2.1 Scope of Work\n\nBody.\n\nOverview\n========\n\nMore."
    assert [(kind, level) for kind, level, _ in cut(text)] == [
        ("heading", 2),
        ("paragraph", 0),
        ("heading", 2),
        ("paragraph", 0),
        ("heading", 1),
        ("paragraph", 0),
    ]


def test_loose_numbered_list_holds_no_titles() -> None:
    assert {kind for kind, _, _ in cut("1. Buy Milk\n\n2. Buy Eggs\n\n3. Go Home")} == {"list_item"}


def test_one_line_one_paragraph() -> None:
    long = "word " * 80
    assert len(parts(f"{long}\n{long}\nshort")) == 3
    assert len(parts("short\nshort\nshort")) == 1


def test_rules_stand_in_no_block() -> None:
    assert cut("above\n----------\nbelow text") == [("paragraph", 0, "above"), ("paragraph", 0, "below text")]


def test_form_feeds_break_pages(tmp_path: Path) -> None:
    document = read(tmp_path, "one\ftwo\nlines\f\n")
    assert [(page.number, page.start, page.stop) for page in document.pages] == [(1, 0, 3), (2, 4, 13)]
    assert [document.text[b.start : b.stop] for b in document.blocks] == ["one", "two\nlines"]


def test_rows_of_a_table_file(tmp_path: Path) -> None:
    document = read(tmp_path, "name,price\nbolt,3\n", "a.csv")
    assert [b.kind for b in document.blocks] == [BlockKind.TABLE_ROW, BlockKind.TABLE_ROW]


@pytest.mark.parametrize("text", ["", "  \n\t ", "\ufeff\n"])
def test_nothing_to_read(tmp_path: Path, text: str) -> None:
    with pytest.raises(EmptySource):
        read(tmp_path, text)


LINES = st.lists(
    st.one_of(
        st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
        st.sampled_from(["", "- item", "  * sub", "1. one", "----", "====", "TITLE", "\f", "2.1 Head", "word " * 60]),
    ),
    max_size=25,
)


@given(LINES, st.sampled_from(["\n", "\r\n", "\r"]))
def test_blocks_are_ordered_and_cover_every_letter(lines: list[str], end: str) -> None:
    text = end.join(lines)
    covered = bytearray(len(text))
    position = 0
    for block in parts(text):
        assert position <= block.start < block.stop <= len(text)
        assert text[block.start : block.stop] == text[block.start : block.stop].strip()
        covered[block.start : block.stop] = b"x" * (block.stop - block.start)
        position = block.stop
    assert not [c for c, seen in zip(text, covered, strict=True) if c.isalnum() and not seen]
