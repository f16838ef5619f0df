"""The media type of a file, found in its bytes.

A name says little: a ``.docx`` may hold one line of text, a file without a suffix a PDF. The suffix decides only
what the bytes leave open: Markdown against plain text, a fragment of HTML against either.
"""

# ruff: noqa: SIM905 (sets of names read best as words)
from __future__ import annotations

import re
import zipfile
from pathlib import Path
from typing import Final

from .media_signatures import MEDIA_MAGIC, MEDIA_SUFFIXES, has_music_tag, stream_type

PDF: Final = "application/pdf"
HTML: Final = "text/html"
MARKDOWN: Final = "text/markdown"
PLAIN: Final = "text/plain"
CSV: Final = "text/csv"
EMAIL: Final = "message/rfc822"
RTF: Final = "application/rtf"
EPUB: Final = "application/epub+zip"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
ODT: Final = "application/vnd.oasis.opendocument.text"
OLE: Final = "application/x-ole-storage"
ENCRYPTED_OFFICE: Final = "application/x-ole-storage; encrypted=office"
ZIP: Final = "application/zip"
EMPTY: Final = "application/x-empty"
BINARY: Final = "application/octet-stream"

IMAGES: Final = frozenset({"image/png", "image/jpeg", "image/tiff", "image/webp", "image/bmp", "image/gif"})

HEAD_BYTES: Final = 64 * 1024
"""How much of a file :func:`media_type` looks at."""

_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"II*\x00", "image/tiff"),
    (0, b"MM\x00*", "image/tiff"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypcrx ", "image/x-canon-cr3"),
    *MEDIA_MAGIC,
    (0, b"\x1f\x8b", "application/gzip"),
    (0, b"BZh", "application/x-bzip2"),
    (0, b"\xfd7zXZ\x00", "application/x-xz"),
    (0, b"7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
    (0, b"Rar!\x1a\x07", "application/vnd.rar"),
    (0, b"(\xb5/\xfd", "application/zstd"),
    (0, b"SQLite format 3\x00", "application/vnd.sqlite3"),
    (0, b"\x7fELF", "application/x-elf"),
    (0, b"MZ\x90\x00", "application/vnd.microsoft.portable-executable"),
    (0, b"%!PS", "application/postscript"),
    (0, b"\x00asm", "application/wasm"),
    (60, b"BOOKMOBI", "application/x-mobipocket-ebook"),
    (0, b"wOFF", "font/woff"),
    (0, b"wOF2", "font/woff2"),
    (0, b"PAR1", "application/vnd.apache.parquet"),
)

_MARKDOWN_SUFFIXES: Final = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mkdn", ".mdx", ".rmd", ".qmd"})
_HTML_SUFFIXES: Final = frozenset({".html", ".htm", ".xhtml", ".xht", ".shtml"})
_TABLE_SUFFIXES: Final = frozenset({".csv", ".tsv"})
_PROSE_SUFFIXES: Final = _MARKDOWN_SUFFIXES | {".txt", ".text", ".log", ".rst", ".org", ".adoc", ".tex"}

_MAIL_HEADERS: Final = frozenset(
    "from to cc bcc subject date received mime-version message-id return-path delivered-to content-type reply-to"
    " sender in-reply-to references x-mailer dkim-signature x-received".split()
)
_HEADER_LINE: Final = re.compile(r"([!-9;-~]+):[ \t]?")
_PROLOGUE: Final = re.compile(r"\s+|<\?.*?\?>|<!--.*?-->", re.DOTALL)
_HTML_START: Final = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_TAG: Final = re.compile(r"<(?:/?[a-z][a-z0-9]*(?:\s[^<>]*)?/?|!doctype[^<>]*|!--)>?", re.IGNORECASE)


def media_type(path: Path, head: bytes) -> str:
    """Name what a file holds.

    Args:
        path: The file; its suffix settles only what the bytes leave open, and a zip archive's member names are
            read from it.
        head: The first :data:`HEAD_BYTES` bytes.

    Returns:
        An IANA media type; :data:`BINARY` for bytes that are neither text nor known, :data:`EMPTY` for none.
    """
    if not head:
        return EMPTY
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n\x00")
    if start.startswith(b"%PDF-"):
        return PDF
    if head.startswith(b"PK\x03\x04") or head.startswith(b"PK\x05\x06"):
        return _zip_type(path, head)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _ole_type(path)
    if start.startswith(b"{\\rtf"):
        return RTF
    if head.startswith(b"BM") and len(head) > 18 and head[6:10] == b"\0\0\0\0":
        return "image/bmp"
    for offset, magic, name in _MAGIC:
        if head.startswith(magic, offset):
            return name
    text = glimpse(head)
    named = MEDIA_SUFFIXES.get(path.suffix.lower())
    # Two bytes of a frame's header prove little against text.
    if (text is None or named) and (stream := stream_type(head)):
        return stream
    if named and (text is None or has_music_tag(path, head)):
        return named
    if text is None:
        # Junk before the header is common enough in PDFs for viewers to look for it in the first 1024 bytes.
        return PDF if b"%PDF-" in head[:1024] else BINARY
    return _text_type(path.suffix.lower(), text)


def glimpse(head: bytes) -> str | None:
    """Decode a file's first bytes well enough to look at them; ``None`` where they are not text."""
    for bom, encoding in ((b"\xff\xfe\0\0", "utf-32"), (b"\0\0\xfe\xff", "utf-32")):
        if head.startswith(bom):
            return head[: len(head) // 4 * 4].decode(encoding, "replace")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head[: len(head) // 2 * 2].decode("utf-16", "replace")
    if (order := utf16_order(head)) is not None:
        return head[: len(head) // 2 * 2].decode(order, "replace")
    # Text has hardly any control characters; ESC (ISO-2022-JP, terminal logs) and BS count as text.
    controls = len(head) - len(head.translate(None, b"\x00\x01\x02\x03\x04\x05\x06\x07\x0e\x0f" + bytes(range(16, 27))))
    if controls > 0.02 * len(head):
        return None
    try:
        return head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(head) - 3:  # cut inside a character
            return head[: error.start].decode("utf-8-sig")
    return head.decode("cp1252", "replace")


def utf16_order(head: bytes) -> str | None:
    """The byte order of UTF-16 without a mark, told by where the zero bytes of Latin letters stand."""
    pairs = len(head) // 2
    if pairs < 4:
        return None
    even, odd = head[: 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if odd > 0.4 * pairs and even < 0.02 * pairs:
        return "utf-16-le"
    if even > 0.4 * pairs and odd < 0.02 * pairs:
        return "utf-16-be"
    return None


def _text_type(suffix: str, text: str) -> str:
    text = text.removeprefix("\ufeff")
    position = 0
    while match := _PROLOGUE.match(text, position):
        position = match.end()
    if _HTML_START.match(text, position):
        return HTML
    if suffix in _HTML_SUFFIXES and _TAG.search(text):
        return HTML
    if suffix in _MARKDOWN_SUFFIXES:
        return MARKDOWN
    if suffix in _TABLE_SUFFIXES:
        return CSV
    if suffix not in _PROSE_SUFFIXES and _is_mail(suffix, text):
        return EMAIL
    return PLAIN


def _is_mail(suffix: str, text: str) -> bool:
    """A run of header lines at the top, of which two (in an ``.eml`` one) are headers of mail."""
    known = 0
    lines = text.splitlines()[:200]
    for line in lines[1:] if lines and lines[0].startswith("From ") else lines:  # as mailboxes separate messages
        if line[:1] in (" ", "\t") and known:
            continue
        match = _HEADER_LINE.match(line)
        if match is None:
            break
        known += match.group(1).lower() in _MAIL_HEADERS
    return known >= (1 if suffix == ".eml" else 2)


def _zip_type(path: Path, head: bytes) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            stated = archive.read("mimetype")[:200] if "mimetype" in names else b""
    except (OSError, zipfile.BadZipFile, NotImplementedError, RuntimeError, ValueError):
        # No directory to read (cut short, most likely): the first members still tell what it was to be.
        names = {name for name in ("word/", "ppt/", "xl/") if name.encode() in head}
        match = re.search(rb"mimetype(application/[!-~]{1,80}?)(?:PK|$)", head)
        stated = match.group(1) if match else b""
    name = stated.decode("ascii", "replace").strip()
    if name.startswith("application/") and name != ZIP:
        return name.split(";")[0].removesuffix("-template")
    if "META-INF/container.xml" in names:
        return EPUB
    for folder, office in (("word/", DOCX), ("ppt/", PPTX), ("xl/", XLSX)):
        if any(name.startswith(folder) for name in names):
            return office
    return ZIP


def _ole_type(path: Path) -> str:
    """Old Office files and encrypted new ones share a container; stream names are stored in UTF-16."""
    with path.open("rb") as file:
        content = file.read(8 * 1024 * 1024)
    for stream, name in (
        ("EncryptedPackage", ENCRYPTED_OFFICE),
        ("WordDocument", "application/msword"),
        ("PowerPoint Document", "application/vnd.ms-powerpoint"),
        ("Workbook", "application/vnd.ms-excel"),
        ("__substg1.0_", "application/vnd.ms-outlook"),
    ):
        if stream.encode("utf-16-le") in content:
            return name
    return OLE
