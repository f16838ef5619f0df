"""Makes the sample documents of the fictional Larkspur R5 roaster from their sources.

``python demo/build.py [FOLDER]`` writes a PDF manual, a Word price list, slides, a web page and a Markdown FAQ. Same
sources, same bytes: a second ingest finds nothing to do.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import docx
import docx.document
import pptx
import pptx.util
import pymupdf
from docx.oxml.ns import qn
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode
from mdit_py_plugins.front_matter import front_matter_plugin

SOURCES = Path(__file__).parent / "sources"

STYLE = """
body { font-family: sans-serif; font-size: 10pt; line-height: 1.35; }
h1 { font-size: 22pt; } h2 { font-size: 15pt; margin-top: 14pt; } h3 { font-size: 11.5pt; margin-top: 8pt; }
p { margin-bottom: 6pt; } td, th { border: 0.5pt solid #888888; padding: 2.5pt 4pt; } th { text-align: left; }
code { font-family: monospace; }
"""

PAPER = pymupdf.paper_rect("a4")
MARGIN, GUTTER = 62.0, 22.0

Made = tuple[dict[str, str], SyntaxTreeNode]


def parse(path: Path) -> Made:
    """Front matter and syntax tree of a Markdown file."""
    markdown = MarkdownIt().enable("table").use(front_matter_plugin)
    tree = SyntaxTreeNode(markdown.parse(path.read_text(encoding="utf-8")))
    head = tree.children[0]
    fields = dict(line.split(": ", 1) for line in head.content.splitlines()) if head.type == "front_matter" else {}
    return fields, tree


def plain(node: SyntaxTreeNode) -> str:
    """The words of a node without its markup."""
    if node.type in ("text", "code_inline"):
        return node.content
    if node.type == "softbreak":
        return " "
    return "".join(plain(child) for child in node.children)


def rows(table: SyntaxTreeNode) -> list[list[str]]:
    """The cells of a table, header first."""
    return [[plain(cell) for cell in row.children] for part in table.children for row in part.children]


# The manual: every part flows through its page frames, one or two to a page.


def frames(columns: int) -> list[pymupdf.Rect]:
    """The boxes of a page that text flows through, left to right."""
    inside = pymupdf.Rect(MARGIN, MARGIN + 14, PAPER.width - MARGIN, PAPER.height - MARGIN)
    width = (inside.width - GUTTER * (columns - 1)) / columns
    return [
        pymupdf.Rect(left, inside.y0, left + width, inside.y1)
        for left in (inside.x0 + column * (width + GUTTER) for column in range(columns))
    ]


def parts(source: str) -> Iterator[tuple[int, str]]:
    """A manual's parts as number of columns and HTML. A comment ``columns N`` begins a part on a new page."""
    body = re.sub(r"\A---\n.*?\n---\n", "", source, flags=re.DOTALL)
    pieces = re.split(r"<!-- columns (\d) -->", body)
    for columns, piece in zip(["1", *pieces[1::2]], pieces[::2], strict=True):
        yield int(columns), MarkdownIt().enable("table").render(piece)


def manual(path: Path, target: Path) -> None:
    """Prints a Markdown manual with running headers, page numbers and an outline."""
    fields, _ = parse(path)
    outline: list[tuple[int, str, int]] = []
    page = 0

    def remember(position: object) -> None:
        level, opening = getattr(position, "heading", 0), getattr(position, "open_close", 0) & 1
        if level and opening:
            outline.append((level, getattr(position, "text", "").strip(), page))

    printed = io.BytesIO()
    writer = pymupdf.DocumentWriter(printed)
    for columns, html in parts(path.read_text(encoding="utf-8")):
        story, more = pymupdf.Story(html, user_css=STYLE), 1
        while more:
            page += 1
            device = writer.begin_page(PAPER)
            for frame in frames(columns):
                if more:
                    more, _ = story.place(frame)
                    story.element_positions(remember)
                    story.draw(device)
            writer.end_page()
    writer.close()

    with pymupdf.open("pdf", printed) as document:
        for number, sheet in enumerate(document, start=1):
            header = f"{fields['title']}    {fields['number']}, edition {fields['edition']}"
            sheet.insert_text((MARGIN, 44), header, fontsize=8, color=(0.35, 0.35, 0.35))
            footer = f"{fields['author']}    page {number} of {len(document)}"
            sheet.insert_text((MARGIN, PAPER.height - 36), footer, fontsize=8, color=(0.35, 0.35, 0.35))
        document.set_toc([[level, text, at] for level, text, at in outline])
        day = f"D:{fields['date'].replace('-', '')}090000Z"
        document.set_metadata(
            {"title": fields["title"], "author": fields["author"], "creationDate": day, "modDate": day}
        )
        document.save(target, garbage=3, deflate=True, no_new_id=True)


# The price list and the slides.


def steady(package: bytes, target: Path) -> None:
    """Writes an Office file whose bytes do not depend on the hour: every member gets the same date."""
    with zipfile.ZipFile(io.BytesIO(package)) as old, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(zipfile.ZipInfo(name, (2026, 1, 1, 0, 0, 0)), old.read(name), zipfile.ZIP_DEFLATED)


def price_list(path: Path, target: Path) -> None:
    """A Word file with headings, tables, a list, a header and a footer."""
    fields, tree = parse(path)
    document = docx.Document()
    document.core_properties.title, document.core_properties.author = fields["title"], fields["author"]
    document.sections[0].header.paragraphs[0].text = fields["header"]
    document.sections[0].footer.paragraphs[0].text = fields["footer"]
    for node in tree.children:
        if node.type == "heading":
            document.add_heading(plain(node), level=int(node.tag[1]) - 1)
        elif node.type == "paragraph":
            document.add_paragraph(plain(node))
        elif node.type == "bullet_list":
            for item in node.children:
                document.add_paragraph(plain(item), style="List Bullet")
        elif node.type == "table":
            word_table(document, rows(node))
    made = io.BytesIO()
    document.save(made)
    steady(made.getvalue(), target)


def word_table(document: docx.document.Document, cells: list[list[str]]) -> None:
    """Appends a table whose first row is marked as its header."""
    table = document.add_table(len(cells), len(cells[0]), style="Light Grid Accent 1")
    for row, words in zip(table.rows, cells, strict=True):
        for cell, word in zip(row.cells, words, strict=True):
            cell.text = word
    first = table.rows[0]._tr.get_or_add_trPr()
    first.append(first.makeelement(qn("w:tblHeader"), {}))


def slides(path: Path, target: Path) -> None:
    """A deck: one slide a heading, ``Note:`` paragraphs become the speaker's notes."""
    fields, tree = parse(path)
    deck = pptx.Presentation()
    deck.core_properties.title, deck.core_properties.author = fields["title"], fields["author"]
    slide = None
    for node in tree.children:
        words = plain(node)
        if node.type == "heading":
            slide = deck.slides.add_slide(deck.slide_layouts[1])
            slide.shapes.title.text = words
        elif slide is None:
            continue
        elif node.type == "paragraph" and words.startswith("Note: "):
            slide.notes_slide.notes_text_frame.text = words.removeprefix("Note: ")
        elif node.type == "paragraph":
            slide.placeholders[1].text = words
        elif node.type == "bullet_list":
            slide.placeholders[1].text = "\n".join(plain(item) for item in node.children)
        elif node.type == "table":
            cells = rows(node)
            inch = pptx.util.Inches
            table = slide.shapes.add_table(len(cells), len(cells[0]), inch(0.6), inch(1.8), inch(8.8), inch(3)).table
            for line, row in enumerate(cells):
                for column, word in enumerate(row):
                    table.cell(line, column).text = word
    made = io.BytesIO()
    deck.save(made)
    steady(made.getvalue(), target)


def build(folder: Path) -> list[Path]:
    """Makes every sample document in ``folder`` and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    manual(SOURCES / "manual.md", folder / "manual.pdf")
    price_list(SOURCES / "price-list.md", folder / "price-list.docx")
    slides(SOURCES / "training.md", folder / "training.pptx")
    for name in ("faq.md", "release-notes.html"):
        shutil.copyfile(SOURCES / name, folder / name)
    return sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))


if __name__ == "__main__":
    for made in build(Path(sys.argv[1] if len(sys.argv) > 1 else Path(__file__).parent / "out")):
        print(made)
