"""The tree of a document: sections under headings, paragraphs, sentences, and what must hold for any document."""

from __future__ import annotations

from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st
from octavo.pipeline.document import Block, BlockKind, Document, Source, Span
from octavo.pipeline.scale import DOCUMENT, PARAGRAPH, SCALES, SECTION, SENTENCE, Scale
from octavo.pipeline.segment import PARAGRAPH_SIZE, SECTION_SIZE, cut, measure

SOURCE = Source("/manual.txt", "text/plain", "0" * 64)
HEADING, ROW, ITEM = BlockKind.HEADING, BlockKind.TABLE_ROW, BlockKind.LIST_ITEM
SENTENCE_TEXT = "The pump stops when the pressure falls below the limit of the valve. "


def document(*parts: tuple[str, BlockKind, int] | str) -> Document:
    """A document of the given blocks; a plain string is a paragraph."""
    text = ""
    blocks = []
    for part in parts:
        content, kind, level = (part, BlockKind.PARAGRAPH, 0) if isinstance(part, str) else part
        if content:
            blocks.append(Block(len(text), len(text) + len(content), kind, level))
        text += content + "\n\n"
    return Document(SOURCE, text, tuple(blocks))


def of(spans: list[Span], scale: Scale) -> list[Span]:
    return [span for span in spans if span.scale is scale]


def texts(parsed: Document, scale: Scale) -> list[str]:
    return [parsed.text[span.start : span.stop] for span in of(cut(parsed), scale)]


def labels(parsed: Document) -> list[str]:
    return [span.label for span in of(cut(parsed), SECTION)]


def test_the_tree_of_a_small_manual() -> None:
    parsed = document(
        ("Manual", HEADING, 1),
        "Welcome. Read this first.",
        ("Error codes", HEADING, 2),
        ("E-4304", HEADING, 3),
        "The pump is blocked. Clean it.",
        ("Spare parts", HEADING, 2),
        ("AX-100. Valve | 5.00", ROW, 0),
        ("AX-200. Seal | 6.00", ROW, 0),
    )
    spans = cut(parsed)
    assert [span.scale.name for span in spans] == [
        "document",
        *("section", "paragraph", "sentence", "sentence", "sentence"),
        *("section", "paragraph", "sentence", "sentence", "sentence", "sentence"),
        *("section", "paragraph", "sentence", "sentence", "sentence"),
    ]
    assert labels(parsed) == ["Manual", "Manual > Error codes > E-4304", "Manual > Spare parts"]
    assert texts(parsed, SENTENCE) == [
        *("Manual", "Welcome.", "Read this first."),
        *("Error codes", "E-4304", "The pump is blocked.", "Clean it."),
        *("Spare parts", "AX-100. Valve | 5.00", "AX-200. Seal | 6.00"),
    ]
    assert [span.parent for span in spans] == [-1, 0, 1, 2, 2, 2, 0, 6, 7, 7, 7, 7, 0, 12, 13, 13, 13]


def test_heading_path_follows_the_levels() -> None:
    parsed = document(
        *("preface", ("A", HEADING, 1), "a", ("B", HEADING, 3), "b", ("C", HEADING, 2), "c", ("D", HEADING, 1), "d")
    )
    assert labels(parsed) == ["", "A", "A > B", "A > C", "D"]


def test_a_closing_heading_stays_with_the_last_section() -> None:
    parsed = document(("A", HEADING, 1), "a", ("The end", HEADING, 2))
    assert labels(parsed) == ["A"]
    assert texts(parsed, SENTENCE) == ["A", "a", "The end"]
    assert labels(document(("Alone", HEADING, 1))) == ["Alone"]


def test_long_headings_are_shortened_in_labels_only() -> None:
    title = "word " * 60
    parsed = document((title, HEADING, 1), "a")
    assert len(labels(parsed)[0]) <= 120
    assert texts(parsed, SENTENCE)[0] == title.strip()


def test_long_sections_are_divided_in_parts_of_like_size_between_paragraphs() -> None:
    parsed = document(("A", HEADING, 1), *[SENTENCE_TEXT * 6] * 20)
    spans = cut(parsed)
    sizes = [span.stop - span.start for span in of(spans, SECTION)]
    assert len(sizes) == 3
    assert max(sizes) <= 1.2 * SECTION_SIZE
    assert min(sizes) >= 0.6 * max(sizes)
    assert set(labels(parsed)) == {"A"}


def test_long_blocks_are_divided_between_sentences_in_parts_of_like_size() -> None:
    parsed = document(("A", HEADING, 1), SENTENCE_TEXT * 30)
    parts = texts(parsed, PARAGRAPH)
    assert len(parts) == 3
    assert parts[0].startswith("A\n\nThe pump")
    assert all(part.startswith("The pump") for part in parts[1:])
    assert all(len(part) <= 1.2 * PARAGRAPH_SIZE for part in parts)
    assert min(map(len, parts)) >= 0.7 * max(map(len, parts))


def test_small_blocks_are_packed_and_rows_kept_together() -> None:
    parsed = document(*[(f"AX-{at} | valve number {at} | 5.00", ROW, 0) for at in range(100)])
    parts = texts(parsed, PARAGRAPH)
    assert all(part.startswith("AX-") and part.endswith("5.00") for part in parts)
    assert 4 <= len(parts) <= 6
    assert len(texts(parsed, SENTENCE)) == 100


def test_program_text_is_divided_at_line_ends() -> None:
    parsed = document(("\n".join(f"x{at} = f({at}). G" for at in range(40)), BlockKind.CODE, 0))
    assert all(one.endswith("G") for one in texts(parsed, SENTENCE))


def test_scripts_without_spaces_get_smaller_spans() -> None:
    parsed = document("这台机器的错误代码需要检查水泵控制器。" * 60)
    assert max(map(len, texts(parsed, PARAGRAPH))) <= 0.3 * PARAGRAPH_SIZE
    assert max(map(len, texts(parsed, SECTION))) <= 0.3 * SECTION_SIZE


def test_documents_without_words_have_no_spans() -> None:
    assert cut(document()) == []
    assert cut(document(" \n\t", "\u3000")) == []


@pytest.mark.parametrize("text", ["plain", "中文字", "a中b文" * 10, "ก" * 7 + "é", "😀x\ud800"])
def test_measure_agrees_with_counting(text: str) -> None:
    size = measure(text)
    for start in range(len(text)):
        for stop in range(start, len(text) + 1):
            wide = sum(char in "中文字ก😀" for char in text[start:stop])
            assert size(start, stop) == stop - start + 13 * wide // 4


SCRAPS = "The pump stops. Dr. Smith e.g. 3.14 E-4304! why? Ende。 中文字。 か？ ครับ गया। عربي؟ e\u0301 | - 1. •"
WORDS = st.sampled_from([*SCRAPS.split(), "", "\n", "\n\n", "\t", "\u3000"])
CONTENTS = st.one_of(
    st.text(max_size=60),
    st.lists(WORDS, max_size=60).map(" ".join),
    st.tuples(WORDS, st.integers(1, 1500)).map(lambda pair: (pair[0] + " ") * pair[1]),
    st.sampled_from("x中ก.").map(lambda char: char * 5000),
)
PARTS = st.tuples(CONTENTS, st.sampled_from(BlockKind), st.integers(1, 6))


def assert_is_tree(parsed: Document, spans: list[Span]) -> None:
    """Preorder; children inside parents, ordered, one scale finer; sentences hold each block's characters once."""
    ranks = [DOCUMENT, SECTION, PARAGRAPH, SENTENCE]
    path: list[int] = []
    last_stop: dict[int, int] = {}
    for at, span in enumerate(spans):
        depth = ranks.index(SCALES[span.scale.name])
        path = [*path[:depth], at]
        assert len(path) == depth + 1
        assert span.parent == (path[-2] if depth else -1)
        if depth:
            parent = spans[span.parent]
            assert parent.start <= span.start < span.stop <= parent.stop
            assert span.start >= last_stop.get(span.parent, 0)
            last_stop[span.parent] = span.stop
        if depth < 3:
            assert spans[at + 1].start == span.start
        assert bool(span.label) <= (span.scale is SECTION)
    counted = [0] * (len(parsed.text) + 1)
    for span in of(spans, SENTENCE):
        counted[span.start] += 1
        counted[span.stop] -= 1
        assert any(block.start <= span.start and span.stop <= block.stop for block in parsed.blocks)
        assert not parsed.text[span.start].isspace()
        assert not parsed.text[span.stop - 1].isspace()
    covered = list(accumulate(counted))
    for block in parsed.blocks:
        assert all(covered[at] == 1 for at in range(block.start, block.stop) if not parsed.text[at].isspace())
    if spans:
        assert spans[0].stop == max(span.stop for span in spans)


@given(st.lists(PARTS, max_size=8))
def test_any_document_becomes_a_tree(parts: list[tuple[str, BlockKind, int]]) -> None:
    parsed = document(*[(text, kind, level if kind is HEADING else 0) for text, kind, level in parts])
    spans = cut(parsed)
    assert_is_tree(parsed, spans)
    assert spans == cut(parsed)
    size = measure(parsed.text)
    assert all(sum(size(*bounds) for bounds in inner) <= 2 * PARAGRAPH_SIZE for inner in sentences_of(spans).values())


def sentences_of(spans: list[Span]) -> dict[int, list[tuple[int, int]]]:
    """Paragraph -> its sentences."""
    found: dict[int, list[tuple[int, int]]] = {}
    for span in of(spans, SENTENCE):
        found.setdefault(span.parent, []).append((span.start, span.stop))
    return found
