"""Word files (python-docx): body in order with headings, lists and tables, notes where they are referred to.

python-docx opens the package and knows styles and parts; the body is walked as XML, for its own text leaves out
insertions, content controls, text boxes, notes and nested tables.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..document import BlockKind, Document, Flag, Source
from ..errors import DamagedSource
from .archive import office_package, parse_xml
from .compose import Composer, Draft, one_line, table_row, tidy, tidy_code
from .docx_styles import Styles, W, attribute
from .office_metadata import core_metadata

if TYPE_CHECKING:
    from docx.document import Document as WordDocument
    from lxml.etree import _Element

_MC: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_DRAWING_TEXT: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}t"

_DROPPED: Final = frozenset(
    W + name
    for name in "del moveFrom instrText delText delInstrText pPr rPr tblPr tblGrid trPr tcPr sectPr sdtPr sdtEndPr rt"
    " fldData".split()
)
_CHARACTERS: Final = {W + "tab": "\t", W + "br": "\n", W + "cr": "\n", W + "noBreakHyphen": "-", W + "ptab": "\t"}
_MATH_SIGNS: Final = {_MATH + "den": "/", _MATH + "sup": "^", _MATH + "sub": "_", _MATH + "rad": "√"}
_NOTE_PARTS: Final = (("footnotes", "footnote"), ("endnotes", "endnote"), ("comments", "comment"))


def read_docx(path: Path, source: Source) -> Document:
    """Read a Word file. Insertions are kept and deletions dropped, as if all changes had been accepted.

    Raises:
        DamagedSource: The package or its main part cannot be read.
        EmptySource: No text in body, headers or notes.
        EncryptedSource: A part needs a password.
    """
    from docx import Document as open_document

    with office_package(path) as package:
        try:
            word = open_document(package)
        except Exception as error:  # KeyError, ValueError, XMLSyntaxError, ... whatever the damage is
            raise DamagedSource(f"{path}: not a readable Word file ({type(error).__name__}: {error})") from error
        body = _Body(word)
        composer = Composer()
        drafts = body.drafts(word.element.body)
        flags = _lost(word, drafts)
        composer.add(drafts)
        composer.add(body.remaining_notes())
        composer.add(_headers_and_footers(word, body))
        metadata = core_metadata(word)
    if body.pictures:
        flags.append(Flag("pictures-not-read", f"{body.pictures} pictures; text in them is not read"))
    return composer.document(source, metadata, flags, empty="the Word file holds no text, perhaps pictures only")


class _Body:
    """Walks the elements of a story (body, header, note) to drafts."""

    def __init__(self, word: WordDocument) -> None:
        self._styles = Styles(word)
        self._notes = dict(_notes(word))
        self._due: list[tuple[str, str]] = []
        """Notes referred to since the last block."""
        self.pictures = 0

    def drafts(self, story: _Element) -> list[Draft]:
        """The blocks of a story, in order, each followed by the notes it refers to."""
        found: list[Draft] = []
        for block in _blocks(story):
            if block.tag == W + "p":
                found.extend(self._paragraph(block))
            else:
                for row in self._rows(block):
                    found.extend(row)
            while self._due:
                note = self._notes.pop(self._due.pop(0), None)
                if note is not None:
                    found.extend(self._note(note))
        return found

    def remaining_notes(self) -> Iterator[Draft]:
        """Notes that nothing refers to."""
        for key in list(self._notes):
            if (note := self._notes.pop(key, None)) is not None:
                yield from self._note(note)

    def _note(self, note: _Element) -> Iterator[Draft]:
        text = tidy(" ".join(draft.text for block in _blocks(note) for draft in self._block(block)))
        if text:
            yield Draft(text, BlockKind.NOTE)

    def _block(self, block: _Element) -> Iterable[Draft]:
        if block.tag == W + "p":
            return self._paragraph(block)
        return [draft for row in self._rows(block) for draft in row]

    def _paragraph(self, paragraph: _Element) -> Iterator[Draft]:
        parts: list[str] = []
        boxes: list[_Element] = []
        self._collect(paragraph, parts, boxes)
        kind, level = self._styles.role(paragraph)
        raw = "".join(parts)
        text = tidy_code(raw) if kind is BlockKind.CODE else tidy(raw)
        if text:
            yield Draft(text, kind, level)
        for box in boxes:
            for block in _blocks(box):
                yield from self._block(block)

    def _collect(self, paragraph: _Element, parts: list[str], boxes: list[_Element]) -> None:
        """Text of a paragraph's runs in order; text boxes anchored in it are blocks of their own."""
        stack = list(reversed(paragraph))
        while stack:
            element = stack.pop()
            tag = element.tag
            if tag in (W + "t", _MATH + "t", _DRAWING_TEXT):
                parts.append(element.text or "")
            elif not isinstance(tag, str) or tag in _DROPPED:
                continue
            elif tag in _CHARACTERS:
                parts.append(_CHARACTERS[tag])
            elif tag == W + "sym":
                parts.append(_symbol(element))
            elif tag == W + "txbxContent":
                boxes.append(element)
            elif tag == _MC + "AlternateContent":
                # The same thing twice, for newer and older programs; either will do, not both.
                choice = element.find(_MC + "Choice")
                chosen = choice if choice is not None else element.find(_MC + "Fallback")
                if chosen is not None:
                    stack.extend(reversed(chosen))
            elif tag in (W + "footnoteReference", W + "endnoteReference", W + "commentReference"):
                self._due.append((tag[len(W) : -len("Reference")], attribute(element, "id")))
            else:
                if tag == W + "drawing" or tag == W + "pict":
                    self.pictures += 1
                parts.append(_math_sign(element))
                stack.extend(reversed(element))

    def _rows(self, table: _Element) -> Iterator[list[Draft]]:
        for row in _children(table, W + "tr"):
            cells: list[list[Draft]] = []
            for cell in _children(row, W + "tc"):
                properties = cell.find(W + "tcPr")
                merge = None if properties is None else properties.find(W + "vMerge")
                if merge is not None and attribute(merge, "val") != "restart":
                    continue  # goes on from the row above
                cells.append([draft for block in _blocks(cell) for draft in self._block(block)])
            # A heading style inside a table dresses a cell; it does not open a section.
            for draft in (draft for cell in cells for draft in cell if len(cells) > 1):
                if draft.kind is BlockKind.HEADING:
                    draft.kind, draft.level = BlockKind.PARAGRAPH, 0
            yield table_row(cells)


def _math_sign(element: _Element) -> str:
    """What keeps the parts of a formula readable in a line: ``x^2``, ``a/b``, ``log x``."""
    if element.tag == _MATH + "e":
        parent = element.getparent()
        return " " if parent is not None and parent.tag == _MATH + "func" else ""
    return _MATH_SIGNS.get(element.tag, "")


def _blocks(story: _Element) -> Iterator[_Element]:
    """Paragraphs and tables directly in a story, looking through content controls, insertions and the like."""
    stack = list(reversed(story))
    while stack:
        element = stack.pop()
        if element.tag in (W + "p", W + "tbl"):
            yield element
        elif element.tag == _MC + "AlternateContent":
            stack.extend(reversed(list(element)[:1]))
        elif isinstance(element.tag, str) and element.tag not in _DROPPED:
            stack.extend(reversed(element))


def _children(element: _Element, tag: str) -> Iterator[_Element]:
    """Rows of a table or cells of a row, looking through content controls and change marks."""
    stack = list(reversed(element))
    while stack:
        child = stack.pop()
        if child.tag == tag:
            yield child
        elif isinstance(child.tag, str) and child.tag not in _DROPPED and child.tag not in (W + "p", W + "tbl"):
            stack.extend(reversed(child))


def _lost(word: WordDocument, drafts: Iterable[Draft]) -> list[Flag]:
    """Compare what was read with all text elements of the body: a second way of getting at the text."""
    elements = word.element.body.xpath(".//w:t[not(ancestor::*[local-name()='Fallback' or local-name()='moveFrom'])]")
    expected = sum(len("".join((element.text or "").split())) for element in elements)
    found = sum(len("".join(draft.text.split())) for draft in drafts)
    if found < 0.9 * expected:
        return [Flag("text-lost", f"{found} of {expected} characters of the body were read")]
    return []


def _symbol(element: _Element) -> str:
    """A character of a symbol font; those in the private area have no meaning outside of it, bar the bullets."""
    try:
        code = int(attribute(element, "char"), 16)
    except ValueError:
        return ""
    return "" if 0xE000 <= code <= 0xF8FF or code > 0x10FFFF else chr(code)


def _notes(word: WordDocument) -> Iterator[tuple[tuple[str, str], _Element]]:
    """Footnotes, endnotes and comments by kind and id; the two separators that every file has are left out."""
    parts = {part.partname.rsplit("/", 1)[-1]: part for part in word.part.package.iter_parts()}
    for file, tag in _NOTE_PARTS:
        part = parts.get(f"{file}.xml")
        if part is None:
            continue
        for note in parse_xml(part.blob, file).iter(W + tag):
            if attribute(note, "type") not in ("separator", "continuationSeparator", "continuationNotice"):
                yield (tag, attribute(note, "id")), note


def _headers_and_footers(word: WordDocument, body: _Body) -> Iterator[Draft]:
    """Each distinct header and footer once, as a note at the end; page numbers alone are none."""
    seen: set[str] = set()
    for part in word.part.package.iter_parts():
        if re.fullmatch(r"/word/(?:header|footer)\d*\.xml", str(part.partname)) is None:
            continue
        text = one_line(" ".join(draft.text for draft in body.drafts(parse_xml(part.blob, str(part.partname)))))
        letters = re.sub(r"(?i)\b(?:page|seite|of|von|p\.)\b|[\W\d_]", "", text)
        if letters and text not in seen:
            seen.add(text)
            yield Draft(text, BlockKind.NOTE)
