"""Which reader takes which media type, and what every document passes before it leaves reading."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Final, cast

from ..document import Document, Flag, Source
from ..errors import EmptySource, EncryptedSource, UnsupportedSource
from ..recording import Recording
from ..scale import Medium
from ..scratch import scratch_path
from . import media_type as types
from .compose import one_line
from .identity import identify
from .language import detect_language
from .media_signatures import NOTES, RECORDINGS


@dataclass(frozen=True, slots=True)
class Parser:
    """A reader of some media types.

    Attributes:
        module, function: Where it is; the module is imported when a file needs it.
        version: Raised whenever the same bytes would give another document.
        libraries: Distributions whose versions change what it reads.
        medium: What it gives: text is read into a :class:`Document`, sound into a :class:`Recording`.
    """

    media_types: frozenset[str]
    module: str
    function: str
    version: int
    libraries: tuple[str, ...] = ()
    medium: Medium = Medium.TEXT


PARSERS: Final = (
    Parser(frozenset({types.PLAIN, types.CSV}), "plain", "read_plain", 1, ("charset-normalizer",)),
    Parser(frozenset({types.MARKDOWN}), "markdown", "read_markdown", 1, ("markdown-it-py", "mdit-py-plugins")),
    Parser(frozenset({types.HTML}), "html", "read_html", 1, ("selectolax",)),
    Parser(frozenset({types.DOCX}), "docx", "read_docx", 1, ("python-docx", "lxml")),
    Parser(frozenset({types.PPTX}), "pptx", "read_pptx", 1, ("python-pptx", "lxml")),
    Parser(frozenset({types.EPUB}), "epub", "read_epub", 1, ("selectolax", "lxml")),
    Parser(frozenset({types.ODT}), "odt", "read_odt", 1, ("lxml",)),
    Parser(frozenset({types.RTF}), "rtf", "read_rtf", 1),
    Parser(frozenset({types.EMAIL}), "mail", "read_mail", 1, ("selectolax",)),
    Parser(frozenset({types.PDF}), "pdf", "read_pdf", 1, ("pymupdf", "rapidocr")),
    Parser(types.IMAGES, "image", "read_image", 1, ("pymupdf", "rapidocr")),
    Parser(RECORDINGS, "audio", "read_audio", 1, ("av",), Medium.AUDIO),
)

_PARSER_OF: Final = {name: parser for parser in PARSERS for name in parser.media_types}

_ADVICE: Final = {
    types.XLSX: "an Excel workbook; save the sheets as CSV",
    "application/vnd.ms-excel": "an old Excel workbook; save the sheets as CSV",
    "application/vnd.oasis.opendocument.spreadsheet": "an OpenDocument spreadsheet; save the sheets as CSV",
    "application/vnd.oasis.opendocument.presentation": "an OpenDocument presentation; save it as PPTX or PDF",
    "application/msword": "an old Word file; save it as DOCX or PDF",
    "application/vnd.ms-powerpoint": "an old PowerPoint file; save it as PPTX or PDF",
    "application/vnd.ms-outlook": "an Outlook message; save it as EML or HTML",
    "application/x-mobipocket-ebook": "a Mobipocket e-book; convert it to EPUB",
    "application/postscript": "PostScript; convert it to PDF",
    types.ZIP: "a zip archive; unpack it and give the files",
    types.OLE: "an old Office or Windows container that no reader takes",
    types.BINARY: "binary data of no known kind",
    NOTES: "notes without sound; render them to a recording",
    "image/heic": "a HEIC picture; save it as JPEG or PNG",
    "image/avif": "an AVIF picture; save it as JPEG or PNG",
}

READABLE: Final = frozenset(_PARSER_OF)
"""The media types that can be read."""


@cache
def reader_version(media_type: str) -> str:
    """What parses this media type, libraries and their versions included; empty where nothing does.

    Documents read under another version may differ: it belongs into the fingerprint of what is derived from them.
    """
    parser = _PARSER_OF.get(media_type)
    if parser is None:
        return ""
    parts = [f"{parser.module}/{parser.version}"]
    for name in parser.libraries:
        try:
            parts.append(f"{name} {importlib.metadata.version(name)}")
        except importlib.metadata.PackageNotFoundError:
            parts.append(f"{name} absent")
    return ", ".join(parts)


def read_in_process(path: Path, pcm: Path | None = None) -> Document | Recording:
    """Read a file in this very process: for the worker, and for files that can be trusted.

    A language is detected where a document states none.

    Args:
        path: The file.
        pcm: Where the samples of a recording are to be written; by default into this process's scratch folder.

    Raises:
        SourceMissing: Nothing there, or no permission.
        UnsupportedSource: No reader takes this kind of file.
        EncryptedSource: It needs a password or a key.
        DamagedSource: The parser gave up.
        EmptySource: There is no text and no sound in it.
    """
    source = identify(path)
    parser = parser_for(source)
    function = getattr(importlib.import_module(f".{parser.module}", __package__), parser.function)
    if parser.medium is Medium.AUDIO:
        listen = cast(Callable[[Path, Source, Path], Recording], function)
        return listen(Path(source.uri), source, pcm or scratch_path(".pcm"))
    read = cast(Callable[[Path, Source], Document], function)
    return _checked(read(Path(source.uri), source))


def read_document(path: Path) -> Document:
    """:func:`read_in_process` for a file that must hold text.

    Raises:
        SourceError: As :func:`read_in_process`, and :class:`UnsupportedSource` for a recording.
    """
    found = read_in_process(path)
    if isinstance(found, Recording):
        found.close()
        raise UnsupportedSource(f"{path}: a recording, where a document is needed")
    return found


def parser_for(source: Source) -> Parser:
    """The parser that takes a source.

    Raises:
        EmptySource: A file of no bytes.
        EncryptedSource: An Office file behind a password.
        UnsupportedSource: None takes it; the message names what it is.
    """
    parser = _PARSER_OF.get(source.media_type)
    if parser is not None:
        return parser
    if source.media_type == types.EMPTY:
        raise EmptySource(f"{source.uri}: the file has 0 bytes")
    if source.media_type == types.ENCRYPTED_OFFICE:
        raise EncryptedSource(f"{source.uri}: an Office file behind a password; save it without one")
    what = _ADVICE.get(source.media_type, "")
    named = f"{source.media_type}, {what}" if what else source.media_type
    raise UnsupportedSource(f"{source.uri}: no reader takes {named}")


def _checked(document: Document) -> Document:
    """What every document must be: text in blocks, encodable, with a language where one can be told."""
    if not document.blocks or not document.text.strip():
        reasons = "; ".join(f"{flag.code}: {flag.detail}" for flag in document.flags) or "it holds no text"
        raise EmptySource(f"{document.source.uri}: {reasons}")
    metadata = document.metadata
    metadata = replace(
        metadata, **{name: one_line(getattr(metadata, name))[:1000] for name in metadata.__dataclass_fields__}
    )
    if not metadata.language:
        metadata = replace(metadata, language=detect_language(document.text))
    text, flags = document.text, document.flags
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        text = _without_surrogates(text)
        flags = (*flags, Flag("undecodable-bytes", "lone surrogates in the text; they read as U+FFFD"))
    return replace(document, text=text, metadata=metadata, flags=flags)


def _without_surrogates(text: str) -> str:
    """One U+FFFD for each lone surrogate, so that positions stay."""
    return "".join("\ufffd" if "\ud800" <= character <= "\udfff" else character for character in text)
