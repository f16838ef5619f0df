"""PDF files, read with PyMuPDF page by page (the only reader of PDFs).

A page is read into a compact draft (``pdf_draft``) and forgotten; when all drafts are there, the document is assembled
(``pdf_assembly``). Pages whose text is only a picture, or whose fonts do not say which letters they draw,
go through OCR where it is installed and are flagged where not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from typing import Any

from ..document import Box, Document, Flag, Source
from ..errors import DamagedSource, EmptySource, EncryptedSource
from . import ocr, pdf_assembly, pdf_furniture, pdf_headings, pdf_metadata
from .pdf_annotations import annotation_pieces
from .pdf_blocks import write_note
from .pdf_draft import DraftWriter, PageDraft
from .pdf_lines import Frame, Move
from .pdf_paragraphs import write_frame
from .pdf_tables import ruled_tables, rules
from .pdf_text import PageText, page_lines

OCR_PAGES = 50
"""Pages recognised per file at most, at 4 to 7 s each."""
OCR_SECONDS = 80.0
"""No page is begun after this many seconds of recognition: a reader killed for its slowness would lose every page."""
FEW_LETTERS = 25
"""A page with fewer and a large picture is a scan with a stamp or a number on it."""
GARBLED = 0.3
"""Share of characters without a meaning from which a text layer is worthless."""
LOST = 0.02
"""Share of characters without a meaning from which a page is flagged."""
OUTLINED = 40
"""A page without text or picture but with this many curves probably has its letters drawn as outlines."""
REPLACEMENT = "\ufffd"
STORE_PAGES = 64
"""MuPDF's cache is emptied after this many pages."""


@dataclass(slots=True)
class _Report:
    """Page numbers by what happened to them."""

    ocr_pages: int
    ocr_seconds: float
    pages: dict[str, list[int]] = field(default_factory=dict)
    flags: list[Flag] = field(default_factory=list)
    recognised: int = 0
    seconds: float = 0.0
    damage: str = ""

    def note(self, code: str, number: int) -> None:
        self.pages.setdefault(code, []).append(number)


_EXPLAINED = {
    "needs-ocr": f"no text layer; {ocr.INSTALL} reads it",
    "ocr-skipped": "no text layer, and the limit of pages or time for recognising one file was reached",
    "ocr": "read by optical character recognition",
    "text-garbled": "the fonts do not say which letters they draw",
    "text-guessed": "the fonts do not say which letters they draw; their codes were taken for letters",
    "text-lost": "some characters have no meaning in their fonts and are left out",
    "page-without-text": "no text found",
    "page-damaged": "could not be read",
    "blank-page": "nothing on it",
}


def read_pdf(path: Path, source: Source, *, ocr_pages: int = OCR_PAGES, ocr_seconds: float = OCR_SECONDS) -> Document:
    """Reads a PDF file.

    Args:
        path: The file.
        source: What the document names as its origin.
        ocr_pages, ocr_seconds: Pages recognised at most when they have no text layer, and the time after which no
            further one is begun; the rest is flagged ``ocr-skipped``.

    Raises:
        EncryptedSource: It needs a password.
        DamagedSource: MuPDF cannot open it, or no page of it.
        EmptySource: It has no text that could be read.
    """
    import pymupdf

    # What MuPDF has to say belongs in flags, not on standard error.
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.reset_mupdf_warnings()
    try:
        pdf = pymupdf.open(path, filetype="pdf")
    except Exception as error:  # MuPDF's classes for this share no base but Exception
        raise DamagedSource(f"{path} cannot be opened as PDF ({_first_line(error)}); try to save it anew") from error
    with pdf:
        if pdf.needs_pass and not pdf.authenticate(""):
            raise EncryptedSource(f"{path} needs a password; save a copy without one")
        return read_pages(pdf, path, source, ocr_pages, ocr_seconds)


def read_pages(pdf: Any, path: Path, source: Source, ocr_pages: int, ocr_seconds: float) -> Document:
    """Reads an open PyMuPDF document, whatever its format; see :func:`read_pdf`."""
    import pymupdf

    report = _Report(ocr_pages, ocr_seconds)
    drafts: list[PageDraft] = []
    try:
        count = pdf.page_count
        is_form = bool(pdf.is_pdf and pdf.is_form_pdf)
    except Exception as error:
        raise DamagedSource(f"{path} has no readable page tree ({_first_line(error)})") from error
    for index in range(count):
        try:
            drafts.append(_page(pdf, index, is_form, report))
        except Exception as error:  # one broken page must not cost the others; MuPDF raises many classes
            drafts.append(PageDraft(index + 1, 0.0, 0.0))
            report.note("page-damaged", index + 1)
            report.damage = report.damage or f"{type(error).__name__}: {_first_line(error)}"
        if index % STORE_PAGES == STORE_PAGES - 1:
            pymupdf.TOOLS.store_shrink(100)
    if not count:
        raise DamagedSource(f"{path} has no pages left that MuPDF can find; try to save it anew")
    if len(report.pages.get("page-damaged", ())) == count:
        raise DamagedSource(f"none of the {count} pages of {path} can be read ({report.damage}); try to save it anew")
    outline = pdf_metadata.outline(pdf) if pdf.is_pdf else pdf_headings.Outline({})
    body = pdf_headings.body_size(drafts)
    furniture = pdf_furniture.find(drafts, body)
    pdf_headings.mark_headings(drafts, body, outline, furniture)
    metadata = pdf_metadata.metadata(pdf, drafts)
    made = pdf_assembly.assemble(drafts, furniture)
    _flag_file(pdf, report)
    if made.dropped:
        named = "; ".join(f"{text!r} ({pages})" for text, pages in made.dropped[:5])
        more = f" and {len(made.dropped) - 5} more" if len(made.dropped) > 5 else ""
        report.flags.append(Flag("header-footer-removed", f"wording (pages): {named}{more}"))
    for code, pages in report.pages.items():
        why = f" ({report.damage})" if code == "page-damaged" else ""
        report.flags.append(Flag(code, f"pages {spelled(pages)}: {_EXPLAINED[code]}{why}"))
    if not made.blocks:
        raise EmptySource(_why_empty(path, count, report))
    return Document(source, made.text, made.blocks, made.pages, metadata, tuple(report.flags))


def _page(pdf: Any, index: int, is_form: bool, report: _Report) -> PageDraft:
    import pymupdf

    number = index + 1
    page = pdf.load_page(index)
    width, height = float(page.rect.width), float(page.rect.height)
    matrix = page.rotation_matrix
    rotated = bool(page.rotation)

    def turn(box: Box) -> Box:
        if not rotated:
            return box
        x0, y0, x1, y1 = box
        ax, ay = x0 * matrix.a + y0 * matrix.c + matrix.e, x0 * matrix.b + y0 * matrix.d + matrix.f
        bx, by = x1 * matrix.a + y1 * matrix.c + matrix.e, x1 * matrix.b + y1 * matrix.d + matrix.f
        return min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)

    wanted = (
        pymupdf.TEXT_PRESERVE_LIGATURES
        | pymupdf.TEXT_PRESERVE_WHITESPACE
        | pymupdf.TEXT_MEDIABOX_CLIP
        | pymupdf.TEXT_COLLECT_VECTORS
    )
    raw = page.get_textpage(flags=wanted).extractRAWDICT()
    text = page_lines(raw, turn, width, height)
    if text.unmapped:
        codes = page.get_textpage(flags=wanted | pymupdf.TEXT_CID_FOR_UNKNOWN_UNICODE).extractRAWDICT()
        if _codes_are_letters(raw, codes):
            raw, text = codes, page_lines(codes, turn, width, height)
            report.note("text-guessed", number)
        elif LOST * text.letters < text.unmapped <= GARBLED * text.letters:
            report.note("text-lost", number)
    frames = _readable_frames(page, raw, text, number, report)
    writer = DraftWriter(number, width, height)
    for at, frame in enumerate(frames):
        if at == 0:
            _rule(frame, raw, turn)
        write_frame(frame, writer, edges=True)
    for pieces in annotation_pieces(page, is_form, frames):
        write_note(pieces, writer)
    return writer.finish()


def _rule(frame: Frame, raw: dict[str, Any], turn: Move) -> None:
    strokes = rules(raw, lambda box: frame.move(turn(box)), frame.width, frame.height)
    ruled_tables(frame, *strokes)


def _readable_frames(page: Any, raw: dict[str, Any], text: PageText, number: int, report: _Report) -> list[Frame]:
    """The page's lines, from the text layer or, where that is missing or worthless, from the picture."""
    garbled = text.unmapped > GARBLED * text.letters
    if garbled and text.letters:
        report.note("text-garbled", number)
    elif text.letters >= FEW_LETTERS:
        return text.frames
    elif not _is_picture(page, raw, text.letters):
        if not text.letters:
            bare = not any(block["type"] == 3 for block in raw["blocks"]) and not page.get_image_info()
            report.note("blank-page" if bare else "page-without-text", number)
        return text.frames
    # Shreds of a text layer that is mostly unreadable would only be found by mistake.
    rest = [] if 2 * text.unmapped > text.letters else text.frames
    if not ocr.available():
        report.note("needs-ocr", number)
        return rest
    if report.recognised >= report.ocr_pages or report.seconds > report.ocr_seconds:
        report.note("ocr-skipped", number)
        return rest
    report.recognised += 1
    begun = monotonic()
    found = ocr.page_frames(page)
    report.seconds += monotonic() - begun
    if _size(found) <= _size(text.frames) and not garbled:
        if not text.letters:
            report.note("page-without-text", number)
        return text.frames
    if found:
        report.note("ocr", number)
    return found or rest


def _codes_are_letters(raw: dict[str, Any], codes: dict[str, Any]) -> bool:
    """Whether glyph codes, taken for Unicode where a font gives none, are those of a Western text.

    Many old fonts have no map to Unicode and yet number their glyphs as ASCII does. Others number them in order of
    first use: that shows in control characters.
    """
    guessed = [
        code for char, code in zip(_characters(raw), _characters(codes), strict=False) if char == REPLACEMENT != code
    ]
    letters = sum(code.isascii() and code.isalnum() for code in guessed)
    printable = sum(" " <= code <= "~" for code in guessed)
    return bool(guessed) and printable > 0.97 * len(guessed) and 2 * letters > len(guessed)


def _characters(raw: dict[str, Any]) -> Iterable[str]:
    for block in raw["blocks"]:
        if block["type"] == 0:
            for line in block["lines"]:
                for span in line["spans"]:
                    for item in span["chars"]:
                        yield item["c"]


def _size(frames: Iterable[Frame]) -> int:
    return sum(len(line.text) for frame in frames for line in frame.lines)


def _is_picture(page: Any, raw: dict[str, Any], letters: int) -> bool:
    """Whether the page shows a picture, or outlines, that may hold its text."""
    area = float(page.rect.width * page.rect.height) or 1.0
    covered = 0.0
    for image in page.get_image_info():
        x0, y0, x1, y1 = image["bbox"]
        if min(image["width"], image["height"]) >= 16:
            covered += max(0.0, x1 - x0) * max(0.0, y1 - y0)
    if covered > (0.4 if letters else 0.02) * area:
        return True
    curves = sum(block["type"] == 3 and not block["isrect"] for block in raw["blocks"])
    return not letters and curves >= OUTLINED


def _flag_file(pdf: Any, report: _Report) -> None:
    import pymupdf

    if pdf.is_pdf and pdf.is_repaired:
        report.flags.append(Flag("repaired", "the file is damaged; MuPDF rebuilt its structure, text may be missing"))
    try:
        attached = pdf.embfile_count() if pdf.is_pdf else 0
    except Exception:  # a broken name tree
        attached = 0
    if attached:
        report.flags.append(Flag("attachments-ignored", f"{attached} embedded files are not read"))
    warnings = list(dict.fromkeys(line.strip() for line in pymupdf.TOOLS.mupdf_warnings().splitlines() if line.strip()))
    if warnings:
        more = f" and {len(warnings) - 3} more" if len(warnings) > 3 else ""
        report.flags.append(Flag("parser-warnings", "; ".join(warnings[:3])[:300] + more))


def _why_empty(path: Path, count: int, report: _Report) -> str:
    if waiting := report.pages.get("needs-ocr"):
        return f"{path} has no text layer (pages {spelled(waiting)}); {ocr.INSTALL} lets Octavo read its pictures"
    seen = ", ".join(f"{code} (pages {spelled(pages)})" for code, pages in report.pages.items())
    return f"{path} holds no text on its {count} pages{': ' + seen if seen else ''}"


def spelled(pages: list[int]) -> str:
    """Page numbers for people: ``1-3, 7``."""
    parts: list[str] = []
    start = last = pages[0]
    for page in [*pages[1:], -1]:
        if page == last + 1:
            last = page
            continue
        parts.append(str(start) if start == last else f"{start}-{last}")
        start = last = page
    return ", ".join(parts[:20]) + (", ..." if len(parts) > 20 else "")


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
