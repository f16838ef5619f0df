"""Reading members of zip files from strangers: bounded, and with errors of our own."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Final

from ..errors import DamagedSource, EncryptedSource

if TYPE_CHECKING:
    from lxml.etree import _Element

_MEMBER_LIMIT: Final = 512 * 1024 * 1024
"""Largest member, unpacked. A zip file of 1 MB can unpack to 1 GB of zeros."""

_STRICT: Final = b"http://purl.oclc.org/ooxml/"
_STRICT_NAMES: Final = (
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"),
    (b"http://purl.oclc.org/ooxml/officeDocument/", b"http://schemas.openxmlformats.org/officeDocument/2006/"),
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", b"http://schemas.openxmlformats.org/wordprocessingml/2006/main"),
    (b"http://purl.oclc.org/ooxml/presentationml/main", b"http://schemas.openxmlformats.org/presentationml/2006/main"),
    (b"http://purl.oclc.org/ooxml/drawingml/", b"http://schemas.openxmlformats.org/drawingml/2006/"),
)  # fmt: skip


class Archive:
    """A zip file's members by name."""

    def __init__(self, file: zipfile.ZipFile, name: str) -> None:
        self._file = file
        self._name = name
        self.names = {info.filename: info for info in file.infolist()}

    def __contains__(self, member: str) -> bool:
        return member in self.names

    def read(self, member: str) -> bytes:
        """Unpack a member.

        Raises:
            DamagedSource: It is missing, does not match its checksum, or unpacks to more than 512 MiB.
            EncryptedSource: It needs a password.
        """
        info = self.names.get(member)
        if info is None:
            raise DamagedSource(f"{self._name}: the part {member!r} is missing; the file was cut short or made wrongly")
        if info.file_size > _MEMBER_LIMIT:
            raise DamagedSource(f"{self._name}: the part {member!r} unpacks to {info.file_size:,} bytes, too many")
        if info.flag_bits & 1:
            raise EncryptedSource(f"{self._name}: the part {member!r} needs a password; save the file without one")
        try:
            return self._file.read(info)
        except Exception as error:  # zlib.error, BadZipFile, EOFError, NotImplementedError, ... by damage
            raise DamagedSource(f"{self._name}: the part {member!r} cannot be unpacked ({error})") from error

    def xml(self, member: str) -> _Element:
        """Unpack and parse a member.

        Raises:
            DamagedSource: It is missing, damaged or no XML at all.
        """
        return parse_xml(self.read(member), f"{self._name}: the part {member!r}")


@contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """Open a zip file.

    Raises:
        DamagedSource: It is none, or its directory is gone.
    """
    try:
        file = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise DamagedSource(f"{path}: not a readable zip file ({error}); it may have been cut short") from error
    with file:
        yield Archive(file, str(path))


def parse_xml(data: bytes, name: str) -> _Element:
    """Parse XML from a stranger: no entities, no network, repaired where it can be.

    Raises:
        DamagedSource: There is no element in it.
    """
    from lxml import etree

    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, recover=True, huge_tree=True, remove_comments=True
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise DamagedSource(f"{name} is not XML ({error})") from error
    if root is None:
        raise DamagedSource(f"{name} is not XML")
    return root


def office_package(path: Path) -> IO[bytes]:
    """The file for python-docx and python-pptx to open.

    "Strict" Office files use other names for the same things, which those libraries do not know; they get a copy in
    memory with the usual names.

    Raises:
        DamagedSource: Not a zip file, or a part of it cannot be unpacked.
        EncryptedSource: A part needs a password.
    """
    with open_archive(path) as archive:
        parts = [name for name in archive.names if name.endswith((".xml", ".rels"))]
        for name in parts:
            archive.read(name)  # damage and bombs come out here, with a message that names the part
        if not any(_STRICT in archive.read(name)[:8192] for name in parts if name.endswith("_rels/.rels")):
            return path.open("rb")
        copy = io.BytesIO()
        with zipfile.ZipFile(copy, "w", zipfile.ZIP_STORED) as out:
            for name in archive.names:
                data = archive.read(name)
                if name.endswith((".xml", ".rels")):
                    for strict, usual in _STRICT_NAMES:
                        data = data.replace(strict, usual)
                out.writestr(name, data)
    copy.seek(0)
    return copy
