"""PowerPoint files (python-pptx): a page a slide, with its tables, charts, diagrams and speaker notes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..document import BlockKind, Document, Flag, Source
from ..errors import DamagedSource
from .archive import office_package, parse_xml
from .compose import CELL_SEPARATOR, Composer, Draft, one_line, table_row, tidy
from .office_metadata import core_metadata

if TYPE_CHECKING:
    from pptx.chart.chart import Chart
    from pptx.slide import Slide
    from pptx.text.text import TextFrame

_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_POINT: Final = 12_700
"""English metric units in a point."""

_FURNITURE: Final = frozenset(("DATE", "FOOTER", "SLIDE_NUMBER", "HEADER", "SLIDE_IMAGE"))
_TITLES: Final = frozenset(("TITLE", "CENTER_TITLE", "VERTICAL_TITLE"))
_BULLETED: Final = frozenset(("BODY", "OBJECT", "VERTICAL_BODY", "VERTICAL_OBJECT"))


def read_pptx(path: Path, source: Source) -> Document:
    """Read a PowerPoint file; shapes in the order in which a screen reader takes them, the title first.

    Raises:
        DamagedSource: The package or its main part cannot be read.
        EmptySource: No text on any slide.
        EncryptedSource: A part needs a password.
    """
    from pptx import Presentation

    flags: list[Flag] = []
    composer = Composer()
    with office_package(path) as package:
        try:
            show = Presentation(package)
            slides = list(show.slides)
        except Exception as error:  # KeyError, ValueError, XMLSyntaxError, ... whatever the damage is
            raise DamagedSource(f"{path}: not a readable PowerPoint file ({type(error).__name__}: {error})") from error
        width, height = (show.slide_width or 0) / _POINT, (show.slide_height or 0) / _POINT
        for number, slide in enumerate(slides, start=1):
            drafts: list[Draft] = []
            try:
                for draft in _slide(slide):
                    drafts.append(draft)
            except (KeyError, ValueError, AttributeError, TypeError, IndexError) as error:
                flags.append(Flag("text-lost", f"slide {number} is read in part ({type(error).__name__}: {error})"))
            if not composer.add_page(drafts, width=width, height=height):
                flags.append(Flag("page-without-text", f"slide {number}"))
        metadata = core_metadata(show)
    return composer.document(source, metadata, flags, empty=f"{len(slides)} slides without text, perhaps pictures only")


def _slide(slide: Slide) -> Iterator[Draft]:
    shapes = list(_flat(slide.shapes))
    title = slide.shapes.title
    first = None if title is None else title.shape_id
    for shape in sorted(shapes, key=lambda shape: shape.shape_id != first):
        yield from _shape(shape, is_title=shape.shape_id == first)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        text = tidy("\n".join(_paragraph_text(p) for p in slide.notes_slide.notes_text_frame.paragraphs))
        if text:
            yield Draft(text, BlockKind.NOTE)


def _flat(shapes: Iterable[Any]) -> Iterator[Any]:
    """Shapes in order, groups opened (python-pptx has no common type for what is in a group)."""
    stack = list(reversed(list(shapes)))
    while stack:
        shape = stack.pop()
        if hasattr(shape, "shapes"):
            stack.extend(reversed(list(shape.shapes)))
        else:
            yield shape


def _shape(shape: Any, *, is_title: bool) -> Iterator[Draft]:
    role = shape.placeholder_format.type.name if shape.is_placeholder and shape.placeholder_format.type else ""
    if role in _FURNITURE:
        return
    if getattr(shape, "has_table", False) and shape.has_table:
        for row in shape.table.rows:
            cells = [cell for cell in row.cells if not cell.is_spanned]
            yield from table_row([list(_text(cell.text_frame, bulleted=False)) for cell in cells])
    elif getattr(shape, "has_chart", False) and shape.has_chart:
        yield from _chart(shape.chart)
    elif shape.has_text_frame:
        if is_title or role in _TITLES:
            if text := one_line(" ".join(_paragraph_text(p) for p in shape.text_frame.paragraphs)):
                yield Draft(text, BlockKind.HEADING, 1 if role == "CENTER_TITLE" else 2)
        else:
            yield from _text(shape.text_frame, bulleted=role in _BULLETED)
    else:
        yield from _diagram(shape)


def _text(frame: TextFrame, *, bulleted: bool) -> Iterator[Draft]:
    """Paragraphs; in a body placeholder of several, or where indented, they are list items."""
    texts = [(tidy(_paragraph_text(p)), p.level, p) for p in frame.paragraphs]
    several = sum(bool(text) for text, _, _ in texts) > 1
    for text, level, paragraph in texts:
        properties = paragraph._p.pPr
        marked = properties is not None and any(
            properties.find(_A + name) is not None for name in ("buChar", "buAutoNum", "buBlip")
        )
        plain = properties is not None and properties.find(_A + "buNone") is not None
        if text and (marked or level > 0 or (bulleted and several and not plain)):
            yield Draft(text, BlockKind.LIST_ITEM, level + 1)
        elif text:
            yield Draft(text)


def _paragraph_text(paragraph: Any) -> str:
    """Runs, line breaks, fields and formulas (python-pptx's own text leaves formulas out)."""
    parts = []
    for element in paragraph._p.iter():
        if element.tag == _A + "t" or str(element.tag).endswith("/math}t"):
            parts.append(element.text or "")
        elif element.tag == _A + "br":
            parts.append("\n")
    return "".join(parts)


def _chart(chart: Chart) -> Iterator[Draft]:
    """Title, then a table: one row a category, one column a series."""
    titled = chart.has_title and chart.chart_title.has_text_frame
    if titled and (title := one_line(chart.chart_title.text_frame.text)):
        yield Draft(title, BlockKind.CAPTION)
    for plot in chart.plots:
        series = list(plot.series)
        names = [one_line(str(each.name or "")) for each in series]
        if any(names):
            yield Draft(CELL_SEPARATOR.join(["", *names]).strip(), BlockKind.TABLE_ROW)
        values = [list(each.values) for each in series]
        for position, category in enumerate(plot.categories):
            row = [value[position] if position < len(value) else None for value in values]
            cells = [one_line(str(category)), *("" if cell is None else f"{cell:g}" for cell in row)]
            yield Draft(CELL_SEPARATOR.join(cells), BlockKind.TABLE_ROW)


def _diagram(shape: Any) -> Iterator[Draft]:
    """The texts of a SmartArt drawing, which stand in a part of their own."""
    for element in shape._element.iter("{http://schemas.openxmlformats.org/drawingml/2006/diagram}relIds"):
        key = element.get("{http://schemas.openxmlformats.org/officeDocument/2006/relationships}dm")
        part = shape.part.related_part(key) if key else None
        if part is None:
            continue
        for paragraph in parse_xml(part.blob, "a diagram").iter(_A + "p"):
            if text := tidy("".join(run.text or "" for run in paragraph.iter(_A + "t"))):
                yield Draft(text, BlockKind.LIST_ITEM, 1)
