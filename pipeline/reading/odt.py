"""OpenDocument texts: ``content.xml`` walked in order (OpenDocument 1.3, part 3)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

from ..document import BlockKind, Document, Flag, Metadata, Source
from ..errors import EncryptedSource
from .archive import Archive, open_archive
from .compose import Composer, Draft, one_line, table_row, tidy
from .dates import iso_date

if TYPE_CHECKING:
    from lxml.etree import _Element

_OASIS: Final = "{urn:oasis:names:tc:opendocument:xmlns:"
_TEXT: Final = _OASIS + "text:1.0}"
_TABLE: Final = _OASIS + "table:1.0}"
_OFFICE: Final = _OASIS + "office:1.0}"
_DRAW: Final = _OASIS + "drawing:1.0}"
_META: Final = _OASIS + "meta:1.0}"
_STYLE: Final = _OASIS + "style:1.0}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"

_SKIPPED: Final = frozenset(
    (_TEXT + "tracked-changes", _TEXT + "sequence-decls", _TEXT + "variable-decls", _TEXT + "user-field-decls",
     _TEXT + "note-citation", _OFFICE + "forms", _OASIS + "svg-compatible:1.0}title",
     _OASIS + "svg-compatible:1.0}desc", _TEXT + "ruby-text", _OFFICE + "event-listeners")
)  # fmt: skip
_SEPARATE: Final = frozenset((_TEXT + "note", _OFFICE + "annotation", _DRAW + "text-box"))
_TABLE_PARTS: Final = frozenset(
    _TABLE + name for name in ("table-header-rows", "table-row-group", "table-rows", "table-header-columns")
)
_MOST_REPEATS: Final = 1_000


def read_odt(path: Path, source: Source) -> Document:
    """Read an OpenDocument text. Deleted text of tracked changes is left out.

    Raises:
        DamagedSource: Not a zip file, or no ``content.xml`` that can be read.
        EmptySource: No text.
        EncryptedSource: The file needs a password.
    """
    with open_archive(path) as archive:
        _refuse_encrypted(archive, path)
        content = archive.xml("content.xml")
        metadata = _metadata(archive)
        composer = Composer()
        story = _Story(content)
        for body in content.iter(_OFFICE + "text"):
            composer.add(story.drafts(body))
        composer.add(_headers_and_footers(archive, story))
    flags = (
        [Flag("pictures-not-read", f"{story.pictures} pictures; text in them is not read")] if story.pictures else []
    )
    return composer.document(source, metadata, flags, empty="no text; pictures, formulas and hidden text are not read")


class _Story:
    def __init__(self, content: _Element) -> None:
        self.pictures = sum(1 for _ in content.iter(_DRAW + "image"))

    def drafts(self, body: _Element) -> Iterator[Draft]:
        """Blocks under an element, in order. The stack holds elements with the depth of the list they stand in."""
        stack = [(child, 0) for child in reversed(body)]
        while stack:
            element, depth = stack.pop()
            tag = element.tag
            if not isinstance(tag, str) or tag in _SKIPPED:
                continue
            if tag in (_TEXT + "p", _TEXT + "h"):
                yield from self._paragraph(element, depth)
            elif tag == _TABLE + "table":
                for row in self._rows(element):
                    yield from row
            else:
                depth += tag == _TEXT + "list"
                stack.extend((child, depth) for child in reversed(element))

    def _paragraph(self, paragraph: _Element, depth: int) -> Iterator[Draft]:
        parts: list[str] = []
        apart: list[_Element] = []
        _collect(paragraph, parts, apart)
        text = tidy("".join(parts))
        style = (paragraph.get(_TEXT + "style-name") or "").lower()
        if paragraph.tag == _TEXT + "h":
            level = paragraph.get(_TEXT + "outline-level") or "1"
            yield Draft(text, BlockKind.HEADING, min(int(level), 6) if level.isdigit() else 1)
        elif depth:
            yield Draft(text, BlockKind.LIST_ITEM, depth)
        elif style == "title":
            yield Draft(text, BlockKind.HEADING, 1)
        elif style.startswith(("preformatted", "source_20")):
            yield Draft(text, BlockKind.CODE)
        elif style in ("table", "illustration", "figure", "drawing", "caption"):
            yield Draft(text, BlockKind.CAPTION)
        else:
            yield Draft(text)
        for element in apart:
            inner = list(self.drafts(element))
            if element.tag == _DRAW + "text-box":
                yield from inner
            elif note := one_line(" ".join(draft.text for draft in inner)):
                yield Draft(note, BlockKind.NOTE)

    def _rows(self, table: _Element) -> Iterator[list[Draft]]:
        stack = list(reversed(table))
        while stack:
            element = stack.pop()
            if element.tag in _TABLE_PARTS:
                stack.extend(reversed(element))
            elif element.tag == _TABLE + "table-row":
                cells: list[list[Draft]] = []
                for cell in element:
                    if cell.tag == _TABLE + "table-cell":
                        # Repeated empty cells fill a sheet to its edge.
                        repeats = cell.get(_TABLE + "number-columns-repeated") or "1"
                        drafts = list(self.drafts(cell))
                        for draft in drafts:
                            if draft.kind is BlockKind.HEADING:
                                draft.kind, draft.level = BlockKind.PARAGRAPH, 0
                        filled = [draft for draft in drafts if draft.text]
                        count = min(int(repeats), _MOST_REPEATS) if repeats.isdigit() and filled else 1
                        cells.extend([filled] * count)
                yield table_row(cells)


def _collect(paragraph: _Element, parts: list[str], apart: list[_Element]) -> None:
    """Text of a paragraph; notes, comments and text boxes are set apart."""
    stack: list[_Element | str] = _content(paragraph)
    while stack:
        item = stack.pop()
        if isinstance(item, str):
            parts.append(" ".join(item.split("\n")))
            continue
        tag = item.tag
        if not isinstance(tag, str) or tag in _SKIPPED:
            continue
        if tag in _SEPARATE:
            apart.append(item)
        elif tag == _TEXT + "s":
            count = item.get(_TEXT + "c") or "1"
            parts.append(" " * min(int(count) if count.isdigit() else 1, 100))
        elif tag == _TEXT + "tab":
            parts.append("\t")
        elif tag == _TEXT + "line-break":
            parts.append("\n")
        else:
            stack.extend(_content(item))


def _content(element: _Element) -> list[_Element | str]:
    """Text and children of an element, last first."""
    items: list[_Element | str] = [element.text] if element.text else []
    for child in element:
        items.append(child)
        if child.tail:
            items.append(child.tail)
    items.reverse()
    return items


def _headers_and_footers(archive: Archive, story: _Story) -> Iterator[Draft]:
    if "styles.xml" not in archive:
        return
    seen: set[str] = set()
    for page in archive.xml("styles.xml").iter(_STYLE + "header", _STYLE + "footer"):
        text = one_line(" ".join(draft.text for draft in story.drafts(page)))
        if any(map(str.isalpha, text)) and text not in seen:
            seen.add(text)
            yield Draft(text, BlockKind.NOTE)


def _refuse_encrypted(archive: Archive, path: Path) -> None:
    if "META-INF/manifest.xml" not in archive:
        return
    if any(True for _ in archive.xml("META-INF/manifest.xml").iter(_OASIS + "manifest:1.0}encryption-data")):
        raise EncryptedSource(f"{path}: the document needs a password; save it without one")


def _metadata(archive: Archive) -> Metadata:
    if "meta.xml" not in archive:
        return Metadata()
    meta = archive.xml("meta.xml")

    def first(tag: str) -> str:
        return next((text for element in meta.iter(tag) if (text := one_line(element.text or ""))), "")

    return Metadata(
        title=first(_DC + "title"),
        author=first(_META + "initial-creator") or first(_DC + "creator"),
        language=first(_DC + "language"),
        created=iso_date(first(_META + "creation-date")),
        modified=iso_date(first(_DC + "date")),
    )
