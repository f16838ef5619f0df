"""Pictures of text: photographs and scans as PNG, JPEG, TIFF and the like, read by OCR."""

from __future__ import annotations

from pathlib import Path

from ..document import Document, Source
from ..errors import DamagedSource, EmptySource
from . import ocr
from .pdf import OCR_PAGES, OCR_SECONDS, read_pages


def read_image(path: Path, source: Source, *, ocr_pages: int = OCR_PAGES, ocr_seconds: float = OCR_SECONDS) -> Document:
    """Reads the text in a picture; each picture of a multi-page TIFF is a page.

    Args:
        path: The file.
        source: What the document names as its origin.
        ocr_pages, ocr_seconds: See :func:`~octavo.pipeline.reading.pdf.read_pdf`.

    Raises:
        DamagedSource: MuPDF cannot open it.
        EmptySource: There is no text in it, or OCR is not installed.
    """
    import pymupdf

    if not ocr.available():
        raise EmptySource(f"{path} is a picture; {ocr.INSTALL} lets Octavo read the text in it")
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    pymupdf.TOOLS.reset_mupdf_warnings()
    kind = source.media_type.partition("/")[2].removeprefix("x-")
    try:
        with pymupdf.open(path, filetype=kind) as picture:
            return read_pages(picture, path, source, ocr_pages, ocr_seconds)
    except (DamagedSource, EmptySource):
        raise
    except Exception as error:  # MuPDF's classes for this share no base but Exception
        raise DamagedSource(f"{path} cannot be opened as {source.media_type} ({error})") from error
