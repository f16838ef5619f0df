"""Web pages: what a reader came for, as blocks."""

from __future__ import annotations

from pathlib import Path

import pytest
from octavo.pipeline.document import Document
from octavo.pipeline.errors import EmptySource
from octavo.pipeline.reading import read_document
from octavo.pipeline.reading.html import main_content, read_page
from octavo.pipeline.reading.markup_strip import flatten, nesting, strip_tags


def read(folder: Path, markup: str) -> Document:
    path = folder / "a.html"
    path.write_bytes(markup.encode())
    return read_document(path)


def cut(markup: str) -> list[tuple[str, int, str]]:
    return [(d.kind.value, d.level, d.text) for d in main_content(read_page(markup)[0])]


PAGE = """<!DOCTYPE html><html lang="fr"><head><title> The  Title </title>
<meta name="author" content="Ann Bo"><meta property="article:published_time" content="2024-05-01T10:00:00Z">
<script type="application/ld+json">{"@graph": [{"dateModified": "2024-06-01"}]}</script><style>p {}</style></head>
<body><nav><ul><li><a href=/>Home</a></ul></nav>
<main><h1>Head<span>ing</span></h1>
<p>Some <b>bo</b>ld text,<br>and&nbsp;more &amp; more.</p>
<ul><li>one<ul><li>inner</ul><li>two</ul>
<table><caption>Prices</caption><tr><th>Name<th>Price<tr><td>Bolt<td>3 €</table>
<pre>  x = 1

y</pre><dl><dt>Term<dd>Meaning</dl>
<p hidden>secret</p><div style="display: none">secret</div><script>secret()</script><p aria-hidden=true>secret</p>
</main><footer>Imprint</footer><div class="cookie-banner">We use cookies</div></body></html>"""


def test_all_kinds(tmp_path: Path) -> None:
    document = read(tmp_path, PAGE)
    assert [(b.kind.value, b.level, document.text[b.start : b.stop]) for b in document.blocks] == [
        ("heading", 1, "Heading"),
        ("paragraph", 0, "Some bold text,\nand more & more."),
        ("list_item", 1, "one"),
        ("list_item", 2, "inner"),
        ("list_item", 1, "two"),
        ("caption", 0, "Prices"),
        ("table_row", 0, "Name | Price"),
        ("table_row", 0, "Bolt | 3 €"),
        ("code", 0, "  x = 1\n\ny"),
        ("list_item", 1, "Term"),
        ("list_item", 1, "Meaning"),
    ]
    assert document.text.startswith("Heading\n\nSome bold")
    metadata = document.metadata
    assert (metadata.title, metadata.author, metadata.language) == ("The Title", "Ann Bo", "fr")
    assert (metadata.created, metadata.modified) == ("2024-05-01T10:00:00Z", "2024-06-01")


def test_a_page_whose_main_part_is_small_is_kept_whole() -> None:
    body = "<p>" + "The text that matters stands outside. " * 20
    assert any("matters" in text for _, _, text in cut(f"<main><p>Hello</main>{body}"))
    assert any("matters" in text for _, _, text in cut(f"<aside>{body}</aside><p>Hello"))


def test_the_title_in_the_page_header_is_kept() -> None:
    markup = "<header><h1>Title</h1><p>Site</header><main><p>" + "Words of the page. " * 20 + "</main>"
    assert [kind for kind, _, _ in cut(markup)] == ["heading", "paragraph"]


def test_layout_tables_are_taken_apart() -> None:
    prose = "<p>" + "A long paragraph. " * 30 + "</p>"
    kinds = [kind for kind, _, _ in cut(f"<table><tr><td><h2>Left</h2>{prose}<td>{prose}{prose}</table>")]
    assert kinds == ["heading", "paragraph", "paragraph", "paragraph"]
    assert [text for _, _, text in cut("<table><tr><td>a<table><tr><td>b<td>c</table><td>d</table>")] == [
        "a",
        "b | c",
        "d",
    ]


def test_double_breaks_part_paragraphs() -> None:
    assert [text for _, _, text in cut("one<br> two<br><br>three")] == ["one\ntwo", "three"]


def test_inline_elements_do_not_break_words() -> None:
    assert cut("<p>un<wbr>break<i>able</i><span hidden>x</span>, y<sub>2</sub> <q>quoted</q>")[0][2] == (
        "unbreakable, y2 “quoted”"
    )


def test_notes_and_zero_bytes() -> None:
    assert cut("<aside role=doc-footnote>Note</aside><p>Text")[0][2] == "Text"
    assert cut("<p>a\0b")[0][2] == "a\ufffdb"


def test_a_page_drawn_by_script_is_empty(tmp_path: Path) -> None:
    with pytest.raises(EmptySource, match="drawn by a script"):
        read(tmp_path, "<html><body><div id=root></div><script>draw()</script></body></html>")


def test_a_page_hidden_until_a_script_runs_is_read_and_flagged(tmp_path: Path) -> None:
    document = read(tmp_path, "<html><body style='visibility:hidden'><p>Words of the page.</body></html>")
    assert document.text == "Words of the page."
    assert [flag.code for flag in document.flags] == ["hidden-text"]


def test_very_deep_pages_lose_no_text(tmp_path: Path) -> None:
    words = "deep words " * 20
    document = read(tmp_path, "<html><body>" + "<div>" * 200_000 + words + "</div>" * 200_000 + "<h2>end</h2>")
    assert document.text.split() == [*words.split(), "end"]
    assert [flag.code for flag in document.flags] == ["structure-lost"]
    inline = read(tmp_path, "<html><body>" + "<custom>" * 20_000 + words)
    assert inline.text.split() == words.split()
    assert [flag.code for flag in inline.flags] == ["structure-lost", "text-lost"]


def test_tags_are_counted_and_stripped() -> None:
    assert nesting("<div><p><b>x</b><br><img></div><div></div>") == 2
    assert flatten("a<div>b</div><span>c</span>") == "a<hr>b<hr>c"
    assert strip_tags("<head><title>t</title></head>a<b x='>'>&amp;</b><!-- n --><script>s<</script> 1 < 2") == [
        "a",
        "&",
        " 1 ",
        "<",
        " 2",
    ]


def test_an_unclosed_quote_does_not_swallow_the_page() -> None:
    assert "text here" in " ".join(strip_tags('<a href="x><p>text here</p>'))
