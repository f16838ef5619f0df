"""E-books: the chapters of an EPUB in spine order, each a page, through the reader of web pages.

PyMuPDF opens EPUB too, but gives laid-out lines without headings, and takes 1.7 s to import.
Format: EPUB 3.3, https://www.w3.org/TR/epub-33/ (and the older OPF 2.0).
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import unquote

from ..document import Document, Flag, Metadata, Source
from ..errors import DamagedSource, EncryptedSource
from .archive import Archive, open_archive
from .compose import Composer, one_line
from .dates import iso_date
from .decoding import decode_html
from .html import read_page

if TYPE_CHECKING:
    from lxml.etree import _Element

_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_FONT_DISGUISES: Final = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")
_PAGES: Final = frozenset(("application/xhtml+xml", "text/html", "application/x-dtbook+xml", "text/x-oeb1-document"))


def read_epub(path: Path, source: Source) -> Document:
    """Read an e-book.

    Raises:
        DamagedSource: No package document, or no chapter of it can be read.
        EmptySource: Chapters without text.
        EncryptedSource: Chapters are encrypted (DRM).
    """
    flags: list[Flag] = []
    composer = Composer()
    with open_archive(path) as archive:
        package_name = _package_name(archive)
        package = archive.xml(package_name)
        chapters = list(_chapters(package, package_name))
        _refuse_encrypted(archive, chapters, path)
        for number, chapter in enumerate(chapters, start=1):
            try:
                drafts, _, doubts = read_page(decode_html(archive.read(chapter)).text)
            except DamagedSource as error:
                flags.append(Flag("text-lost", f"chapter {number}: {error}"))
                drafts, doubts = [], []
            flags.extend(Flag(doubt.code, f"chapter {number}: {doubt.detail}") for doubt in doubts)
            composer.add_page(drafts)
    if chapters and len(flags) >= len(chapters) and all(flag.code == "text-lost" for flag in flags):
        raise DamagedSource(f"{path}: none of {len(chapters)} chapters can be read; first: {flags[0].detail}")
    return composer.document(source, _metadata(package), flags, empty=f"{len(chapters)} chapters without text")


def _package_name(archive: Archive) -> str:
    if "META-INF/container.xml" in archive:
        for element in archive.xml("META-INF/container.xml").iter("{*}rootfile"):
            name = unquote(element.get("full-path") or "")
            if name in archive:
                return name
    name = next((name for name in archive.names if name.endswith(".opf")), "")
    return name or "META-INF/container.xml"


def _chapters(package: _Element, package_name: str) -> Iterator[str]:
    """Member names in reading order; the table of contents and pictures as pages are left out."""
    folder = posixpath.dirname(package_name)
    items = {item.get("id"): item for item in package.iter("{*}item")}
    for reference in package.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or (item.get("media-type") or "") not in _PAGES:
            continue
        if "nav" in (item.get("properties") or "").split():
            continue
        yield posixpath.normpath(posixpath.join(folder, unquote(item.get("href") or "").split("#")[0]))


def _refuse_encrypted(archive: Archive, chapters: list[str], path: Path) -> None:
    """Fonts may be disguised; encrypted chapters are protected against copying."""
    if "META-INF/encryption.xml" not in archive:
        return
    for data in archive.xml("META-INF/encryption.xml").iter("{*}EncryptedData"):
        method = next((element.get("Algorithm") for element in data.iter("{*}EncryptionMethod")), "")
        names = [unquote(element.get("URI") or "") for element in data.iter("{*}CipherReference")]
        if method not in _FONT_DISGUISES and any(name in chapters for name in names):
            raise EncryptedSource(f"{path}: the chapters are protected against copying (DRM, {method})")


def _metadata(package: _Element) -> Metadata:
    def first(name: str) -> str:
        return next((text for element in package.iter(_DC + name) if (text := one_line(element.text or ""))), "")

    authors = [one_line(element.text or "") for element in package.iter(_DC + "creator")]
    modified = [
        element.text or "" for element in package.iter("{*}meta") if element.get("property") == "dcterms:modified"
    ]
    return Metadata(
        title=first("title"),
        author=", ".join(filter(None, authors)),
        language=first("language"),
        created=iso_date(first("date")),
        modified=iso_date(modified[0]) if modified else "",
    )
