"""Word, PowerPoint, OpenDocument, EPUB, RTF and mail, each from a small file made here."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from docx import Document as WordDocument
from docx.oxml import parse_xml
from octavo.pipeline.document import Document
from octavo.pipeline.errors import DamagedSource, EmptySource, EncryptedSource
from octavo.pipeline.reading import read_document
from pptx import Presentation
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.util import Inches

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'


def blocks(document: Document) -> list[tuple[str, int, str]]:
    return [(b.kind.value, b.level, document.text[b.start : b.stop]) for b in document.blocks]


def zipped(path: Path, members: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_word(tmp_path: Path) -> None:
    word = WordDocument()
    word.core_properties.title, word.core_properties.author = "Manual", "Ann"
    word.add_heading("Title", 0)
    word.add_heading("Part", 2)
    paragraph = word.add_paragraph("Kept ")
    for change in (
        f"<w:ins {W}><w:r><w:t>inserted</w:t></w:r></w:ins>",
        f"<w:del {W}><w:r><w:delText>deleted</w:delText></w:r></w:del>",
        f"<w:hyperlink {W}><w:r><w:t> link</w:t></w:r></w:hyperlink>",
    ):
        paragraph._p.append(parse_xml(change))
    word.add_comment(paragraph.runs, text="Check this", author="Bo")
    word.add_paragraph("one", style="List Bullet")
    word.add_paragraph("two", style="List Bullet 2")
    table = word.add_table(2, 3)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "merged"
    for position, cell in enumerate(table.rows[1].cells):
        cell.text = f"c{position}"
    table.cell(0, 2).text = "right"
    inner = table.cell(1, 2).add_table(1, 2)
    inner.cell(0, 0).text, inner.cell(0, 1).text = "x", "y"
    word.add_paragraph("After")
    word.sections[0].header.paragraphs[0].text = "Company header"
    word.sections[0].footer.paragraphs[0].text = "Page 1 of 2"
    word.save(str(tmp_path / "a.docx"))
    document = read_document(tmp_path / "a.docx")
    assert blocks(document) == [
        ("heading", 1, "Title"),
        ("heading", 2, "Part"),
        ("paragraph", 0, "Kept inserted link"),
        ("note", 0, "Check this"),
        ("list_item", 1, "one"),
        ("list_item", 2, "two"),
        ("table_row", 0, "merged | right"),
        ("paragraph", 0, "c0"),
        ("paragraph", 0, "c1"),
        ("paragraph", 0, "c2"),
        ("table_row", 0, "x | y"),
        ("paragraph", 0, "After"),
        ("note", 0, "Company header"),
    ]
    assert (document.metadata.title, document.metadata.author) == ("Manual", "Ann")


def test_word_text_boxes_and_notes(tmp_path: Path) -> None:
    word = WordDocument()
    box = "<w:txbxContent><w:p><w:r><w:t>In a box</w:t></w:r></w:p></w:txbxContent>"
    word.add_paragraph("Anchor")._p.append(
        parse_xml(
            f'<w:r {W} xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"><mc:AlternateContent>'
            f'<mc:Choice Requires="wps">{box}</mc:Choice><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent></w:r>'
        )
    )
    word.save(str(tmp_path / "a.docx"))
    assert blocks(read_document(tmp_path / "a.docx")) == [
        ("paragraph", 0, "Anchor"),
        ("paragraph", 0, "In a box"),
    ]


def test_strict_word_files(tmp_path: Path) -> None:
    word = WordDocument()
    word.add_heading("Strict", 1)
    buffer = io.BytesIO()
    word.save(buffer)
    usual, strict = "http://schemas.openxmlformats.org/", "http://purl.oclc.org/ooxml/"
    with zipfile.ZipFile(buffer) as old, zipfile.ZipFile(tmp_path / "a.docx", "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith((".xml", ".rels")):
                for part in ("officeDocument/2006/", "wordprocessingml/2006/"):
                    text = text.replace((usual + part).encode(), (strict + part.replace("2006/", "")).encode())
            new.writestr(name, text)
    assert blocks(read_document(tmp_path / "a.docx")) == [("heading", 1, "Strict")]


def test_empty_and_damaged_office_files(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    WordDocument().save(str(path))
    with pytest.raises(EmptySource, match="no text"):
        read_document(path)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(DamagedSource, match="cut short"):
        read_document(path)
    zipped(path, {"[Content_Types].xml": "<Types/>", "word/document.xml": "<not-closed"})
    with pytest.raises(DamagedSource, match="not a readable Word file"):
        read_document(path)
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"))
    with pytest.raises(EncryptedSource, match="password"):
        read_document(path)


def test_powerpoint(tmp_path: Path) -> None:
    show = Presentation()
    first = show.slides.add_slide(show.slide_layouts[0])
    first.shapes.title.text = "Deck"
    second = show.slides.add_slide(show.slide_layouts[1])
    second.shapes.title.text = "Points"
    frame = second.placeholders[1].text_frame
    frame.text = "one"
    deeper = frame.add_paragraph()
    deeper.text, deeper.level = "inner", 1
    table = second.shapes.add_table(1, 2, 0, 0, Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "a", "b"
    group = second.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, 10, 10).text_frame.text = "grouped"
    data = CategoryChartData()  # type: ignore[no-untyped-call]
    data.categories = ["2023", "2024"]
    data.add_series("Sales", (1.5, 2))  # type: ignore[no-untyped-call]
    second.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(2), Inches(2), data)
    second.notes_slide.notes_text_frame.text = "say this"
    show.slides.add_slide(show.slide_layouts[6])
    show.save(str(tmp_path / "a.pptx"))
    document = read_document(tmp_path / "a.pptx")
    assert [(kind, text) for kind, _, text in blocks(document)] == [
        ("heading", "Deck"),
        ("heading", "Points"),
        ("list_item", "one"),
        ("list_item", "inner"),
        ("table_row", "a | b"),
        ("paragraph", "grouped"),
        ("table_row", "| Sales"),
        ("table_row", "2023 | 1.5"),
        ("table_row", "2024 | 2"),
        ("note", "say this"),
    ]
    assert (document.pages[0].number, document.pages[0].start, document.pages[0].stop) == (1, 0, 4)
    assert document.text[document.pages[1].start :].startswith("Points")
    assert (document.pages[0].width, document.pages[0].height) == (720.0, 540.0)
    assert document.pages[2].start == document.pages[2].stop == len(document.text)
    assert [(flag.code, flag.detail) for flag in document.flags] == [("page-without-text", "slide 3")]


OPF = """<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
<dc:title>Book</dc:title><dc:creator>Ann</dc:creator><dc:language>fr</dc:language><dc:date>1999</dc:date></metadata>
<manifest><item id="n" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/>
<item id="b" href="two%20b.xhtml" media-type="application/xhtml+xml"/>
<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/></manifest>
<spine><itemref idref="n"/><itemref idref="b"/><itemref idref="a"/></spine></package>"""
CONTAINER = "<container><rootfiles><rootfile full-path='OPS/book.opf'/></rootfiles></container>"
CHAPTER = "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>t</title></head><body><h1>{0}</h1><p>Text.</p></body></html>"


def book(path: Path, **more: str) -> Path:
    members = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": CONTAINER,
        "OPS/book.opf": OPF,
        "OPS/nav.xhtml": CHAPTER.format("Contents"),
        "OPS/a.xhtml": CHAPTER.format("Second"),
        "OPS/two b.xhtml": CHAPTER.format("First"),
    }
    return zipped(path, members | more)


def test_book(tmp_path: Path) -> None:
    document = read_document(book(tmp_path / "a.epub"))
    assert [text for _, _, text in blocks(document)] == ["First", "Text.", "Second", "Text."]
    assert [document.text[page.start : page.stop] for page in document.pages] == ["First\n\nText.", "Second\n\nText."]
    metadata = document.metadata
    assert (metadata.title, metadata.author, metadata.language, metadata.created) == ("Book", "Ann", "fr", "1999")


def test_protected_book(tmp_path: Path) -> None:
    encryption = (
        "<encryption><EncryptedData><EncryptionMethod Algorithm='{0}'/><CipherData>"
        "<CipherReference URI='OPS/a.xhtml'/></CipherData></EncryptedData></encryption>"
    )
    drm = {"META-INF/encryption.xml": encryption.format("http://www.w3.org/2001/04/xmlenc#aes128-cbc")}
    with pytest.raises(EncryptedSource, match="DRM"):
        read_document(book(tmp_path / "a.epub", **drm))
    fonts = {"META-INF/encryption.xml": encryption.format("http://www.idpf.org/2008/embedding")}
    assert read_document(book(tmp_path / "b.epub", **fonts)).blocks


def test_opendocument(tmp_path: Path) -> None:
    names = ["office", "text", "table"]
    spaces = " ".join(f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in names)
    content = f"""<office:document-content {spaces}><office:body><office:text>
    <text:tracked-changes><text:p>deleted</text:p></text:tracked-changes>
    <text:h text:outline-level="2">Head</text:h>
    <text:p>Some<text:s text:c="2"/>text<text:note><text:note-citation>1</text:note-citation><text:note-body>
    <text:p>The note</text:p></text:note-body></text:note>.</text:p>
    <text:list><text:list-item><text:p>one</text:p><text:list><text:list-item><text:p>inner</text:p></text:list-item>
    </text:list></text:list-item></text:list>
    <table:table><table:table-row><table:table-cell><text:p>a</text:p></table:table-cell><table:table-cell>
    <text:p>b</text:p></table:table-cell></table:table-row></table:table>
    </office:text></office:body></office:document-content>"""
    members = {"mimetype": "application/vnd.oasis.opendocument.text", "content.xml": content}
    assert blocks(read_document(zipped(tmp_path / "a.odt", members))) == [
        ("heading", 2, "Head"),
        ("paragraph", 0, "Some text."),
        ("note", 0, "The note"),
        ("list_item", 1, "one"),
        ("list_item", 2, "inner"),
        ("table_row", 0, "a | b"),
    ]


def test_rich_text(tmp_path: Path) -> None:
    path = tmp_path / "a.rtf"
    path.write_bytes(
        rb"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Arial;}{\f1\fcharset204 Times;}}"
        rb"{\stylesheet{\s0 Normal;}{\s1\b heading 1;}}{\info{\title My title}{\author Ann}}"
        rb"{\pard\s1 Head\par}\pard caf\'e9 \u8364? and {\f1\'cf\'f0} {\field{\*\fldinst HYPERLINK x}{\fldrslt link}}"
        rb"{\footnote a note}\par \trowd\intbl A\cell B\cell\row\pard{\*\unknown hidden} \ls1 item\par}"
    )
    document = read_document(path)
    assert blocks(document) == [
        ("heading", 1, "Head"),
        ("paragraph", 0, "café € and Пр link"),
        ("table_row", 0, "A | B"),
        ("list_item", 1, "item"),
        ("note", 0, "a note"),
    ]
    assert (document.metadata.title, document.metadata.author) == ("My title", "Ann")


def test_mail(tmp_path: Path) -> None:
    path = tmp_path / "a.eml"
    path.write_bytes(
        b"From: Ann <a@b.c>\r\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nDate: Fri, 16 Dec 2022 17:04:16 -0500\r\n"
        b"MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=X\r\n\r\n--X\r\n"
        b"Content-Type: multipart/alternative; boundary=Y\r\n\r\n--Y\r\nContent-Type: text/plain\r\n\r\nplain\r\n"
        b"--Y\r\nContent-Type: text/html; charset=latin-1\r\n\r\n<p>sch\xf6n<ul><li>one</ul>\r\n--Y--\r\n"
        b"--X\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Disposition: attachment\r\n\r\nxx\r\n--X--\r\n"
    )
    document = read_document(path)
    assert blocks(document) == [
        ("heading", 1, "Grüße"),
        ("paragraph", 0, "From: Ann <a@b.c>\nDate: Fri, 16 Dec 2022 17:04:16 -0500"),
        ("paragraph", 0, "schön"),
        ("list_item", 1, "one"),
    ]
    assert (document.metadata.title, document.metadata.created) == ("Grüße", "2022-12-16T17:04:16-05:00")
    assert [flag.detail for flag in document.flags] == ["a.pdf (application/pdf)"]
