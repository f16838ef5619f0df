"""Markdown: blocks are ranges of the file, and no letter is lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from octavo.pipeline.document import Document
from octavo.pipeline.errors import EmptySource
from octavo.pipeline.reading import read_document
from octavo.pipeline.reading.markdown import markdown_blocks

SAMPLE = """---
title: "The: Manual"
authors: [Ann, Bo]
date: 2024-05-01
lang: de
---

# Title #

Intro with **bold**
over two lines.

Second level
------------

- one
  more of one
  1. nested
  2. again
- [x] done

> quoted
> text

| a | b |
|---|---|
| 1 | 2 |

```python
x = 1

y = 2
```

    indented code

<div align="center">
  <h2>Inside</h2> <b>bold</b> words <!-- secret -->
</div>

[ref]: https://example.org "Title"

Text[^1].

[^1]: The note.
"""


def read(folder: Path, text: str) -> Document:
    path = folder / "a.md"
    path.write_bytes(text.encode())
    return read_document(path)


def cut(text: str) -> list[tuple[str, int, str]]:
    return [(b.kind.value, b.level, text[b.start : b.stop]) for b in markdown_blocks(text)[0]]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_all_kinds(tmp_path: Path, end: str) -> None:
    text = SAMPLE.replace("\n", end)
    document = read(tmp_path, text)
    assert document.text == text
    found = [(b.kind.value, b.level, text[b.start : b.stop].replace(end, "\n")) for b in document.blocks]
    assert found == [
        ("heading", 1, "Title"),
        ("paragraph", 0, "Intro with **bold**\nover two lines."),
        ("heading", 2, "Second level"),
        ("list_item", 1, "one\n  more of one"),
        ("list_item", 2, "1. nested"),
        ("list_item", 2, "2. again"),
        ("list_item", 1, "done"),
        ("paragraph", 0, "quoted\n> text"),
        ("table_row", 0, "| a | b |"),
        ("table_row", 0, "| 1 | 2 |"),
        ("code", 0, "x = 1\n\ny = 2"),
        ("code", 0, "indented code"),
        ("heading", 2, "Inside"),
        ("paragraph", 0, "<b>bold</b> words"),
        ("paragraph", 0, "Text[^1]."),
        ("note", 0, "The note."),
    ]
    assert document.flags == ()
    metadata = document.metadata
    assert (metadata.title, metadata.author) == ("The: Manual", "Ann, Bo")
    assert (metadata.language, metadata.created) == ("de", "2024-05-01")


def test_toml_front_matter(tmp_path: Path) -> None:
    document = read(tmp_path, '+++\ntitle = "T"\ndate = 2024-05-01\n+++\nBody')
    assert (document.metadata.title, document.metadata.created) == ("T", "2024-05-01")
    assert [b.start for b in document.blocks] == [document.text.index("Body")]


def test_a_rule_is_no_front_matter(tmp_path: Path) -> None:
    document = read(tmp_path, "---\nSome words of text.\n---\nBody")
    assert "Some words of text." in [document.text[b.start : b.stop] for b in document.blocks]


def test_front_matter_alone_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptySource, match="front matter only"):
        read(tmp_path, "---\ntitle: T\n---\n")


def test_title_from_the_first_heading(tmp_path: Path) -> None:
    assert read(tmp_path, "# *The* `title`\n\ntext").metadata.title == "The title"
    assert read(tmp_path, "# Title\n\ntext").metadata.title == "Title"


def test_html_table_rows_stay_together() -> None:
    text = "<table><tr><th>Name</th><th>Price</th></tr>\n<tr><td>Bolt</td><td>3</td></tr></table>"
    assert cut(text) == [("table_row", 0, "Name</th><th>Price"), ("table_row", 0, "Bolt</td><td>3")]


def test_embedded_files_are_cut_out() -> None:
    text = f"before ![picture](data:image/png;base64,{'A' * 5000}) after"
    assert [piece for _, _, piece in cut(text)] == ["before", "after"]
    assert markdown_blocks(text)[1] == 0


def test_long_lines_are_paragraphs() -> None:
    line = "word " * 60
    assert len(cut(f"{line}\n{line}")) == 2


def test_too_deep_a_nesting_loses_no_text() -> None:
    text = "> " * 200 + "deep words"
    blocks, lost = markdown_blocks(text)
    assert lost == 9
    assert any("deep words" in text[b.start : b.stop] for b in blocks)


LINE = st.one_of(
    st.text("ab *#->|`[]()!<>1.:_~\t\\&", max_size=25),
    st.sampled_from(
        [
            "", "# head", "text", "---", "===", "- item", "  - sub", "1. one", "```", "~~~ py", "> quote", "| a | b |",
            "|--|--|", "    code", "<div>", "</div>", "<!-- c -->", "<b>x</b>", "[a]: http://b.c", "[^1]: note",
            "* * *",
            "- - - a", "<td>x</td>", "<script>", "\u00e9\u00e8", "<!--", "-->",
        ]
    ),
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(LINE, max_size=20), st.sampled_from(["\n", "\r\n", "\r"]))
def test_blocks_are_ordered_and_lose_no_line(lines: list[str], end: str) -> None:
    text = end.join(lines)
    blocks, _ = markdown_blocks(text)
    position = 0
    for block in blocks:
        assert position <= block.start < block.stop <= len(text)
        position = block.stop


@settings(max_examples=300)
@given(st.lists(st.sampled_from(["", "- ", "  ", "> ", "1. ", "# ", "    ", "\t", ">", "|"]), max_size=25))
def test_every_word_is_in_a_block(prefixes: list[str]) -> None:
    text = "\n".join(f"{prefix}word{position}x" for position, prefix in enumerate(prefixes))
    inside = " ".join(text[b.start : b.stop] for b in markdown_blocks(text)[0])
    assert all(f"word{position}x" in inside for position in range(len(prefixes)))
